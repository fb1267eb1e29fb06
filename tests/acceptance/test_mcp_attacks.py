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
            assert {record["reason"] for record in front.records() if record["status"] == 400} == {"McpMessageUnclear"}

    asyncio.run(scenario())
