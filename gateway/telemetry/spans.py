"""
Spans: what the gateway's parts know of distributed tracing. None of it needs OpenTelemetry's libraries.

``gateway.telemetry.otel`` puts a ``SpanRecorder`` here while telemetry is configured. Without one nothing is made:
requests have no ``RequestSpan``, and ``calling`` and ``job_step`` do nothing. A span is a few slots that are filled on
the way and handed over when it ends; masking and encoding happen in the thread that exports it.

Source: OpenTelemetry specification, "Tracing API"; semantic conventions 1.27 and later, "HTTP spans".
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from gateway.errors import UpstreamError
from gateway.telemetry.http_metrics import AttributeValue, HttpMetrics
from gateway.telemetry.trace_context import TraceContext

SpanKind: TypeAlias = Literal["server", "client", "internal"]

MAX_EVENTS: Final = 128  # of one span; OpenTelemetry's own default
_NOT_ZERO: Final = 1 << 128 | 1  # of a trace's and a span's id, drawn together: one bit each
_HALF: Final = 1 << 64  # how many ids there are that differ in their lower half, which decides


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happened at one moment of a span."""

    at_ns: int
    name: str
    attributes: Mapping[str, AttributeValue]


class Span:
    """
    One piece of work. Times are nanoseconds since the epoch.

    Attributes:
        parent: The span around it, of this process or another one; None: it begins its trace.
        error: ``error.type`` of a failure; empty: it has not failed.
        failed: Whether its status is an error. A refused request has an ``error.type`` and is none of the server's.
        dropped_events: Events beyond the limit.
        ended: Whether it is over.
    """

    __slots__ = (
        "_take",
        "attributes",
        "context",
        "dropped_events",
        "end_ns",
        "error",
        "events",
        "failed",
        "kind",
        "links",
        "name",
        "parent",
        "start_ns",
    )

    def __init__(
        self,
        name: str,
        kind: SpanKind,
        context: TraceContext,
        parent: TraceContext | None,
        take: Callable[[Span], object],
    ) -> None:
        self.name = name
        self.kind = kind
        self.context = context
        self.parent = parent
        self.attributes: dict[str, AttributeValue] = {}
        self.start_ns = time.time_ns()
        self.end_ns = 0
        self.events: list[SpanEvent] = []
        self.links: Sequence[TraceContext] = ()
        self.error = ""
        self.failed = False
        self.dropped_events = 0
        self._take = take

    @property
    def ended(self) -> bool:
        return bool(self.end_ns)

    def event(self, name: str, attributes: Mapping[str, AttributeValue]) -> None:
        """Note that something has happened."""
        if len(self.events) < MAX_EVENTS:
            self.events.append(SpanEvent(time.time_ns(), name, attributes))
        else:
            self.dropped_events += 1

    def fail(self, error_type: str) -> None:
        """It has failed."""
        self.error, self.failed = error_type, True

    def end(self) -> None:
        """It is over; a second end changes nothing."""
        if not self.end_ns:
            self.end_ns = time.time_ns()
            if self.context.sampled:
                self._take(self)


_current: ContextVar[Span | None] = ContextVar("span", default=None)


def running() -> Span | None:
    """The span that the code here runs in, where that is known: in a request's own tasks, and in a job's."""
    span = _current.get()
    return span if span is not None and not span.ended else None


def enter(span: Span) -> None:
    """What is done from now on in this task, or until the next request of this connection, belongs to *span*."""
    _current.set(span)


@contextmanager
def within(span: Span) -> Iterator[None]:
    """What is done in the context belongs to *span*, which ends with it."""
    token = _current.set(span)
    try:
        yield
    finally:
        _current.reset(token)
        span.end()


@dataclass(frozen=True, slots=True)
class Sampling:
    """
    Which traces are recorded.

    Attributes:
        ratio: Of the traces that begin here, from 0 to 1.
        parent_based: Whether a trace that began elsewhere is recorded if, and only if, it is recorded there.
    """

    ratio: float = 1.0
    parent_based: bool = True

    def decide(self, trace_id: str, parent: TraceContext | None) -> bool:
        """Whether to record. The trace's id decides, so that all services with the same ratio record the same ones."""
        if parent is not None and self.parent_based:
            return parent.sampled
        if self.ratio in (0.0, 1.0):
            return bool(self.ratio)
        return int(trace_id[16:], 16) < int(self.ratio * _HALF)


class SpanRecorder:
    """
    Makes spans.

    Args:
        take: Gets each sampled span that has ended, from any thread; never waits.
        metrics: Where durations are counted; None: they are not.
        propagates: Whether the next service is told of the trace.
    """

    def __init__(
        self,
        take: Callable[[Span], object],
        sampling: Sampling,
        metrics: HttpMetrics | None = None,
        propagates: bool = True,
    ) -> None:
        self._take = take
        self._sampling = sampling
        self.metrics = metrics
        self.propagates = propagates

    def context(self, parent: TraceContext | None) -> TraceContext:
        """The context of a new span below *parent*."""
        if parent is None:
            ids = f"{random.getrandbits(192) | _NOT_ZERO:048x}"
            return TraceContext(ids[:32], ids[32:], self._sampling.decide(ids[:32], None))
        span_id = f"{random.getrandbits(64) or 1:016x}"
        return TraceContext(parent.trace_id, span_id, self._sampling.decide(parent.trace_id, parent), parent.state)

    def span(self, name: str, kind: SpanKind, context: TraceContext, parent: TraceContext | None) -> Span | None:
        """A span that has just begun; None: its trace is not sampled."""
        return Span(name, kind, context, parent, self._take) if context.sampled else None

    def step(self, name: str, parent: TraceContext | None, attributes: Mapping[str, AttributeValue]) -> Span:
        """Work within the gateway that has just begun, sampled or not."""
        span = Span(name, "internal", self.context(parent), parent, self._take)
        span.attributes.update(attributes)
        return span


class _Process:
    """The recorder of this process; None while telemetry is off."""

    recorder: SpanRecorder | None = None


def use(recorder: SpanRecorder | None) -> None:
    """Let *recorder* record what the process does from now on; None: nothing."""
    _Process.recorder = recorder


def recorder_in_use() -> SpanRecorder | None:
    """What records; None while telemetry is off."""
    return _Process.recorder


def is_used(recorder: SpanRecorder) -> bool:
    """Whether *recorder* records what the process does."""
    return _Process.recorder is recorder


def active() -> bool:
    """Whether anything is recorded."""
    return _Process.recorder is not None


def failure_of(error: BaseException) -> str:
    """``error.type`` of an exception: a reason of APIM's, or the exception's class."""
    return error.reason if isinstance(error, UpstreamError) else type(error).__name__


def log_ids() -> dict[str, str]:
    """Fields for a line in the log, where the span is known that the code here runs in."""
    span = running()
    if span is None:
        return {}
    return {"trace_id": span.context.trace_id, "span_id": span.context.span_id}
