"""A server of many tools; its messages are in tests/acceptance/test_mcp.py."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from typing import Any

from gateway.data_plane.mcp.entrance import message_key
from gateway.data_plane.mcp.inputs import ToolInput
from gateway.data_plane.mcp.messages import Message, MessageKind
from gateway.data_plane.mcp.server import PAGE, McpServer, ServerFacts
from gateway.data_plane.mcp.settings import McpSettings
from gateway.data_plane.mcp.tools import OfferedTool, router_of
from gateway.data_plane.routing import RoutedApi, RoutedOperation
from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import ForwardOptions, Request


def _server(count: int) -> McpServer:
    operation = RoutedOperation("op", "GET", "/x")
    router = router_of(RoutedApi("a", "a", [operation], revision="1"), "/a")
    server = McpServer(ServerFacts("s", "S", "1"), McpSettings())
    names = [f"t{number}" for number in range(count)]
    server.offer({name: OfferedTool(name, name, name, ToolInput(), router, operation, "/a") for name in names})
    return server


def _ask(server: McpServer, method: str, **params: Any) -> dict[str, Any]:
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    fields = Headers([("Content-Type", "application/json")])
    request = Request("POST", "", headers=fields, body=Body(json.dumps(message).encode()))

    async def answered() -> bytes:
        return (await server.send(request, ForwardOptions())).body.content

    answer: dict[str, Any] = json.loads(asyncio.run(answered()))
    return answer


def test_pages() -> None:
    """A long list comes in pages, each tool once, in order; no state is kept between them."""
    server, names, cursor = _server(2 * PAGE + 1), list[str](), None
    while True:
        page = _ask(server, "tools/list", **({} if cursor is None else {"cursor": cursor}))["result"]
        names += [tool["name"] for tool in page["tools"]]
        cursor = page.get("nextCursor")
        if cursor is None:
            break
    assert names == [f"t{number}" for number in range(2 * PAGE + 1)]


def test_before_the_data_plane_is_complete() -> None:
    """A call is refused rather than lost."""
    result = _ask(_server(1), "tools/call", name="t0")["result"]
    assert result == {"content": [{"type": "text", "text": "HTTP 503"}], "isError": True}


def test_pages_of_large_tools() -> None:
    """A page has a size, however large its tools are."""
    server = _server(10)
    server.offer({name: replace(tool, description="x" * 100_000) for name, tool in server.tools.items()})
    assert len(_ask(server, "tools/list")["result"]["tools"]) == 3
    assert len(_ask(server, "tools/list", cursor="3")["result"]["tools"]) == 1


def test_no_call_keeps_its_message() -> None:
    """What was read for policies is let go when the operation begins, however long that takes."""
    server, message = _server(1), Message(MessageKind.REQUEST, "tools/call", 1, {"name": "t0"})
    request = Request("POST", "", headers=Headers([("Content-Type", "application/json")]), body=Body(b"{}"))
    key = message_key(request)
    request.memo[key] = request.body.content, message  # type: ignore[union-attr]

    async def answered() -> bytes:
        pending, before = server.send(request, ForwardOptions()), sys.getrefcount(message)
        assert (key in request.memo, before) == (False, 2)
        return (await pending).body.content

    assert b"503" in asyncio.run(answered())
