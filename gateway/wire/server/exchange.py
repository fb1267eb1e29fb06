"""
One request and its answer, whatever the version of HTTP between client and gateway.

The application's outcome arrives immediately, through a callback, or from a task; the answer's body is in memory or
flows through a sink. How an answer looks on the wire is up to ``Http1Exchange`` and ``Http2Stream``.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

from gateway.errors import ClientLeft, UpstreamError
from gateway.wire.body import BodyStream, BodyTooLarge
from gateway.wire.framing import has_no_body
from gateway.wire.messages import Ending, Request, Response, WireFault
from gateway.wire.pending import Pending
from gateway.wire.server.answers import error_response
from gateway.wire.websocket import BAD_GATEWAY, POLICY_VIOLATION, FrameTracker, close_frame

if TYPE_CHECKING:
    from gateway.wire.server.listener import RequestHandler
    from gateway.wire.server.request_head import HeadError

_log = logging.getLogger(__name__)


class ReceivedBody(Protocol):
    """
    A request's body that is on its way.

    Attributes:
        received: Bytes of it so far, without framing.
    """

    received: int


class OutgoingBody(Protocol):
    """
    The sink of an answer's body, as its exchange sees it.

    Attributes:
        sent: Bytes of the body so far, without their framing.
        frames: Tracks a WebSocket's frames towards the client; None for everything else.
    """

    sent: int
    frames: FrameTracker | None

    def insert(self, data: bytes) -> None:
        """Send *data* of our own."""

    def finish(self) -> None:
        """The body is complete."""

    def pause(self) -> None:
        """The client is slow to read."""

    def resume(self) -> None:
        """The client has taken everything that was written."""

    def abandon(self) -> None:
        """The rest of the body will not be read."""


class ExchangePhase(IntEnum):
    """The progress of an exchange, which only moves forward."""

    WAITING = 0
    """The application has the request."""
    SENDING = 1
    """The answer's head is on its way or has gone; the body follows."""
    OVER = 2
    """The answer is complete, or no client waits for it any more."""


WAITING, SENDING, OVER = ExchangePhase


class Exchange(ABC):
    """
    One request and its answer.

    Attributes:
        body: The request's body, if it did not arrive complete with the head.
        received: Bytes of the body that arrived with the head.
    """

    __slots__ = (
        "_expired",
        "_fault",
        "_frames",
        "_phase",
        "_running",
        "_sent",
        "_status_code",
        "_stream",
        "body",
        "is_lasting",
        "received",
        "request",
    )

    def __init__(self, request: Request) -> None:
        self.request = request
        request.interim = self.inform
        self._phase = WAITING
        self._status_code: int | None = None
        self._sent = 0
        self._stream: OutgoingBody | None = None
        self._running: Pending[Response] | asyncio.Task[None] | None = None
        self._expired = False
        self._fault: WireFault | None = None
        self._frames: FrameTracker | None = None  # of the client, in a tunnel
        self.body: ReceivedBody | None = None
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
        self._stop_application()
        self._fault = WireFault(refusal.message)
        self.respond(error_response(refusal.status, refusal.message))

    @abstractmethod
    def inform(self, response: Response) -> None:
        """Pass an interim answer on to a client that supports them, before its answer. Source: RFC 9110 §15.2."""

    @abstractmethod
    def _send_whole(self, response: Response, content: bytes) -> None:
        """The answer, whose body is *content*, and its end."""

    @abstractmethod
    def _write_head_only(self, response: Response, length: str | None) -> None:
        """The answer that has no body, and its end; *length* of the body that it would have, if that is announced."""

    @abstractmethod
    def _send_stream(self, response: Response, source: BodyStream) -> None:
        """The answer's head, and its body as it comes."""

    @abstractmethod
    def _switch(self, response: Response) -> None:
        """The backend agreed to another protocol: from here on bytes flow both ways. Source: RFC 9110 §7.8."""

    @abstractmethod
    def _end(self) -> None:
        """The answer has been written: close, and go on with the connection."""

    @abstractmethod
    def _broke_off(self, ends_well: bool) -> None:
        """The answer will never be complete. *ends_well*: its WebSocket has a close frame; otherwise cut it off."""

    def _send_head_only(self, response: Response) -> None:
        """HEAD, 204, 304: the length of the body that is not sent may be announced, except for 204."""
        length = response.headers.first("content-length")
        if length is None and response.body.content:
            length = str(len(response.body.content))
        if response.body.stream is not None:
            response.body.stream.discard()
        self._write_head_only(response, None if response.status_code == 204 else length)

    def _track_frames(self, stream: OutgoingBody) -> None:
        """The tunnel is a WebSocket."""
        stream.frames, self._frames = FrameTracker(), FrameTracker()

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

    def _send_close_frames(self, stream: OutgoingBody, code: int, reason: str) -> bool:
        """Send close frames to both sides; if a frame to the client is incomplete, send nothing and return False."""
        if stream.frames is not None:
            if not stream.frames.between:
                return False
            stream.insert(close_frame(code, reason, masked=False))
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
        if ends_well and stream is not None:
            stream.insert(close_frame(BAD_GATEWAY, "the backend is gone", masked=False))
        self._close(client_left=False)
        self._broke_off(ends_well)

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
