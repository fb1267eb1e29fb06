"""What the request log and the metrics say about GraphQL requests."""

from __future__ import annotations

import json
from pathlib import Path

from prometheus_client import generate_latest
from prometheus_client.registry import CollectorRegistry

from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Ending, Request, Response
from tests.graphql.rig import Rig, looped


async def _end(rig: Rig, query: str) -> None:
    """Ask, and end the exchange as the server does."""
    content = Body(json.dumps({"query": query}).encode())
    request = Request("POST", "/graphql", headers=Headers([("Content-Type", "application/json")]), body=content)
    answer = rig.gateway(request)
    response: Response = answer if isinstance(answer, Response) else await answer
    assert request.on_end is not None
    request.on_end(Ending(response.status_code))


@looped
async def test_kinds_and_names(tmp_path: Path) -> None:
    """The log has kind and name; metrics have the kind alone, because clients make names; unread ones have neither."""
    rig = Rig(tmp_path)
    rig.policy(backend='<return-response><set-status code="500" /></return-response>')
    for query in ("query Users { users { id } }", "{ users { id } }", "mutation M { deleteUser(id: 1) }", "{"):
        await _end(rig, query)
    await _end(rig, f"query {'N' * 400} {{ users {{ id }} }}")
    assert rig.app is not None
    dispatcher = rig.app.dispatcher
    shown = [record.graphql for record in dispatcher.requests.recent()][::-1]
    assert shown[:4] == ["query Users", "query", "mutation M", None]
    assert len(shown[4] or "") == 100
    registry = CollectorRegistry()
    registry.register(dispatcher.metrics)
    lines = [line for line in generate_latest(registry).decode().splitlines() if line.startswith("gateway_graphql")]
    assert sorted(line.partition("{")[2] for line in lines) == [
        'api="g",kind="mutation",operation="graphql"} 1.0',
        'api="g",kind="query",operation="graphql"} 3.0',
    ]
