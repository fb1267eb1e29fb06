"""Errors of removed fields in the answers of backends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Request
from tests.graphql.rig import Rig, backend, looped
from tests.wire.rig import Backend
from tests.wire.rig import backend as wire_backend

REMOVE = """<validate-graphql-request><authorize><rule path="/User/name" action="remove" /></authorize>
</validate-graphql-request>"""
OWN = {"message": "The field User.name is not allowed and was removed."}


@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        ({"data": {"users": []}}, {"data": {"users": []}, "errors": [OWN]}),
        ({"data": None, "errors": [{"message": "m"}]}, {"data": None, "errors": [{"message": "m"}, OWN]}),
        ([1], [1]),
    ],
)
@looped
async def test_answers(tmp_path: Path, answered: object, expected: object) -> None:
    """The errors are added to the backend's; what is not GraphQL's form is left alone."""
    async with backend(lambda line, body: answered) as port:
        rig = Rig(tmp_path, target=f"service-url: http://127.0.0.1:{port}")
        rig.policy(REMOVE)
        (removed, _) = await rig.ask("{users{id name}}", "{users{id}}")
        assert removed == (200, expected)


@looped
async def test_nothing_is_held_in_memory_without_need(tmp_path: Path) -> None:
    """An answer to a request that is complete passes as it is, byte for byte."""
    async with backend(lambda line, body: (200, b'{ "data" : 1.0 }')) as port:
        rig = Rig(tmp_path, target=f"service-url: http://127.0.0.1:{port}")
        rig.policy(REMOVE, outbound="<set-body>@(context.Response.Body.As&lt;string&gt;() + &quot; &quot;)</set-body>")
        assert await rig.ask("{users{id}}") == [(200, {"data": 1.0})]


async def _events(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Backend) -> None:
    """One event, and no end."""
    await behind.head(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: next\n\n")
    await reader.read()


@looped
async def test_a_stream_of_events_is_not_waited_for(tmp_path: Path) -> None:
    """A subscription over HTTP begins at once, although a field was removed from it."""
    async with wire_backend(_events) as behind:
        rig = Rig(tmp_path, target=f"service-url: http://127.0.0.1:{behind.port}")
        rig.policy(REMOVE)
        content = Body(b'{"query":"subscription{onUser{id name}}"}')
        fields = Headers([("Content-Type", "application/json")])
        answer = await asyncio.wait_for(rig.gateway(Request("POST", "/graphql", "", fields, content)), 5)
        assert not answer.body.buffered
        answer.body.discard()
