"""The gateway with and without TLS, in front of one backend that does what the features need."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from websockets.asyncio.server import ServerConnection as WebSocket
from websockets.asyncio.server import serve

from gateway.assembly.app import build
from gateway.config import parse
from gateway.emulators.entra import EntraEmulator
from gateway.emulators.entra.directory import API
from gateway.emulators.serving import serve_here
from gateway.serving.live import LiveGateway
from gateway.serving.running import Sockets, serving_gateway
from gateway.wire.server.serve import RunningServer, bind
from tests.acceptance.clients.exchange import Line
from tests.wire.rig import settled
from tests.wire.server.http2.recorder import body
from tests.wire.server.test_serve import Files

POLICIES = Path(__file__).parents[3] / "policies"
LARGE_BYTES = 1024 * 1024
CHUNK = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
CONFIG = """
management: 127.0.0.1:0
http2: {{tls: true, clear-text: true}}
{tls}
named-values: {{my-openid-configuration-url: "{metadata}", my-audience: "{audience}"}}
apis:
  - {{id: guarded, path: guarded, service-url: "http://127.0.0.1:{backend}", policy: "{policies}/caller-objectid.xml"}}
  - {{id: open, path: open, service-url: "http://127.0.0.1:{backend}"}}
  - {{id: sockets, path: sockets, service-url: "http://127.0.0.1:{sockets}"}}
"""


@dataclass
class Service:
    """The backend; *heads* are the request heads that it has received."""

    heads: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer what comes on one connection."""
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                await _answer(head, _content(head, await body(reader, head)), writer)
        writer.close()

    def values(self, name: str) -> list[str]:
        """Values of the field *name*, in any spelling, in the last head."""
        lines = self.heads[-1].decode("latin-1").split("\r\n")[1:]
        pairs = [line.partition(":") for line in lines]
        return [value.strip() for found, _, value in pairs if found.lower().replace("_", "-") == name]


def _content(head: bytes, received: bytes) -> bytes:
    """*received* without the frame of its chunks."""
    if b"transfer-encoding: chunked" not in head.lower():
        return received
    content, rest = b"", received
    while size := int((parts := rest.partition(b"\r\n"))[0], 16):
        content, rest = content + parts[2][:size], parts[2][size + 2 :]
    return content


async def _answer(head: bytes, content: bytes, writer: asyncio.StreamWriter) -> None:
    method, path, _ = head.split(b" ", 2)
    lines = head.lower().split(b"\r\n")
    if path == b"/large":
        writer.write(CHUNKED + b"\r\n")
        for _ in range(LARGE_BYTES // 0x10000):
            writer.write(CHUNK)
            await writer.drain()
        writer.write(b"0\r\n\r\n")
    elif path == b"/trailers":
        writer.write(CHUNKED + b"Trailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 6\r\n\r\n")
    elif path == b"/cached" and b'if-none-match: "v1"' in lines:
        writer.write(b'HTTP/1.1 304 Not Modified\r\nETag: "v1"\r\n\r\n')
    elif path == b"/count":
        _write(writer, b"%d" % len(content), method)
    else:
        _write(writer, content or b"ok", method)


def _write(writer: asyncio.StreamWriter, content: bytes, method: bytes) -> None:
    kind = b'Content-Type: text/html\r\nETag: "v1"\r\n'
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(content) + kind + b"\r\n"
    writer.write(head if method == b"HEAD" else head + content)


async def _echo(socket: WebSocket) -> None:
    async for message in socket:
        await socket.send(message)


@dataclass
class World:
    """Everything that runs."""

    service: Service
    entra: EntraEmulator
    ca: Path
    plain: RunningServer
    secure: RunningServer

    def server(self, line: Line) -> RunningServer:
        """The gateway that speaks *line*."""
        return self.secure if line.is_secure else self.plain

    def origin(self, line: Line) -> str:
        """Where that one is."""
        return f"http{'s' if line.is_secure else ''}://localhost:{self.server(line).port}"


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[World]:
    """A world."""
    files, service, entra = Files(folder), Service(), EntraEmulator()
    entra.mint()  # makes the keys
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serve_here(entra))
        behind = await asyncio.start_server(service.serve, "127.0.0.1", 0, limit=1 << 21)
        stack.callback(behind.close)
        sockets = await stack.enter_async_context(serve(_echo, "127.0.0.1", 0, compression=None))
        values = {
            "metadata": entra.metadata_url(),
            "audience": API,
            "policies": POLICIES,
            "backend": behind.sockets[0].getsockname()[1],
            "sockets": next(iter(sockets.sockets)).getsockname()[1],
        }
        tls = f"tls: {{certificate: {files.certificate}, key: {files.key}}}"
        plain = await stack.enter_async_context(_gateway(folder, CONFIG.format(tls="", **values)))
        secure = await stack.enter_async_context(_gateway(folder, CONFIG.format(tls=tls, **values)))
        yield World(service, entra, Path(files.ca), plain, secure)


@asynccontextmanager
async def _gateway(folder: Path, config: str) -> AsyncIterator[RunningServer]:
    gateway = build(parse(config, "config.yaml", folder, os.environ))
    async with serving_gateway(LiveGateway(gateway), Sockets(bind("127.0.0.1", 0), bind("127.0.0.1", 0))) as server:
        assert await settled(lambda: all(issuer.ready for issuer in gateway.issuers.statuses()), 10)
        yield server
