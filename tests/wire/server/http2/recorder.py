"""A backend that keeps the requests it has received completely, and answers by their path."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

_CONNECTION = b"Connection: keep-alive\r\nKeep-Alive: timeout=60\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + _CONNECTION + b"X-Mixed: Case\r\n\r\nok"
LARGE_BYTES = 100_000
LARGE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGE_BYTES + bytes(LARGE_BYTES)


@dataclass
class Recorder:
    """
    The backend.

    Attributes:
        complete: Requests with their bodies, as they came.
        heads: Every head, also of requests that were never complete.
    """

    port: int = 0
    complete: list[bytes] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer what comes on one connection: nothing below /hold, 100,000 octets below /large."""
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                await self._one(reader, writer)
        writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        self.complete.append(head + await body(reader, head))
        path = head.split(b" ", 2)[1]
        if path.startswith(b"/hold"):
            await reader.read()
        writer.write(LARGE if path.startswith(b"/large") else OK)


async def body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    """The body that *head* announces, with its chunks and trailers as they came."""
    lines = head.lower().split(b"\r\n")
    if b"transfer-encoding: chunked" in lines:
        return await _chunks(reader)
    length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
    return await reader.readexactly(length)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    content = b""
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line, 16)
        content += line
        if not size:
            break
        content += await reader.readexactly(size + 2)
    while not content.endswith(b"\r\n\r\n"):
        content += await reader.readuntil(b"\r\n")
    return content


@asynccontextmanager
async def recording() -> AsyncIterator[Recorder]:
    """A running recorder."""
    recorder = Recorder()
    server = await asyncio.start_server(recorder.serve, "127.0.0.1", 0, limit=1 << 20)
    recorder.port = server.sockets[0].getsockname()[1]
    try:
        yield recorder
    finally:
        server.close()
