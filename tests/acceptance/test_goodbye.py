"""A gateway that stops ends WebSockets and event streams between two frames, on both sides, within a deadline."""

from __future__ import annotations

import asyncio
import signal
import ssl
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
import trustme
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.acceptance.test_rolling_restart import free_ports
from tests.wire.rig import backend, client

GATEWAY = """
listen: 127.0.0.1:{data}
management: 127.0.0.1:{management}
timeouts: {{drain: 1s}}
apis:
  - {{id: a, path: a, service-url: "http://127.0.0.1:{backend}"}}
"""
UPGRADE = (
    b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"


@dataclass
class Gateway:
    """
    ``gateway serve`` in front of one backend.

    Attributes:
        stopped_in_s: How long it took from SIGTERM to its end.
    """

    port: int
    process: asyncio.subprocess.Process
    stopped_in_s: float = 0.0

    async def stop(self) -> None:
        """SIGTERM, and its end."""
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(self.process.wait(), 20) == 0
        self.stopped_in_s = time.monotonic() - begin


@asynccontextmanager
async def gateway(folder: Path, behind: int, *options: str, more: str = "") -> AsyncIterator[Gateway]:
    """A running one; *more* is added to its configuration."""
    data, management = free_ports(2)
    file = folder / "config.yaml"
    file.write_text(GATEWAY.format(data=data, management=management, backend=behind) + more)
    command = (sys.executable, "-m", "gateway", "serve", "-c", str(file), *options)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    try:
        while not await is_ready(management):
            await asyncio.sleep(0.1)
        yield Gateway(data, process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def is_ready(management: int) -> bool:
    """Whether ``/readyz`` answers 200."""
    with suppress(httpx2.HTTPError):
        async with httpx2.AsyncClient() as http:
            return (await http.get(f"http://127.0.0.1:{management}/readyz")).status_code == 200
    return False


@dataclass
class Sockets:
    """A WebSocket backend that sends as well, and how its sockets were closed."""

    ticks_s: float | None
    codes: list[int] = field(default_factory=list)

    async def handle(self, socket: ServerConnection) -> None:
        """Answer each message; and send one every *ticks_s*."""
        ticking = asyncio.create_task(self.tick(socket))
        with suppress(ConnectionClosed):
            async for message in socket:
                await socket.send(message)
        ticking.cancel()
        self.codes.append(socket.close_code or 0)

    async def tick(self, socket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            while self.ticks_s is not None:
                await socket.send("tick" * 50)
                await asyncio.sleep(self.ticks_s)


async def listen(socket: ClientConnection) -> None:
    """Read until the end."""
    with suppress(ConnectionClosed):
        async for _ in socket:
            pass


async def talk(socket: ClientConnection) -> None:
    """Send without a pause until the end."""
    reading = asyncio.create_task(listen(socket))
    with suppress(ConnectionClosed):
        while True:
            await socket.send("x" * 200)
            await asyncio.sleep(0.002)
    await reading


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one process", "workers"])
@pytest.mark.parametrize(("ticks_s", "use"), [(None, listen), (0.002, talk)], ids=["quiet", "both send"])
def test_both_sides_get_a_close_frame(
    tmp_path: Path,
    use: Callable[[ClientConnection], Coroutine[Any, Any, None]],
    ticks_s: float | None,
    options: tuple[str, ...],
) -> None:
    """Client and backend get 1001 (Going Away) when the drain time is over, even while both are sending."""

    async def scenario() -> None:
        sockets = Sockets(ticks_s)
        async with serve(sockets.handle, "127.0.0.1", 0) as behind:
            port = next(iter(behind.sockets)).getsockname()[1]
            async with gateway(tmp_path, port, *options) as running:
                clients = [await connect(f"ws://127.0.0.1:{running.port}/a") for _ in range(5)]
                using = [asyncio.create_task(use(each)) for each in clients]
                await asyncio.sleep(0.3)
                await running.stop()
                await asyncio.gather(*using)
        assert [(each.close_code, each.close_reason) for each in clients] == [(1001, "the gateway stops")] * 5
        assert sockets.codes == [1001] * 5

    asyncio.run(scenario())


def test_over_tls(tmp_path: Path) -> None:
    """The same for a client that uses TLS, which has no half-closed state."""
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    async def scenario() -> None:
        sockets = Sockets(0.002)
        async with serve(sockets.handle, "127.0.0.1", 0) as behind:
            port = next(iter(behind.sockets)).getsockname()[1]
            tls = "tls: {certificate: server.pem, key: server.pem}\n"
            async with gateway(tmp_path, port, more=tls) as running:
                socket = await connect(f"wss://127.0.0.1:{running.port}/a", ssl=trusting)
                using = asyncio.create_task(talk(socket))
                await asyncio.sleep(0.3)
                await running.stop()
                await using
        assert (socket.close_code, sockets.codes) == (1001, [1001])

    asyncio.run(scenario())


def test_no_frame_is_cut_open_and_nobody_is_waited_for(tmp_path: Path) -> None:
    """No close frame is sent in the middle of another, and a client that reads nothing does not delay the stop."""
    half = b"\x82\x7e\x10\x00" + b"x" * 100  # a frame of 4,096 bytes that never ends
    flood = b"\x82\x7f" + (10**7).to_bytes(8, "big") + b"x" * 10**7

    async def scenario() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: object) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(SWITCHED + (flood * 3 if b"/flood" in head else half))
            await reader.read()

        async with (
            backend(script) as behind,
            gateway(tmp_path, behind.port) as running,
            client(running.port) as amid,
            client(running.port) as silent,
        ):
            silent.send(UPGRADE.replace(b"/a ", b"/a/flood "))
            amid.send(UPGRADE)
            await amid.reader.readuntil(b"\r\n\r\n")
            cast(asyncio.Transport, silent.writer.transport).pause_reading()
            await asyncio.sleep(0.3)
            await running.stop()
            with suppress(ConnectionError):
                assert await amid.reader.read() == half
        assert running.stopped_in_s < 1 + 2 + 1 + 3  # drain, goodbye, the backend's end, a busy machine

    asyncio.run(scenario())


def test_event_streams_end(tmp_path: Path) -> None:
    """A stream of server-sent events ends cleanly after the drain time: browsers reconnect by themselves."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: object) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"9\r\ndata: 1\n\n\r\n")
            await writer.drain()
            await asyncio.sleep(0.01)

    async def scenario() -> None:
        async with (
            backend(script) as behind,
            gateway(tmp_path, behind.port) as running,
            client(running.port) as c,
        ):
            c.send(b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
            await c.reader.readuntil(b"data: 1\n\n\r\n")
            stopping = asyncio.create_task(running.stop())
            assert (await c.reader.read()).endswith(b"data: 1\n\n\r\n0\r\n\r\n")
            await stopping

    asyncio.run(scenario())
