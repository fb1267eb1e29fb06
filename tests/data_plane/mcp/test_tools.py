"""Requests that calls become."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.data_plane.mcp.arguments import BadArguments
from gateway.data_plane.mcp.entrance import PARENT
from gateway.data_plane.mcp.inputs import ToolInput
from gateway.data_plane.mcp.tools import OfferedTool, router_of
from gateway.data_plane.routing import RoutedApi, RoutedOperation
from gateway.wire.headers import Headers
from gateway.wire.messages import Request


def _tool(taken: ToolInput, template: str = "/x", method: str = "POST") -> OfferedTool:
    operation = RoutedOperation("op", method, template)
    router = router_of(RoutedApi("a", "a", [operation], revision="1"), "/a")
    return OfferedTool("t", "T", "does", taken, router, operation, "/a")


def _caller() -> Request:
    fields = [("Authorization", "Bearer t"), ("Content-Type", "x"), ("Mcp-Session-Id", "s"), ("If-None-Match", "e")]
    return Request("POST", "/tools", headers=Headers(fields), ip_address="10.0.0.9", host="api.example", scheme="https")


def test_on_behalf_of_the_caller() -> None:
    """Its address, its token and its host go on; what only describes its message does not."""
    caller = _caller()
    request, _ = _tool(ToolInput()).request({}, caller)
    assert (request.ip_address, request.host, request.scheme, request.path) == (
        "10.0.0.9",
        "api.example",
        "https",
        "/a/x",
    )
    assert set(request.headers.names()) == {"authorization", "accept"}
    assert request.memo[PARENT] == caller.id != request.id


@pytest.mark.parametrize(
    ("media_type", "value", "content"),
    [
        ("application/json", {"a": "é"}, '{"a":"é"}'.encode()),
        ("application/json", [1], b"[1]"),
        ("application/x-www-form-urlencoded", {"a": ["x y", 1], "b": True}, b"a=x+y&a=1&b=true"),
        ("text/plain", "raw", b"raw"),
    ],
)
def test_bodies(media_type: str, value: Any, content: bytes) -> None:
    """The body is in the form that the operation takes."""
    taken = ToolInput(media_type=media_type, properties={"body": {}})
    request, _ = _tool(taken).request({"body": value}, _caller())
    assert request.body is not None
    assert (request.body.content, request.headers.first("Content-Type")) == (content, media_type)


def test_a_text_that_is_none() -> None:
    """A body that is a text cannot be an object."""
    with pytest.raises(BadArguments):
        _tool(ToolInput(media_type="text/plain", properties={"body": {}})).request({"body": {}}, _caller())


@pytest.mark.parametrize(
    ("method", "reads", "destroys"), [("GET", True, False), ("DELETE", False, True), ("POST", False, False)]
)
def test_hints(method: str, reads: bool, destroys: bool) -> None:
    """What a method promises is told to clients."""
    hints = _tool(ToolInput(), method=method).listing["annotations"]
    assert (hints["readOnlyHint"], hints["destructiveHint"]) == (reads, destroys)
