"""A client that writes frames as they are, sound or not, and reads those that come back."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from hpack import Decoder, Encoder

from gateway.wire.server.http2.frames import END_HEADERS, END_STREAM, HEADERS, PREFACE, SETTINGS, field_block, frame

GET = [(":method", "GET"), (":scheme", "http"), (":authority", "h"), (":path", "/")]
POST = [(":method", "POST"), *GET[1:]]
WAIT_S = 5.0


class Seen(NamedTuple):
    """One frame that has come."""

    kind: int
    flags: int
    stream: int
    payload: bytes

    @property
    def word(self) -> int:
        """Its last four bytes: the code of RST_STREAM, the size of WINDOW_UPDATE."""
        return int.from_bytes(self.payload[-4:])


@dataclass
class RawClient:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    encoder: Encoder = field(default_factory=Encoder)
    decoder: Decoder = field(default_factory=Decoder)

    def write(self, *frames: bytes) -> None:
        """Send *frames* in one piece."""
        self.writer.write(b"".join(frames))

    def head(self, stream: int, fields: list[tuple[str, str]] | None = None, flags: int = END_STREAM) -> bytes:
        """HEADERS of a request."""
        return frame(HEADERS, flags | END_HEADERS, stream, self.encoder.encode(fields or GET))

    def blocks(self, stream: int, fields: list[tuple[str, str]], flags: int = END_STREAM) -> bytes:
        """The same, in as many frames as it takes."""
        return field_block(self.encoder.encode(fields), flags, stream)

    async def next(self) -> Seen | None:
        """The next frame; None: the connection is closed."""
        try:
            async with asyncio.timeout(WAIT_S):
                start = await self.reader.readexactly(9)
                payload = await self.reader.readexactly(int.from_bytes(start[:3]))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return Seen(start[3], start[4], int.from_bytes(start[5:]), payload)

    async def first(self, kind: int, stream: int | None = None) -> Seen:
        """The first frame of a *kind*, what comes before it left out. Raises AssertionError: it does not come."""
        while seen := await self.next():
            if seen.kind == kind and stream in (None, seen.stream):
                return seen
        raise AssertionError(f"closed without a frame of kind {kind}")

    async def rest(self) -> list[Seen]:
        """Every frame until the connection is closed."""
        seen = []
        while frame_ := await self.next():
            seen.append(frame_)
        return seen

    def fields(self, head: Seen) -> dict[str, str]:
        """The fields of a head that has come."""
        return {str(name): str(value) for name, value in self.decoder.decode(head.payload)}


@asynccontextmanager
async def raw(port: int, *, greets: bool = True, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawClient]:
    """A connection; *greets*: it has sent preface and SETTINGS."""
    name = None if tls is None else "localhost"
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name)
    client = RawClient(reader, writer)
    if greets:
        client.write(PREFACE, frame(SETTINGS, 0, 0))
    try:
        yield client
    finally:
        writer.close()
