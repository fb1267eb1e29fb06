"""A recording backend, an application that forwards to it, and a client that speaks raw bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from gateway.wire.messages import Ending, ForwardOptions, Request, Response, Target
from gateway.wire.pending import Pending
from gateway.wire.server.listener import Listener
from gateway.wire.server.serve import RunningServer, start
from gateway.wire.settings import ListenerTls, ServerSettings, UpstreamSettings
from gateway.wire.upstream.http_target import HttpTarget

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter, "Backend"], Awaitable[None]]
DEFAULT = ServerSettings()
UPSTREAM = UpstreamSettings()
OPTIONS = ForwardOptions()
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Backend:
    """A TCP server that follows a script on every connection and keeps what it receives."""

    script: Script
    port: int = 0
    received: bytes = b""
    connections: int = 0
    open: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Run the script on one connection."""
        self.connections += 1
        self.open += 1
        try:
            await self.script(reader, writer, self)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def head(self, reader: asyncio.StreamReader) -> bytes:
        """The next request head, recorded."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.received += head
        return head

    async def body(self, reader: asyncio.StreamReader, head: bytes) -> bytes:
        """The body that *head* announces, recorded as it came."""
        lines = head.lower().split(b"\r\n")
        content = b""
        for line in lines:
            if line.startswith(b"content-length:"):
                content = await reader.readexactly(int(line[15:]))
        if b"transfer-encoding: chunked" in lines:
            while not content.endswith(b"0\r\n\r\n"):
                content += await reader.readuntil(b"\r\n")
        self.received += content
        return content


def answer(*answers: bytes) -> Script:
    """Answer every request in turn with the next of *answers*, the last one again and again."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, backend: Backend) -> None:
        left = list(answers)
        while True:
            head = await backend.head(reader)
            await backend.body(reader, head)
            writer.write(left[0])
            if len(left) > 1:
                left.pop(0)

    return script


def answer_and_close(content: bytes) -> Script:
    """Answer one request and close."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, backend: Backend) -> None:
        await backend.body(reader, await backend.head(reader))
        writer.write(content)

    return script


@dataclass
class Forwarder:
    """An application that sends everything to one target."""

    target: Target
    options: ForwardOptions = OPTIONS
    seen: list[Request] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)

    def handle(self, request: Request) -> Pending[Response]:
        """Forward *request*."""
        self.seen.append(request)
        request.on_end = self.endings.append
        request.target = self.target
        return self.target.send(request, self.options)


@dataclass
class Answerer:
    """An application that answers by itself."""

    respond: Callable[[Request], Response | Awaitable[Response]]
    seen: list[Request] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """Answer *request*."""
        self.seen.append(request)
        request.on_end = self.endings.append
        return self.respond(request)


@asynccontextmanager
async def backend(script: Script) -> AsyncIterator[Backend]:
    """A running backend."""
    running = Backend(script)
    server = await asyncio.start_server(running.serve, "127.0.0.1", 0, limit=1 << 20)
    running.port = server.sockets[0].getsockname()[1]
    try:
        yield running
    finally:
        server.close()


@asynccontextmanager
async def serving(
    application: Forwarder | Answerer, settings: ServerSettings = DEFAULT, tls: ListenerTls | None = None
) -> AsyncIterator[RunningServer]:
    """A running server."""
    server = await start(application, settings=settings, tls=tls)
    try:
        yield server
    finally:
        await server.aclose()


def listener_of(server: RunningServer) -> Listener:
    """What the connections of *server* share."""
    return cast(Listener, server.server.config.app)


@dataclass
class Proxy:
    """A server in front of a backend."""

    server: RunningServer
    application: Forwarder
    target: HttpTarget
    backend: Backend


@asynccontextmanager
async def proxy(
    script: Script,
    settings: ServerSettings = DEFAULT,
    upstream: UpstreamSettings = UPSTREAM,
    options: ForwardOptions = OPTIONS,
) -> AsyncIterator[Proxy]:
    """A running server that forwards to a running backend."""
    async with backend(script) as behind:
        target = HttpTarget(f"http://127.0.0.1:{behind.port}", upstream)
        application = Forwarder(target, options)
        async with serving(application, settings) as server:
            yield Proxy(server, application, target, behind)
        await target.aclose()


@dataclass
class Reply:
    """One answer as a client sees it."""

    status: int
    head: bytes
    body: bytes

    def field(self, name: str) -> str | None:
        """The value of one header field."""
        for line in self.head.decode("latin-1").split("\r\n")[1:]:
            found, _, value = line.partition(":")
            if found.lower() == name.lower():
                return value.strip()
        return None


@dataclass
class Client:
    """A connection that speaks raw bytes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, data: bytes) -> None:
        """Write *data*."""
        self.writer.write(data)

    async def reply(self, method: str = "GET") -> Reply:
        """Read one answer."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        found = Reply(status, head, b"")
        if method == "HEAD" or status in (204, 304) or status < 200:
            return found
        if (length := found.field("content-length")) is not None:
            found.body = await self.reader.readexactly(int(length))
        elif found.field("transfer-encoding") == "chunked":
            found.body = await self._chunks()
        else:
            found.body = await self.reader.read()
        return found

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            body += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readexactly(2)
        return body

    async def closed(self) -> bool:
        """Whether the server closes the connection without sending anything more."""
        try:
            return await self.reader.read() == b""
        except ConnectionError:
            return True

    def abort(self) -> None:
        """Reset the connection."""
        self.writer.transport.abort()


@asynccontextmanager
async def client(port: int) -> AsyncIterator[Client]:
    """A connected client."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


async def ask(port: int, data: bytes, method: str = "GET") -> Reply:
    """Send *data* on a connection of its own and read the answer."""
    async with client(port) as connection:
        connection.send(data)
        return await connection.reply(method)


async def settled(condition: Callable[[], bool], timeout_s: float = 2.0) -> bool:
    """Whether *condition* becomes true in time."""
    end = asyncio.get_running_loop().time() + timeout_s
    while not condition():
        if asyncio.get_running_loop().time() > end:
            return False
        await asyncio.sleep(0.01)
    return True
