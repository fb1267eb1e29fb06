"""
``host[:port]``, as Host, absolute targets and X-Forwarded-Host write it.

Narrower than RFC 3986 where receivers differ: no user, no percent-encoding, no empty label, no IPv6 zone.

Source: RFC 9110 §7.2; RFC 3986 §3.2.2 and §3.2.3.
"""

from __future__ import annotations

import ipaddress
import re

_MAX_NAME = 255
_LABEL = r"[A-Za-z0-9\-_~]+"
_AUTHORITY = re.compile(
    rf"(?P<host>(?:{_LABEL}\.)*{_LABEL}\.?|\[(?P<literal>[0-9A-Fa-f:.]+)\])(?::(?P<port>[0-9]{{0,5}}))?"
)


def is_authority(text: str) -> bool:
    """Whether *text* is a host, with or without a port, that every receiver reads alike."""
    parts = _AUTHORITY.fullmatch(text)
    return (
        parts is not None
        and len(parts["host"]) <= _MAX_NAME
        and 1 <= int(parts["port"] or 1) <= 65_535
        and (parts["literal"] is None or _is_ipv6(parts["literal"]))
    )


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
