"""Targets of requests: backends over HTTP/1.1, and applications in this process."""
