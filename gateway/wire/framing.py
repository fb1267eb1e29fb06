"""
What belongs to one connection and not to the message: where a body ends, and the fields that no proxy passes on.

Source: RFC 9112 §6; RFC 9110 §7.6.1.
"""

from __future__ import annotations

CHUNKED = -1
"""In place of a body's length: it is chunked, and its framing marks its end."""

# RFC 9110 §7.6.1, and Proxy-Connection, which old clients still send.
HOP_BY_HOP = frozenset(
    [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ]
)

# What the client has to read of some answers, hop-by-hop or not. Source: RFC 9110 §15.5.22 and §15.5.8.
NEEDED_BY_STATUS = {426: "upgrade", 407: "proxy-authenticate"}

# The wire writes these itself, whatever a backend or policy has written.
OWNED = frozenset(
    [
        "connection",
        "content-length",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ]
)


def has_no_body(status: int, method: str) -> bool:
    """Whether the answer ends with its head. Source: RFC 9112 §6.3."""
    return method == "HEAD" or status in (204, 304) or status < 200
