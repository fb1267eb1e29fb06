"""
One run of an ASGI application: its receive and send, the sink of the request's body, the source of the answer's.

Source: ASGI specification 3.0, HTTP sub-specification 2.3.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from gateway.errors import UpstreamError
from gateway.wire.body import Body, BodyStream
from gateway.wire.headers import Headers
from gateway.wire.messages import Request, Response
from gateway.wire.pending import Pending

_log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
AsgiApp = Callable[[Scope, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]

_HELD_BYTES = 256 * 1024


class AsgiCall:
    """
    One run of the application.

    Attributes:
        answer: Resolves when the application starts its answer's body. Errors: UpstreamError.
    """

    def __init__(self, request: Request, timeout_s: float) -> None:
        self.answer: Pending[Response] = Pending(self._stop)
        self._request = request
        self._timeout_s = timeout_s
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stream: BodyStream | None = None
        self._start: Response | None = None
        self._ended = False
        self._received: list[bytes] = []
        self._body_done = False  # all of the request's body is here
        self._body_read = False  # and the application has taken it
        self._taken = False
        self._left = False
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def run(self, app: AsgiApp, scope: Scope) -> None:
        """Start the application's task."""
        body = self._request.body
        if body is None:
            self._body_done = True
        elif body.stream is None:
            self._received.append(body.content)
            self._body_done = True
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._timeout_s, self._time_out)
        self._task = loop.create_task(self._run(app, scope))

    async def _run(self, app: AsgiApp, scope: Scope) -> None:
        try:
            await app(scope, self._receive, self._send)
        except Exception as error:
            _log.error("application %s failed", scope["server"], exc_info=error)
        finally:
            self._task = None
            self._finish()

    def _finish(self) -> None:
        """The application has returned, whether or not its answer is complete."""
        self._stop_timer()
        error = UpstreamError("BackendConnectionFailure", "The application failed before its answer was complete.")
        if self._ended:
            return
        if self._stream is not None:
            self._stream.fail(error)
        self.answer.reject(error)

    # -- ASGI
    async def _receive(self) -> Message:
        self._want_body()
        await self._until(lambda: bool(self._received) or self._body_done or self._left)
        if self._received or (self._body_done and not self._body_read):
            return self._next_piece()
        await self._until(lambda: self._left or self._ended)
        return {"type": "http.disconnect"}

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._arrived.clear()
            await self._arrived.wait()

    def _want_body(self) -> None:
        """Begin or continue to take the request's body, unless some of it waits to be read."""
        stream = self._stream_of_request
        if stream is None or self._body_done or self._received:
            return
        if self._taken:
            stream.resume()
        else:
            self._taken = True
            stream.pipe(self)

    @property
    def _stream_of_request(self) -> BodyStream | None:
        return None if self._request.body is None else self._request.body.stream

    def _next_piece(self) -> Message:
        piece = b"".join(self._received)
        self._received.clear()
        self._body_read = self._body_done
        return {"type": "http.request", "body": piece, "more_body": not self._body_done}

    async def _send(self, message: Message) -> None:
        if self._left:
            raise OSError("the caller left")
        if message["type"] == "http.response.start":
            self._start = Response(message["status"], _headers(message.get("headers", ())))
        elif message["type"] == "http.response.body" and self._start is not None and not self._ended:
            await self._send_body(message.get("body", b""), message.get("more_body", False))

    async def _send_body(self, content: bytes, more: bool) -> None:
        self._stop_timer()
        if self._stream is None:
            self._answer(content, more)
            return
        await self._room.wait()
        if content:
            self._stream.feed(content)
        if not more:
            self._end()
            self._stream.finish()

    def _answer(self, content: bytes, more: bool) -> None:
        """The first piece of the body: with it the answer's head goes out."""
        response = self._start
        if response is None:
            return
        if more:
            self._stream = BodyStream(None, self._room.clear, self._room.set, self._stop)
            if content:
                self._stream.feed(content)
            response.body = Body(stream=self._stream)
            self._request.lend(self._stream)
        else:
            response.body = Body(bytes(content))
            self._end()
        self.answer.resolve(response)

    def _end(self) -> None:
        self._ended = True
        self._arrived.set()

    # -- the sink of the request's body
    def write(self, data: bytes) -> None:
        self._received.append(data)
        self._arrived.set()
        stream = self._stream_of_request
        if stream is not None and sum(map(len, self._received)) > _HELD_BYTES:
            stream.pause()

    def finish(self) -> None:
        self._body_done = True
        self._arrived.set()

    def fail(self, error: Exception) -> None:
        """The client left in the middle of its body."""
        self._leave()

    # -- the end
    def _leave(self) -> None:
        self._left = True
        self._arrived.set()
        self._room.set()

    def _stop(self) -> None:
        """The caller wants no more of the answer."""
        self.answer.done = True
        self._ended = True
        self._stop_timer()
        self._leave()
        if self._task is not None:
            self._task.cancel()

    def _time_out(self) -> None:
        error = UpstreamError("Timeout", f"The application did not answer within {self._timeout_s:g} s.", 504)
        self.answer.reject(error)
        self._stop()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _headers(fields: list[tuple[bytes, bytes]]) -> Headers:
    """Header fields from ASGI."""
    return Headers((bytes(name).decode("latin-1"), bytes(value).decode("latin-1")) for name, value in fields)
