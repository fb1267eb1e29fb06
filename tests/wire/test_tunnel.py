"""WebSockets and server-sent events: passed on unbuffered, ended when their token has expired."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from gateway.wire.messages import ForwardOptions, Request, Response
from gateway.wire.pending import Pending
from gateway.wire.server.serve import RunningServer
from gateway.wire.settings import ClientTimeouts, ServerSettings
from gateway.wire.upstream.http_target import HttpTarget
from gateway.wire.websocket import FrameTracker, close_frame
from tests.wire.rig import Backend, Forwarder, answer_and_close, ask, client, proxy, serving, settled

UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Expiring(Forwarder):
    """Forwards requests whose token expires at *expires_at*."""

    expires_at: float | None = None

    def handle(self, request: Request) -> Pending[Response]:
        request.expires_at = self.expires_at
        return super().handle(request)


async def echo(socket: ServerConnection) -> None:
    """Send back what comes."""
    async for message in socket:
        await socket.send(message)


def with_websocket(
    scenario: Callable[[Expiring, RunningServer, list[int]], Awaitable[None]], expires_in_s: float | None = None
) -> None:
    """Run *scenario* against a gateway in front of an echoing WebSocket server."""
    codes: list[int] = []

    async def handler(socket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            await echo(socket)
        codes.append(socket.close_code or 0)

    async def run() -> None:
        async with serve(handler, "127.0.0.1", 0) as behind:
            port = next(iter(behind.sockets)).getsockname()[1]
            target = HttpTarget(f"http://127.0.0.1:{port}")
            application = Expiring(target, ForwardOptions())
            if expires_in_s is not None:
                application.expires_at = time.time() + expires_in_s
            settings = ServerSettings(timeouts=ClientTimeouts(expiry_grace_s=0.1, tunnel_idle_s=1.0))
            async with serving(application, settings) as server:
                await scenario(application, server, codes)
            await target.aclose()

    asyncio.run(run())


def test_tunnels_a_websocket_both_ways() -> None:
    """Messages of any size pass; closing passes too, and nothing is left open."""

    async def scenario(application: Expiring, server: RunningServer, codes: list[int]) -> None:
        async with connect(f"ws://127.0.0.1:{server.port}/") as socket:
            for message in ("hello", "x" * 100_000, b"\0" * 300):
                await socket.send(message)
                assert await socket.recv() == message
            assert (server.connections, server.streams) == (1, 1)
        assert await settled(lambda: bool(application.endings))
        assert application.endings[0].status_code == 101
        assert codes == [1000]
        target = application.target
        assert isinstance(target, HttpTarget)
        assert await settled(lambda: target.pool.size == 0)

    with_websocket(scenario)


def test_ends_a_websocket_when_its_token_has_expired() -> None:
    """Both sides get a close frame with code 1008, and the end is counted as an expiry."""

    async def scenario(application: Expiring, server: RunningServer, codes: list[int]) -> None:
        async with connect(f"ws://127.0.0.1:{server.port}/") as socket:
            await socket.send("hello")
            assert await socket.recv() == "hello"
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "token expired")
        assert await settled(lambda: bool(codes) and bool(application.endings))
        assert codes == [1008]
        assert application.endings[0].expired

    with_websocket(scenario, expires_in_s=0.3)


def test_ends_a_websocket_on_which_nothing_moves() -> None:
    """Both sides get a close frame 1001 when neither has sent anything for the idle time."""

    async def scenario(application: Expiring, server: RunningServer, codes: list[int]) -> None:
        async with connect(f"ws://127.0.0.1:{server.port}/") as socket:
            for _ in range(6):
                await socket.send("hello")
                await asyncio.sleep(0.3)
            assert not codes
            assert [message async for message in socket] == ["hello"] * 6
            assert (socket.close_code, socket.close_reason) == (1001, "idle")
        assert await settled(lambda: bool(codes) and bool(application.endings))
        assert codes == [1001]
        assert not application.endings[0].expired

    with_websocket(scenario)


@pytest.mark.parametrize(
    "answer_bytes",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", id="200"),
        pytest.param(b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno", id="426"),
    ],
)
def test_no_tunnel_without_101(answer_bytes: bytes) -> None:
    """Any other answer is an ordinary answer, and the next bytes are an ordinary request."""

    async def scenario() -> None:
        async with proxy(answer_and_close(answer_bytes)) as p, client(p.server.port) as c:
            c.send(UPGRADE)
            assert (await c.reply()).body == b"no"
            c.send(UPGRADE)
            assert (await c.reply()).body == b"no"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "answer_bytes",
    [
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", id="no Upgrade"),
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", id="not nominated"),
    ],
)
def test_no_tunnel_on_half_a_101(answer_bytes: bytes) -> None:
    """A 101 that does not name the protocol is a broken answer."""

    async def scenario() -> None:
        async with proxy(answer_and_close(answer_bytes)) as p:
            assert (await ask(p.server.port, UPGRADE)).status == 502

    asyncio.run(scenario())


def test_passes_bytes_that_were_sent_ahead_of_the_101() -> None:
    """A client that does not wait for the 101 loses nothing; the backend's first bytes arrive with the 101."""

    async def switch(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Backend) -> None:
        assert b"Connection: Upgrade\r\nUpgrade: websocket\r\n" in await behind.head(reader)
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nwelcome")
        writer.write(await reader.readexactly(5))

    async def scenario() -> None:
        async with proxy(switch) as p, client(p.server.port) as c:
            c.send(UPGRADE + b"early")
            head = await c.reader.readuntil(b"\r\n\r\n")
            assert b"Connection: Upgrade\r\nUpgrade: websocket\r\n" in head
            assert await c.reader.read() == b"welcomeearly"

    asyncio.run(scenario())


@pytest.mark.parametrize("who", ["client", "backend"])
def test_one_side_leaving_ends_the_tunnel(who: str) -> None:
    """A tunnel has two ends; when one goes the other is closed."""

    async def switch(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Backend) -> None:
        await behind.head(reader)
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
        if who == "client":
            await reader.read()

    async def scenario() -> None:
        settings = ServerSettings(timeouts=ClientTimeouts(linger_s=0.2))
        async with proxy(switch, settings) as p, client(p.server.port) as c:
            c.send(UPGRADE)
            await c.reader.readuntil(b"\r\n\r\n")
            if who == "client":
                c.abort()
            else:
                assert await c.closed()
            assert await settled(lambda: p.target.pool.size == 0 and p.server.connections == 0)

    asyncio.run(scenario())


async def events(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Backend) -> None:
    """A stream of events without end."""
    await behind.head(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    for number in range(1000):
        writer.write(b"9\r\ndata: %d\n\n\r\n" % (number % 10))
        await writer.drain()
        await asyncio.sleep(0.05)


def test_passes_each_event_on_at_once() -> None:
    """Events are not held back, and the head is there before the first of them."""

    async def scenario() -> None:
        async with proxy(events) as p, client(p.server.port) as c:
            c.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            assert b"text/event-stream" in await c.reader.readuntil(b"\r\n\r\n")
            assert p.server.streams == 1
            for number in range(3):
                assert await c.reader.readexactly(14) == b"9\r\ndata: %d\n\n\r\n" % number

    asyncio.run(scenario())


def test_ends_an_event_stream_when_its_token_has_expired() -> None:
    """The stream ends cleanly, the client comes back with a new token, and the backend is told."""

    async def scenario() -> None:
        async with proxy(events) as p:
            application = Expiring(p.target, ForwardOptions())
            application.expires_at = time.time() + 0.2
            async with serving(
                application, ServerSettings(timeouts=ClientTimeouts(expiry_grace_s=0.1, tunnel_idle_s=1.0))
            ) as server:
                reply = await ask(server.port, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            assert reply.body.startswith(b"data: 0\n\ndata: 1\n\n")
            assert application.endings[0].expired
            assert await settled(lambda: p.target.pool.size == 0)

    asyncio.run(scenario())


FRAMES = [
    pytest.param(b"\x81\x05hello", id="short"),
    pytest.param(b"\x81\x00", id="empty"),
    pytest.param(b"\x82\x7e\x01\x00" + b"x" * 256, id="16 bits"),
    pytest.param(b"\x82\x7f" + (70_000).to_bytes(8, "big") + b"x" * 70_000, id="64 bits"),
    pytest.param(close_frame(1008, "token expired", masked=False), id="close"),
    pytest.param(close_frame(1008, "token expired", masked=True), id="masked close"),
]


@pytest.mark.parametrize("frame", FRAMES)
def test_knows_where_frames_end(frame: bytes) -> None:
    """However the network cuts a frame, its end is found."""
    tracker = FrameTracker()
    for at in range(0, len(frame), 7):
        assert tracker.between is (at == 0)
        tracker.feed(frame[at : at + 7])
    assert tracker.between
    tracker.feed(frame + frame)
    assert tracker.between
