"""Answers to a client that reads late: the socket may become full behind any frame."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvloop

from gateway.wire.body import Body, BodyStream
from gateway.wire.headers import Headers
from gateway.wire.messages import Request, Response
from gateway.wire.settings import Http2Settings, ServerSettings
from tests.wire.rig import Answerer, serving
from tests.wire.server.http2 import frames
from tests.wire.server.http2.frames import Setting
from tests.wire.server.http2.raw_client import RawClient

STREAMS = 400
NUMBERS = range(1, 2 * STREAMS, 2)
MANY = ServerSettings(http2=Http2Settings(clear_text=True, streams=STREAMS))
GET = frames.block([(b":method", b"GET"), (b":scheme", b"http"), (b":authority", b"h"), (b":path", b"/")])


class Source(BodyStream):
    """A body that comes later, and only while its sink takes it."""

    def __init__(self) -> None:
        super().__init__(None, lambda: self.hold(True), lambda: self.hold(False))
        self.is_held = False

    def hold(self, is_held: bool) -> None:
        """The sink is full, or no longer."""
        self.is_held = is_held


@asynccontextmanager
async def stalled(port: int) -> AsyncIterator[RawClient]:
    """A client with large windows for streams, which has asked for everything and reads nothing yet."""
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    small.connect(("127.0.0.1", port))
    small.setblocking(False)
    client = RawClient(*await asyncio.open_connection(sock=small))
    await client.greet((Setting.INITIAL_WINDOW_SIZE, 1 << 20))
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    for number in NUMBERS:
        client.send(frames.head(number, GET))
    await asyncio.sleep(0.2)
    yield client
    client.writer.transport.abort()


def test_trailers_follow_when_the_socket_became_full_behind_the_last_content() -> None:
    """Every stream ends, with its trailers, although the client reads late."""

    def trailing(request: Request) -> Response:
        request.takes_trailers, request.reserved = True, frozenset()
        return Response(200, Headers(), Body(stream=BodyStream.whole(bytes(16384), {"x-sum": "x-sum: 1"})))

    async def scenario() -> None:
        async with serving(Answerer(trailing), MANY) as server, stalled(server.port) as client:
            client.send(frames.window(0, 1 << 28))
            await asyncio.sleep(0.1)
            client.writer.transport.resume_reading()  # type: ignore[attr-defined]
            assert await client.until(lambda: len(client.ended) == STREAMS)
            assert set(client.trailers) == set(NUMBERS)

    uvloop.run(scenario())


def test_content_follows_when_the_socket_became_full_behind_the_head() -> None:
    """A body that begins later is not held for ever because its head found the socket nearly full."""
    sources: list[Source] = []

    def later(request: Request) -> Response:
        sources.append(Source())
        return Response(200, Headers([("x-a", "a" * 8000), ("x-b", "b" * 8000)]), Body(stream=sources[-1]))

    async def scenario() -> None:
        async with serving(Answerer(later), MANY) as server, stalled(server.port) as client:
            client.writer.transport.resume_reading()  # type: ignore[attr-defined]
            assert await client.until(lambda: len(client.statuses) == STREAMS)
            assert not any(source.is_held for source in sources)
            for source in sources:
                source.finish()
            assert await client.until(lambda: len(client.ended) == STREAMS)

    uvloop.run(scenario())
