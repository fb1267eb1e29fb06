"""
What keeps one call of a client from leaving anything behind for the next, which may be on another caller's behalf.

Source: RFC 6265 §5.3: what a cookie jar would keep.
"""

from __future__ import annotations

from http.cookiejar import CookieJar, DefaultCookiePolicy


def no_cookies() -> CookieJar:
    """A jar that accepts no cookie: for every HTTP client that outlives a call."""
    return CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
