"""A client of gql and a server on graphql-core, over HTTP, with the gateway between them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from graphql import build_schema, graphql_sync

from gateway.wire.settings import ServerSettings
from tests.graphql.rig import SCHEMA, Rig, backend, looped
from tests.wire.rig import Answerer, serving

_SCHEMA = build_schema(SCHEMA)
_ROOT = {
    "users": lambda _info, **_arguments: [{"id": 1, "name": "ann", "secret": "s"}],
    "user": lambda _info, id: {"id": id, "name": "n"},
    "deleteUser": lambda _info, id: True,
}


def answers(line: str, body: bytes) -> object:
    """What graphql-core answers."""
    asked = json.loads(body)
    result = graphql_sync(_SCHEMA, asked["query"], _ROOT, variable_values=asked.get("variables"))
    return result.formatted


@asynccontextmanager
async def session(folder: Path, rules: str, depth: int = 20) -> AsyncIterator[Client]:
    """A client of the gateway, which fetches the schema first."""
    async with backend(answers) as port:
        rig = Rig(folder, target=f"service-url: http://127.0.0.1:{port}")
        authorize = f"<authorize>{rules}</authorize>" if rules else ""
        rig.policy(f'<validate-graphql-request max-depth="{depth}">{authorize}</validate-graphql-request>')
        async with serving(Answerer(rig.gateway), ServerSettings()) as server:
            transport = HTTPXAsyncTransport(url=f"http://127.0.0.1:{server.port}/graphql")
            yield Client(transport=transport, fetch_schema_from_transport=not rules)


@looped
async def test_queries(tmp_path: Path) -> None:
    """The usual introspection query is within the bounds; queries, mutations and variables arrive."""
    async with session(tmp_path, "") as client, client as asking:
        assert client.schema is not None
        assert "User" in client.schema.type_map
        request = gql("query One($id: ID!) { user(id: $id) { id name } users { id } }")
        request.variable_values = {"id": "7"}
        assert await asking.execute(request) == {"user": {"id": "7", "name": "n"}, "users": [{"id": "1"}]}
        assert await asking.execute(gql("mutation { deleteUser(id: 1) }")) == {"deleteUser": True}


@looped
async def test_rules(tmp_path: Path) -> None:
    """The client reads refusals and the errors of removed fields as those of any GraphQL server."""
    rules = '<rule path="/User/secret" action="remove" /><rule path="/__*" action="reject" />'
    async with session(tmp_path, rules) as client, client as asking:
        with pytest.raises(TransportQueryError, match="removed") as removed:
            await asking.execute(gql("{ users { id secret } }"))
        assert removed.value.data == {"users": [{"id": "1"}]}
        with pytest.raises(TransportQueryError, match="__schema"):
            await asking.execute(gql("{ __schema { types { name } } }"))
