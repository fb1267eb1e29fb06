"""Calls to other services and steps of jobs, as spans."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from gateway.errors import UpstreamError
from gateway.telemetry import spans
from gateway.telemetry.calls import CallPlace, calling, job_step, linked, request_trace, timed_call
from gateway.telemetry.http_metrics import HttpMetrics
from gateway.telemetry.spans import Sampling, Span, SpanRecorder
from gateway.telemetry.trace_context import TraceContext

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
METRICS = HttpMetrics()


@pytest.fixture
def taken() -> Iterator[list[Span]]:
    """What a recorder that is in use gets."""
    found: list[Span] = []
    spans.use(SpanRecorder(found.append, Sampling(), METRICS))
    yield found
    spans.use(None)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:pass@api.test/a/b?code=1#x", "https://api.test/a/b"),
        ("http://api.test:8080/a", "http://api.test:8080/a"),
        ("https://[::1]:444/", "https://[::1]:444/"),
        ("http://api.test:80", "http://api.test"),
        ("http://api.test:x/", ""),
        ("http://api.test/" + "x" * 3000, "http://api.test/" + "x" * 1984),
    ],
)
def test_urls_without_secrets(url: str, shown: str) -> None:
    """No user, no query, no fragment, and no more than 2,000 characters."""
    assert CallPlace.of(url).url == shown


def test_nothing_without_telemetry() -> None:
    """Calls and steps are made as they are, and tell no one."""
    with calling("keys", "GET", "https://a.test/") as call, job_step(PARENT, "start", {}):
        call.status = 500
        call.fail("x")
    assert (dict(call.fields), request_trace({"traceparent": PARENT})) == ({}, None)


def test_links_have_a_bound(taken: list[Span]) -> None:
    """A call for many has links to 128 of them; one in a trace has none, nor has one that follows."""
    contexts = [TraceContext(f"{number:032x}", "1" * 16, True) for number in range(1, 200)]
    with linked([None, *contexts]):
        with calling("d365", "GET", "https://fo.test/"):
            pass
        with job_step(PARENT, "start", {}), calling("d365", "POST", "https://fo.test/"):
            pass
    with calling("d365", "GET", "https://fo.test/"):
        pass
    assert [list(span.links) for span in taken if span.kind == "client"] == [contexts[:128], [], []]


def test_a_call(taken: list[Span]) -> None:
    """A client span with status and failure; the other service is told of it."""
    with calling("callback", "BREW", "https://a.test/x?sig=1") as call:
        call.status = 503
    (span,) = taken
    assert call.fields["traceparent"] == span.context.traceparent
    assert (span.name, span.kind, span.error, span.failed) == ("callback _OTHER", "client", "503", True)
    assert span.attributes == {
        "http.request.method": "_OTHER",
        "server.address": "a.test",
        "server.port": 443,
        "url.full": "https://a.test/x",
        "gateway.call": "callback",
        "http.response.status_code": 503,
    }
    assert METRICS.client.series["_OTHER", "https", "a.test", 443, 503, "503"].buckets[0] == 1


def test_a_call_that_fails(taken: list[Span]) -> None:
    """The error passes through, and is the span's; so does a call that takes too long."""

    async def slow() -> None:
        async with timed_call("keys", "GET", "https://a.test/", 0.001):
            await asyncio.sleep(5)

    with pytest.raises(UpstreamError), calling("send-request", "GET", "https://a.test/"):
        raise UpstreamError("BackendConnectionFailure", "no")
    with pytest.raises(TimeoutError):
        asyncio.run(slow())
    assert [span.error for span in taken] == ["BackendConnectionFailure", "TimeoutError"]


def test_a_job_is_one_trace(taken: list[Span]) -> None:
    """Whatever is called in a step of a job is in the trace of the request that asked for the job."""
    stored = request_trace({"traceparent": PARENT, "tracestate": "a=1"})
    assert stored == f"{PARENT} a=1"
    with (
        job_step(stored, "start batch job", {"gateway.job.id": "7"}),
        calling("d365", "POST", "https://fo.test/") as call,
    ):
        call.status = 200
    inner, step = taken
    assert inner.parent is step.context
    assert step.parent is not None
    assert step.parent.traceparent == PARENT
    assert {span.context.trace_id for span in taken} == {step.parent.trace_id}
    assert request_trace({"traceparent": "nonsense"}) is None


def test_a_job_where_no_service_is_told(taken: list[Span]) -> None:
    """Without `tracecontext` in OTEL_PROPAGATORS the fields are the client's: the job is in the gateway's trace."""
    spans.use(recorder := SpanRecorder(taken.append, Sampling(), None, propagates=False))
    assert request_trace({"traceparent": PARENT}) is None
    span = recorder.step("request", None, {})
    with spans.within(span):
        assert request_trace({"traceparent": PARENT}) == span.context.traceparent


def test_an_unsampled_job(taken: list[Span]) -> None:
    """A job of an unsampled request is not recorded, nor are its calls."""
    with job_step(f"{PARENT[:-2]}00", "start", {}), calling("d365", "POST", "https://fo.test/") as call:
        assert call.fields["traceparent"].endswith("-00")
    assert taken == []


def test_a_step_that_fails(taken: list[Span]) -> None:
    """A step that is cut short has the reason."""
    with pytest.raises(asyncio.CancelledError), job_step(PARENT, "watch", {}):
        raise asyncio.CancelledError
    assert taken[0].error == "CancelledError"
