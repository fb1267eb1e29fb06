"""Bodies that are small to send and costly to work on."""
