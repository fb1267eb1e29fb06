"""
URLs compared as what they mean: scheme and host in lower case, a default port left out.

Source: RFC 3986 section 6.2.2.1 (case) and section 6.2.3 (scheme-based normalisation).
"""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

DEFAULT_PORTS = {"https": 443, "http": 80}


def comparable_url(url: str) -> str:
    """*url* in a normal form, in which equal addresses are the same text; ValueError if it is not a URL."""
    parts = urlsplit(url)
    if parts.username is not None:
        raise ValueError("a URL with a user name in it")
    host = (parts.hostname or "").removesuffix(".")
    shown = f"[{host}]" if ":" in host else host
    port = "" if parts.port in (None, DEFAULT_PORTS.get(parts.scheme)) else f":{parts.port}"
    return urlunsplit((parts.scheme, shown + port, parts.path, parts.query, parts.fragment))
