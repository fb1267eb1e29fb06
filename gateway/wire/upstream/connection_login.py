"""
Log-ins that hold for a connection instead of a request.

With NTLM, and with Negotiate on many servers, every request that follows on the connection counts as the user who
logged in. A connection that has carried such a request therefore carries no other: it could be another client's.

Source: RFC 4559 §6; RFC 9110 §11.2: other schemes hold for one request.
"""

from __future__ import annotations

from gateway.wire.headers import Headers

_SCHEMES = ("negotiate", "ntlm")
_BEGIN = len("authorization:")
_USUAL = " Bearer "


def logs_connection_in(headers: Headers) -> bool:
    """Whether a request with *headers* logs its whole connection in."""
    line = headers.lines.get("authorization")
    if line is None or line.startswith(_USUAL, _BEGIN):
        return False
    return line[_BEGIN : _BEGIN + 16].lstrip(" \t").lower().startswith(_SCHEMES)
