"""Spans: sampling, what is running, and limits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.errors import UpstreamError
from gateway.telemetry import spans
from gateway.telemetry.spans import MAX_EVENTS, Sampling, Span, SpanRecorder
from gateway.telemetry.trace_context import TraceContext

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def taken() -> Iterator[list[Span]]:
    """What a recorder that is in use gets."""
    found: list[Span] = []
    spans.use(SpanRecorder(found.append, Sampling()))
    yield found
    spans.use(None)


@pytest.mark.parametrize(
    ("sampling", "parent", "recorded"),
    [
        (Sampling(1.0), None, True),
        (Sampling(0.0), None, False),
        (Sampling(0.0), True, True),
        (Sampling(1.0), False, False),
        (Sampling(1.0, parent_based=False), False, True),
        (Sampling(0.0, parent_based=False), True, False),
    ],
)
def test_parents_decide(sampling: Sampling, parent: bool | None, recorded: bool) -> None:
    """A trace that began elsewhere is recorded if it is there, unless the sampler looks at the ratio alone."""
    context = None if parent is None else TraceContext(TRACE, SPAN, parent)
    assert sampling.decide(TRACE, context) is recorded


def test_a_ratio_is_kept() -> None:
    """Of many traces about the configured share is recorded, and a trace is recorded by everyone or by no one."""
    recorder, ratio = SpanRecorder(lambda _: None, Sampling(0.1)), Sampling(0.1)
    ids = [recorder.context(None).trace_id for _ in range(5_000)]
    chosen = [trace_id for trace_id in ids if ratio.decide(trace_id, None)]
    assert 350 < len(chosen) < 650
    assert all(Sampling(0.2).decide(trace_id, None) for trace_id in chosen)


def test_what_is_running(taken: list[Span]) -> None:
    """A span that has ended runs no more, though a connection's context may still hold it."""
    recorder = spans.recorder_in_use()
    assert recorder is not None
    span = recorder.step("one", None, {"a": 1})
    spans.enter(span)
    assert spans.running() is span
    assert spans.log_ids() == {"trace_id": span.context.trace_id, "span_id": span.context.span_id}
    span.end()
    span.end()
    assert (spans.running(), spans.log_ids(), taken) == (None, {}, [span])


def test_an_unsampled_span_goes_nowhere(taken: list[Span]) -> None:
    """It runs, so that what is below it is not recorded either, and is not exported."""
    recorder = spans.recorder_in_use()
    assert recorder is not None
    unsampled = TraceContext(TRACE, SPAN, sampled=False)
    with spans.within(recorder.step("one", unsampled, {})):
        inner = spans.running()
        assert inner is not None
        assert recorder.span("below", "client", recorder.context(inner.context), inner.context) is None
    assert taken == []


def test_events_are_bounded() -> None:
    """What is too much is counted."""
    span = Span("one", "internal", TraceContext(TRACE, SPAN, sampled=True), None, lambda _: None)
    for _ in range(MAX_EVENTS + 2):
        span.event("again", {})
    assert (len(span.events), span.dropped_events) == (MAX_EVENTS, 2)


def test_names_of_failures() -> None:
    """APIM's reason where there is one, else the exception's class."""
    assert spans.failure_of(UpstreamError("Timeout", "late")) == "Timeout"
    assert spans.failure_of(KeyError("x")) == "KeyError"
