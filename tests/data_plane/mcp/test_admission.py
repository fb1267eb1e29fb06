"""What policies could not read goes nowhere; requests are in tests/acceptance/test_mcp_attacks.py."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.assembly import entities
from gateway.data_plane.mcp.admission import admission
from gateway.data_plane.mcp.entrance import entrance
from gateway.data_plane.mcp.settings import McpSettings
from gateway.errors import PolicyError
from gateway.expressions.entities import DeploymentInfo
from gateway.pipeline.context import Context
from gateway.telemetry.tool_calls import ToolCalls
from gateway.wire.body import Body
from gateway.wire.messages import Request

CALL = b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "a"}}'


def _admitted(method: str, content: bytes | None, *, upgrade: str = "") -> Request:
    request = Request(method, "/", body=None if content is None else Body(content))
    request.upgrade = upgrade
    deployment = DeploymentInfo("", "", "", "", "", certificates={})
    context = Context(request, deployment, entities.no_api(), entities.WHOLE_API)
    entrance(McpSettings(), None, ToolCalls()).apply(context)
    admission(keeps=False).apply(context)
    return request


PASSES = [("POST", CALL), ("GET", None), ("DELETE", None)]


@pytest.mark.parametrize(("method", "content"), PASSES)
def test_what_passes(method: str, content: bytes | None) -> None:
    """A message that was read, and a request that has none; no stream holds the message until its end."""
    assert _admitted(method, content).memo == {}


REFUSED = [
    ("POST", CALL.replace(b'"name"', b'"name": "b", "name"'), 400),
    ("POST", CALL.replace(b'"params"', b'"Params"'), 400),
    ("POST", CALL.replace(b'"params"', '"param\u017f": {}, "params"'.encode()), 400),
    ("POST", CALL.replace(b'"name"', b'"NAME": "b", "name"'), 400),
    ("POST", CALL.replace(b'"a"', b"7"), 400),
    ("POST", CALL.replace(b'"name"', b'"x": 1e999, "name"'), 400),
    ("POST", b"[" + CALL + b"]", 400),
    ("POST", None, 400),
    ("PUT", CALL, 405),
    ("GET", CALL, 405),
]


@pytest.mark.parametrize(("method", "content", "status"), REFUSED)
def test_what_is_refused(method: str, content: bytes | None, status: int) -> None:
    """What a server behind could read as a call that no policy has seen, and a body that is not there."""
    with pytest.raises(PolicyError) as refused:
        _admitted(method, content)
    assert refused.value.status == status
    if status == 400:
        assert json.loads(refused.value.body or b"")["error"]["code"] < 0


def test_streams_with_the_same_head() -> None:
    """Over HTTP/2 they have one memo at the same time: what was read of one says nothing about the other."""
    memo: dict[object, Any] = {}
    deployment = DeploymentInfo("", "", "", "", "", certificates={})
    contexts = []
    for content in (CALL, CALL[:-1]):
        request = Request("POST", "/", body=Body(content))
        request.memo = memo
        contexts.append(Context(request, deployment, entities.no_api(), entities.WHOLE_API))
        entrance(McpSettings(), None, ToolCalls()).apply(contexts[-1])
    with pytest.raises(PolicyError):
        admission(keeps=False).apply(contexts[1])
    admission(keeps=False).apply(contexts[0])


def test_no_websocket() -> None:
    """Nothing reads what would come over it."""
    with pytest.raises(PolicyError):
        _admitted("GET", None, upgrade="websocket")
