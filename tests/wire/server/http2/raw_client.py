"""A client that sends whatever bytes it is given, and keeps what the server sends."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from hpack import Decoder, HPACKError

from tests.wire.server.http2 import frames
from tests.wire.server.http2.frames import ACK, END_HEADERS, END_STREAM, PADDED, Frame, Kind

PATIENCE_S = 3.0


@dataclass
class RawClient:
    """
    One connection.

    Attributes:
        settings: What the server has announced.
        statuses, fields, bodies: Of each stream: the statuses in order, the field lines of the last head or trailers.
        trailers: Of each stream: the field lines behind its content.
        resets: Of each stream: the code of its RST_STREAM.
        goaway: Last stream and code.
        closed: Whether the server has closed.
        broken: Why an answer could not be read.
    """

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    settings: dict[int, int] = field(default_factory=dict)
    frames: list[Frame] = field(default_factory=list)
    statuses: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    fields: dict[int, list[tuple[bytes, bytes]]] = field(default_factory=dict)
    trailers: dict[int, list[tuple[bytes, bytes]]] = field(default_factory=dict)
    bodies: dict[int, bytes] = field(default_factory=lambda: defaultdict(bytes))
    resets: dict[int, int] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)
    pongs: list[bytes] = field(default_factory=list)
    acknowledged: int = 0
    goaway: tuple[int, int] | None = None
    closed: bool = False
    broken: str = ""
    decoder: Decoder = field(default_factory=Decoder)
    _block: bytes = b""

    def send(self, data: bytes) -> None:
        """Write *data*."""
        with suppress(OSError):
            self.writer.write(data)

    async def greet(self, *pairs: tuple[int, int]) -> None:
        """Both prefaces, and both acknowledgements."""
        self.send(frames.PREFACE + frames.settings(*pairs))
        await self.until(lambda: bool(self.acknowledged and self._has_settings()))
        self.send(frames.settings(flags=ACK))

    def _has_settings(self) -> bool:
        return any(seen.kind == Kind.SETTINGS and not seen.flags & ACK for seen in self.frames)

    def finished(self, stream: int) -> bool:
        """Whether nothing more can come on *stream*."""
        return stream in self.ended or stream in self.resets

    async def until(self, condition: Callable[[], bool], patience_s: float = PATIENCE_S) -> bool:
        """Read until *condition* holds; False: the server closed, or it took too long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while not condition() and not self.closed:
                    await self.read()
        return condition()

    async def read(self) -> None:
        """Take the next frame."""
        try:
            head = await self.reader.readexactly(9)
            payload = await self.reader.readexactly(int.from_bytes(head[:3], "big"))
        except (OSError, asyncio.IncompleteReadError):
            self.closed = True
            return
        seen = Frame(head[3], head[4], int.from_bytes(head[5:], "big"), payload)
        self.frames.append(seen)
        if handler := _HANDLERS.get(seen.kind):
            handler(self, seen)

    def _settings(self, seen: Frame) -> None:
        if seen.flags & ACK:
            self.acknowledged += 1
        self.settings.update(struct.iter_unpack("!HI", seen.payload))

    def _ping(self, seen: Frame) -> None:
        if seen.flags & ACK:
            self.pongs.append(seen.payload)

    def _goaway(self, seen: Frame) -> None:
        last, code = struct.unpack("!II", seen.payload[:8])
        if self.goaway is None or code:  # a server that stops announces it with NO_ERROR first
            self.goaway = last, code

    def _reset(self, seen: Frame) -> None:
        self.resets[seen.stream] = int.from_bytes(seen.payload, "big")

    def _data(self, seen: Frame) -> None:
        content = seen.payload
        if seen.flags & PADDED:
            content = content[1 : len(content) - content[0]]
        self.bodies[seen.stream] += content
        if seen.flags & END_STREAM:
            self.ended.add(seen.stream)

    def _headers(self, seen: Frame) -> None:
        self._block += seen.payload
        if seen.flags & END_STREAM and seen.kind == Kind.HEADERS:
            self.ended.add(seen.stream)
        if not seen.flags & END_HEADERS:
            return
        received, self._block = self._block, b""
        try:
            lines = [(bytes(name), bytes(value)) for name, value in self.decoder.decode(received, raw=True)]
        except HPACKError as error:
            self.broken = str(error)
            return
        if lines and lines[0][0] == b":status":
            self.statuses[seen.stream].append(int(lines[0][1]))
            self.fields[seen.stream] = lines
        else:
            self.trailers[seen.stream] = lines

    async def closes(self) -> bool:
        """Whether the server closes the connection."""
        return await self.until(lambda: self.closed)


_HANDLERS: dict[int, Callable[[RawClient, Frame], None]] = {
    Kind.SETTINGS: RawClient._settings,
    Kind.PING: RawClient._ping,
    Kind.GOAWAY: RawClient._goaway,
    Kind.RST_STREAM: RawClient._reset,
    Kind.DATA: RawClient._data,
    Kind.HEADERS: RawClient._headers,
    Kind.CONTINUATION: RawClient._headers,
}


@asynccontextmanager
async def connected(port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawClient]:
    """A connection that has sent nothing; with *tls* it should offer ``h2``."""
    name = "localhost" if tls else None
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name)
    try:
        yield RawClient(reader, writer)
    finally:
        writer.transport.abort()
