"""A WebSocket's client that ends its stream without a close frame has left. Source: RFC 8441 §5."""

from __future__ import annotations

import asyncio

from gateway.wire.settings import Http2Settings, ServerSettings
from gateway.wire.upstream.http_target import HttpTarget
from tests.wire.rig import Backend, Forwarder, backend, serving, settled
from tests.wire.server.http2.frames import block, data, opening
from tests.wire.server.http2.raw_client import connected

SETTINGS = ServerSettings(http2=Http2Settings(clear_text=True))
CONNECT = [
    (b":method", b"CONNECT"),
    (b":protocol", b"websocket"),
    (b":scheme", b"http"),
    (b":authority", b"h"),
    (b":path", b"/"),
    (b"sec-websocket-version", b"13"),
]
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Backend) -> None:
    """Switch protocols and echo what comes, until the other side closes."""
    await behind.head(reader)
    writer.write(SWITCHED)
    while received := await reader.read(1000):
        writer.write(received)


def test_the_end_of_a_stream_ends_the_tunnel() -> None:
    """The backend learns that the client has left, and the stream ends; neither waits for the idle time."""

    async def scenario() -> None:
        async with backend(echo) as behind:
            target = HttpTarget(f"http://127.0.0.1:{behind.port}")
            async with serving(Forwarder(target), SETTINGS) as server, connected(server.port) as client:
                await client.greet()
                client.send(opening(1, block(CONNECT)) + data(1, b"\x81\x82abcdxx", 0))
                assert await client.until(lambda: len(client.bodies[1]) == 8)
                client.send(data(1))
                assert await client.until(lambda: client.finished(1))
                assert await settled(lambda: behind.open == 0)
            await target.aclose()

    asyncio.run(scenario())
