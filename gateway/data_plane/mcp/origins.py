"""
Origins in one form, so that they are compared as what they mean.

Source: RFC 6454 §4 and §6.1.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from gateway.wire.messages import DEFAULT_PORTS


def origin_of(text: str) -> str | None:
    """``scheme://host:port`` in lower case, the port only where it is not the scheme's own; or None."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    if not parts.scheme or not parts.hostname or parts.username is not None:
        return None
    if parts.path or parts.query or parts.fragment:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = "" if port in (None, DEFAULT_PORTS.get(parts.scheme)) else f":{port}"
    return f"{parts.scheme}://{host}{shown}"
