"""
One request and its answer on a client connection.

The application's outcome arrives immediately, through a callback, or from a task; the answer's body is in memory or
flows through an ``AnswerStream``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

from gateway.errors import ClientLeft, UpstreamError
from gateway.wire.body import BodyStream, BodyTooLarge
from gateway.wire.framing import has_no_body
from gateway.wire.messages import Ending, Request, Response, WireFault
from gateway.wire.pending import Pending
from gateway.wire.server.answer_stream import JOIN_BYTES, AnswerStream
from gateway.wire.server.answers import error_response, render_head, render_interim
from gateway.wire.trailers import barred_names
from gateway.wire.websocket import BAD_GATEWAY, POLICY_VIOLATION, FrameTracker, close_frame

if TYPE_CHECKING:
    from gateway.wire.server.incoming_body import IncomingBody
    from gateway.wire.server.listener import RequestHandler
    from gateway.wire.server.request_head import HeadError
    from gateway.wire.sweeper import Sweeper

_log = logging.getLogger(__name__)


class Line(Protocol):
    """The connection of an exchange, as the exchange sees it."""

    transport: asyncio.Transport
    sweeper: Sweeper

    @property
    def must_close(self) -> bool:
        """Whether too much of the request's body is unread to keep the connection."""

    @property
    def is_full(self) -> bool:
        """Whether the client is slow to take what has been written."""

    def switch(self) -> None:
        """From here on the client's bytes belong to another protocol."""

    def expire_at(self, expires_at: float | None) -> None:
        """End the stream that is just beginning soon after *expires_at*, seconds since the epoch."""

    def exchange_ended(self, keep_alive: bool) -> None:
        """The answer has been written."""

    def abort(self) -> None:
        """Close immediately, unsent bytes and all."""


class ExchangePhase(IntEnum):
    """The progress of an exchange, which only moves forward."""

    WAITING = 0
    """The application has the request."""
    SENDING = 1
    """The answer's head is on its way or has gone; the body follows."""
    OVER = 2
    """The answer is complete, or no client waits for it any more."""


WAITING, SENDING, OVER = ExchangePhase


class Exchange:
    """
    One request and its answer.

    Attributes:
        keep_alive: Whether the connection may carry another request afterwards.
        body: The request's body, if it did not arrive complete with the head.
        received: Bytes of the body that arrived with the head.
    """

    __slots__ = (
        "_expired",
        "_fault",
        "_frames",
        "_line",
        "_minor",
        "_phase",
        "_running",
        "_sent",
        "_status_code",
        "_stream",
        "body",
        "is_lasting",
        "keep_alive",
        "received",
        "request",
    )

    def __init__(self, line: Line, request: Request, keep_alive: bool, minor: int) -> None:
        self._line = line
        self.request = request
        request.interim = self.inform
        self.keep_alive = keep_alive
        self._minor = minor
        self._phase = WAITING
        self._status_code: int | None = None
        self._sent = 0
        self._stream: AnswerStream | None = None
        self._running: Pending[Response] | asyncio.Task[None] | None = None
        self._expired = False
        self._fault: WireFault | None = None
        self._frames: FrameTracker | None = None  # of the client, in a tunnel
        self.body: IncomingBody | None = None
        self.received = 0
        self.is_lasting = False
        """Whether the answer is a tunnel or a stream of events, which has no end of its own."""

    @property
    def answered(self) -> bool:
        """Whether the answer's head has been sent."""
        return self._phase is not WAITING

    # -- from the application
    def begin(self, application: RequestHandler) -> None:
        """Give the request to the application."""
        try:
            outcome = application.handle(self.request)
        except Exception as error:
            self._fail_with(error)
            return
        if isinstance(outcome, Response):
            self.respond(outcome)
        elif isinstance(outcome, Pending):
            self._running = outcome
            outcome.then(self._settled)
        else:
            self._running = asyncio.get_running_loop().create_task(self._await(outcome))

    def inform(self, response: Response) -> None:
        """Pass an interim answer on to a client that supports them, which HTTP/1.0 does not. Source: RFC 9110 §15.2."""
        if self._phase is WAITING and self._minor == 1:
            self._line.transport.write(render_interim(response))

    def _settled(self, pending: Pending[Response]) -> None:
        self._running = None
        try:
            response = pending.result()
        except Exception as error:
            self._fail_with(error)
        else:
            if isinstance(response, Response):
                self.respond(response)
            else:
                self._running = asyncio.get_running_loop().create_task(self._await(response))

    async def _await(self, outcome: Awaitable[Response]) -> None:
        try:
            response = await outcome
        except Exception as error:
            self._fail_with(error)
        else:
            self.respond(response)
        finally:
            self._running = None

    def _fail_with(self, error: Exception) -> None:
        """An error that the application should have handled; the client gets no details."""
        if isinstance(error, UpstreamError):
            status, message = error.status, "The backend could not be reached."
        elif isinstance(error, BodyTooLarge):
            status, message = 413, "Request body too large"
        elif isinstance(error, ClientLeft):
            return
        else:
            _log.error("request failed", exc_info=error)
            status, message = 500, "Internal server error"
        self._fault = WireFault(message)
        self.respond(error_response(status, message))

    # -- the answer
    def respond(self, response: Response) -> None:
        """Send *response*; ignored if an answer has been sent, or no client is waiting for one."""
        if self._phase is not WAITING:
            return
        self._phase = SENDING
        self._status_code = status = response.status_code
        if self.body is not None and self._line.must_close:
            self.keep_alive = False
        if status == 101 and self.request.upgrade:
            self._switch(response)
        elif has_no_body(status, self.request.method):
            self._send_head_only(response)
        elif response.body.stream is None:
            self._send_whole(response, response.body.content)
        else:
            self._send_stream(response, response.body.stream)

    def refuse(self, refusal: HeadError) -> None:
        """The request turned out to be malformed: answer it, and ignore what the application still does."""
        self.keep_alive = False
        self._stop_application()
        self._fault = WireFault(refusal.message)
        self.respond(error_response(refusal.status, refusal.message))

    def _send_whole(self, response: Response, content: bytes) -> None:
        self._sent = len(content)
        response.headers.lines.pop("content-length", None)  # so that the usual head is written unchanged
        head = self._render(response, f"Content-Length: {len(content)}\r\n")
        transport = self._line.transport
        if len(content) <= JOIN_BYTES:
            transport.write(head + content)
        else:
            transport.writelines([head, content])
        self._end()

    def _send_head_only(self, response: Response) -> None:
        """HEAD, 204, 304: the length of the body that is not sent may be announced, except for 204."""
        length = response.headers.first("content-length")
        if length is None and response.body.content:
            length = str(len(response.body.content))
        framing = "" if length is None or response.status_code == 204 else f"Content-Length: {length}\r\n"
        if response.body.stream is not None:
            response.body.stream.discard()
        self._line.transport.write(self._render(response, framing))
        self._end()

    def _send_stream(self, response: Response, source: BodyStream) -> None:
        response.headers.lines.pop("content-length", None)
        chunked = False
        if source.length is not None:
            framing = f"Content-Length: {source.length}\r\n"
        elif self._minor == 1:
            chunked = True
            framing = "Transfer-Encoding: chunked\r\n"
        else:
            self.keep_alive = False
            framing = ""
        head = self._render(response, framing)
        stream = AnswerStream(self._line.transport, head, chunked, self._stream_ended)
        if self.request.takes_trailers:
            stream.barred = barred_names(self.request, response.headers)
        self._pipe(stream, source, _is_event_stream(head))

    def _switch(self, response: Response) -> None:
        """The backend agreed to another protocol: from here on bytes flow both ways. Source: RFC 9110 §7.8."""
        upgrade = response.headers.first("upgrade") or self.request.upgrade
        self.keep_alive = False
        head = self._render(response, f"Connection: Upgrade\r\nUpgrade: {upgrade}\r\n", is_last=False)
        stream = AnswerStream(self._line.transport, head, False, self._stream_ended)
        is_websocket = upgrade.lower() == "websocket"
        if is_websocket:
            stream.frames, self._frames = FrameTracker(), FrameTracker()
        self._line.switch()
        self._pipe(stream, response.body.stream or BodyStream(), is_websocket)

    def _pipe(self, stream: AnswerStream, source: BodyStream, is_lasting: bool) -> None:
        self._stream = stream
        self.is_lasting = is_lasting
        if is_lasting:
            self._line.expire_at(self.request.expires_at)
        stream.take(source, self._line.is_full)

    def _render(self, response: Response, framing: str, is_last: bool = True) -> bytes:
        """The head; *is_last*: whether nothing follows the answer if the connection is not kept."""
        if not self.keep_alive:
            framing += "Connection: close\r\n" if is_last else ""
        elif self._minor == 0:
            framing += "Connection: keep-alive\r\n"
        if self.request.id_key:  # in place of what backend or policy calls so
            response.headers.lines.pop(self.request.id_key, None)
            framing = f"{framing}{self.request.id_line}\r\n"
        return render_head(response, framing, self._line.sweeper.date_line)

    # -- a tunnel
    @property
    def moved_bytes(self) -> int:
        """Bytes that have passed through the tunnel, both directions together."""
        return self.received + (self._stream.sent if self._stream is not None else 0)

    def pass_on(self, data: bytes) -> None:
        """Pass the client's bytes on in a tunnel."""
        self.received += len(data)
        if self._frames is not None:
            self._frames.feed(data)
        if self.request.upgraded is not None:
            self.request.upgraded.feed(data)

    def end_tunnel(self, code: int, reason: str) -> bool:
        """End the tunnel with a close frame to both sides. False if a frame to the client is incomplete."""
        stream = self._stream
        if stream is None:
            return True
        if not self._send_close_frames(stream, code, reason):
            return False
        stream.abandon()
        stream.finish()
        return True

    def _send_close_frames(self, stream: AnswerStream, code: int, reason: str) -> bool:
        """Send close frames to both sides; if a frame to the client is incomplete, send nothing and return False."""
        if stream.frames is not None:
            if not stream.frames.between:
                return False
            self._line.transport.write(close_frame(code, reason, masked=False))
        upgraded = self.request.upgraded
        if upgraded is not None:
            if self._frames is not None and self._frames.between:
                upgraded.feed(close_frame(code, reason, masked=True))
            upgraded.finish()
        return True

    # -- the client's pace
    def pause(self) -> None:
        """The client is slow to read."""
        if self._stream is not None:
            self._stream.pause()

    def resume(self) -> None:
        """The client has taken everything that was written."""
        if self._stream is not None:
            self._stream.resume()

    # -- the end
    def _stream_ended(self, error: Exception | None) -> None:
        """The body of the answer is complete; or it never will be, and the client must see no clean end."""
        if self._phase is OVER:
            return
        if error is None:
            self._end()
            return
        _log.warning("answer cut short: %s", error)
        self._fault = WireFault(str(error), cut_short=True)
        stream = self._stream
        ends_well = stream is not None and stream.frames is not None and stream.frames.between
        if ends_well:
            self._line.transport.write(close_frame(BAD_GATEWAY, "the backend is gone", masked=False))
        self._close(client_left=False)
        if ends_well:
            self._line.exchange_ended(keep_alive=False)
        else:
            self._line.abort()

    def _end(self) -> None:
        self._close(client_left=False)
        self._line.exchange_ended(self.keep_alive)

    def leave(self) -> None:
        """The connection is gone: no client is waiting for this exchange any more."""
        if self._phase is not OVER:
            self._stop_application()
            self._close(client_left=True)

    def expire(self) -> bool:
        """The token that opened this stream has expired: end it. False if a frame is incomplete: try again later."""
        self._expired = True
        if self.end_tunnel(POLICY_VIOLATION, "token expired"):
            return True
        self._expired = False
        return False

    def _stop_application(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.cancel()

    def _close(self, client_left: bool) -> None:
        self._phase = OVER
        request, stream = self.request, self._stream
        request.interim = None  # break the reference cycle
        if stream is not None:
            self._stream = None  # break the reference cycle
            stream.abandon()
            self._sent = stream.sent
        if request.streams is not None:
            request.abandon_streams()
        if request.on_end is not None:
            on_end, request.on_end = request.on_end, None
            received = self.received if self.body is None else self.body.received
            on_end(Ending(self._status_code, received, self._sent, client_left, self._expired, self._fault))


def _is_event_stream(head: bytes) -> bool:
    """Whether an answer with this head is a stream of server-sent events, which does not end by itself."""
    return b"\r\ncontent-type: text/event-stream" in head.lower()
