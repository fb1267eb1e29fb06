"""The first step of an MCP API: origins, sizes, and what policies learn of a message."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Iterable
from typing import Any

import pytest

from gateway.assembly import entities
from gateway.data_plane.mcp.entrance import entrance
from gateway.data_plane.mcp.settings import McpSettings
from gateway.errors import PolicyError
from gateway.expressions.entities import DeploymentInfo
from gateway.pipeline.context import Context, OperationInfo
from gateway.telemetry.tool_calls import ToolCalls
from gateway.wire.body import Body, BodyStream
from gateway.wire.headers import Headers
from gateway.wire.messages import Ending, Request

KNOWN = {"known": OperationInfo("known", "Known", "POST", "/*")}


def _entered(
    body: Body | None,
    known: Any = KNOWN,
    method: str = "POST",
    fields: Iterable[tuple[str, str]] = (),
    **settings: Any,
) -> Context:
    request = Request(method, "/", headers=Headers(fields), body=body)
    context = Context(
        request, DeploymentInfo("", "", "", "", "", certificates={}), entities.no_api(), entities.WHOLE_API
    )

    async def enter() -> None:
        outcome = entrance(McpSettings(**settings), known, ToolCalls()).apply(context)
        if isinstance(outcome, Awaitable):
            await outcome

    asyncio.run(enter())
    return context


def _call(tool: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool}}).encode()


@pytest.mark.parametrize(
    ("body", "known", "variables", "operation"),
    [
        (_call("known"), KNOWN, {"mcp-method": "tools/call", "mcp-tool": "known"}, "known"),
        (_call("other"), KNOWN, {"mcp-method": "tools/call", "mcp-tool": "other"}, ""),
        (_call("theirs"), None, {"mcp-method": "tools/call", "mcp-tool": "theirs"}, "theirs"),
        (_call("a\nb"), None, {"mcp-method": "tools/call", "mcp-tool": "a\nb"}, ""),
        (_call(7), None, {"mcp-method": "tools/call"}, ""),
        (b"{", KNOWN, {}, ""),
        (b"", KNOWN, {}, ""),
    ],
)
def test_what_policies_learn(body: bytes, known: Any, variables: dict[str, str], operation: str) -> None:
    """Method and tool are variables, and a tool is the operation; what cannot be read says nothing and passes."""
    for given in (Body(body), Body(stream=BodyStream.whole(body, {}))):
        context = _entered(given, known)
        assert (context.variables, context.operation.id) == (variables, operation)


def test_other_methods_have_no_message() -> None:
    """The body of anything but a POST is left alone."""
    assert _entered(Body(_call("known")), method="DELETE").variables == {}
    assert _entered(None).variables == {}


CHARSETS = {
    "application/json": True,
    "application/json; charset=UTF-8": True,
    'application/json;charset="utf8"': True,
    "application/json; charset=utf-7": False,
    "application/json; charset=utf-8; charset=utf-7": False,
    "application/json; Charset=utf-16le": False,
    "application/json; charset*=utf-7''": False,
    "application/json, text/plain; charset=utf-7": False,
}


@pytest.mark.parametrize("media_type", CHARSETS)
def test_one_charset(media_type: str) -> None:
    """In UTF-7, which servers on Node read, "+ACI-" is a quotation mark: the message behind would be another one."""
    fields = [("Content-Type", media_type)]
    with contextlib.nullcontext() if CHARSETS[media_type] else pytest.raises(PolicyError, match="UTF-8"):
        _entered(Body(_call("known")), fields=fields)


def test_one_content_type() -> None:
    """Two of them are two charsets."""
    fields = [("Content-Type", "application/json"), ("Content-Type", "application/json")]
    with pytest.raises(PolicyError, match="UTF-8"):
        _entered(Body(_call("known")), fields=fields)


def test_a_message_that_is_too_large() -> None:
    """It is refused, in memory or on its way."""
    with pytest.raises(PolicyError):
        _entered(Body(_call("known")), max_message_bytes=10)


def test_no_connection_keeps_a_message() -> None:
    """What was read for the target is forgotten with the request: a memo lives as long as its connection."""
    context = _entered(Body(_call("known")))
    assert context.request.memo
    for ended in context.after_response or ():
        ended(context, Ending(200))
    assert context.request.memo == {}
