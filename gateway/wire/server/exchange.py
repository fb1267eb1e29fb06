"""
One request and its answer on a client connection.

The application's outcome arrives at once, through a callback, or from a task; the answer's body is in memory or
flows through this object, which is its sink.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from gateway.errors import ClientLeft, UpstreamError
from gateway.wire.body import BodyStream, BodyTooLarge
from gateway.wire.framing import has_no_body
from gateway.wire.messages import Ending, Request, Response
from gateway.wire.pending import Pending
from gateway.wire.server.answers import error_response, render_head
from gateway.wire.websocket import POLICY_VIOLATION, FrameTracker, close_frame

if TYPE_CHECKING:
    from gateway.wire.server.connection import ServerConnection

_log = logging.getLogger(__name__)

_JOIN_BYTES = 32 * 1024  # below it one copy is cheaper than one more buffer for the kernel


class Exchange:
    """
    One request and its answer.

    Attributes:
        keep_alive: Whether the connection may carry another request afterwards.
        expects_continue: Whether the client waits for ``100 Continue`` before it sends the body.
        received: Bytes of the request's body so far.
        streams_body: Whether the body was not complete with the head.
        answered: Whether the answer's head has been sent.
        is_lasting: Whether the answer is a tunnel or a stream of events, which has no end of its own.
    """

    __slots__ = (
        "_chunked",
        "_connection",
        "_head",
        "_over",
        "_sent",
        "_source",
        "_task",
        "_tunnel",
        "_waiting",
        "answered",
        "expects_continue",
        "expired",
        "is_lasting",
        "keep_alive",
        "minor",
        "received",
        "request",
        "status_code",
        "streams_body",
    )

    def __init__(self, connection: ServerConnection, request: Request, keep_alive: bool, minor: int) -> None:
        self._connection = connection
        self.request = request
        self.keep_alive = keep_alive
        self.minor = minor
        self.expects_continue = False
        self.answered = False
        self.received = 0
        self.streams_body = False
        self.status_code: int | None = None
        self._sent = 0
        self._over = False
        self._chunked = False
        self._head = b""
        self._waiting: Pending[Response] | None = None
        self._task: asyncio.Task[None] | None = None
        self._source: BodyStream | None = None
        self._tunnel: FrameTracker | None = None
        self.expired = False
        self.is_lasting = False

    # -- from the application
    def begin(self) -> None:
        """Give the request to the application."""
        try:
            outcome = self._connection.application.handle(self.request)
        except Exception as error:
            self._fail_with(error)
            return
        if isinstance(outcome, Response):
            self.respond(outcome)
        elif isinstance(outcome, Pending):
            self._waiting = outcome
            outcome.then(self._settled)
        else:
            self._task = asyncio.get_running_loop().create_task(self._await(outcome))

    def _settled(self, pending: Pending[Response]) -> None:
        self._waiting = None
        try:
            response = pending.result()
        except Exception as error:
            self._fail_with(error)
        else:
            if isinstance(response, Response):
                self.respond(response)
            else:
                self._task = asyncio.get_running_loop().create_task(self._await(response))

    async def _await(self, outcome: Awaitable[Response]) -> None:
        try:
            response = await outcome
        except Exception as error:
            self._fail_with(error)
        else:
            self.respond(response)
        finally:
            self._task = None

    def _fail_with(self, error: Exception) -> None:
        """The application should have answered this itself; it is shown to nobody."""
        if isinstance(error, UpstreamError):
            self.respond(error_response(error.status, "The backend could not be reached."))
        elif isinstance(error, BodyTooLarge):
            self.respond(error_response(413, "Request body too large"))
        elif not isinstance(error, ClientLeft):
            _log.error("request failed", exc_info=error)
            self.respond(error_response(500, "Internal server error"))

    # -- the answer
    def respond(self, response: Response) -> None:
        """Send *response*; too late is no error."""
        if self._over or self.answered:
            return
        self.answered = True
        self.status_code = response.status_code
        if self.streams_body and self._connection.must_close:
            self.keep_alive = False
        if response.status_code == 101 and self.request.upgrade:
            self._switch(response)
        elif has_no_body(response.status_code, self.request.method):
            self._send_head_only(response)
        elif response.body.stream is None:
            self._send_whole(response, response.body.content)
        else:
            self._send_stream(response, response.body.stream)

    def refuse(self, response: Response) -> None:
        """The request turned out to be broken: answer it, and forget what the application still does."""
        self.keep_alive = False
        self._stop_application()
        self.respond(response)

    def _send_whole(self, response: Response, content: bytes) -> None:
        self._sent = len(content)
        response.headers.lines.pop("content-length", None)  # so that the usual head is written as it is
        head = self._render(response, f"Content-Length: {len(content)}\r\n")
        transport = self._connection.transport
        if len(content) <= _JOIN_BYTES:
            transport.write(head + content)
        else:
            transport.writelines([head, content])
        self._end()

    def _send_head_only(self, response: Response) -> None:
        """HEAD, 204, 304: the length of the body that is not sent may be told, except for 204."""
        length = response.headers.first("content-length")
        if length is None and response.body.content:
            length = str(len(response.body.content))
        framing = "" if length is None or response.status_code == 204 else f"Content-Length: {length}\r\n"
        if response.body.stream is not None:
            response.body.stream.discard()
        self._connection.transport.write(self._render(response, framing))
        self._end()

    def _send_stream(self, response: Response, stream: BodyStream) -> None:
        response.headers.lines.pop("content-length", None)
        if stream.length is not None:
            framing = f"Content-Length: {stream.length}\r\n"
        elif self.minor == 1:
            self._chunked = True
            framing = "Transfer-Encoding: chunked\r\n"
        else:
            self.keep_alive = False
            framing = ""
        self._pipe(self._render(response, framing), stream)

    def _switch(self, response: Response) -> None:
        """The backend agreed to another protocol: from here on bytes flow both ways. Source: RFC 9110 §7.8."""
        upgrade = response.headers.first("upgrade") or self.request.upgrade
        self.keep_alive = False
        head = render_head(response, f"Connection: Upgrade\r\nUpgrade: {upgrade}\r\n", self._connection.date_line)
        self._tunnel = FrameTracker() if upgrade.lower() == "websocket" else None
        self._connection.switch()
        self._pipe(head, response.body.stream or BodyStream())

    def _pipe(self, head: bytes, stream: BodyStream) -> None:
        """Send the head, with what there is of the body in the same write."""
        self._head = head
        self._source = stream
        self.is_lasting = self._tunnel is not None or _is_event_stream(head)
        if self.is_lasting:
            self._connection.watch_expiry(self.request.expires_at)
        stream.pipe(self)
        if self._head and not self._over:
            self._head = b""
            self._connection.transport.write(head)

    def _render(self, response: Response, framing: str) -> bytes:
        if not self.keep_alive:
            framing += "Connection: close\r\n"
        elif self.minor == 0:
            framing += "Connection: keep-alive\r\n"
        return render_head(response, framing, self._connection.date_line)

    # -- the sink of the answer's body
    def write(self, data: bytes) -> None:
        """The next piece of the answer's body."""
        self._sent += len(data)
        if self._tunnel is not None:
            self._tunnel.feed(data)
        pieces = [b"%x\r\n" % len(data), data, b"\r\n"] if self._chunked else [data]
        if self._head:
            pieces.insert(0, self._head)
            self._head = b""
        transport = self._connection.transport
        if len(pieces) == 1:
            transport.write(data)
        elif len(data) <= _JOIN_BYTES:
            transport.write(b"".join(pieces))
        else:
            transport.writelines(pieces)

    def finish(self) -> None:
        """The answer's body is complete."""
        tail = self._head + b"0\r\n\r\n" if self._chunked else self._head
        self._head = b""
        if tail:
            self._connection.transport.write(tail)
        self._source = None
        self._end()

    def fail(self, error: Exception) -> None:
        """The answer cannot be completed: the client must notice, so there is no clean end."""
        self._source = None
        if not self._over:
            _log.warning("answer cut short: %s", error)
            self._connection.abort()

    def pause(self) -> None:
        """The client is slow."""
        if self._source is not None:
            self._source.pause()

    def resume(self) -> None:
        """The client has taken what there was."""
        if self._source is not None:
            self._source.resume()

    # -- the end
    def _end(self) -> None:
        self._close(client_left=False)
        self._connection.exchange_ended(self.keep_alive)

    def leave(self) -> None:
        """The connection is gone: nobody waits for this exchange any more."""
        if self._over:
            return
        self._stop_application()
        self._close(client_left=True)

    def expire(self) -> bool:
        """The token that opened this stream has expired: end it. False when a frame is under way: try again."""
        if self._tunnel is not None and not self._tunnel.between:
            return False
        self.expired = True
        if self._tunnel is not None:
            self._connection.transport.write(close_frame(POLICY_VIOLATION, "token expired", masked=False))
            if self.request.upgraded is not None:
                self.request.upgraded.feed(close_frame(POLICY_VIOLATION, "token expired", masked=True))
                self.request.upgraded.finish()
        elif self._source is not None:
            self._source.discard()
        self.finish()
        return True

    def _stop_application(self) -> None:
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            waiting.cancel()
        if self._task is not None:
            task, self._task = self._task, None
            task.cancel()

    def _close(self, client_left: bool) -> None:
        self._over = True
        request = self.request
        if self._source is not None:
            self._source.discard()
            self._source = None
        if request.streams is not None:
            request.abandon_streams()
        if request.on_end is not None:
            on_end, request.on_end = request.on_end, None
            on_end(Ending(self.status_code, self.received, self._sent, client_left, self.expired))


def _is_event_stream(head: bytes) -> bool:
    """Whether an answer with this head is a stream of server-sent events, which has no end of its own."""
    return b"\r\ncontent-type: text/event-stream" in head.lower()
