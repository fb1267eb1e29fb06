"""A client that speaks HTTP/2 through the h2 library: another implementation of the protocol, which judges ours."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    InformationalResponseReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)

Fields = list[tuple[str, str]]
WAIT_S = 5.0


@dataclass
class Answer:
    """What has come on one stream."""

    fields: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    trailers: dict[str, str] = field(default_factory=dict)
    interim: list[dict[str, str]] = field(default_factory=list)
    complete: bool = False
    reset: int | None = None

    @property
    def status(self) -> int:
        """Its status code; 0: none yet."""
        return int(self.fields.get(":status", "0"))

    @property
    def over(self) -> bool:
        """Whether nothing more comes."""
        return self.complete or self.reset is not None


@dataclass
class Http2Client:
    """
    One connection.

    Attributes:
        takes: Whether what comes opens the windows again.
    """

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    h2: H2Connection
    takes: bool = True
    answers: dict[int, Answer] = field(default_factory=dict)
    goaway: list[tuple[int, int]] = field(default_factory=list)
    closed: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self, path: str = "/", method: str = "GET", fields: Fields | None = None, *, end: bool = True) -> int:
        """Send a head; the number of its stream."""
        stream_id = self.h2.get_next_available_stream_id()
        head = [(":method", method), (":scheme", "http"), (":authority", "gateway.test"), (":path", path)]
        self.h2.send_headers(stream_id, [*head, *(fields or [])], end_stream=end)
        self.answers[stream_id] = Answer()
        self.flush()
        return stream_id

    def send(self, stream_id: int, data: bytes, *, end: bool = False) -> None:
        """Send a piece of a body."""
        self.h2.send_data(stream_id, data, end_stream=end)
        self.flush()

    async def upload(self, stream_id: int, content: bytes) -> None:
        """Send a whole body as the windows allow, and its end."""
        at = 0
        while at < len(content):
            await self.until(lambda: self.h2.local_flow_control_window(stream_id) > 0)
            room = min(self.h2.local_flow_control_window(stream_id), self.h2.max_outbound_frame_size)
            self.send(stream_id, content[at : at + room], end=at + room >= len(content))
            at += room

    def tunnel(self, stream_id: int, fields: Fields) -> None:
        """Send the head of an extended CONNECT, which the library does not make."""
        self.h2.config.validate_outbound_headers = False
        self.h2.send_headers(stream_id, fields)
        self.answers[stream_id] = Answer()
        self.flush()

    def trail(self, stream_id: int, fields: Fields) -> None:
        """Send trailers."""
        self.h2.send_headers(stream_id, fields, end_stream=True)
        self.flush()

    def reset(self, stream_id: int, code: int = 8) -> None:
        """End a stream."""
        self.h2.reset_stream(stream_id, code)
        self.flush()

    @property
    def protocol(self) -> str | None:
        """What TLS has agreed on."""
        chosen: str | None = self.writer.get_extra_info("ssl_object").selected_alpn_protocol()
        return chosen

    def flush(self) -> None:
        """Write what the library has made."""
        self.writer.write(self.h2.data_to_send())

    async def get(self, path: str = "/", method: str = "GET", fields: Fields | None = None) -> Answer:
        """The answer to a request without a body."""
        return await self.over(self.begin(path, method, fields))

    async def over(self, stream_id: int) -> Answer:
        """The answer on a stream, when nothing more comes."""
        await self.until(lambda: self.answers[stream_id].over or self.closed)
        return self.answers[stream_id]

    async def until(self, condition: Callable[[], bool], timeout_s: float = WAIT_S) -> None:
        """Wait for *condition*. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    async def listen(self) -> None:
        """Read everything that comes."""
        try:
            while data := await self.reader.read(65536):
                for event in self.h2.receive_data(data):
                    self._handle(event)
                self.flush()
                self.changed.set()
        except ConnectionError:
            pass
        finally:
            self.closed = True
            self.changed.set()

    def _handle(self, event: object) -> None:  # noqa: C901 (one branch an event)
        if isinstance(event, ConnectionTerminated):
            self.goaway.append((event.last_stream_id or 0, int(event.error_code or 0)))
        if not hasattr(event, "stream_id") or event.stream_id not in self.answers:
            return
        answer = self.answers[event.stream_id]
        if isinstance(event, InformationalResponseReceived):
            answer.interim.append(_named(event.headers))
        elif isinstance(event, ResponseReceived):
            answer.fields = _named(event.headers)
        elif isinstance(event, DataReceived):
            answer.body += event.data
            if self.takes:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, TrailersReceived):
            answer.trailers = _named(event.headers)
        elif isinstance(event, StreamEnded):
            answer.complete = True
        elif isinstance(event, StreamReset):
            answer.reset = int(event.error_code)


def _named(fields: object) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in fields}  # type: ignore[attr-defined]


@asynccontextmanager
async def connected(
    port: int, tls: ssl.SSLContext | None = None, *, takes: bool = True, speaks: bool = True
) -> AsyncIterator[Http2Client]:
    """A connection that has sent its preface, if it *speaks*; see ``Http2Client`` for *takes*."""
    server_hostname = "localhost" if tls is not None else None
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=server_hostname)
    h2 = H2Connection(H2Configuration(header_encoding=None))
    h2.initiate_connection()
    client = Http2Client(reader, writer, h2, takes)
    if speaks:
        client.flush()
    listening = asyncio.create_task(client.listen())
    try:
        yield client
    finally:
        listening.cancel()
        writer.close()
