"""
One HTTP/2 connection to a backend, carrying many exchanges. The h2 library keeps the protocol's state; bytes flow here.

What is wrong with one answer (its fields, its length) ends its stream and no other: h2 would end the connection, so the
exchange makes these checks.

The window of the connection is reopened as data comes, that of a stream only as its client takes the data: a slow
client holds up only its own answer.

Source: RFC 9113 §5.2, §5.4, §6.8 and §8.1.1.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    InformationalResponseReceived,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from h2.exceptions import H2Error
from h2.settings import SettingCodes, Settings
from hpack.exceptions import HPACKError
from hyperframe.frame import Frame, HeadersFrame

from gateway.wire.backlog import backlog
from gateway.wire.http2.exchange import STREAM_WINDOW, Http2Exchange
from gateway.wire.http2.goaway import FrameCutter, Goaway
from gateway.wire.http2.head import Field, FieldDecoder, FieldEncoder
from gateway.wire.pace import Pace
from gateway.wire.settings import UpstreamSettings
from gateway.wire.sweeper import Sweeper
from gateway.wire.upstream.dial import keep_alive

MAX_STREAMS = 100
MAX_FRAMES = 128
"""Frames that are read from one connection before others get their turn."""
MAX_UNSENT_BYTES = 1024 * 1024
"""Of a backend that has us answer its control frames and reads nothing: the connection ends."""
_CONNECTION_WINDOW = 16 * 1024 * 1024
_FIRST_WINDOW = 65_535  # RFC 9113 §6.9.2
_WRITE_HIGH_BYTES = 256 * 1024
_NEVER = float("inf")
# Fields are checked in both directions where they are made (see head.py), so that h2 need not do it once more.
_FIELDS_ARE_OURS = H2Configuration(
    header_encoding=None,
    validate_inbound_headers=False,
    validate_outbound_headers=False,
    normalize_outbound_headers=False,
)
_RESET = "The backend reset the stream before its answer."
_CLOSED = "The backend closed the connection before its answer."


class Http2Owner(Protocol):
    """The pool, as its connections see it."""

    settings: UpstreamSettings

    @property
    def sweeper(self) -> Sweeper:
        """Looks after deadlines."""

    def feed(self) -> None:
        """A connection can take another stream."""

    def lost(self, connection: Http2Connection) -> None:
        """*connection* is closed."""


@dataclass(frozen=True, slots=True)
class LateHead(Event):
    """A stream has a second head, which is trailers, and goes on behind it."""

    stream_id: int


class StreamFaults(H2Connection):
    """h2, which would end the connection over trailers that do not end their stream. Source: RFC 9113 §8.1."""

    def _receive_headers_frame(self, frame: HeadersFrame) -> tuple[list[Frame], list[Event]]:
        stream = self.streams.get(frame.stream_id)
        is_late = stream is not None and not stream.closed and stream.state_machine.headers_received
        if not is_late or "END_STREAM" in frame.flags:
            return super()._receive_headers_frame(frame)
        self.decoder.decode(frame.data, raw=True)  # the compression state must continue
        return [], [LateHead(frame.stream_id)]


class Http2Connection(asyncio.Protocol):
    """
    One connection to a backend.

    Attributes:
        is_retired: Whether it takes no new streams.
    """

    transport: asyncio.Transport

    def __init__(self, owner: Http2Owner) -> None:
        self._owner = owner
        self._h2 = StreamFaults(_FIELDS_ARE_OURS)
        self._h2.decoder = FieldDecoder()
        self._h2.encoder = FieldEncoder()
        self._frames = FrameCutter()
        self._streams: dict[int, Http2Exchange] = {}
        self._owed = 0
        self._is_behind = False  # more frames have come than one turn reads
        self._full = False  # the socket takes no more for now
        self.is_retired = False
        self._configured = False  # the backend has sent its settings
        self._deadline = _NEVER
        self._old_at = _NEVER  # its greatest age

    @property
    def room(self) -> int:
        """How many more exchanges it can carry now; a single one before the backend has announced its limit."""
        if self.is_retired or self.transport.is_closing():
            return 0
        limit = min(MAX_STREAMS, self._h2.remote_settings.max_concurrent_streams) if self._configured else 1
        return limit - len(self._streams)

    # -- from the pool
    def start(self, exchange: Http2Exchange) -> None:
        """Send the request of *exchange*."""
        stream_id = self._h2.get_next_available_stream_id()
        try:
            self._h2.send_headers(stream_id, exchange.fields, end_stream=not exchange.has_content)
        except H2Error as error:
            exchange.refuse(f"The request cannot be sent over HTTP/2: {error}.")
            return
        self._h2.streams[stream_id].request_method = None  # content after HEAD would end the connection: see head.py
        self._streams[stream_id] = exchange
        self._deadline = _NEVER
        exchange.begin(self, stream_id)
        self._flush()

    def retire_unless_in(self, addresses: frozenset[str]) -> None:
        """Take no new streams where the backend's name leads to *addresses* only."""
        peer = self.transport.get_extra_info("peername")
        if peer is not None and peer[0] not in addresses:
            self.is_retired = True
            self._rest()

    def abort(self) -> None:
        """Close at once."""
        self.is_retired = True
        self.transport.abort()

    # -- from the exchanges
    def send(self, stream_id: int, data: bytearray, complete: bool, trailers: list[Field]) -> bool:
        """Send what there is room for and remove it from *data*. Whether that was the end of a *complete* body."""
        while not self._full and (data or complete):
            window = self._h2.local_flow_control_window(stream_id)
            room = max(0, min(window, self._h2.max_outbound_frame_size))
            last = complete and len(data) <= room
            if not room and not last:
                break
            piece = bytes(data[:room])
            del data[:room]
            if last:
                self._send_last(stream_id, piece, trailers)
                return True
            self._h2.send_data(stream_id, piece)
            self._flush()
        return False

    def _send_last(self, stream_id: int, piece: bytes, trailers: list[Field]) -> None:
        self._h2.send_data(stream_id, piece, end_stream=not trailers)
        if trailers:
            self._h2.send_headers(stream_id, trailers, end_stream=True)
        self._flush()

    def grant(self, stream_id: int, size: int) -> None:
        """Let the backend send *size* more bytes on a stream."""
        with suppress(H2Error):  # the stream has ended in the meantime
            self._h2.increment_flow_control_window(size, stream_id)
        self._flush()

    def leave(self, exchange: Http2Exchange, ended: bool, reason: ErrorCodes = ErrorCodes.CANCEL) -> None:
        """*exchange* no longer needs its stream; the backend learns of it unless both sides have *ended*."""
        if self._streams.pop(exchange.stream_id, None) is None:
            return
        if not ended:
            with suppress(H2Error):  # frames that are received but not handled yet have closed it
                self._h2.reset_stream(exchange.stream_id, reason)
            self._flush()
        self._rest()

    def _rest(self) -> None:
        """A stream has ended: another one can begin, or the connection is no longer of use."""
        if not self._streams and self.is_retired:
            self.transport.close()
        elif not self._streams:
            self._deadline = self._owner.sweeper.deadline(self._owner.settings.idle_timeout_s)
        self._owner.feed()

    # -- from the transport
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(_WRITE_HIGH_BYTES)
        self._pace = Pace(self.transport)
        values = {SettingCodes.ENABLE_PUSH: 0, SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW}
        self._h2.local_settings = Settings(client=True, initial_values=values)
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(_CONNECTION_WINDOW - _FIRST_WINDOW)
        self._flush()
        keep_alive(self.transport)
        sweeper, settings = self._owner.sweeper, self._owner.settings
        self._old_at = sweeper.now + settings.max_age_s * random.uniform(0.9, 1.0)  # noqa: S311 (not all together)
        sweeper.watch(self)
        self._deadline = self._owner.sweeper.deadline(self._owner.settings.idle_timeout_s)

    def data_received(self, data: bytes) -> None:
        if len(data) > self._pace.limit_bytes:
            self._pace.took()
        self._frames.feed(data)
        if not self._is_behind:
            self._read()

    def _read(self) -> None:
        """Read the frames of one turn; the others wait for the next, and what follows them stays in the socket."""
        was_behind, self._is_behind = self._is_behind, False
        try:
            self._is_behind = self._take_frames()
        except (H2Error, HPACKError, ValueError) as error:
            self._fail(f"The backend broke the protocol: {error}.")
        self._flush()
        if self.transport.is_closing():
            return
        if self._is_behind:
            self._pace.pause_reading()
            backlog().add(self._read)
        elif was_behind:
            self._pace.resume_reading()

    def _take_frames(self) -> bool:
        """Whether there may be more of them than one turn reads."""
        for _ in range(MAX_FRAMES):
            piece = self._frames.take()
            if piece is None or self.transport.is_closing():
                return False
            self._take(piece)
        return True

    def _take(self, piece: bytes | Goaway) -> None:
        if isinstance(piece, Goaway):
            self._retire(piece.last_stream)
        else:
            self._handle(self._h2.receive_data(piece))

    def connection_lost(self, error: Exception | None) -> None:
        self._owner.sweeper.forget(self)
        self._fail(_CLOSED)
        self._owner.lost(self)

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._push()

    def sweep(self, now: float) -> None:
        """Close after the idle time, take nothing new at the greatest age; *now* is the event loop's time."""
        if now >= self._old_at and not self.is_retired:
            self.is_retired = True
            self._rest()
        if now >= self._deadline:
            self.abort()

    # -- events
    def _handle(self, events: list[Event]) -> None:
        for event in events:
            handler = _HANDLERS.get(type(event))
            if handler is not None:
                handler(self, event)

    def _informed(self, event: Any) -> None:
        if exchange := self._streams.get(event.stream_id):
            exchange.receive_interim(event.headers)

    def _answered(self, event: Any) -> None:
        if exchange := self._streams.get(event.stream_id):
            exchange.answer(event.headers, event.stream_ended is not None)

    def _received(self, event: Any) -> None:
        self._owed += event.flow_controlled_length
        if self._owed >= _CONNECTION_WINDOW // 2:
            self._h2.increment_flow_control_window(self._owed)
            self._owed = 0
        if exchange := self._streams.get(event.stream_id):
            exchange.receive(event.data, event.flow_controlled_length)

    def _trailed(self, event: Any) -> None:
        if exchange := self._streams.get(event.stream_id):
            exchange.trail(event.headers)

    def _trailed_early(self, event: Any) -> None:
        if exchange := self._streams.get(event.stream_id):
            exchange.spoil("trailers that do not end its answer")

    def _ended(self, event: Any) -> None:
        if exchange := self._streams.get(event.stream_id):
            exchange.end()

    def _reset(self, event: Any) -> None:
        if exchange := self._streams.pop(event.stream_id, None):
            exchange.lost(_RESET, unseen=event.error_code == ErrorCodes.REFUSED_STREAM)
            self._rest()

    def _informed_of_settings(self, event: Any) -> None:
        self._configured = True
        self._push()
        self._owner.feed()

    def _widened(self, event: Any) -> None:
        self._push()

    def _push(self) -> None:
        for exchange in tuple(self._streams.values()):
            exchange.push()

    def _retire(self, last_stream: int) -> None:
        """The backend takes no new streams, and has not acted on those beyond *last_stream*."""
        self.is_retired = True
        for stream_id in [number for number in self._streams if number > last_stream]:
            self._streams.pop(stream_id).lost(_CLOSED, unseen=True)
        self._rest()

    def _fail(self, message: str) -> None:
        """Everything on this connection is lost."""
        self.is_retired = True
        streams, self._streams = self._streams, {}
        self._flush()
        self.transport.close()
        for exchange in streams.values():
            exchange.lost(message)

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if not data or self.transport.is_closing():
            return
        self.transport.write(data)
        if self.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self.abort()


_HANDLERS: dict[type[Event], Callable[[Http2Connection, Any], None]] = {
    InformationalResponseReceived: Http2Connection._informed,
    ResponseReceived: Http2Connection._answered,
    DataReceived: Http2Connection._received,
    TrailersReceived: Http2Connection._trailed,
    LateHead: Http2Connection._trailed_early,
    StreamEnded: Http2Connection._ended,
    StreamReset: Http2Connection._reset,
    WindowUpdated: Http2Connection._widened,
    RemoteSettingsChanged: Http2Connection._informed_of_settings,
}
