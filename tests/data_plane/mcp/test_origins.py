"""Origins in one form."""

from __future__ import annotations

import pytest

from gateway.data_plane.mcp.origins import origin_of


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://App.Example:443", "https://app.example"),
        ("http://app.example:8080", "http://app.example:8080"),
        ("http://[::1]:80", "http://[::1]"),
        ("vscode-webview://1a2b", "vscode-webview://1a2b"),
        ("https://app.example/", None),
        ("https://app.example?x", None),
        ("https://me@app.example", None),
        ("https://app.example:x", None),
        ("null", None),
        ("", None),
        ("app.example", None),
    ],
)
def test_an_origin_has_one_form(text: str, origin: str | None) -> None:
    """Case and the scheme's own port make no difference; what is more than an origin is none."""
    assert origin_of(text) == origin
