"""Metadata of protected resources, and where challenges point; requests are in tests/acceptance/test_mcp.py."""

from __future__ import annotations

import pytest

from gateway.data_plane.protected_resource import ResourceFacts, base_of
from gateway.wire.messages import Request


@pytest.mark.parametrize(
    ("resource", "endpoint", "named", "where"),
    [
        (None, "", "https://a/x", "https://a/.well-known/oauth-protected-resource/x"),
        (None, "/mcp", "https://a/x/mcp", "https://a/.well-known/oauth-protected-resource/x/mcp"),
        ("https://b/y", "/mcp", "https://b/y", "https://b/.well-known/oauth-protected-resource/y"),
        ("https://b", "", "https://b", "https://b/.well-known/oauth-protected-resource"),
    ],
)
def test_where_metadata_is(resource: str | None, endpoint: str, named: str, where: str) -> None:
    """The well-known part comes between host and path (RFC 9728, section 3.1)."""
    facts = ResourceFacts("X", "/x", ["https://issuer"], resource=resource)
    assert facts.metadata("https://a", endpoint)["resource"] == named
    assert facts.metadata_url("https://a", endpoint) == where


def test_the_public_name() -> None:
    """Scheme and host are those that a trusted proxy reports."""
    assert base_of(Request("GET", "/", scheme="https", host="api.example", port=443)) == "https://api.example"
    assert base_of(Request("GET", "/", scheme="http", host="::1", port=8080)).endswith(":8080")
