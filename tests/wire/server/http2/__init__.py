"""HTTP/2 towards clients: RFC 9113 and RFC 7541 as a table of frames, and what a listener does with each."""
