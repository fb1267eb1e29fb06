"""
One gRPC call: its form, its deadline, its messages in both directions and the status with which it ends.

Whatever answers the call, the caller gets a grpc-status: the backend's, or what an HTTP answer means.

Source: gRPC over HTTP2; gRPC-Web; docs/adr/0084-grpc.md.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING

from gateway.errors import PolicyError, UpstreamError
from gateway.wire.body import Body, BodyStream
from gateway.wire.grpc.answers import trailers_only
from gateway.wire.grpc.messages import MessageMeter, MessageStream
from gateway.wire.grpc.status import MESSAGE, STATUS, GrpcStatus, parse_status, status_lines
from gateway.wire.grpc.timeouts import TIMEOUT, format_timeout, parse_timeout
from gateway.wire.grpc.web import TextDecoder, encode_text, trailer_message
from gateway.wire.headers import Headers
from gateway.wire.messages import Expiring, ForwardOptions, Request, Response
from gateway.wire.trailers import barred_names, passed_lines

if TYPE_CHECKING:
    from gateway.wire.grpc.settings import GrpcSettings


class GrpcForm(Enum):
    """How a client writes its calls: the media type without its subtype."""

    NATIVE = "application/grpc"
    WEB = "application/grpc-web"
    WEB_TEXT = "application/grpc-web-text"


_FORMS: dict[str, GrpcForm] = {form.value: form for form in GrpcForm}
_NO_FORM = (None, "")
_SIGN_IN_ENDED = "The token that began the call has expired."
_DEADLINE_PASSED = "The deadline of the call has passed."


def grpc_form(media_type: str) -> tuple[GrpcForm, str] | None:
    """The form that a Content-Type names, and its subtype (``+proto``); None: it is not of gRPC."""
    base, plus, subtype = media_type.partition(";")[0].strip(" \t").lower().partition("+")
    form = _FORMS.get(base)
    return None if form is None else (form, plus + subtype)


class GrpcCall:
    """
    One call.

    Attributes:
        status: With what it has ended; None: it has not, or its client did not wait for it.
        fault: Why the gateway has ended it where no policy did; None: it did not.
        deadline: Until when the caller waits, in the event loop's time.
        gave_up: Whether the caller's own deadline has ended it.
    """

    __slots__ = (
        "_answer", "_ends_with_token", "_exchange", "_form", "_is_callers", "_settings", "_subtype", "_timer",
        "_watcher", "_written", "deadline", "fault", "gave_up", "request", "status",
    )  # fmt: skip

    def __init__(self, request: Request, form: GrpcForm, subtype: str, settings: GrpcSettings) -> None:
        self.request = request
        self._form = form
        self._subtype = subtype
        self._settings = settings
        self.status: int | None = None
        self.fault: str | None = None
        self.deadline = math.inf
        self.gave_up = False
        self._is_callers = True  # the deadline, and not a policy's
        self._timer: asyncio.TimerHandle | None = None
        self._ends_with_token = False  # earlier than at the caller's own deadline
        self._written: str | None = None  # the caller's grpc-timeout
        self._exchange: Expiring | None = None
        self._answer: AnswerMessages | None = None
        self._watcher: Callable[[int], None] | None = None

    # -- the request
    def begin(self) -> None:
        """Make the request one of gRPC over HTTP/2, whose messages are watched."""
        request = self.request
        request.call = self
        request.takes_trailers = True  # no client of gRPC can do without
        if self._form is not GrpcForm.NATIVE:
            request.headers.replace("Content-Type", GrpcForm.NATIVE.value + self._subtype)
        if request.body is not None:
            request.body = Body(stream=self._messages(request.body))
        self._written = request.headers.first(TIMEOUT)
        seconds = None if self._written is None else parse_timeout(self._written)
        if seconds is not None:
            self._expect_end_within(seconds)

    def _messages(self, body: Body) -> RequestMessages:
        source = BodyStream.whole(body.content, {}) if body.stream is None else body.stream
        decoder = TextDecoder() if self._form is GrpcForm.WEB_TEXT else None
        return RequestMessages(self, source, self._settings.max_request_message_bytes, decoder)

    def _expect_end_within(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self.deadline = min(self.deadline, loop.time() + seconds)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(self.deadline, self._expire)

    def forwarding(self, options: ForwardOptions) -> ForwardOptions:
        """
        How the request goes on: over HTTP/2, with what is left of its time.

        Raises:
            PolicyError: The grpc-timeout is malformed.
            UpstreamError: No time is left; or its messages have been sent once, and are not kept.
        """
        body = self.request.body
        if body is not None and body.stream is not None and body.stream.is_taken:
            raise UpstreamError("BackendConnectionFailure", "The messages of the call have been sent already.")
        headers = self.request.headers
        text = headers.first(TIMEOUT)
        if text is None:
            return replace(options, http_version="2", follow_redirects=False)
        seconds = parse_timeout(text)
        if seconds is None:
            raise PolicyError(400, "BadGrpcTimeout", "The grpc-timeout is malformed", found=text[:40])
        if text != self._written:  # a policy's
            self._is_callers = asyncio.get_running_loop().time() + seconds >= self.deadline
            self._expect_end_within(seconds)
        left = self.deadline - asyncio.get_running_loop().time()
        if left <= 0:
            raise UpstreamError("Timeout", _DEADLINE_PASSED, 504)
        self._written = format_timeout(left)
        headers.replace(TIMEOUT, self._written)
        return replace(options, http_version="2", follow_redirects=False, timeout_s=min(left, options.timeout_s))

    def sent_by(self, exchange: Expiring) -> None:
        """*exchange* has the request now."""
        self._exchange = exchange

    def refuse_request(self, error: PolicyError) -> None:
        """A message of the client cannot pass; an answer that has begun ends with that."""
        if self._answer is not None:
            self._answer.end_with(*_meaning(error))

    # -- the answer
    def answer(self, response: Response) -> Response:
        """*response* as the caller understands it."""
        stream = response.body.stream
        form, subtype = grpc_form(response.headers.first("Content-Type") or "") or _NO_FORM
        if stream is None or form is not GrpcForm.NATIVE or response.status_code != 200:
            return self._own(response)
        response.body = Body(stream=self._passed(stream, response.headers))
        response.headers.replace("Content-Type", self._form.value + (subtype or self._subtype))
        return response

    def _passed(self, source: BodyStream, headers: Headers) -> AnswerMessages:
        """The messages of the backend's answer, whose head has *headers*."""
        for name in (STATUS, MESSAGE):  # what ends a stream of messages comes behind them
            headers.lines.pop(name, None)
        barred = barred_names(self.request, headers)
        answer = AnswerMessages(self, source, self._settings.max_response_message_bytes, self._form, barred)
        self._answer = answer
        if self.request.expires_at is not None:
            self._end_with_token(self.request.expires_at)
        return answer

    def _end_with_token(self, expires_at: float) -> None:
        """A stream ends when the token does that began it; *expires_at*: seconds since the epoch."""
        seconds = max(0.0, expires_at - time.time())
        if asyncio.get_running_loop().time() + seconds < self.deadline:
            self._ends_with_token = True
            self._expect_end_within(seconds)

    def late(self) -> Response:
        """The answer where the deadline came while a policy waited."""
        headers = Headers([(STATUS, str(int(GrpcStatus.DEADLINE_EXCEEDED))), (MESSAGE, _DEADLINE_PASSED)])
        response = self._own(Response(200, headers))
        self.fault = _DEADLINE_PASSED
        return response

    def _own(self, response: Response) -> Response:
        """An answer without messages: the backend's, a policy's or the gateway's."""
        status = trailers_only(response, self._form.value + self._subtype)
        if self._form is not GrpcForm.NATIVE:
            lines = response.headers.lines
            message = trailer_message([lines.pop(name) for name in (STATUS, MESSAGE) if name in lines])
            response.body = Body(encode_text(message) if self._form is GrpcForm.WEB_TEXT else message)
        self.ended(status)
        return response

    def watch(self, watcher: Callable[[int], None]) -> None:
        """Call *watcher* with the status when the backend's answer ends with one."""
        self._watcher = watcher

    # -- the end
    def ended(self, status: int, fault: str | None = None) -> None:
        """The call has its status."""
        self.status, self.fault = int(status), fault
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher(status)
        self.over()

    def over(self) -> None:
        """Nothing is waited for any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._exchange = self._answer = None

    def _expire(self) -> None:
        """The caller waits no longer."""
        self._timer = None
        self.gave_up = self._is_callers and not self._ends_with_token
        if self.gave_up:
            self._watcher = None
        if self._answer is not None and self._ends_with_token:
            self._answer.end_with(GrpcStatus.UNAUTHENTICATED, _SIGN_IN_ENDED)
        elif self._answer is not None:
            self._answer.end_with(GrpcStatus.DEADLINE_EXCEEDED, _DEADLINE_PASSED)
        elif self._exchange is not None:
            self._exchange.sweep(math.inf)


class RequestMessages(MessageStream):
    """The messages of a client."""

    __slots__ = ("_call", "_decoder", "_meter")

    def __init__(self, call: GrpcCall, source: BodyStream, limit: int, decoder: TextDecoder | None) -> None:
        super().__init__(source, source.length if decoder is None else None)
        self._call = call
        self._meter = MessageMeter(limit)
        self._decoder = decoder

    def write(self, data: bytes) -> None:
        """The next piece."""
        if self.is_over:
            return
        try:
            messages = data if self._decoder is None else self._decoder.decode(data)
            if excess := self._meter.excess(messages):
                raise _too_large(excess, self._meter.limit)
        except PolicyError as error:
            self._refuse(error)
            return
        if messages:
            self.feed(messages)

    def finish(self) -> None:
        """The client has sent everything."""
        try:
            if self._decoder is not None and not self.is_over:
                self._decoder.end()
        except PolicyError as error:
            self._refuse(error)
        super().finish()

    def _refuse(self, error: PolicyError) -> None:
        self._call.refuse_request(error)
        self.fail(error)
        self._source.discard()


class AnswerMessages(MessageStream):
    """The messages of an answer, and the status behind them."""

    __slots__ = ("_barred", "_call", "_form", "_meter")

    def __init__(
        self, call: GrpcCall, source: BodyStream, limit: int, form: GrpcForm, barred: frozenset[str] | None
    ) -> None:
        """*barred*: folded names of trailers that do not pass, where they become a message."""
        super().__init__(source, None)
        self._call = call
        self._meter = MessageMeter(limit)
        self._form = form
        self._barred = barred

    def write(self, data: bytes) -> None:
        """The next piece."""
        if self.is_over:
            return
        if excess := self._meter.excess(data):
            self.end_with(*_meaning(_too_large(excess, self._meter.limit)))
        else:
            self.feed(encode_text(data) if self._form is GrpcForm.WEB_TEXT else data)

    def finish(self) -> None:
        """The backend's answer is complete."""
        if self.is_over:
            return
        trailers = self._source.trailers
        line = trailers.get(STATUS)
        status = parse_status(None if line is None else line.partition(":")[2].strip(" \t"))
        if status is None:
            self.end_with(GrpcStatus.UNKNOWN, "The backend ended its answer without a grpc-status.")
        else:
            self.trailers = trailers
            self._close(status)

    def fail(self, error: Exception) -> None:
        """The backend's answer broke off: the caller learns of it in the way of a call."""
        if not self.is_over:
            self.end_with(*_meaning(error))

    def end_with(self, status: int, message: str) -> None:
        """End the call here, with the gateway's own status."""
        if self.is_over:
            return
        self.trailers = status_lines(status, message)
        source = self._source
        self._close(status, message)
        source.discard()

    def _close(self, status: int, fault: str | None = None) -> None:
        self._call.ended(status, fault)
        if self._form is not GrpcForm.NATIVE and self._meter.is_within:  # the status would be read as part of a message
            super().fail(UpstreamError("BackendConnectionFailure", "The answer broke off within a message."))
            return
        if self._form is not GrpcForm.NATIVE:
            message = trailer_message(passed_lines(self.trailers, self._barred))
            self.feed(encode_text(message) if self._form is GrpcForm.WEB_TEXT else message)
            self.trailers = {}
        BodyStream.finish(self)

    def discard(self) -> None:
        """The client wants no more of it."""
        self._call.over()
        super().discard()


def _too_large(size: int, limit: int) -> PolicyError:
    text = f"A message has {size} bytes, and at most {limit} pass"
    return PolicyError(413, "GrpcMessageTooLarge", text, expected={"bytes_at_most": limit}, found=size)


def _meaning(error: Exception) -> tuple[GrpcStatus, str]:
    """Status and message of a call that *error* has ended."""
    match error:
        case PolicyError(status=413):
            return GrpcStatus.RESOURCE_EXHAUSTED, error.public_message
        case PolicyError():
            return GrpcStatus.INVALID_ARGUMENT, error.public_message
        case UpstreamError(reason="Timeout"):
            return GrpcStatus.DEADLINE_EXCEEDED, error.message
        case _:
            return GrpcStatus.UNAVAILABLE, "The backend's answer ended too early."
