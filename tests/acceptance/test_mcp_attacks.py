"""MCP under attack: calls that policies have not seen, and calls that are judged as another operation."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.mcp_rig import Behind, behind_gateways, mcp_front

INITIALIZE = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}


@pytest.fixture(scope="module")
def behind() -> Iterator[Behind]:
    """What is behind the gateways."""
    with behind_gateways() as running:
        yield running


def _message(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


_DENIED = """<choose><when condition='@((string)context.Variables.GetValueOrDefault("mcp-tool", "") == "add")'>
  <return-response><set-status code="403" reason="no"/></return-response></when></choose>"""

_CALL = b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "add", "arguments": {"a": 2, "b": 3}}}'

# Each of them was answered with the sum by the server of the official SDK.
UNSEEN = [
    _CALL.replace(b'"method"', b'"method": "ping", "method"'),
    _CALL.replace(b'"name"', b'"name": "count", "name"'),
    _CALL.replace(b'"b": 3', b'"b": 3, "c": NaN'),
    _CALL.replace(b'"b": 3', b'"b": 3, "c": ' + b"[" * 70 + b"]" * 70),
    _CALL.replace(b'"id": 1', b'"id": "' + b"x" * 300 + b'"'),
]


def test_no_policy_is_read_past(behind: Behind, tmp_path: Path) -> None:
    """A tool that a policy denies is not called by a message that the gateway cannot read and the server behind can."""

    async def scenario() -> None:
        async with mcp_front(behind, tmp_path, {"existing": _DENIED}) as front:
            opened = await front.post(_message("initialize", **INITIALIZE), "/existing")
            session = {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
            assert (await front.post(_CALL, "/existing", session)).status_code == 403
            for message in UNSEEN:
                reply = await front.post(message, "/existing", session)
                assert (reply.status_code, reply.json()["error"]["code"] < 0) == (400, True), message
            for field in ("Mcp-Name", "Mcp-Method"):
                reply = await front.post(_CALL.replace(b'"add"', b'"count"'), "/existing", {**session, field: "ping"})
                assert (reply.status_code, reply.json()["error"]["code"]) == (400, -32020)
            assert {record["reason"] for record in front.records() if record["status"] == 400} == {"McpMessageUnclear"}

    asyncio.run(scenario())


_SECRET = '<return-response><set-status code="403" reason="secret"/></return-response>'
_SIBLINGS = """
  - id: rooms
    path: rooms
    version: {{scheme: header, name: v, value: "2"}}
    service-url: {backend}
    operations:
      - {{id: room, method: GET, url-template: "/rooms/{{number}}"}}
      - {{id: vault, method: GET, url-template: /rooms/vault, policy: vault.xml}}
      - {{id: list, method: GET, url-template: "/{{kind}}"}}
      - {{id: parts, method: GET, url-template: "/parts/{{*path}}"}}
  - id: agents
    type: mcp
    path: agents
    mcp: {{tools: [{{api: rooms, operation: room}}, {{api: rooms, operation: list}}, {{api: rooms, operation: parts}}]}}
"""
ASKED: list[tuple[str, dict[str, Any], str]] = [
    ("room", {"number": "7"}, "/rooms/7"),
    ("room", {"number": True}, "/rooms/true"),
    ("room", {"number": "vault"}, "not for this tool"),
    ("room", {"number": "VAULT"}, "not for this tool"),
    ("room", {"number": "vault/"}, "refused"),
    ("room", {"number": "vault;rev=2"}, "/rooms/vault%3Brev%3D2"),
    ("list", {"kind": "shelves"}, "/shelves"),
    ("parts", {"path": "a/b c"}, "/parts/a/b%20c"),
    ("parts", {"path": "../rooms/vault"}, "cannot be part"),
]


def test_no_argument_reaches_another_operation(behind: Behind, tmp_path: Path) -> None:
    """What directly would be another operation, with policies of its own, is not called by a tool's arguments."""
    (tmp_path / "vault.xml").write_text(f"<policies><inbound><base/>{_SECRET}</inbound></policies>")

    async def scenario() -> None:
        async with mcp_front(behind, tmp_path, more=_SIBLINGS) as front:
            for tool, arguments, expected in ASKED:
                call = _message("tools/call", name=tool, arguments=arguments)
                reply = await front.post(call, "/agents", {"Accept": "application/json"})
                result = reply.json()["result"]
                shown = result.get("structuredContent", {}).get("path") or result["content"][0]["text"]
                assert shown == expected if expected.startswith("/") else expected in shown, (arguments, result)

    asyncio.run(scenario())
