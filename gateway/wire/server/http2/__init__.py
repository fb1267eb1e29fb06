"""HTTP/2 towards clients. Source: RFC 9113."""
