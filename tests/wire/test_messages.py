"""Requests, responses and URLs: what stays as received, what the backend gets, and what ends with the exchange."""

from __future__ import annotations

import pytest

from gateway.wire.body import BodyStream
from gateway.wire.messages import Request, Response, Url, join_paths, reason_phrase


@pytest.mark.parametrize(
    ("url", "text", "authority"),
    [
        (Url("https", "a.test", 443, "/p", "q=1"), "https://a.test/p?q=1", "a.test"),
        (Url("https", "a.test", 80, "/"), "https://a.test:80/", "a.test:80"),
        (Url("ws", "a.test", 80, "/"), "ws://a.test/", "a.test"),
        (Url("odd", "a.test", 80, "/"), "odd://a.test:80/", "a.test:80"),
    ],
)
def test_urls(url: Url, text: str, authority: str) -> None:
    """The port is written where it is not the scheme's own."""
    assert (str(url), url.authority) == (text, authority)


def test_parameters_of_a_url() -> None:
    """Decoded, several values each, empty ones too."""
    assert Url("http", "a", 80, "/", "a=1&b=&a=x%20y+z&c").params == {"a": ["1", "x y z"], "b": [""], "c": [""]}


@pytest.mark.parametrize(
    ("base", "rest", "joined"),
    [
        ("/", "", "/"),
        ("", "", "/"),
        ("/a", "", "/a"),
        ("/a/", "b", "/a/b"),
        ("/a", "/b", "/a/b"),
        ("/a//", "//b", "/a/b"),
    ],
)
def test_joined_paths(base: str, rest: str, joined: str) -> None:
    """Exactly one slash between them; an empty rest adds nothing."""
    assert join_paths(base, rest) == joined


def test_the_original_stays() -> None:
    """Policies change what the backend gets; what the client sent can still be read."""
    request = Request("GET", "/a", "q=1", scheme="https", host="h.test", port=443)
    request.method, request.path, request.query = "PUT", "/b", ""
    assert str(request.original_url) == "https://h.test/a?q=1"
    assert request.original_method == "GET"
    assert str(request.url) == "https://h.test/b"


def test_lent_streams_end_with_the_exchange() -> None:
    """A body that was lent to an exchange is dropped when it ends, once."""
    dropped: list[str] = []
    request = Request("GET", "/")
    request.abandon_streams()
    for name in ("a", "b"):
        request.lend(BodyStream(discard=lambda name=name: dropped.append(name)))  # type: ignore[misc]
    request.abandon_streams()
    request.abandon_streams()
    assert dropped == ["a", "b"]


@pytest.mark.parametrize(("status", "phrase"), [(200, "OK"), (404, "Not Found"), (299, ""), (799, "")])
def test_reason_phrases(status: int, phrase: str) -> None:
    """The registered phrase, or none; one that was set stays, an empty one too."""
    assert reason_phrase(status) == Response(status).reason == phrase
    response = Response(status, reason="")
    assert response.reason == ""
    response.reason = "Mine"
    assert response.reason == "Mine"
    response.reason = None
    assert response.reason == phrase
