"""
One call of a tool: the operation runs, and the client learns in time that it still does.

Within the time of one keep-alive the answer is plain JSON. After that, a client that understands events gets a stream:
progress if it asked for that, comments otherwise, and the result at the end. A client that leaves ends the operation.

Source: Model Context Protocol 2025-11-25 and 2026-07-28, "Transports", "Progress"; HTML Living Standard §9.2.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

from gateway.data_plane.mcp.messages import event_of, text_of
from gateway.data_plane.mcp.results import result_of, text_result
from gateway.errors import UpstreamError
from gateway.wire.body import Body, BodyStream
from gateway.wire.headers import Headers
from gateway.wire.messages import Ending, Request, Response
from gateway.wire.pending import Pending

if TYPE_CHECKING:
    from asyncio import TimerHandle

_COMMENT = b": still running\n\n"
_UNREADABLE = "The backend's answer broke off."


@dataclass(frozen=True, slots=True)
class CallTerms:
    """
    How one call is answered.

    Attributes:
        takes_json, takes_events: What the client accepts.
        progress_token: What its progress is reported under; None: it has not asked.
        timeout_s: How long the operation may take.
        answer: The bytes of the answer with a result.
    """

    takes_json: bool
    takes_events: bool
    progress_token: str | int | None
    timeout_s: float
    keep_alive_s: float
    max_bytes: int
    answer: Callable[[dict[str, Any]], bytes]


class ToolCall:
    """
    A call on its way.

    Attributes:
        pending: The answer to the client.
    """

    def __init__(
        self, request: Request, handle: Callable[[Request], Response | Awaitable[Response]], terms: CallTerms
    ) -> None:
        """*handle*: runs *request* through its operation's pipeline."""
        self.pending: Pending[Response] = Pending(on_cancel=self._cancel)
        self._request = request
        self._handle = handle
        self._terms = terms
        self._begun = monotonic()
        self._stream: BodyStream | None = None
        self._timer: TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> Pending[Response]:
        """Run it; the answer comes later."""
        self._task = asyncio.get_running_loop().create_task(self._run())
        if self._terms.takes_events:
            self._wait()
        return self.pending

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._terms.keep_alive_s, self._still_running)

    def _still_running(self) -> None:
        """Something goes to the client; first of all the head of the answer."""
        if self._stream is None:
            self._stream = BodyStream(discard=self._cancel)
            self.pending.resolve(Response(200, _headers("text/event-stream"), Body(stream=self._stream)))
        self._stream.feed(self._sign_of_life())
        self._wait()

    def _sign_of_life(self) -> bytes:
        token = self._terms.progress_token
        if token is None:
            return _COMMENT
        passed = round(monotonic() - self._begun, 3)
        progress = {"progressToken": token, "progress": passed, "message": f"running for {passed:.0f} s"}
        return event_of(text_of({"jsonrpc": "2.0", "method": "notifications/progress", "params": progress}))

    async def _run(self) -> None:
        try:
            text = self._terms.answer(await self._result())
        except Exception as error:
            self._stop()
            self.pending.reject(error)
            if self._stream is not None:
                self._stream.fail(error)
            return
        self._stop()
        self._send(text)

    def _send(self, text: bytes) -> None:
        if self._stream is not None:
            self._stream.feed(event_of(text))
            self._stream.finish()
        elif self._terms.takes_json:
            self.pending.resolve(Response(200, _headers("application/json"), Body(text)))
        else:
            self.pending.resolve(Response(200, _headers("text/event-stream"), Body(event_of(text))))

    async def _result(self) -> dict[str, Any]:
        """The operation's answer as a result; its own exchange ends here, whatever becomes of it."""
        ending = Ending(None, client_left=True)
        if self._request.body is not None:
            ending.received_bytes = len(self._request.body.content)
        try:
            async with asyncio.timeout(self._terms.timeout_s):
                response = await self._answer()
                result = await result_of(response, self._terms.max_bytes, f"urn:uuid:{self._request.id}")
                ending.sent_bytes = len(response.body.content)
                ending.status_code, ending.client_left = response.status_code, False
                return result
        except TimeoutError:
            return text_result(f"No answer within {self._terms.timeout_s:g} s.", is_error=True)
        except UpstreamError:
            ending.status_code, ending.client_left = 502, False
            return text_result(_UNREADABLE, is_error=True)
        finally:
            self._end(ending)

    async def _answer(self) -> Response:
        outcome = self._handle(self._request)
        return outcome if isinstance(outcome, Response) else await outcome

    def _end(self, ending: Ending) -> None:
        request = self._request
        request.abandon_streams()
        on_end, request.on_end = request.on_end, None
        if on_end is not None:
            on_end(ending)

    def _stop(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        self._task = None

    def _cancel(self) -> None:
        """No client waits for it any more."""
        task = self._task
        self._stop()
        if task is not None:
            task.cancel()


def _headers(media_type: str) -> Headers:
    headers = Headers([("Content-Type", media_type)])
    if media_type == "text/event-stream":
        headers.append("Cache-Control", "no-cache")
        headers.append("X-Accel-Buffering", "no")
    return headers
