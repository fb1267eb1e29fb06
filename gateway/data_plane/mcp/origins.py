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
    if not (parts.scheme and parts.hostname) or text.lower() != f"{parts.scheme}://{parts.netloc.lower()}":
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = "" if port in (None, DEFAULT_PORTS.get(parts.scheme)) else f":{port}"
    return None if "@" in parts.netloc else f"{parts.scheme}://{host}{shown}"
