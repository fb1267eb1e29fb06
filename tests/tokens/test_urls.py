"""Addresses that mean the same are the same text."""

from __future__ import annotations

import pytest

from gateway.tokens.urls import comparable_url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("HTTPS://Login.Example/Path?Q=1", "https://login.example/Path?Q=1"),
        ("https://a.example:443/x", "https://a.example/x"),
        ("http://a.example:80", "http://a.example"),
        ("https://a.example:80/x", "https://a.example:80/x"),
        ("https://a.example./x", "https://a.example/x"),
        ("https://[2001:DB8::1]:8443/x", "https://[2001:db8::1]:8443/x"),
    ],
)
def test_equal_addresses(url: str, expected: str) -> None:
    """Letter case of scheme and host, a default port and a final dot make no difference; path and query do."""
    assert comparable_url(url) == expected


@pytest.mark.parametrize("url", ["https://[a", "https://a.example:x/", "https://user@a.example/"])
def test_what_is_not_compared(url: str) -> None:
    """What is not a URL, or hides another host behind a user name, is never equal to anything."""
    with pytest.raises(ValueError):
        comparable_url(url)
