"""A body's flow: a client that is slow to take the end of its answer does not hold up the backend's connection."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.wire.rig import OK, Backend, ask, backend
from tests.wire.server.http2.frames import headers, request
from tests.wire.server.http2.listener import gateway
from tests.wire.server.http2.raw_client import connected

FIRST, LAST = bytes(100), bytes(100_000)  # the last piece is more than the window of a client of HTTP/2
LARGE = b"HTTP/1.1 200 OK\r\nContent-Length: 100100\r\n\r\n" + FIRST


async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Backend) -> None:
    """An answer in two pieces to /large, and ``ok`` to everything else."""
    while True:
        if b"/large" in await behind.head(reader):
            writer.write(LARGE)
            await asyncio.sleep(0.05)
            writer.write(LAST)
        else:
            writer.write(OK)


def test_a_slow_client_leaves_the_connection_to_others(tmp_path: Path) -> None:
    """The end of an answer waits for its client in memory; the backend's connection answers the next request."""

    async def scenario() -> None:
        async with backend(script) as behind, gateway(tmp_path, behind.port) as server, connected(server.port) as slow:
            await slow.greet()
            slow.send(headers(1, request(path=b"/large")))
            assert await slow.until(lambda: len(slow.bodies[1]) == 65_535)
            reply = await asyncio.wait_for(ask(server.port, b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"), 3)
            assert reply.body == b"ok"
            assert behind.connections == 1

    asyncio.run(scenario())
