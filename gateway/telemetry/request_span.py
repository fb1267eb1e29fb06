"""
One request in distributed traces, from its arrival to the end of its answer: ``Context.span``.

Source: W3C "Trace Context", section 4.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from gateway.telemetry.calls import CallPlace, OutgoingCall
from gateway.telemetry.http_metrics import known_method
from gateway.telemetry.logs import shortened
from gateway.telemetry.spans import MAX_EVENTS, enter, failure_of, running
from gateway.telemetry.trace_context import TRACEPARENT, TRACESTATE, TraceContext, received
from gateway.wire.messages import join_paths

if TYPE_CHECKING:
    from gateway.telemetry.http_metrics import AttributeValue
    from gateway.telemetry.spans import Span, SpanRecorder
    from gateway.wire.headers import Headers
    from gateway.wire.messages import Request, Response, Url
    from gateway.wire.pending import Pending

Incoming: TypeAlias = Literal["continue", "link", "ignore"]

MAX_NAME_CHARACTERS: Final = 100


def receive(recorder: SpanRecorder, request: Request, incoming: Incoming) -> RequestSpan:
    """
    A request has arrived: decide on its trace, and let what is sent on name this gateway as the parent.

    Args:
        incoming: What a client's trace context does: the trace is continued, linked to, or ignored.
    """
    client = received(request.headers)
    parent = client if incoming == "continue" else None
    context = recorder.context(parent)
    if recorder.propagates:
        _announce(request, context)
    if recorder.metrics is not None:
        recorder.metrics.active[known_method(request.original_method), request.scheme] += 1
    span = recorder.span(request.original_method, "server", context, parent)
    if span is not None:
        span.links = (client,) if client is not None and incoming == "link" else ()
        enter(span)
    return RequestSpan(recorder, context, span)


def _announce(request: Request, context: TraceContext) -> None:
    request.headers.lines[TRACEPARENT] = f"{TRACEPARENT}: {context.traceparent}"
    if not context.state and TRACESTATE in request.headers.lines:
        request.headers.remove(TRACESTATE)


class RequestSpan:
    """
    What telemetry keeps of one request; ``Context.span``.

    Attributes:
        context: Names the request in traces, sampled or not.
        span: None: the trace is not sampled.
    """

    __slots__ = ("_attempts", "_open", "_recorder", "context", "span")

    def __init__(self, recorder: SpanRecorder, context: TraceContext, span: Span | None) -> None:
        self._recorder = recorder
        self.context = context
        self.span = span
        self._attempts = 0
        self._open: OutgoingCall | None = None

    @property
    def log_ids(self) -> dict[str, str]:
        """Fields for a line in the log."""
        return {"trace_id": self.context.trace_id, "span_id": self.context.span_id}

    @property
    def parent(self) -> TraceContext:
        """Of what is done for the request here and now: the step that runs, or the request itself."""
        inner = running()
        if inner is None or inner.context.trace_id != self.context.trace_id:
            return self.context
        return inner.context

    def event(self, name: str, attributes: Mapping[str, AttributeValue]) -> None:
        """Note that something has happened."""
        if self.span is not None:
            self.span.event(name, attributes)

    def message(self, source: str, text: str, metadata: Sequence[tuple[str, str]] = ()) -> None:
        """A line of the trace policy or of ``context.Trace``."""
        if self.span is not None:
            named = {
                f"gateway.trace.{name[:MAX_NAME_CHARACTERS]}": shortened(value) for name, value in metadata[:MAX_EVENTS]
            }
            facts = {"gateway.trace.source": shortened(source), "gateway.trace.message": shortened(text), **named}
            self.span.event("trace", facts)

    def disown(self, headers: Headers) -> None:
        """Take the trace of this gateway out of a copy of its request's *headers*; what a policy has set stays."""
        if headers.lines.get(TRACEPARENT) == f"{TRACEPARENT}: {self.context.traceparent}":
            headers.remove(TRACEPARENT)
            headers.remove(TRACESTATE)

    def _attempt(self, request: Request, url: Url) -> OutgoingCall:
        """*request* is about to be sent to a backend."""
        self._close(None)
        self._attempts += 1
        place = CallPlace(url.scheme, url.host, url.port, join_paths(url.path, request.path))
        call = self._open = OutgoingCall(self._recorder, "backend", request.method, place, self.parent)
        if self._attempts > 1:
            call.note("http.request.resend_count", self._attempts - 1)
        own = f"{TRACEPARENT}: {self.context.traceparent}"
        if request.headers.lines.get(TRACEPARENT) == own:  # else a policy has set it
            request.headers.lines[TRACEPARENT] = f"{TRACEPARENT}: {call.context.traceparent}"
            call.restores = (request, own)
        return call

    def _close(self, error: str | None) -> None:
        """End the attempt before, of which nothing was heard any more."""
        if self._open is not None:
            if error is not None and not self._open.over:
                self._open.fail(error)
            self._open.end()
            self._open = None

    def end(self) -> None:
        """The exchange is over."""
        self._close("cancelled")
        if self.span is not None:
            self.span.end()

    def followed(self, request: Request, url: Url, sent: Callable[[], Pending[Response]]) -> Pending[Response]:
        """What *sent* gives: it sends *request* to a backend at *url*, and is called once."""
        if self.span is None:
            return sent() if self._recorder.metrics is None else self._timed(request, url, sent())
        attempt = self._attempt(request, url)

        def answered(response: Response) -> Response:
            attempt.status = response.status_code
            attempt.end()
            return response

        def failed(error: Exception) -> Response:
            attempt.fail(failure_of(error))
            attempt.end()
            raise error

        return sent().map(answered, failed)

    def _timed(self, request: Request, url: Url, pending: Pending[Response]) -> Pending[Response]:
        """*pending* of a request that is not sampled: only how long it took is kept."""
        began, method = time.monotonic(), known_method(request.method)

        def count(status: int | None, error: str | None) -> None:
            if self._recorder.metrics is not None:
                series = (method, url.scheme, url.host, url.port, status, error)
                self._recorder.metrics.client.observe(series, time.monotonic() - began)

        def answered(response: Response) -> Response:
            status = response.status_code
            count(status, str(status) if status >= 400 else None)
            return response

        def failed(error: Exception) -> Response:
            count(None, failure_of(error))
            raise error

        return pending.map(answered, failed)
