"""
One stream of HTTP/2: a request, its body as it comes, and its answer.

The client may send as much of a body as the window of its stream allows. The window is small until the body has a
reader, and is opened again only as the reader takes what has come: an upload that nobody reads holds up only itself.

Source: RFC 9113 §5 and §8; RFC 8441 for tunnels.
"""

from __future__ import annotations

from typing import Protocol

from gateway.errors import ClientLeft
from gateway.wire.body import Body, BodyStream
from gateway.wire.decoders import FramingError
from gateway.wire.framing import CHUNKED
from gateway.wire.messages import Request, Response, WireFault
from gateway.wire.server.answers import error_response
from gateway.wire.server.deadlines import NEVER, Deadlines
from gateway.wire.server.exchange import WAITING, Exchange
from gateway.wire.server.http2.answer import Http2Answer
from gateway.wire.server.http2.fields import answer_block, remembered
from gateway.wire.server.http2.frames import FIRST_WINDOW, ErrorCode, StreamFault
from gateway.wire.server.http2.outflow import FairSender, Outflow
from gateway.wire.server.request_head import HeadError, RequestHead
from gateway.wire.settings import ServerSettings
from gateway.wire.sweeper import Sweeper
from gateway.wire.trailers import barred_names
from gateway.wire.websocket import GOING_AWAY

READ_WINDOW = 256 * 1024
"""Bytes of a body that the client may send ahead once the body has a reader."""


class StreamOwner(Protocol):
    """The connection, as one of its streams sees it."""

    sweeper: Sweeper
    settings: ServerSettings
    sender: FairSender

    def grant(self, stream_id: int, size: int) -> None:
        """Let the client send *size* more bytes on a stream."""

    def continue_(self, stream_id: int) -> None:
        """Ask for the body of a request that waits for ``100 Continue``."""

    def give_up(self, stream: Http2Stream) -> None:
        """*stream* has waited too long for its beginning."""

    def stream_over(self, stream: Http2Stream, code: ErrorCode | None) -> None:
        """Nothing more is sent on *stream*; *code*: the client is told why, because it has not got an end."""


class Http2Stream(Exchange):
    """
    One request and its answer.

    Attributes:
        flow: What is sent.
        ended: Whether the client has sent the end of its request.
        window: Bytes that the client may still send.
    """

    __slots__ = (
        "_awaits_continue", "_deadlines", "_has_begun", "_incoming", "_is_wanted", "_line", "_missing", "_parts",
        "_target_window", "ended", "flow", "head", "stream_id", "window",
    )  # fmt: skip

    def __init__(self, line: StreamOwner, stream_id: int, request: Request, head: RequestHead, ended: bool) -> None:
        super().__init__(request)
        self._line = line
        self.stream_id = stream_id
        self.head = head
        self.ended = ended
        self.window = self._target_window = FIRST_WINDOW
        self.flow = Outflow(stream_id, line.sender, self.resume, self._sent_end)
        self._missing = None if head.length < 0 or head.upgrade else head.length
        self._parts: list[bytes] = []  # of a body, before the request has begun
        self._incoming: BodyStream | None = None
        self._awaits_continue = head.expects_continue
        self._is_wanted = self._has_begun = False
        self._deadlines: Deadlines | None = None

    # -- the request
    def attach_body(self) -> None:
        """Give the request its body: in memory if all of it is here, else a stream that waits for its reader."""
        self._has_begun = True
        request, parts = self.request, self._parts
        if self.head.upgrade and not self.ended:
            request.upgraded = self._incoming = BodyStream(None, self._pause, self._want)
        elif not self.ended:
            length = self.head.length
            self._incoming = BodyStream(None if length == CHUNKED else length, self._pause, self._want, self._drop)
            request.body = Body(stream=self._incoming)
        elif parts:
            request.body = Body(b"".join(parts))
        if self._incoming is not None and parts:
            self._incoming.feed(b"".join(parts))
        self._parts = []

    def wait(self) -> None:
        """The request does not begin yet, but its body is expected."""
        self.deadlines.expect_body(self)

    def receive(self, data: bytes, size: int) -> None:
        """*data* of the body, which has taken *size* of the window. Raises StreamFault."""
        if self.ended:
            raise StreamFault(self.stream_id, ErrorCode.STREAM_CLOSED, "data behind the end of the request")
        self.window -= size
        if self.window < 0:
            raise StreamFault(self.stream_id, ErrorCode.FLOW_CONTROL_ERROR, "more data than the window allows")
        self.received += len(data)
        if self._missing is not None:
            self._count(len(data))
        if not data:
            return
        if not self._has_begun:
            self._keep(data)
        elif self._incoming is not None:
            self._take(data, self._incoming)

    def _keep(self, data: bytes) -> None:
        """*data* of a request that has not begun."""
        self._parts.append(data)
        if self._deadlines is not None:  # it waits for its beginning
            self.wait()

    def _count(self, size: int) -> None:
        """*size* bytes of a body whose length was announced. Raises StreamFault."""
        self._missing = (self._missing or 0) - size
        if self._missing < 0:
            raise StreamFault(self.stream_id, ErrorCode.PROTOCOL_ERROR, "the body is longer than announced")

    def _take(self, data: bytes, incoming: BodyStream) -> None:
        self._awaits_continue = False
        if self._frames is not None:
            self._frames.feed(data)
        incoming.feed(data)
        if self._is_wanted:
            self._open_window()

    def end(self, trailers: dict[str, str] | None = None) -> None:
        """The request is complete. Raises StreamFault."""
        if self._missing:
            raise StreamFault(self.stream_id, ErrorCode.PROTOCOL_ERROR, "the body is shorter than announced")
        self.ended = True
        if self._deadlines is not None:
            self._deadlines.stop_reading()
        if self._incoming is not None:
            self._finish(self._incoming, trailers)
        elif trailers and self._parts:
            self.request.body = Body(stream=BodyStream.whole(b"".join(self._parts), trailers))
            self._parts = []

    def _finish(self, incoming: BodyStream, trailers: dict[str, str] | None) -> None:
        self._incoming = None
        incoming.trailers = trailers or incoming.trailers
        incoming.finish()
        incoming.part()
        stream = self._stream
        if self.request.upgraded is not None and stream is not None:  # who ends a tunnel leaves it
            stream.abandon()
            stream.finish()

    def _want(self) -> None:
        """The body has a reader that is ready for more."""
        if self._awaits_continue:
            self._awaits_continue = False
            if not self.answered:
                self._line.continue_(self.stream_id)
        self._is_wanted = True
        self._target_window = READ_WINDOW
        self._open_window()

    def _open_window(self) -> None:
        """Let the client send more, and wait for it."""
        if self._incoming is None:
            return
        if self.window <= self._target_window // 2:
            self._line.grant(self.stream_id, self._target_window - self.window)
            self.window = self._target_window
        if self.request.upgraded is None and self.request.call is None:  # streams of gRPC may be silent for long
            self.deadlines.expect_body(self)

    def _pause(self) -> None:
        """The reader is not ready for more: the window is not opened."""
        self._is_wanted = False
        if self._deadlines is not None:
            self._deadlines.stop_reading()

    def _drop(self) -> None:
        """The body will not be read."""
        self._incoming = None
        self._pause()

    # -- the answer
    def respond(self, response: Response) -> None:
        if self.head.upgrade and response.status_code // 100 == 2:
            # To a client of HTTP/2 that would mean that the tunnel is there. Source: RFC 8441 §5.
            response.body.discard()
            response = error_response(502, "The backend did not switch protocols.")
        super().respond(response)

    def inform(self, response: Response) -> None:
        if self._phase is WAITING:
            self.flow.send_head(answer_block(response.status_code, response.headers))

    def _send_whole(self, response: Response, content: bytes) -> None:
        self._sent = len(content)
        is_trailers_only = self.request.call is not None and not content
        length = "" if is_trailers_only else f"content-length: {len(content)}"
        self.flow.send_whole(self._block(response, length), content)
        self._end()

    def _write_head_only(self, response: Response, length: str | None) -> None:
        self.flow.send_head(self._block(response, "" if length is None else f"content-length: {length}"), is_end=True)
        self._end()

    def _send_stream(self, response: Response, source: BodyStream) -> None:
        length = "" if source.length is None else f"content-length: {source.length}"
        self.flow.send_head(self._block(response, length))
        answer = Http2Answer(self.flow, self._stream_ended)
        if self.request.takes_trailers:
            answer.barred = barred_names(self.request, response.headers)
        kind = response.headers.first("content-type") or ""
        self._pipe(answer, source, kind.lower().startswith("text/event-stream"))

    def _switch(self, response: Response) -> None:
        """RFC 8441 §5: 200, without what belongs to HTTP/1.1's handshake."""
        response.status_code = 200
        response.headers.remove("sec-websocket-accept")
        self.flow.send_head(self._block(response, ""))
        answer = Http2Answer(self.flow, self._stream_ended)
        self._track_frames(answer)
        self._pipe(answer, response.body.stream or BodyStream(), is_lasting=True)

    def _pipe(self, answer: Http2Answer, source: BodyStream, is_lasting: bool) -> None:
        self._stream = answer
        self.is_lasting = is_lasting
        if is_lasting:
            self.deadlines.expire_at(self.request.expires_at)
        answer.take(source)
        if self.flow.size:
            self._expect_progress()

    def _block(self, response: Response, length: str) -> bytes:
        """The field block of the answer's head."""
        request, lines = self.request, response.headers.lines
        more = [length] if length else []
        if request.id_key:  # in place of what backend or policy calls so
            lines.pop(request.id_key, None)
            more.append(request.id_line)
        block = answer_block(response.status_code, response.headers, more)
        return block if "date" in lines else block + remembered(self._line.sweeper.date_line)

    # -- ends
    def _end(self) -> None:
        """The exchange is over; what is still to be sent, and what the client still sends, is the stream's."""
        self._close(client_left=False)
        if self.flow.size:
            self._expect_progress()

    def _broke_off(self, ends_well: bool) -> None:
        if ends_well:
            self.flow.complete()
        else:
            self._cut(ErrorCode.INTERNAL_ERROR)

    def _sent_end(self) -> None:
        """The end of the answer has been written."""
        self._incoming = None
        if self.ended:
            self._deadlines = None  # which hold the stream
        self._line.stream_over(self, None if self.ended else ErrorCode.NO_ERROR)

    def _cut(self, code: ErrorCode) -> None:
        """End the stream before its end."""
        self._line.stream_over(self, code)
        self.close()

    def spoil(self, message: str) -> None:
        """The client has broken the protocol in this stream."""
        self._fault = WireFault(message)
        self.close()

    def close(self) -> None:
        """The stream is gone."""
        self.flow.abandon()
        incoming, self._incoming = self._incoming, None
        self.leave()
        if incoming is not None:
            incoming.fail(ClientLeft("the client left before the end of its request"))
            incoming.part()
        self._deadlines = None

    # -- deadlines
    @property
    def deadlines(self) -> Deadlines:
        """Those of this stream, which most streams never need."""
        if self._deadlines is None:
            self._deadlines = Deadlines(self._line.sweeper, self._line.settings)
            self._deadlines.reading = NEVER
        return self._deadlines

    def _expect_progress(self) -> None:
        self.deadlines.expect_progress(self.flow.size)

    def resume(self) -> None:
        if self._deadlines is not None:
            self._deadlines.writing = NEVER
        super().resume()

    def sweep(self, now: float, stalled: set[object]) -> None:
        """Look at the deadlines."""
        if self.flow.size and self.deadlines.writing == NEVER:
            self._expect_progress()
        deadlines = self._deadlines
        if deadlines is None:
            return
        if now >= deadlines.writing:
            self._sweep_writing(stalled)
        elif now >= deadlines.reading:
            deadlines.reading = NEVER
            self._time_out()
        elif deadlines.is_expired():
            self._expire()
        elif self.is_lasting:
            self._sweep_tunnel(now)

    def _sweep_writing(self, stalled: set[object]) -> None:
        if self.deadlines.has_progressed(self.flow.size):
            stalled.discard(self)
            return
        stalled.add(self)
        if not self.deadlines.may_stall() or len(stalled) > self._line.settings.limits.stalled_connections:
            self._cut(ErrorCode.CANCEL)

    def _time_out(self) -> None:
        """The request's body does not come."""
        if self.answered:
            self._cut(ErrorCode.CANCEL)
            return
        if not self._has_begun:
            self._line.give_up(self)
            return
        incoming, self._incoming = self._incoming, None
        self.refuse(HeadError(408, "Request body not received in time"))
        if incoming is not None:
            incoming.fail(FramingError("Request body not received in time"))

    def _expire(self) -> None:
        if self.expire():
            self.deadlines.expiry = NEVER
        elif self.deadlines.is_overdue():
            self._cut(ErrorCode.CANCEL)

    def _sweep_tunnel(self, now: float) -> None:
        if self.request.upgraded is None:  # a stream of events, which may be silent
            return
        self.deadlines.has_moved(self.moved_bytes)
        if now >= self.deadlines.tunnel and not self.end_tunnel(GOING_AWAY, "idle"):
            self._cut(ErrorCode.CANCEL)
