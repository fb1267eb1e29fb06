"""What a client writes about a call opens no circuit for others: its Content-Type, its deadline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvloop

from gateway.assembly.app import build
from gateway.config import parse
from gateway.wire.server.serve import RunningServer, start
from tests.wire.http2_peer import Link, Peer, Received, playing
from tests.wire.rig import OK, Backend, Reply, answer, ask, backend

CONFIG = """
backends: {{behind: {{url: "http://127.0.0.1:{port}", circuit-breaker: {{count: 1}}}}}}
apis: [{{id: a, backend: behind, {more}}}]
"""
PLAIN = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
MESSAGE = b"\0\0\0\0\1m"


def call(*lines: bytes) -> bytes:
    """A request that calls itself gRPC, over HTTP/1.1."""
    head = [b"POST / HTTP/1.1", b"Host: h", b"Content-Type: application/grpc", b"Content-Length: 6", *lines]
    return b"\r\n".join(head) + b"\r\n\r\n" + MESSAGE


@asynccontextmanager
async def gateway(folder: Path, port: int, more: str) -> AsyncIterator[RunningServer]:
    """A gateway with one API in front of the backend at *port*."""
    built = build(parse(CONFIG.format(port=port, more=more), "config.yaml", folder, {}))
    await built.start()
    server = await start(built.dispatcher, settings=built.config.server_settings())
    try:
        yield server
    finally:
        await server.aclose()
        await built.aclose()


def test_an_ordinary_api_takes_no_call(tmp_path: Path) -> None:
    """A Content-Type of gRPC changes nothing where the API has no calls: not the protocol, and so not the circuit."""

    async def scenario() -> None:
        async with backend(answer(OK)) as behind, gateway(tmp_path, behind.port, "type: http") as server:
            claimed = await ask(server.port, call(), "POST")
            assert claimed.status == 200
            assert b"grpc" not in claimed.head
            assert (await ask(server.port, PLAIN)).status == 200
            assert b"PRI *" not in behind.received
            assert MESSAGE in behind.received

    uvloop.run(scenario())


def statuses(replies: list[Reply]) -> list[bytes]:
    """The grpc-status of each answer, in the head or behind the messages."""
    return [(reply.head + reply.body).partition(b"grpc-status: ")[2][:2].strip() for reply in replies]


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Backend) -> None:
    """A backend that takes everything and says nothing."""
    await reader.read()


@pytest.mark.parametrize(
    ("more", "lines", "expected"),
    [
        ("type: grpc", [b"grpc-timeout: 50m"], [b"4", b"4"]),
        ("grpc: {}", [b"grpc-timeout: 50m"], [b"4", b"4"]),
        ("type: grpc, policy: timed.xml", [], [b"4", b"14"]),  # the policy's deadline counts
        ("type: grpc, policy: timed.xml", [b"grpc-timeout: 9S"], [b"4", b"14"]),
        ("type: grpc, policy: timed.xml", [b"grpc-timeout: 50m"], [b"4", b"4"]),
    ],
)
def test_a_callers_own_deadline_opens_no_circuit(
    tmp_path: Path, more: str, lines: list[bytes], expected: list[bytes]
) -> None:
    """A backend fails if it does not answer within what a policy allows, and not within what the caller allows."""
    (tmp_path / "timed.xml").write_text(
        '<policies><inbound><choose><when condition=\'@(!context.Request.Headers.ContainsKey("grpc-timeout") ||'
        ' context.Request.Headers.GetValueOrDefault("grpc-timeout") == "9S")\'>'
        "<set-header name='grpc-timeout' exists-action='override'><value>100m</value></set-header></when></choose>"
        "</inbound><backend><forward-request /></backend><outbound /></policies>"
    )

    async def scenario() -> None:
        async with backend(silent) as behind, gateway(tmp_path, behind.port, more) as server:
            replies = [await ask(server.port, call(*lines), "POST") for _ in range(2)]
            assert statuses(replies) == expected

    uvloop.run(scenario())


def test_a_stream_that_its_caller_cuts_by_a_deadline_opens_none(tmp_path: Path) -> None:
    """The same once the backend has begun to answer."""

    def begin(link: Link, request: Received) -> None:
        link.head(request.stream, fields=[(b"content-type", b"application/grpc")])

    async def scenario() -> None:
        async with playing(Peer(begin)) as peer, gateway(tmp_path, peer.port, "type: grpc") as server:
            for _ in range(2):
                await ask(server.port, call(b"grpc-timeout: 50m"), "POST")
            assert len(peer.requests) == 2

    uvloop.run(scenario())
