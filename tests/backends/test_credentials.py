"""Credentials reach the backend and nobody else."""

from __future__ import annotations

import pytest

from gateway.backends import Credentials
from tests.backends.scripted import get

SECRET = Credentials((("X-Api-Key", ("k1", "k2")),), (("code", "a b&c"),), "Bearer t0k3n")


def test_credentials_replace_what_the_client_sent() -> None:
    """The backend sees the gateway's values only, in every spelling of the name."""
    request = get(("x-api-key", "forged"), ("AUTHORIZATION", "Basic forged"), ("Accept", "*/*"))
    sent = SECRET.applied(request)
    assert sent.headers.values("x-api-key") == ("k1", "k2")
    assert sent.headers.values("authorization") == ("Bearer t0k3n",)
    assert sent.headers.first("accept") == "*/*"
    assert sent.body is request.body


def test_policies_never_see_credentials() -> None:
    """The request that policies and traces hold stays as it was, so a retry starts from it again."""
    request = get(("Accept", "*/*"), query="a=1")
    assert SECRET.applied(request).query == SECRET.applied(request).query
    assert (list(request.headers), request.query) == ([("Accept", "*/*")], "a=1")


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ("", "code=a%20b%26c"),
        ("a=1&b=%20", "a=1&b=%20&code=a%20b%26c"),
        ("code=forged&a=1&c%6fde=forged&code", "a=1&code=a%20b%26c"),
        ("Code=other", "Code=other&code=a%20b%26c"),
    ],
)
def test_query_credentials_are_the_only_ones(query: str, sent: str) -> None:
    """A parameter of that name from the client is dropped however it is encoded; all others stay as they are."""
    assert SECRET.applied(get(query=query)).query == sent


def test_only_what_is_configured_changes() -> None:
    """Without headers, query or authorization nothing is touched."""
    sent = Credentials().applied(get(("Authorization", "Bearer mine"), query="a=1&&"))
    assert (sent.headers.first("Authorization"), sent.query) == ("Bearer mine", "a=1&&")


def test_credentials_do_not_show() -> None:
    """Nothing secret is printed."""
    assert repr(SECRET) == "Credentials()"
