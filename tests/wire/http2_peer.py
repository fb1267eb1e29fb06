"""A backend that speaks HTTP/2 without TLS and follows a script; it keeps what it receives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event, RequestReceived, StreamEnded, StreamReset, TrailersReceived, WindowUpdated
from h2.exceptions import H2Error
from h2.settings import SettingCodes, Settings

from gateway.wire.http2.head import FieldEncoder

Fields = list[tuple[bytes, bytes]]
ROOM = 4 * 1024 * 1024


@dataclass
class Received:
    """One request."""

    stream: int
    fields: Fields
    body: bytes = b""
    complete: bool = False
    reset: int | None = None
    trailers: Fields = field(default_factory=list)

    def field(self, name: str) -> str | None:
        """The value of one field."""
        return next((value.decode() for each, value in self.fields if each == name.encode()), None)


@dataclass
class Peer:
    """
    All connections of one backend.

    Attributes:
        on_head, on_end: Called when a request's head, and its end, have come.
        takes: Whether the bodies of requests are taken; otherwise their windows run out.
    """

    on_end: Callable[[Link, Received], None] = lambda link, request: link.answer(request.stream)
    on_head: Callable[[Link, Received], None] = lambda link, request: None
    takes: bool = True
    streams: int = 100
    port: int = 0
    requests: list[Received] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"


class Link(asyncio.Protocol):
    """One connection."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        # Outbound checks are off: a broken backend has to be played.
        config = H2Configuration(
            client_side=False,
            header_encoding=None,
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
        self.h2 = H2Connection(config)
        self.h2.encoder = FieldEncoder()  # h2's own takes seconds for a long value
        self.received: dict[int, Received] = {}
        self.waiting: dict[int, bytearray] = {}
        self.sent: dict[int, int] = {}
        self.closed = False

    # -- what scripts say
    def answer(self, stream: int, body: bytes = b"ok", status: int = 200, fields: Fields | None = None) -> None:
        """A whole answer; what the windows do not take waits."""
        self.head(stream, status, fields, end=not body)
        if body:
            self.data(stream, body, end=True)

    def head(self, stream: int, status: int = 200, fields: Fields | None = None, end: bool = False) -> None:
        """The head of an answer."""
        self.h2.send_headers(stream, [(b":status", str(status).encode()), *(fields or [])], end_stream=end)
        self.flush()

    def data(self, stream: int, data: bytes, end: bool = False) -> None:
        """A piece of a body."""
        self.waiting.setdefault(stream, bytearray()).extend(data)
        self.push(stream, end)

    def push(self, stream: int, end: bool = True) -> None:
        """Send what fits into the windows."""
        data = self.waiting.get(stream)
        while data:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            if room <= 0:
                break
            last = end and len(data) <= room
            self.h2.send_data(stream, bytes(data[:room]), end_stream=last)
            self.sent[stream] = self.sent.get(stream, 0) + len(data[:room])
            del data[:room]
        self.flush()

    def reset(self, stream: int, code: int = 2) -> None:
        """RST_STREAM."""
        self.h2.reset_stream(stream, code)
        self.flush()

    def goaway(self, last: int) -> None:
        """GOAWAY, as a raw frame: the connection goes on."""
        self.transport.write(b"\x00\x00\x08\x07\x00\x00\x00\x00\x00" + last.to_bytes(4, "big") + bytes(4))

    def take(self) -> None:
        """Take what has come of all bodies."""
        for stream in self.received:
            self.h2.increment_flow_control_window(ROOM, stream)
        self.h2.increment_flow_control_window(ROOM)
        self.flush()

    def flush(self) -> None:
        """Write what h2 has to say."""
        self.transport.write(self.h2.data_to_send())

    # -- from the transport
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.peer.links.append(self)
        values = {SettingCodes.MAX_CONCURRENT_STREAMS: self.peer.streams}
        self.h2.local_settings = Settings(client=False, initial_values=values)
        self.h2.initiate_connection()
        self.flush()

    def data_received(self, data: bytes) -> None:
        try:
            events = self.h2.receive_data(data)
        except H2Error:
            self.transport.close()
            return
        for event in events:
            self.handle(event)
        if not self.transport.is_closing():
            self.flush()

    def handle(self, event: Event) -> None:
        """One event."""
        match event:
            case RequestReceived():
                found = Received(event.stream_id, cast(Fields, list(event.headers)))
                self.received[event.stream_id] = found
                self.peer.requests.append(found)
                self.peer.on_head(self, found)
            case DataReceived():
                self.keep(event)
            case TrailersReceived():
                self.received[event.stream_id].trailers = cast(Fields, list(event.headers))
            case StreamEnded():
                self.received[event.stream_id].complete = True
                self.peer.on_end(self, self.received[event.stream_id])
            case StreamReset():
                self.received[event.stream_id].reset = int(event.error_code)
            case WindowUpdated():
                for stream in [event.stream_id] if event.stream_id else list(self.waiting):
                    self.push(stream)

    def keep(self, event: DataReceived) -> None:
        """A piece of a body."""
        self.received[event.stream_id].body += event.data
        if self.peer.takes:
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True


@asynccontextmanager
async def playing(peer: Peer) -> AsyncIterator[Peer]:
    """*peer*, listening."""
    server = await asyncio.get_running_loop().create_server(lambda: Link(peer), "127.0.0.1", 0)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        for link in peer.links:
            link.transport.abort()
        await asyncio.sleep(0)
