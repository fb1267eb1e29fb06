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
from typing import TYPE_CHECKING

from gateway.wire.server.answers import refusal_response
from gateway.wire.server.deadlines import NEVER
from gateway.wire.server.forwarded import Introduction
from gateway.wire.server.http2 import frames
from gateway.wire.server.http2.blocks import BlockReader
from gateway.wire.server.http2.calm import Calm, Resets
from gateway.wire.server.http2.fields import MalformedFields, answer_block, remembered
from gateway.wire.server.http2.frames import (
    ACK,
    DATA,
    END_STREAM,
    FIRST_WINDOW,
    MAX_WINDOW,
    ConnectionFault,
    ErrorCode,
    Setting,
    StreamFault,
)
from gateway.wire.server.http2.joined import JoinedWrites
from gateway.wire.server.http2.numbers import StreamNumbers
from gateway.wire.server.http2.outflow import FairSender
from gateway.wire.server.http2.stream import Http2Stream
from gateway.wire.server.http2.turns import FrameTurns
from gateway.wire.server.http2.unfinished import UnfinishedRequests
from gateway.wire.server.http2.unsent import Unsent
from gateway.wire.server.listener import Listener
from gateway.wire.server.request_head import HeadError, RequestHead
from gateway.wire.websocket import GOING_AWAY

if TYPE_CHECKING:
    from uvicorn.server import ServerState

MAX_UNSENT_BYTES = 1024 * 1024
"""Of a client that has us answer its control frames and reads nothing: the connection ends."""
CONNECTION_WINDOW = 16 * 1024 * 1024
_WORK_BYTES = 512  # of a field block, or of settings, take as long as a request


class Http2ServerConnection(FrameTurns):
    """
    One client connection.

    Attributes:
        sender: What its streams send goes through it.
    """

    version = "2.0"
    sender: FairSender

    def __init__(self, listener: Listener, server_state: ServerState, introduction: Introduction | None = None) -> None:
        super().__init__(listener, server_state, introduction)
        self._swept = self.sweeper.now
        self._fresh: dict[int, Http2Stream] = {}  # whose requests have not begun
        self._numbers = StreamNumbers()
        self._window = CONNECTION_WINDOW  # that the client has
        self._is_last_told = False  # which stream is the last one
        self._farewell = NEVER  # when no new streams are taken any more

    # -- from the transport
    def _greet(self) -> None:
        """Say what we accept, and open the window of the connection."""
        if not self.transport.can_write_eof():
            self.transport = JoinedWrites(self.transport)
        listener, now, streams = self._listener, self.sweeper.now, self.settings.http2.streams
        is_proxy = self.caller.is_trusted  # it has many clients, with one address and on one connection
        self._calm = Calm(Resets(now) if is_proxy else listener.resets.of(self.address, now))
        self._unfinished = UnfinishedRequests(self, listener.unfinished, streams if is_proxy else 1)
        self._unsent = Unsent(listener.unsent, self.sweeper, self._evict)
        self.sender = FairSender(self.transport, self._calm, self._unsent)
        self._blocks = BlockReader(self.caller, self.settings.limits)
        values = {
            Setting.MAX_CONCURRENT_STREAMS: streams,
            Setting.MAX_HEADER_LIST_SIZE: self.settings.limits.head_bytes,
            Setting.ENABLE_CONNECT_PROTOCOL: 1,
        }
        self.transport.write(frames.settings(values) + frames.window_update(0, CONNECTION_WINDOW - FIRST_WINDOW))

    def connection_lost(self, error: Exception | None) -> None:
        self._is_closing = True
        super().connection_lost(error)
        self._close_streams()

    def pause_writing(self) -> None:
        self.sender.is_full = True
        self._deadlines.expect_progress(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        self._deadlines.writing = NEVER
        self._listener.stalled.discard(self)
        self.sender.resume()

    # -- frames
    def _handle(self, kind: int, flags: int, stream_id: int, payload: bytes) -> None:
        _HANDLERS.get(kind, _UNKNOWN)(self, flags, stream_id, payload)

    def _on_data(self, flags: int, stream_id: int, data: bytes) -> None:
        size = self._reader.size
        self._window -= size
        if self._window < 0:
            raise ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, "more data than the connection's window allows")
        if self._window <= CONNECTION_WINDOW // 2:
            self.transport.write(frames.window_update(0, CONNECTION_WINDOW - self._window))
            self._window = CONNECTION_WINDOW
        if not data and not flags & END_STREAM:
            self._calm.noise()
        stream = self._streams.get(stream_id)
        if stream is None:
            self._numbers.excuse(stream_id, flags)
            return
        stream.receive(data, size)
        if flags & END_STREAM:
            self._complete(stream, None)

    def _complete(self, stream: Http2Stream, trailers: dict[str, str] | None) -> None:
        """The client has sent the end of *stream*. Raises StreamFault."""
        stream.end(trailers)
        if self._unfinished.leave(stream.stream_id):  # it was waiting
            self._begin(stream)

    def _on_headers(self, flags: int, stream_id: int, block: bytes) -> None:
        if stream_id % 2 == 0:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "a stream with an even number")
        self._work += 1 + len(block) // _WORK_BYTES
        if stream_id > self._numbers.last:
            self._take_head(flags, stream_id, block)
        else:
            self._take_trailers(flags, stream_id, block)

    def _on_noise(self, _flags: int, _stream_id: int, _payload: bytes) -> None:
        """
        PRIORITY, GOAWAY and unknown frames: nothing follows from them.

        A client that sends GOAWAY begins no more streams; those that run are answered. Source: RFC 9113 §6.8.
        """
        self._calm.noise()

    def _on_reset(self, _flags: int, stream_id: int, _payload: bytes) -> None:
        if stream_id > self._numbers.last or stream_id % 2 == 0:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "RST_STREAM of a stream that never was")
        stream = self._streams.get(stream_id)
        if stream is None:  # it has been answered in the meantime
            self._numbers.has_ended(stream_id)
            self._calm.noise()
            return
        self._calm.ended_early()
        self._forget(stream)
        stream.close()

    def _on_settings(self, flags: int, _stream_id: int, payload: bytes) -> None:
        self._calm.noise()
        pairs = frames.read_settings(flags, payload)
        if flags & ACK:
            return
        self._work += 1 + len(payload) // _WORK_BYTES
        for name, value in dict(pairs).items():
            self._set(name, value)
        self._reply(frames.frame(frames.SETTINGS, ACK, 0))

    def _set(self, name: int, value: int) -> None:
        if name == Setting.HEADER_TABLE_SIZE:
            self.sender.announce_table()
        elif name == Setting.INITIAL_WINDOW_SIZE:  # every stream's window changes by as much: RFC 9113 §6.9.2
            change, self.sender.first_window = value - self.sender.first_window, value
            if not all([stream.flow.widen(change) for stream in tuple(self._streams.values())]):
                raise ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, "a window has become too large")

    def _on_ping(self, flags: int, _stream_id: int, payload: bytes) -> None:
        self._calm.noise()
        if not flags & ACK:
            self._reply(frames.frame(frames.PING, ACK, 0, payload))

    def _on_window_update(self, _flags: int, stream_id: int, payload: bytes) -> None:
        self._calm.noise()
        size = frames.read_word(payload)
        if stream_id == 0:
            self.sender.widen(size)
        elif stream_id > self._numbers.last or stream_id % 2 == 0:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE of a stream that never was")
        elif not size:
            raise StreamFault(stream_id, ErrorCode.PROTOCOL_ERROR, "a window that grows by nothing")
        elif (stream := self._streams.get(stream_id)) and not stream.flow.widen(size):
            raise StreamFault(stream_id, ErrorCode.FLOW_CONTROL_ERROR, "a window is too large")

    def _reply(self, data: bytes) -> None:
        """Answer a control frame, unless the client reads none of the answers."""
        self.transport.write(data)
        if self.sender.is_full and self.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self.abort()

    # -- requests
    def _take_head(self, flags: int, stream_id: int, block: bytes) -> None:
        """A new stream. Raises ConnectionFault, StreamFault."""
        self._numbers.begin(stream_id)
        if self._is_last_told:
            self._blocks.skip(block)
            self._numbers.leave(stream_id)
            return
        ended = bool(flags & END_STREAM)
        head = self._checked(stream_id, block, ended)
        if head is None:
            return
        self._calm.earned += 1
        stream = Http2Stream(self, stream_id, self.caller.request(head), head, ended)
        self._streams[stream_id] = self._fresh[stream_id] = stream
        self._deadlines.reading = NEVER

    def _checked(self, stream_id: int, block: bytes, ended: bool) -> RequestHead | None:
        """The head that *block* means; None: it has been answered. Raises ConnectionFault, StreamFault."""
        if len(self._streams) >= self.settings.http2.streams:
            self._blocks.skip(block)
            raise StreamFault(stream_id, ErrorCode.REFUSED_STREAM, "too many streams")
        try:
            return self._blocks.read(block, ended, self._listener.settings.limits)
        except MalformedFields as error:
            self._note(HeadError(400, str(error)))
            raise StreamFault(stream_id, ErrorCode.PROTOCOL_ERROR, str(error)) from None
        except HeadError as refusal:
            self._refuse(stream_id, refusal, ended)
            return None

    def _take_trailers(self, flags: int, stream_id: int, block: bytes) -> None:
        stream = self._streams.get(stream_id)
        if stream is None:
            self._blocks.skip(block)
            self._numbers.excuse(stream_id, flags)
            return
        if stream.ended:
            self._blocks.skip(block)
            raise StreamFault(stream_id, ErrorCode.STREAM_CLOSED, "a head behind the end of the request")
        try:
            trailers = self._blocks.trailers(block)
        except MalformedFields as error:
            raise StreamFault(stream_id, ErrorCode.PROTOCOL_ERROR, str(error)) from None
        if not flags & END_STREAM:
            raise StreamFault(stream_id, ErrorCode.PROTOCOL_ERROR, "trailers that do not end the request")
        self._complete(stream, trailers)

    def _begin_fresh(self) -> None:
        """Begin the requests of this turn that have not been reset in it, and for which there is a place."""
        fresh, self._fresh = self._fresh, {}
        for stream in fresh.values():
            if stream.ended:
                self._begin(stream)
            elif self._unfinished.admit(stream.stream_id):
                self.begin_waiting(stream.stream_id)
            else:
                stream.wait()

    def begin_waiting(self, stream_id: int) -> None:
        """Begin a request whose body is still to come."""
        stream = self._streams[stream_id]
        self._begin(stream)
        request = stream.request
        if request.call is not None or request.upgrade:  # they last: gRPC shares the backend's connections with others
            self._unfinished.leave(stream.stream_id)

    def _begin(self, stream: Http2Stream) -> None:
        """Give a request to the application."""
        self._server_state.total_requests += 1
        stream.attach_body()
        stream.begin(self._listener.application)

    def _refuse(self, stream_id: int, refusal: HeadError, ended: bool) -> None:
        """Answer a request that never reaches the application."""
        id_line = self._note(refusal)
        response = refusal_response(refusal.status, refusal.message)
        content = response.body.content
        more = [f"content-length: {len(content)}", *id_line.splitlines()]
        block = answer_block(response.status_code, response.headers, more) + remembered(self.sweeper.date_line)
        is_bare = refusal.line.startswith("HEAD ")
        data = b"" if is_bare else frames.frame(DATA, END_STREAM, stream_id, content)
        self._reply(self.sender.heads(block, END_STREAM if is_bare else 0, stream_id) + data)
        if not ended:
            self._numbers.answer_early(stream_id)

    # -- from the streams
    def grant(self, stream_id: int, size: int) -> None:
        self.transport.write(frames.window_update(stream_id, size))

    def continue_(self, stream_id: int) -> None:
        self.transport.write(self.sender.heads(b"\x08\x03100", 0, stream_id))

    def stream_over(self, stream: Http2Stream, code: ErrorCode | None) -> None:
        if stream.stream_id not in self._streams:
            return
        if code is None or code is ErrorCode.NO_ERROR:
            self._calm.ended_well()
        if code is ErrorCode.NO_ERROR:
            self._numbers.answer_early(stream.stream_id)
        elif code is not None:
            self._numbers.leave(stream.stream_id)
            self.transport.write(frames.reset(stream.stream_id, code))
        self._forget(stream)  # which may end the connection: nothing can be written behind that

    def give_up(self, stream: Http2Stream) -> None:
        """*stream* has waited too long for its beginning."""
        if self._forget(stream):
            stream.close()
            refusal = HeadError(503, "Too many requests wait for their bodies")
            self._refuse(stream.stream_id, refusal, ended=False)

    def _stop_uploads(self) -> None:
        """
        Tell the client which requests it need not send to their ends, because they have been answered.

        It is told a moment after the answer: curl drops an answer that comes together with this.
        Source: RFC 9113 §8.1.
        """
        for stream_id in self._numbers.take_unread():
            self.transport.write(frames.reset(stream_id, ErrorCode.NO_ERROR))

    def _forget(self, stream: Http2Stream) -> bool:
        """*stream* is over; whether it was there."""
        self._fresh.pop(stream.stream_id, None)
        if self._streams.pop(stream.stream_id, None) is None:
            return False
        if not stream.ended:
            self._unfinished.leave(stream.stream_id)
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

    def _end_stream(self, fault: StreamFault) -> None:
        """The client has broken the protocol in one stream. Raises ConnectionFault: too often."""
        self._calm.ended_early()
        self._numbers.leave(fault.stream_id)
        self.transport.write(frames.reset(fault.stream_id, fault.code))
        stream = self._streams.get(fault.stream_id)
        if stream is not None:
            self._forget(stream)
            stream.spoil(fault.message)

    # -- ends
    def _fail(self, fault: ConnectionFault) -> None:
        self._note(HeadError(400, f"HTTP/2: {fault.message}"))
        self.transport.write(frames.goaway(self._numbers.last, fault.code, fault.message))
        self._close_gently()
        self._close_streams()

    def _turn_away(self, refusal: HeadError) -> None:
        self._note(refusal)
        self.transport.write(frames.goaway(0, ErrorCode.ENHANCE_YOUR_CALM, refusal.message))
        self._close_gently()

    def _close_gently(self) -> None:
        """Close so that what has been written arrives: closing a socket with unread bytes resets the connection."""
        if self._is_closing:
            return
        self._is_closing = True
        self._deadlines.expect_progress(self.transport.get_write_buffer_size())
        self._deadlines.expect_close()
        self._pace.resume_reading()
        if not self.transport.can_write_eof():  # TLS says that we close, and reads until the client does
            self.transport.close()
            return
        with suppress(OSError):  # the client may have left unnoticed
            self.transport.write_eof()

    def _close_streams(self) -> None:
        streams, self._streams = self._streams, {}
        self._fresh.clear()
        self._unfinished.close()
        self._unsent.end()
        for stream in streams.values():
            self._listener.stalled.discard(stream)
            stream.close()

    def abort(self) -> None:
        self._is_closing = True
        self.transport.abort()

    def _evict(self) -> None:
        """The client does not read what it has asked for, and memory is short."""
        self._note(HeadError(400, "HTTP/2: too much of what was asked for is not read"))
        self.abort()
        asyncio.get_running_loop().call_soon(self._close_streams)  # one of them may be sending

    # -- from the server
    @property
    def lasting(self) -> int:
        return sum(stream.is_lasting for stream in self._streams.values())

    def go_away(self) -> None:
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
        self.transport.write(frames.goaway(self._numbers.last, ErrorCode.NO_ERROR))
        if not self._streams:
            self._close_gently()

    # -- deadlines
    def sweep(self, now: float) -> None:
        self._calm.pass_time(now - self._swept, now)
        self._swept = now
        deadlines = self._deadlines
        if now >= deadlines.writing:
            self._sweep_writing()
        elif now >= self._farewell:
            self._tell_last()
        elif now >= deadlines.reading:
            deadlines.reading = NEVER
            self._sweep_reading()
        if not self._is_closing:
            self._stop_uploads()
        for stream in tuple(self._streams.values()):
            stream.sweep(now, self._listener.stalled)

    def _sweep_reading(self) -> None:
        if self._is_closing:
            self._end_lingering()
        elif self._is_partial and self._reader.is_open:
            self._fail(ConnectionFault(ErrorCode.NO_ERROR, "the rest of a frame did not come in time"))
        else:
            self._tell_last()


_UNKNOWN = Http2ServerConnection._on_noise  # RFC 9113 §4.1: unknown frames are ignored
_HANDLERS: dict[int, Callable[[Http2ServerConnection, int, int, bytes], None]] = {
    frames.DATA: Http2ServerConnection._on_data,
    frames.HEADERS: Http2ServerConnection._on_headers,
    frames.RST_STREAM: Http2ServerConnection._on_reset,
    frames.SETTINGS: Http2ServerConnection._on_settings,
    frames.PING: Http2ServerConnection._on_ping,
    frames.WINDOW_UPDATE: Http2ServerConnection._on_window_update,
}
