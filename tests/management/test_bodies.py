"""What is posted to the management plane."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import Request
from starlette.types import Message

from gateway.management.bodies import bounded, is_of_type


def posted(*pieces: bytes, media_type: str = "") -> Request:
    """A request whose body comes in *pieces*; to ask for more than these is an error."""
    left = list(pieces)

    async def receive() -> Message:
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    headers = [(b"content-type", media_type.encode())] if media_type else []
    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)


@pytest.mark.parametrize(("pieces", "body"), [((b"",), b""), ((b"ab", b"cd"), b"abcd"), ((b"ab", b"cde", b"f"), None)])
def test_bodies_are_bounded(pieces: tuple[bytes, ...], body: bytes | None) -> None:
    """A body within the bound is whole; of a longer one the rest is not read."""
    assert asyncio.run(bounded(posted(*pieces), 4)) == body


@pytest.mark.parametrize(
    ("media_type", "is_json"),
    [("application/json", True), ("Application/JSON ; charset=utf-8", True), ("text/plain", False), ("", False)],
)
def test_the_type_counts(media_type: str, is_json: bool) -> None:
    """A type is compared without its parameters, and a request without one has none."""
    assert is_of_type(posted(b"", media_type=media_type), "application/json") is is_json
