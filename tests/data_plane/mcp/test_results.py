"""Answers of operations as results of tools."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import pytest

from gateway.data_plane.mcp.messages import result_text
from gateway.data_plane.mcp.results import result_of
from gateway.wire.body import Body, BodyStream
from gateway.wire.headers import Headers
from gateway.wire.messages import Response

JSON = "application/json; charset=utf-8"
ANSWERS: list[tuple[int, str, bytes, dict[str, Any]]] = [
    (200, JSON, b'{"a": 1}', {"text": '{"a": 1}', "structuredContent": {"a": 1}, "isError": False}),
    (200, JSON, b"[1]", {"text": "[1]", "isError": False}),
    (200, JSON, b"{", {"text": "{", "isError": False}),
    (200, JSON, b'{"a": 1e999}', {"text": '{"a": 1e999}', "isError": False}),
    (200, JSON, b'{"a": NaN}', {"text": '{"a": NaN}', "isError": False}),
    (200, JSON, b'{"a": 1, "a": 2}', {"text": '{"a": 1, "a": 2}', "isError": False}),
    (204, "", b"", {"text": "", "isError": False}),
    (200, "text/csv", b"a,b", {"text": "a,b", "isError": False}),
    (404, "text/plain", b"no", {"text": "HTTP 404\nno", "isError": True}),
    (500, "image/png", b"\x89", {"text": "HTTP 500\n\ufffd", "isError": True}),
    (200, "text/plain", b"x" * 101, {"text": "The answer is larger than 100 bytes.", "isError": True}),
]


def _result(response: Response) -> dict[str, Any]:
    return asyncio.run(result_of(response, 100, "urn:x"))


@pytest.mark.parametrize(("status", "media_type", "content", "expected"), ANSWERS)
def test_texts(status: int, media_type: str, content: bytes, expected: dict[str, Any]) -> None:
    """JSON is structured as well, an error says its status, and what is too large is an error."""
    headers = Headers([("Content-Type", media_type)] if media_type else [])
    result = _result(Response(status, headers, Body(content)) if len(content) <= 100 else _streamed(content))
    text = result.pop("content")[0]["text"]
    assert {"text": text, **result} == expected


@pytest.mark.parametrize("levels", [63, 64, 984, 100_000])
def test_deep_answers(levels: int) -> None:
    """An answer whose structure cannot be written again is a text."""
    content = b'{"a":' * levels + b"1" + b"}" * levels
    response = Response(200, Headers([("Content-Type", JSON)]), Body(content))
    result = asyncio.run(result_of(response, len(content), "urn:x"))
    assert result_text(1, result)
    assert ("structuredContent" in result) == (levels < 65)


def _streamed(content: bytes) -> Response:
    return Response(200, body=Body(stream=BodyStream.whole(content, {})))


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [("image/png", "image"), ("audio/ogg", "audio"), ("application/pdf", "resource"), ("", "resource")],
)
def test_what_is_no_text(media_type: str, kind: str) -> None:
    """Images and sounds are shown as such, all else is an embedded resource."""
    headers = Headers([("Content-Type", media_type)] if media_type else [])
    assert _result(Response(200, headers, Body(b"\0\1")))["content"][0]["type"] == kind


def test_codings_are_undone() -> None:
    """A backend that compresses without being asked is understood; a bomb is not, nor an unknown coding."""
    coded = Headers([("Content-Encoding", "gzip"), ("Content-Type", "text/plain")])
    assert _result(Response(200, coded, Body(gzip.compress(b"plain"))))["content"][0]["text"] == "plain"
    assert _result(Response(200, coded, Body(gzip.compress(b"x" * 1_000_000)[:90])))["isError"]
    assert _result(Response(200, Headers([("Content-Encoding", "zstd")]), Body(b"x")))["isError"]
