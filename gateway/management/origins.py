"""
Which requests another site's page has made a browser send: none of them is served.

Browsers say where a request comes from (``Sec-Fetch-Site``, ``Origin``); programs say nothing. A link from elsewhere
to a page of the console is the one thing another site may cause.

Source: Fetch Metadata Request Headers; Fetch Standard, "Origin header"; OWASP "Cross-Site Request Forgery Prevention".
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OURS = frozenset({"same-origin", "none"})  # none: typed, or a bookmark


def is_foreign(scope: Scope) -> bool:
    """Whether a browser sends the request on behalf of another origin; another port is another origin."""
    headers = Headers(scope=scope)
    sites, origins = headers.getlist("sec-fetch-site"), headers.getlist("origin")
    if sites and not _OURS.issuperset(sites) and not _is_link(scope, headers):
        return True
    if not origins or scope["method"] in SAFE:
        return False
    return len(origins) > 1 or _authority(origins[0]) != headers.get("host", "").lower()


def _is_link(scope: Scope, headers: Headers) -> bool:
    """Whether someone follows a link to a page."""
    is_page = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return is_page and scope["method"] == "GET"


def _authority(origin: str) -> str:
    """``host:port`` of an origin, as ``Host`` has it; empty for ``null`` and whatever is malformed."""
    try:
        parts = urlsplit(origin.lower())
    except ValueError:
        return ""
    return parts.netloc if parts.scheme in ("http", "https") else ""
