"""
One client connection of HTTP/2: reads frames, and keeps the streams apart.

Each stream is an exchange like one of HTTP/1.1, before the same application, with the same check of its head. What is
wrong with one stream ends that stream; what is wrong with the framing ends the connection.

Source: RFC 9113; RFC 8441.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from gateway.wire.backlog import backlog
from gateway.wire.pace import Pace
from gateway.wire.server.answers import error_response
from gateway.wire.server.deadlines import NEVER, Deadlines
from gateway.wire.server.forwarded import Peer
from gateway.wire.server.http2 import frames
from gateway.wire.server.http2.calm import MAX_CONTINUATIONS, Calm
from gateway.wire.server.http2.fields import (
    BlockDecoder,
    MalformedFields,
    answer_block,
    head_text,
    remembered,
    trailer_lines,
)
from gateway.wire.server.http2.frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    FIRST_WINDOW,
    HEADER_BYTES,
    MAX_FRAME,
    MAX_WINDOW,
    PADDED,
    PREFACE,
    PRIORITIZED,
    ConnectionFault,
    ErrorCode,
    Setting,
    StreamFault,
)
from gateway.wire.server.http2.outflow import Sender
from gateway.wire.server.http2.stream import Http2Stream
from gateway.wire.server.listener import Caller, Listener
from gateway.wire.server.request_head import HeadError, RequestHead, head_too_large
from gateway.wire.server.sockets import client_certificate, is_last_descriptor
from gateway.wire.sweeper import sweeper
from gateway.wire.websocket import GOING_AWAY

if TYPE_CHECKING:
    from uvicorn.server import ServerState

MAX_FRAMES = 128
"""Frames that are read from one connection before others get their turn."""
MAX_BEGUN = 8
"""Requests that begin in one turn."""
MAX_UNSENT_BYTES = 1024 * 1024
"""Of a client that has us answer its control frames and reads nothing: the connection ends."""
CONNECTION_WINDOW = 16 * 1024 * 1024
_WRITE_HIGH_BYTES = 256 * 1024
_MAX_LEFT = 512  # streams that we have ended before the client did, for whose late frames it is not to blame
_MAX_SKIPPED = 16  # ranges of streams that the client has left out
_METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"


class _OpenBlock:
    """A field block whose end has not come."""

    __slots__ = ("count", "data", "flags", "stream_id")

    def __init__(self, stream_id: int, flags: int, data: bytes) -> None:
        self.stream_id, self.flags = stream_id, flags
        self.data = bytearray(data)
        self.count = 1


class Http2ServerConnection(asyncio.Protocol):
    """
    One client connection.

    Attributes:
        transport: To the client.
        address: Address of the other end.
        caller: Turns its heads into requests.
        sender: What its streams send goes through it.
        settings: Those with which it was made.
    """

    transport: asyncio.Transport
    sender: Sender
    address = ""

    def __init__(self, listener: Listener, server_state: ServerState) -> None:
        self._listener = listener
        self._server_state = server_state
        self.settings = listener.settings
        self.sweeper = sweeper()
        self._deadlines = Deadlines(self.sweeper, self.settings)
        self._calm = Calm()
        self._swept = self.sweeper.now
        self._decoder = BlockDecoder(2 * self.settings.limits.head_bytes)
        self._buffer = b""
        self._is_behind = False  # more frames have come than one turn reads
        self._is_partial = True  # a preface, a frame or a head is due
        self._has_moved = False  # a frame has been read
        self._has_preface = self._has_settings = False
        self._block: _OpenBlock | None = None
        self._last_block: tuple[bytes, int, bool] | None = None  # with what it means
        self._streams: dict[int, Http2Stream] = {}
        self._fresh: dict[int, Http2Stream] = {}  # whose requests have not begun
        self._left: dict[int, None] = {}  # see _MAX_LEFT
        self._skipped: list[range] = []
        self._last = 0  # the highest stream of the client
        self._begun = 0  # in this turn
        self._window = CONNECTION_WINDOW  # that the client has
        self._rest = (0, 0, 0)  # length, flags and stream of what is missing of a DATA frame
        self._stopping = False
        self._is_last_told = False  # which stream is the last one
        self._is_closing = False
        self._farewell = NEVER  # when no new streams are taken any more

    # -- from the transport
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(_WRITE_HIGH_BYTES)
        self.sender = Sender(self.transport, self._calm)
        self._pace = Pace(self.transport)
        tls = transport.get_extra_info("ssl_object")
        name = transport.get_extra_info("peername")
        self.address = name[0] if isinstance(name, tuple) else "127.0.0.1"
        peer = Peer(self.address, "https" if tls else "http", self.settings.trusted_proxies)
        self.caller = Caller(peer, self.settings, client_certificate(tls), "2.0")
        self._server_state.connections.add(self)  # type: ignore[arg-type]
        self.sweeper.watch(self)
        self.transport.write(self._greeting())
        limit = self.settings.limits.connections
        if limit is not None and len(self._server_state.connections) > limit:
            self._turn_away("Too many connections")
        elif is_last_descriptor(self.transport):
            self._turn_away("Out of file descriptors")

    def _greeting(self) -> bytes:
        """Our settings and the window of the connection."""
        values = {
            Setting.MAX_CONCURRENT_STREAMS: self.settings.http2.streams,
            Setting.MAX_HEADER_LIST_SIZE: self.settings.limits.head_bytes,
            Setting.ENABLE_CONNECT_PROTOCOL: 1,
        }
        return frames.settings(values) + frames.window_update(0, CONNECTION_WINDOW - FIRST_WINDOW)

    def data_received(self, data: bytes) -> None:
        if len(data) > self._pace.limit_bytes:
            self._pace.took()
        if self._is_closing:
            return
        self._buffer = self._buffer + data if self._buffer else data
        if not self._is_behind:
            self._read()

    def eof_received(self) -> None:
        """The client has closed its side; like nginx and Go we treat that as leaving."""

    def connection_lost(self, error: Exception | None) -> None:
        self._is_closing = True
        self._server_state.connections.discard(self)
        self._listener.stalled.discard(self)
        self.sweeper.forget(self)
        self._close_streams()

    def pause_writing(self) -> None:
        self.sender.is_full = True
        self._deadlines.expect_progress(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        self._deadlines.writing = NEVER
        self._listener.stalled.discard(self)
        self.sender.resume()

    # -- frames
    def _read(self) -> None:
        """Read the frames of one turn; the others wait for the next, and what follows them stays in the socket."""
        was_behind, self._is_behind = self._is_behind, False
        self._begun = 0
        try:
            self._is_behind = self._take_frames()
            self._begin_fresh()
        except ConnectionFault as fault:
            self._fail(fault)
        if self._is_closing or self.transport.is_closing():
            return
        if self._is_behind:
            self._pace.pause_reading()
            backlog().add(self._read)
            return
        if was_behind:
            self._pace.resume_reading()
        self._await_rest()

    def _await_rest(self) -> None:
        """What is due: the rest of a frame or a head, or the next request."""
        was_partial = self._is_partial
        self._is_partial = bool(self._buffer) or self._block is not None or not self._has_settings
        if self._is_partial and (self._has_moved or not was_partial):
            self._deadlines.expect_head()
        elif was_partial and not self._is_partial:
            self._deadlines.reading = NEVER
            if not self._streams:
                self._deadlines.expect_request()

    def _take_frames(self) -> bool:
        """Whether there may be more of them than one turn reads. Raises ConnectionFault."""
        data, at, count = self._buffer, 0, 0
        if not self._has_preface:
            at = self._take_preface(data)
        while self._has_preface and not self._is_closing:
            if count == MAX_FRAMES or self._begun >= MAX_BEGUN:
                self._buffer = data[at:]
                return True
            count += 1
            after = self._take_frame(data, at)
            if after == at:
                break
            at = after
        self._has_moved = at > 0
        self._buffer = data[at:]
        return False

    def _take_preface(self, data: bytes) -> int:
        """Where the frames begin. Raises ConnectionFault."""
        if data.startswith(PREFACE):
            self._has_preface = True
            return len(PREFACE)
        if not PREFACE.startswith(data):
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "no preface of HTTP/2")
        return 0

    def _take_frame(self, data: bytes, at: int) -> int:
        """Handle the frame at *at*; where the next one begins, or *at* again if not all of it is here."""
        if self._rest[0]:
            return self._take_part(data, at, at, *self._rest)
        start = at + HEADER_BYTES
        if len(data) < start:
            return at
        length, kind, flags, stream_id = frames.head_of(data, at)
        if length > MAX_FRAME:
            raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "a frame is too long")
        end = start + length
        if len(data) < end:
            if kind == DATA and not flags & PADDED and len(data) > start and self._has_settings:
                return self._take_part(data, at, start, length, flags, stream_id)
            return at
        try:
            self._handle(kind, flags, stream_id, data[start:end])
        except StreamFault as fault:
            self._end_stream(fault)
        return end

    def _take_part(self, data: bytes, at: int, start: int, length: int, flags: int, stream_id: int) -> int:
        """A DATA frame that comes slowly is taken for several: a slow client must not seem to stand still."""
        piece = data[start : start + length]
        if not piece:
            return at
        missing = length - len(piece)
        self._rest = (missing, flags, stream_id)
        try:
            self._handle(DATA, 0 if missing else flags, stream_id, piece)
        except StreamFault as fault:
            self._end_stream(fault)
        return start + len(piece)

    def _handle(self, kind: int, flags: int, stream_id: int, payload: bytes) -> None:
        """One frame. Raises ConnectionFault, StreamFault."""
        if self._block is not None:
            if kind != CONTINUATION or stream_id != self._block.stream_id:
                raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "another frame within a head")
        elif not self._has_settings:
            if kind != frames.SETTINGS or flags & ACK:
                raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "the first frame is not SETTINGS")
            self._has_settings = True
        if kind > CONTINUATION:  # RFC 9113 §4.1: unknown frames are ignored
            self._calm.noise()
        else:
            _HANDLERS[kind](self, flags, stream_id, payload)

    def _on_data(self, flags: int, stream_id: int, payload: bytes) -> None:
        size = len(payload)
        self._window -= size
        if self._window < 0:
            raise ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, "more data than the connection's window allows")
        if self._window <= CONNECTION_WINDOW // 2:
            self.transport.write(frames.window_update(0, CONNECTION_WINDOW - self._window))
            self._window = CONNECTION_WINDOW
        data = frames.unpadded(payload) if flags & PADDED else payload
        if not data and not flags & END_STREAM:
            self._calm.noise()
        stream = self._streams.get(stream_id)
        if stream is None:
            self._on_late(stream_id)
            return
        stream.receive(data, size, stream_id not in self._fresh)
        if flags & END_STREAM:
            self._complete(stream, None)

    def _complete(self, stream: Http2Stream, trailers: dict[str, str] | None) -> None:
        """The client has sent the end of *stream*. Raises StreamFault."""
        stream.end(trailers)
        if self._fresh.pop(stream.stream_id, None) is not None:
            self._begin(stream)

    def _on_late(self, stream_id: int) -> None:
        """A frame of a stream that is not there: excusable where we have ended it. Raises ConnectionFault."""
        if stream_id not in self._left:
            was_open = 0 < stream_id <= self._last and stream_id % 2
            never = not was_open or any(stream_id in skipped for skipped in self._skipped)
            code = ErrorCode.PROTOCOL_ERROR if never else ErrorCode.STREAM_CLOSED
            raise ConnectionFault(code, "a frame of a stream that is not open")

    def _on_headers(self, flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id % 2 == 0:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "a stream with an even number")
        if flags & PADDED:
            payload = frames.unpadded(payload)
        if flags & PRIORITIZED:
            if len(payload) < 5:
                raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "HEADERS without all of their priority")
            payload = payload[5:]
        if flags & END_HEADERS:
            self._take_block(flags, stream_id, payload)
        else:
            self._block = _OpenBlock(stream_id, flags, payload)

    def _on_continuation(self, flags: int, stream_id: int, payload: bytes) -> None:
        block = self._block
        if block is None:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "CONTINUATION of no head")
        block.count += 1
        block.data += payload
        if block.count > MAX_CONTINUATIONS or len(block.data) > self.settings.limits.head_bytes:
            raise ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, "a head has too many frames or bytes")
        if flags & END_HEADERS:
            self._block = None
            self._take_block(block.flags, stream_id, bytes(block.data))

    def _on_priority(self, _flags: int, stream_id: int, payload: bytes) -> None:
        self._calm.noise()
        if stream_id == 0:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "PRIORITY of no stream")
        if len(payload) != 5:
            raise StreamFault(stream_id, ErrorCode.FRAME_SIZE_ERROR, "PRIORITY of the wrong length")

    def _on_reset(self, _flags: int, stream_id: int, payload: bytes) -> None:
        frames.read_word(payload)
        if stream_id == 0 or stream_id > self._last or stream_id % 2 == 0:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "RST_STREAM of a stream that never was")
        stream = self._streams.get(stream_id)
        if stream is None:  # it has been answered in the meantime
            self._calm.noise()
            return
        self._calm.ended_early()
        self._forget(stream)
        stream.close()

    def _on_settings(self, flags: int, stream_id: int, payload: bytes) -> None:
        self._calm.noise()
        if stream_id != 0:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "SETTINGS of a stream")
        if flags & ACK:
            if payload:
                raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "an acknowledgement with settings")
            return
        for name, value in frames.read_settings(payload):
            self._set(name, value)
        self._reply(frames.frame(frames.SETTINGS, ACK, 0))

    def _set(self, name: int, value: int) -> None:
        if name == Setting.INITIAL_WINDOW_SIZE:
            self._resize_windows(value)
        elif name == Setting.HEADER_TABLE_SIZE:
            self.sender.announce_table()
        elif name == Setting.ENABLE_PUSH and value > 1:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "ENABLE_PUSH is neither 0 nor 1")
        elif name == Setting.MAX_FRAME_SIZE and not MAX_FRAME <= value < 2**24:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "MAX_FRAME_SIZE is out of bounds")

    def _resize_windows(self, value: int) -> None:
        """The window of every stream changes by as much as that of new ones. Source: RFC 9113 §6.9.2."""
        if value > MAX_WINDOW:
            raise ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE is too large")
        change, self.sender.first_window = value - self.sender.first_window, value
        if not all([stream.flow.widen(change) for stream in self._streams.values()]):
            raise ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, "a window has become too large")

    def _on_push(self, _flags: int, _stream_id: int, _payload: bytes) -> None:
        raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "PUSH_PROMISE of a client")

    def _on_ping(self, flags: int, stream_id: int, payload: bytes) -> None:
        self._calm.noise()
        if stream_id != 0:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "PING of a stream")
        if len(payload) != 8:
            raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "PING of the wrong length")
        if not flags & ACK:
            self._reply(frames.frame(frames.PING, ACK, 0, payload))

    def _on_goaway(self, _flags: int, stream_id: int, payload: bytes) -> None:
        """The client begins no more streams; those that run are answered. Source: RFC 9113 §6.8."""
        self._calm.noise()
        if stream_id != 0:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "GOAWAY of a stream")
        if len(payload) < 8:
            raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "GOAWAY of the wrong length")

    def _on_window_update(self, _flags: int, stream_id: int, payload: bytes) -> None:
        self._calm.noise()
        size = frames.read_word(payload) & MAX_WINDOW
        if stream_id == 0:
            self._widen(size)
        elif stream_id > self._last or stream_id % 2 == 0:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE of a stream that never was")
        elif not size:
            raise StreamFault(stream_id, ErrorCode.PROTOCOL_ERROR, "a window that grows by nothing")
        elif (stream := self._streams.get(stream_id)) and not stream.flow.widen(size):
            raise StreamFault(stream_id, ErrorCode.FLOW_CONTROL_ERROR, "a window is too large")

    def _widen(self, size: int) -> None:
        sender = self.sender
        if not size:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "a window that grows by nothing")
        sender.window += size
        if sender.window > MAX_WINDOW:
            raise ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, "the connection's window is too large")
        sender.pump()

    def _reply(self, data: bytes) -> None:
        """Answer a control frame, unless the client reads none of the answers."""
        self.transport.write(data)
        if self.sender.is_full and self.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self.abort()

    # -- requests
    def _take_block(self, flags: int, stream_id: int, block: bytes) -> None:
        """A whole field block: a request's head, or its trailers. Raises ConnectionFault, StreamFault."""
        ended = bool(flags & END_STREAM)
        if stream_id <= self._last:
            self._take_trailers(stream_id, block, ended)
            return
        if stream_id != self._last + 2:
            self._skip(stream_id)
        self._last = stream_id
        self._begun += 1
        if self._is_last_told:
            self._decoder.decode(block)
            self._leave(stream_id)
            return
        head = self._read_block(stream_id, block, ended)
        if head is None:
            return
        self._calm.earned += 1
        stream = Http2Stream(self, stream_id, self.caller.request(head), head, ended)
        self._streams[stream_id] = stream
        self._deadlines.reading = NEVER
        if ended:
            self._begin(stream)
        else:
            self._fresh[stream_id] = stream

    def _skip(self, stream_id: int) -> None:
        """The streams below *stream_id* that never were can never be. Source: RFC 9113 §5.1.1."""
        self._skipped.append(range(self._last + 1, stream_id))
        del self._skipped[:-_MAX_SKIPPED]

    def _take_trailers(self, stream_id: int, block: bytes, ended: bool) -> None:
        fields = self._decoder.decode(block)
        stream = self._streams.get(stream_id)
        if stream is None:
            self._on_late(stream_id)
            return
        if stream.ended:
            raise StreamFault(stream_id, ErrorCode.STREAM_CLOSED, "a head behind the end of the request")
        if not ended:
            raise StreamFault(stream_id, ErrorCode.PROTOCOL_ERROR, "trailers that do not end the request")
        try:
            trailers = trailer_lines(fields)
        except MalformedFields as error:
            raise StreamFault(stream_id, ErrorCode.PROTOCOL_ERROR, str(error)) from None
        self._complete(stream, trailers)

    def _read_block(self, stream_id: int, block: bytes, ended: bool) -> RequestHead | None:
        """The head that *block* means; None: the request has been answered. Raises ConnectionFault, StreamFault."""
        decoder, before = self._decoder, self._decoder.changes
        known = (block, before, ended)
        if known == self._last_block and self.caller.head is not None:
            self._check_room(stream_id)
            return self.caller.head
        fields = decoder.decode(block)
        self._last_block = None
        self._check_room(stream_id)
        try:
            text = head_text(fields, ended)
            if len(text) > self._listener.settings.limits.head_bytes:
                raise head_too_large(len(text), self._listener.settings.limits.head_bytes)
            head = self.caller.read(text)
            if ended and head.length:
                raise MalformedFields("the body is shorter than announced")
        except MalformedFields as error:
            self._note(HeadError(400, str(error)))
            raise StreamFault(stream_id, ErrorCode.PROTOCOL_ERROR, str(error)) from None
        except HeadError as refusal:
            self._refuse(stream_id, refusal, ended)
            return None
        if decoder.changes == before:
            self._last_block = known
        return head

    def _check_room(self, stream_id: int) -> None:
        if len(self._streams) >= self.settings.http2.streams:
            raise StreamFault(stream_id, ErrorCode.REFUSED_STREAM, "too many streams")

    def _begin_fresh(self) -> None:
        """Begin the requests whose bodies are still to come."""
        fresh, self._fresh = self._fresh, {}
        for stream in fresh.values():
            self._begin(stream)

    def _begin(self, stream: Http2Stream) -> None:
        """Give a request to the application."""
        self._server_state.total_requests += 1
        stream.attach_body()
        stream.begin(self._listener.application)

    def _refuse(self, stream_id: int, refusal: HeadError, ended: bool) -> None:
        """Answer a request that never reaches the application."""
        id_line = self._note(refusal)
        allow = [("Allow", _METHODS)] if refusal.status == 405 else []
        response = error_response(refusal.status, refusal.message, allow)
        content = response.body.content
        more = [f"content-length: {len(content)}", id_line] if id_line else [f"content-length: {len(content)}"]
        block = answer_block(response.status_code, response.headers, more) + remembered(self.sweeper.date_line)
        self._reply(self.sender.heads(block, 0, stream_id) + frames.frame(DATA, END_STREAM, stream_id, content))
        if not ended:
            self._leave(stream_id)
            self._reply(frames.reset(stream_id, ErrorCode.NO_ERROR))

    def _note(self, refusal: HeadError) -> str:
        """Report a request that does not reach the application; the line with the id that its answer shows."""
        drawn, id_line = self.caller.draw_id()
        self._listener.note(refusal, drawn, self.address)
        return id_line.removesuffix("\r\n")

    # -- from the streams
    def grant(self, stream_id: int, size: int) -> None:
        self.transport.write(frames.window_update(stream_id, size))

    def continue_(self, stream_id: int) -> None:
        self.transport.write(self.sender.heads(b"\x08\x03100", 0, stream_id))

    def stream_over(self, stream: Http2Stream, code: ErrorCode | None) -> None:
        if not self._forget(stream):
            return
        if code is None or code is ErrorCode.NO_ERROR:
            self._calm.ended_well()
        if code is not None:
            self._leave(stream.stream_id)
            self.transport.write(frames.reset(stream.stream_id, code))

    def _forget(self, stream: Http2Stream) -> bool:
        """*stream* is over; whether it was there."""
        self._fresh.pop(stream.stream_id, None)
        if self._streams.pop(stream.stream_id, None) is None:
            return False
        self._listener.stalled.discard(stream)
        if not self._streams:
            self._rest_from_work()
        return True

    def _rest_from_work(self) -> None:
        """No stream is open."""
        if self._is_last_told:
            self._close_gently()
        else:
            self._deadlines.expect_request()

    def _leave(self, stream_id: int) -> None:
        """We have ended a stream, of which frames may still come."""
        self._left[stream_id] = None
        if len(self._left) > _MAX_LEFT:
            del self._left[next(iter(self._left))]

    def _end_stream(self, fault: StreamFault) -> None:
        """The client has broken the protocol in one stream. Raises ConnectionFault: too often."""
        self._calm.ended_early()
        self._leave(fault.stream_id)
        self.transport.write(frames.reset(fault.stream_id, fault.code))
        stream = self._streams.get(fault.stream_id)
        if stream is not None:
            self._forget(stream)
            stream.spoil(fault.message)

    # -- ends
    def _fail(self, fault: ConnectionFault) -> None:
        """The client has broken the protocol: tell it why, and close."""
        self._note(HeadError(400, f"HTTP/2: {fault.message}"))
        self.transport.write(frames.goaway(self._last, fault.code, fault.message))
        self._close_gently()
        self._close_streams()

    def _turn_away(self, message: str) -> None:
        """Close before the first request."""
        self._note(HeadError(503, message))
        self.transport.write(frames.goaway(0, ErrorCode.ENHANCE_YOUR_CALM, message))
        self._close_gently()

    def _close_gently(self) -> None:
        """Close so that what has been written arrives: closing a socket with unread bytes resets the connection."""
        if self._is_closing:
            return
        self._is_closing = True
        self._buffer = b""
        self._deadlines.expect_progress(self.transport.get_write_buffer_size())
        self._deadlines.expect_close()
        self._pace.resume_reading()
        with suppress(OSError, NotImplementedError):  # the client may have left unnoticed; TLS has no half-closed state
            self.transport.write_eof()

    def _close_streams(self) -> None:
        streams, self._streams = self._streams, {}
        self._fresh.clear()
        for stream in streams.values():
            self._listener.stalled.discard(stream)
            stream.close()

    def abort(self) -> None:
        """Close immediately and discard unsent bytes."""
        self._is_closing = True
        self.transport.abort()

    # -- from the server
    @property
    def lasting(self) -> int:
        """How many of its streams are tunnels or streams of events."""
        return sum(stream.is_lasting for stream in self._streams.values())

    def go_away(self) -> None:
        """The server is stopping: end tunnels and streams of events, unless a frame to the client is incomplete."""
        for stream in tuple(self._streams.values()):
            if stream.is_lasting:
                stream.end_tunnel(GOING_AWAY, "the gateway stops")

    def shutdown(self) -> None:
        """
        The server is stopping: the streams that run may end.

        The client first learns that it should begin no more, and after a while which one was the last.
        Source: RFC 9113 §6.8.
        """
        if self._is_closing:
            return
        self._stopping = True
        self._deadlines.stop()
        farewell_s = self.settings.farewell_s
        if not farewell_s:
            self._tell_last()
            return
        self.transport.write(frames.goaway(MAX_WINDOW, ErrorCode.NO_ERROR))
        self._farewell = self.sweeper.deadline(farewell_s)

    def _tell_last(self) -> None:
        """From here on no new stream is taken."""
        self._is_last_told = True
        self._farewell = NEVER
        self.transport.write(frames.goaway(self._last, ErrorCode.NO_ERROR))
        if not self._streams:
            self._close_gently()

    # -- deadlines
    def sweep(self, now: float) -> None:
        """Look at the deadlines; *now* is the event loop's time."""
        self._calm.pass_time(now - self._swept)
        self._swept = now
        deadlines = self._deadlines
        if now >= deadlines.writing:
            self._sweep_writing()
        elif now >= self._farewell:
            self._tell_last()
        elif now >= deadlines.reading:
            deadlines.reading = NEVER
            self._sweep_reading()
        for stream in tuple(self._streams.values()):
            stream.sweep(now, self._listener.stalled)

    def _sweep_writing(self) -> None:
        """Close a connection whose client reads nothing: when its time is up, or earlier if there are too many."""
        listener = self._listener
        if self._deadlines.has_progressed(self.transport.get_write_buffer_size()):
            listener.stalled.discard(self)
            return
        listener.stalled.add(self)
        if not self._deadlines.may_stall() or len(listener.stalled) > listener.settings.limits.stalled_connections:
            self.abort()

    def _sweep_reading(self) -> None:
        if self._is_closing:
            if self.transport.get_write_buffer_size():
                self._deadlines.expect_close()
            else:
                self.abort()
        elif self._is_partial and self._has_settings:
            self._fail(ConnectionFault(ErrorCode.NO_ERROR, "the rest of a frame did not come in time"))
        else:
            self._tell_last()


_HANDLERS: tuple[Callable[[Http2ServerConnection, int, int, bytes], None], ...] = (
    Http2ServerConnection._on_data,
    Http2ServerConnection._on_headers,
    Http2ServerConnection._on_priority,
    Http2ServerConnection._on_reset,
    Http2ServerConnection._on_settings,
    Http2ServerConnection._on_push,
    Http2ServerConnection._on_ping,
    Http2ServerConnection._on_goaway,
    Http2ServerConnection._on_window_update,
    Http2ServerConnection._on_continuation,
)
