"""A gateway with one GraphQL API, in this process, and a backend on a port of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

from gateway.assembly.app import Gateway, build
from gateway.config import parse
from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Request, Response

SCHEMA = """
interface Node { id: ID! }
type Query { users(first: Int, filter: Filter): [User!] user(id: ID!): User node: Node found: [Found] }
type Mutation { makeUser(name: String!): User deleteUser(id: ID!): Boolean }
type Subscription { onUser: User }
input Filter { name: String, and: [Filter!] }
type User implements Node { id: ID! name: String friends(first: Int): [User] secret: String }
type Robot implements Node { id: ID! model: String }
union Found = User | Robot
"""
_OPEN: list[Gateway] = []
ECHO = "<return-response><set-body>@(context.Request.Body.As<string>())</set-body></return-response>"


@dataclass
class Rig:
    """Files of a configuration, and the answers of the gateway that they make."""

    folder: Path
    settings: str = ""
    target: str = "service-url: http://127.0.0.1:9"
    files: dict[str, str] = field(default_factory=dict)
    app: Gateway | None = None

    def policy(self, inbound: str = "", backend: str = "<base />", outbound: str = "") -> None:
        """The API's policy."""
        self.files["p.xml"] = (
            f"<policies><inbound>{inbound}</inbound><backend>{backend}</backend><outbound>{outbound}</outbound></policies>"
        )

    def config(self) -> str:
        """The configuration, its files written."""
        for name, text in {"s.graphql": SCHEMA, **self.files}.items():
            (self.folder / name).write_text(text)
        policy = "policy: p.xml" if "p.xml" in self.files else ""
        lines = ["apis:", "- id: g", "  path: graphql", "  type: graphql", f"  {self.target}", f"  {policy}"]
        return "\n".join([*lines, "  graphql:", "    schema-file: s.graphql", f"    {self.settings}"]) + "\n"

    async def ask(self, *queries: object, **more: Any) -> list[tuple[int, Any]]:
        """Status and JSON of the answers to POSTs with these queries."""
        return [
            await self.send("POST", json.dumps({"query": query, **more}).encode(), "application/json")
            for query in queries
        ]

    async def send(self, method: str, content: bytes, media_type: str, query: str = "", path: str = "/graphql") -> Any:
        """Status and JSON of one answer."""
        headers = Headers([("Content-Type", media_type)] if media_type else [])
        answer = self.gateway(Request(method, path, query, headers, Body(content)))
        response = answer if isinstance(answer, Response) else await answer
        return response.status_code, json.loads(response.body.content or b"null")

    @property
    def gateway(self) -> Callable[[Request], Any]:
        """The data plane; made once."""
        if self.app is None:
            self.app = build(parse(self.config(), "config.yaml", self.folder, {}))
            _OPEN.append(self.app)
        return self.app.dispatcher.handle


def looped(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """*test*, run in an event loop of its own."""

    @wraps(test)
    def run(*arguments: Any, **named: Any) -> None:
        asyncio.run(whole(*arguments, **named))

    async def whole(*arguments: Any, **named: Any) -> None:
        try:
            await test(*arguments, **named)
        finally:
            while _OPEN:
                await _OPEN.pop().aclose()

    return run


@asynccontextmanager
async def backend(answers: Callable[[str, bytes], object]) -> AsyncIterator[int]:
    """The port of an HTTP server that answers JSON: what *answers* gives for ``METHOD /path`` and the body."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                lengths = [line for line in head.lower().split("\r\n") if line.startswith("content-length:")]
                body = await reader.readexactly(int(lengths[0].partition(":")[2]) if lengths else 0)
                value = answers(" ".join(head.split()[:2]), body)
                status, content = value if isinstance(value, tuple) else (200, json.dumps(value).encode())
                writer.write(
                    b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
                    % (status, len(content), content)
                )
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        for writer in writers:
            writer.close()
        server.close()
        await asyncio.sleep(0)
