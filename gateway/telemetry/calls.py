"""
Calls to other services and steps of jobs, as spans: for whoever makes them, with telemetry or without.

Source: OpenTelemetry semantic conventions 1.27 and later, "HTTP client".
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

from gateway.telemetry.http_metrics import AttributeValue, known_method
from gateway.telemetry.spans import Span, SpanRecorder, failure_of, recorder_in_use, running, within
from gateway.telemetry.trace_context import TRACEPARENT, TRACESTATE, TraceContext, restore

if TYPE_CHECKING:
    from gateway.wire.messages import Request

MAX_URL_CHARACTERS: Final = 2_000
MAX_LINKS: Final = 128  # of one span; OpenTelemetry's own default
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class CallPlace:
    """Where a call goes: no user, no query, no fragment."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def of(cls, url: str) -> CallPlace:
        """The place that *url* names; an empty one for a text that is no URL."""
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS.get(parts.scheme, 0)
        except ValueError:
            return cls("", "", 0, "")
        return cls(parts.scheme, parts.hostname or "", port, parts.path)

    @property
    def url(self) -> str:
        if not self.host:
            return ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS.get(self.scheme) else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"[:MAX_URL_CHARACTERS]


class OutgoingCall:
    """
    A call to another service, from before it is sent until its answer's head is there.

    Attributes:
        status: Of the answer; None as long as there is none.
        restores: A request whose field is put back when the call is over, for the next attempt.
    """

    __slots__ = ("_began", "_error", "_method", "_place", "_recorder", "_span", "context", "over", "restores", "status")

    def __init__(
        self, recorder: SpanRecorder, purpose: str, method: str, place: CallPlace, parent: TraceContext | None
    ) -> None:
        self._recorder = recorder
        self._method = known_method(method)
        self._place = place
        self._began = time.monotonic()
        self._error = ""
        self.status: int | None = None
        self.over = False
        self.restores: tuple[Request, str] | None = None
        self.context = recorder.context(parent)
        self._span = recorder.span(f"{purpose} {self._method}", "client", self.context, parent)
        if self._span is not None:
            self._span.attributes = {
                "http.request.method": self._method,
                "server.address": place.host,
                "server.port": place.port,
                "url.full": place.url,
                "gateway.call": purpose,
            }

    def note(self, name: str, value: AttributeValue) -> None:
        """A fact about it."""
        if self._span is not None:
            self._span.attributes[name] = value

    def link(self, contexts: Sequence[TraceContext]) -> None:
        """It is made for the spans at *contexts*, too."""
        if self._span is not None:
            self._span.links = contexts

    @property
    def fields(self) -> dict[str, str]:
        """Header fields that tell the other service of the trace."""
        return self.context.fields if self._recorder.propagates else {}

    def fail(self, error_type: str) -> None:
        """There is no answer."""
        self._error = error_type

    def end(self) -> None:
        """It is over; a second end changes nothing."""
        if self.over:
            return
        self.over = True
        self._restore()
        error = self._error or (str(self.status) if (self.status or 0) >= 400 else "")
        if self._recorder.metrics is not None:
            place = self._place
            series = (self._method, place.scheme, place.host, place.port, self.status, error or None)
            self._recorder.metrics.client.observe(series, time.monotonic() - self._began)
        if self._span is not None:
            self._end_span(self._span, error)

    def _restore(self) -> None:
        """Put the request's own field back, unless a policy has set another one."""
        if self.restores is None:
            return
        request, line = self.restores
        if request.headers.lines.get(TRACEPARENT) == f"{TRACEPARENT}: {self.context.traceparent}":
            request.headers.lines[TRACEPARENT] = line

    def _end_span(self, span: Span, error: str) -> None:
        if self.status is not None:
            span.attributes["http.response.status_code"] = self.status
        if error:
            span.fail(error)
        span.end()


class TracedCall(Protocol):
    """
    A call as whoever makes it sees it.

    Attributes:
        status: Of the answer; set by the caller.
    """

    status: int | None

    @property
    def fields(self) -> Mapping[str, str]:
        """Header fields that tell the other service of the trace."""

    def fail(self, error_type: str) -> None:
        """There is no answer."""


class _NoCall:
    """What ``calling`` gives while nothing is recorded."""

    __slots__ = ("status",)
    fields: Mapping[str, str] = {}

    def __init__(self) -> None:
        self.status: int | None = None

    def fail(self, error_type: str) -> None:
        """Nothing."""


_linked: ContextVar[Sequence[TraceContext]] = ContextVar("linked", default=())


@contextmanager
def linked(contexts: Iterable[TraceContext | None]) -> Iterator[None]:
    """A call in the context that is a trace of its own has links to *contexts*: it is made for all of them."""
    token = _linked.set(tuple(islice((context for context in contexts if context is not None), MAX_LINKS)))
    try:
        yield
    finally:
        _linked.reset(token)


def current_trace() -> TraceContext | None:
    """Where this task is in a trace that is recorded."""
    span = running()
    return span.context if span is not None and span.context.sampled else None


@contextmanager
def calling(purpose: str, method: str, url: str, parent: TraceContext | None = None) -> Iterator[TracedCall]:
    """
    A call to another service, while the context lasts.

    Args:
        purpose: What for, as spans are named: ``send-request``, ``keys``, ``token``, ``d365``, ``callback``.
        parent: On whose behalf; None: on that of the job or request whose task this is, else a trace of its own.
    """
    recorder = recorder_in_use()
    if recorder is None:
        yield _NoCall()
        return
    if parent is None and (span := running()) is not None:
        parent = span.context
    call = OutgoingCall(recorder, purpose, method, CallPlace.of(url), parent)
    if parent is None:
        call.link(_linked.get())
    try:
        yield call
    except BaseException as error:
        call.fail(failure_of(error))
        raise
    finally:
        call.end()


@asynccontextmanager
async def timed_call(purpose: str, method: str, url: str, seconds: float) -> AsyncIterator[TracedCall]:
    """As ``calling``, for *seconds* at most. Raises TimeoutError."""
    with calling(purpose, method, url) as call:
        async with asyncio.timeout(seconds):
            yield call


@contextmanager
def job_step(stored: str | None, name: str, attributes: Mapping[str, AttributeValue]) -> Iterator[None]:
    """
    A step of a job, while the context lasts: in the trace of the request that asked for the job.

    Args:
        stored: What ``request_trace`` gave when the job was accepted.
    """
    recorder = recorder_in_use()
    if recorder is None:
        yield
        return
    span = recorder.step(name, restore(stored), attributes)
    with within(span):
        try:
            yield
        except BaseException as error:
            span.fail(failure_of(error))
            raise


def request_trace(fields: Mapping[str, str]) -> str | None:
    """The trace of a request with these header *fields*, to be stored with the job that it asks for."""
    recorder = recorder_in_use()
    if recorder is None:
        return None
    if not recorder.propagates:  # the fields are the client's, as they came
        span = running()
        return None if span is None else span.context.stored
    context = restore(f"{fields.get(TRACEPARENT, '')} {fields.get(TRACESTATE, '')}")
    return None if context is None else context.stored
