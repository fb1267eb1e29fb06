"""One request on its way to a backend over HTTP/2: the sink of its body, and the source of its answer's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from h2.errors import ErrorCodes

from gateway.errors import UpstreamError
from gateway.wire.body import BodyStream
from gateway.wire.headers import Headers
from gateway.wire.http2.head import Field, response_head, trailer_fields, trailer_lines
from gateway.wire.messages import Request, Response
from gateway.wire.pending import Pending
from gateway.wire.settings import UpstreamSettings
from gateway.wire.trailers import barred_names
from gateway.wire.upstream.exchange import Queue, UpstreamExchange
from gateway.wire.upstream.head_reader import MAX_INTERIM
from gateway.wire.upstream.response_head import ResponseError, ResponseHead

STREAM_WINDOW = 256 * 1024  # bytes of one answer that may wait here for a slow client
_NEVER = float("inf")
MAX_REFUSALS = 10  # of one request, by backends that have not looked at it


class Link(Protocol):
    """The connection, as one of its exchanges sees it."""

    def send(self, stream_id: int, data: bytearray, complete: bool, trailers: list[Field]) -> bool:
        """
        Send what there is room for and remove it from *data*, and *trailers* behind the end of a *complete* body;
        whether that was the end.
        """

    def grant(self, stream_id: int, size: int) -> None:
        """Let the backend send *size* more bytes on a stream."""

    def leave(self, exchange: Http2Exchange, ended: bool, reason: ErrorCodes) -> None:
        """*exchange* no longer needs its stream; the backend learns the *reason* unless both sides have *ended*."""


class Http2Queue(Queue, Protocol):
    """The pool, as its exchanges see it."""

    settings: UpstreamSettings

    def dispatch(self, exchange: Http2Exchange) -> None:
        """Send *exchange* on a connection."""


class Http2Exchange(UpstreamExchange):
    """
    One request and the promise of its answer.

    Attributes:
        fields: The request's head as it goes out.
        stream_id: Its stream, once it has one.
        instead: Sends it over HTTP/1.1; None: HTTP/2 only.
    """

    __slots__ = (
        "_complete", "_held", "_incoming", "_interim", "_link", "_missing", "_owed", "_paused", "_pool", "_refusals",
        "_sending", "_sent", "_trailers", "_unsent", "fields", "instead", "stream_id",
    )  # fmt: skip

    def __init__(
        self,
        pool: Http2Queue,
        request: Request,
        fields: list[Field],
        timeout_s: float,
        instead: Callable[[], Pending[Response]] | None = None,
    ) -> None:
        super().__init__(pool, request, b"", False, timeout_s)
        self._pool = pool
        self.fields = fields
        self.instead = instead
        self.stream_id = 0
        self._link: Link | None = None
        self._sending: BodyStream | None = None  # the request's body, while it is on its way
        self._unsent = bytearray()
        self._complete = False  # the whole body of the request is here
        self._trailers: list[Field] = []  # behind it
        self._sent = False  # and has gone out
        self._held = False  # the body's source is paused
        self._incoming: BodyStream | None = None  # the answer's body, while it is on its way
        self._missing: int | None = None  # bytes of the answer's body that its length still announces
        self._owed = 0  # bytes taken for which the window has not been opened again
        self._paused = False
        self._interim = 0
        self._refusals = 0
        if request.call is not None:
            request.call.sent_by(self)

    # -- from the pool
    def fall_back(self) -> None:
        """The backend does not speak HTTP/2: use HTTP/1.1 where the document allows it."""
        if self.instead is None:
            self.refuse("The backend does not speak HTTP/2.")
            return
        fallback = self.instead()
        self.on_cancel = fallback.cancel
        fallback.then(self._take)

    def _take(self, fallback: Pending[Response]) -> None:
        try:
            response = fallback.result()
        except Exception as error:
            self.reject(error)
        else:
            self.resolve(response)

    @property
    def has_content(self) -> bool:
        """Whether a body follows the head."""
        body = self.request.body
        return body is not None and (body.stream is not None or bool(body.content))

    def begin(self, link: Link, stream_id: int) -> None:
        """The head is on its way on *stream_id*; the body follows."""
        self._link, self.stream_id = link, stream_id
        self._unsent.clear()
        self._sent = self._complete = self._held = False
        body = self.request.body
        if body is None or not self.has_content:
            self._sent = True
        elif body.stream is None:
            self._unsent += body.content
            self.finish()
        else:
            self._sending = body.stream
            body.stream.pipe(self)

    # -- the sink of the request's body
    def write(self, data: bytes) -> None:
        """The next piece of the request's body."""
        if self._link is None:
            return
        if not self.done:  # the time to answer begins with the end of the request
            self.deadline = self._pool.sweeper.deadline(self.timeout_s)
        self._unsent += data
        self.push()

    def finish(self) -> None:
        """The request's body is complete."""
        sending, self._sending, self._complete = self._sending, None, True
        if sending is not None and sending.trailers:
            self._trailers = trailer_fields(sending.trailers, barred_names(self.request, self.request.headers))
        self.push()

    def fail(self, error: Exception) -> None:
        """The request's body broke off: the backend must not take it for complete."""
        self._leave()
        self.reject(error)

    def push(self) -> None:
        """Send what the backend and the socket can take; the rest holds up the client."""
        link = self._link
        if link is None or self._sent:
            return
        self._sent = link.send(self.stream_id, self._unsent, self._complete, self._trailers)
        was_held, self._held = self._held, bool(self._unsent)
        if self._sending is None or was_held == self._held:
            return
        if self._held:
            self._sending.pause()
        else:
            self._sending.resume()

    # -- from the connection
    def receive_interim(self, fields: Iterable[Field]) -> None:
        """An interim answer: passed on, but not without end."""
        self._interim += 1
        if self._interim > MAX_INTERIM:
            self._break("too many interim answers")
            return
        head = self._head(fields)
        if head is None:
            return
        if head.status == 101:  # RFC 9113 §8.6: HTTP/2 does not have it
            self._break("it switched protocols")
            return
        self.inform(head)

    def _head(self, fields: Iterable[Field]) -> ResponseHead | None:
        """The head that *fields* make; None where they break the protocol, which ends the stream."""
        settings = self._pool.settings
        try:
            return response_head(fields, self.request.method, settings.max_head_bytes, settings.max_fields)
        except ResponseError as error:
            self._break(str(error))
            return None

    def answer(self, fields: Iterable[Field], ended: bool) -> None:
        """The answer's head is there; *ended*: and nothing follows it."""
        head = self._head(fields)
        if head is None:
            return
        if ended and head.length > 0:
            self._break("its answer ends before its announced length")
            return
        response = Response(head.status, Headers.from_lines(head.lines))
        if head.length and not ended:
            self._missing = head.length if head.length > 0 else None
            self._incoming = BodyStream(head.length if head.length > 0 else None, self.pause, self.resume, self._leave)
            response.body.stream = self._incoming
            self.request.lend(self._incoming)
        self.deadline = _NEVER
        self.resolve(response)

    def receive(self, data: bytes, size: int) -> None:
        """*data* of the answer's body; *size*: what it has taken of the window."""
        self._owed += size
        if self._incoming is None:
            if data:
                self._break("content where its answer has none")
            return
        if self._missing is not None:
            self._missing -= len(data)
            if self._missing < 0:
                self.spoil("its answer is longer than announced")
                return
        self._incoming.feed(data)
        if not self._paused:
            self._open_window()

    def trail(self, fields: Iterable[Field]) -> None:
        """Trailers are there, behind which the answer ends."""
        settings = self._pool.settings
        try:
            trailers = trailer_lines(fields, settings.max_head_bytes, settings.max_fields)
        except ResponseError as error:
            self.spoil(str(error))
            return
        if self._incoming is not None:
            self._incoming.trailers = trailers

    def end(self) -> None:
        """The answer is complete."""
        if self._missing:
            self.spoil("its answer ends before its announced length")
            return
        incoming, self._incoming = self._incoming, None
        self._leave(ended=self._sent)
        if incoming is not None:
            incoming.finish()

    def lost(self, message: str, unseen: bool = False) -> None:
        """The stream is gone before its end; *unseen*: the backend states that it has not acted on the request."""
        incoming, self._incoming = self._incoming, None
        self._release()
        if incoming is not None:
            incoming.fail(UpstreamError("BackendConnectionFailure", "The backend's answer ended too early."))
        elif self.may_resend or (unseen and self._can_start_over()):
            self.resends += 1
            self._pool.dispatch(self)
        else:
            self.refuse(message)

    def _can_start_over(self) -> bool:
        """Whether everything that goes out is still here, and this was not one refusal too many. RFC 9113 §8.7."""
        body = self.request.body
        self._refusals += 1
        return (body is None or body.buffered) and self._refusals <= MAX_REFUSALS and not self.done

    # -- the source of the answer's body
    def pause(self) -> None:
        """The client is slow: the backend's window is not enlarged."""
        self._paused = True
        self.deadline = _NEVER

    def resume(self) -> None:
        """The client is ready for more."""
        self._paused = False
        self._open_window()

    def _open_window(self) -> None:
        """Let the backend send more, and wait for it."""
        if self._incoming is not None and self.request.call is None:  # streams of gRPC may be silent for long
            self.deadline = self._pool.sweeper.deadline(self._pool.settings.body_timeout_s)
        if self._owed >= STREAM_WINDOW // 2 and self._link is not None:
            self._link.grant(self.stream_id, self._owed)
            self._owed = 0

    # -- ends
    def sweep(self, now: float) -> None:
        """Give up when the backend is silent for too long."""
        if now < self.deadline:
            return
        incoming, self._incoming = self._incoming, None
        self._leave()
        if incoming is not None:
            incoming.fail(UpstreamError("Timeout", "The backend stopped sending its answer.", 504))
        else:
            self.time_out()

    def _break(self, fault: str) -> None:
        """The backend broke the protocol."""
        self._leave()
        self.refuse(f"The backend broke the protocol: {fault}.")

    def spoil(self, fault: str) -> None:
        """The answer's body turns out to be wrong: it must not look complete."""
        incoming, self._incoming = self._incoming, None
        self._leave(reason=ErrorCodes.PROTOCOL_ERROR)
        if incoming is not None:
            incoming.fail(UpstreamError("BackendConnectionFailure", f"The backend broke the protocol: {fault}."))

    def _abandon(self) -> None:
        """The caller waits no more."""
        self.done = True
        self._leave()

    def _leave(self, ended: bool = False, reason: ErrorCodes = ErrorCodes.CANCEL) -> None:
        """Give the stream up, or the place in the queue."""
        link, self._incoming = self._link, None
        self._release()
        if link is not None:
            link.leave(self, ended, reason)

    def _release(self) -> None:
        """Nothing more is sent."""
        sending, self._sending, self._link = self._sending, None, None
        self._pool.withdraw(self)
        if sending is not None:
            sending.discard()
