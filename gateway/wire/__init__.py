"""HTTP on both sides: the server protocol, the upstream pool, and the messages that pass between them."""
