"""One request in distributed traces: attempts to reach a backend, and the fields that it gets."""

from __future__ import annotations

import pytest

from gateway.errors import UpstreamError
from gateway.telemetry.http_metrics import HttpMetrics
from gateway.telemetry.request_span import RequestSpan, receive
from gateway.telemetry.spans import Sampling, Span, SpanRecorder, within
from gateway.wire.headers import Headers
from gateway.wire.messages import Request, Response, Url
from gateway.wire.pending import Pending, rejected

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
BACKEND = Url("http", "backend.test", 8080, "/base")


class Arrived:
    """A request that has arrived, and what becomes of its spans."""

    def __init__(self, *fields: tuple[str, str], ratio: float = 1.0, metrics: HttpMetrics | None = None) -> None:
        self.spans: list[Span] = []
        self.request = Request("GET", "/x", "sig=1", Headers(fields))
        self.span: RequestSpan = receive(
            SpanRecorder(self.spans.append, Sampling(ratio), metrics), self.request, "continue"
        )

    @property
    def sent(self) -> str | None:
        """The field that a backend would get."""
        return self.request.headers.first("traceparent")

    def attempt(self, outcome: Pending[Response]) -> Pending[Response]:
        """Send it."""
        return self.span.followed(self.request, BACKEND, lambda: outcome)


def test_attempts() -> None:
    """Each attempt has a span and a traceparent of its own; between them the request has the server span's."""
    arrived = Arrived(("traceparent", PARENT))
    own = arrived.span.context.traceparent
    assert arrived.sent == own
    first: Pending[Response] = Pending()
    answered = arrived.attempt(first)
    assert arrived.sent not in (own, None)
    first.resolve(Response(503))
    assert answered.result().status_code == 503
    assert arrived.sent == own
    with pytest.raises(UpstreamError):
        arrived.attempt(rejected(UpstreamError("Timeout", "late"))).result()
    arrived.span.end()
    one, two, server = arrived.spans
    assert [span.error for span in (one, two)] == ["503", "Timeout"]
    assert (one.attributes["url.full"], two.attributes["http.request.resend_count"]) == (
        "http://backend.test:8080/base/x",
        1,
    )
    assert {one.parent, two.parent} == {server.context}


def test_what_is_never_answered() -> None:
    """An attempt whose client has left ends with the request."""
    arrived = Arrived()
    arrived.attempt(Pending())
    arrived.span.end()
    assert [span.error for span in arrived.spans] == ["cancelled", ""]


def test_a_policys_own_field() -> None:
    """A traceparent that a policy has set is left alone."""
    arrived = Arrived()
    arrived.request.headers.replace("traceparent", PARENT)
    arrived.attempt(Pending())
    assert arrived.sent == PARENT


@pytest.mark.parametrize("metrics", [None, HttpMetrics()], ids=["nothing", "metrics"])
def test_unsampled(metrics: HttpMetrics | None) -> None:
    """An unsampled request makes no span; durations are counted where metrics are exported."""
    arrived = Arrived(ratio=0.0, metrics=metrics)
    done: Pending[Response] = Pending()
    answered = arrived.attempt(done)
    done.resolve(Response(200))
    answered.result()
    arrived.span.message("mine", "text")
    arrived.span.end()
    assert arrived.spans == []
    assert str(arrived.sent).endswith("-00")
    assert metrics is None or list(metrics.client.series) == [("GET", "http", "backend.test", 8080, 200, None)]


def test_malformed_fields_go_no_further() -> None:
    """A traceparent that breaks the rules begins a new trace, and takes its tracestate with it."""
    arrived = Arrived(("traceparent", "nonsense"), ("tracestate", "a=1"), ("baggage", "b=2"))
    names = set(arrived.request.headers.names())
    assert (names, arrived.sent) == ({"traceparent", "baggage"}, arrived.span.context.traceparent)


def test_the_step_that_runs_is_the_parent() -> None:
    """What a policy calls belongs to the policy's span where it has one, and never to another request's."""
    arrived, other = Arrived(), Arrived()
    recorder = SpanRecorder(arrived.spans.append, Sampling())
    step = recorder.step("send-request", arrived.span.context, {})
    with within(step):
        assert arrived.span.parent is step.context
        assert other.span.parent is other.span.context


def test_a_copy_of_the_request() -> None:
    """Its fields lose the trace of this gateway, which the copy's own call replaces; those of a policy stay."""
    arrived = Arrived(("traceparent", PARENT), ("tracestate", "a=1"))
    copied, changed = arrived.request.headers.copy(), Headers([("traceparent", PARENT)])
    arrived.span.disown(copied)
    arrived.span.disown(changed)
    assert list(copied.items()) == []
    assert changed.first("traceparent") == PARENT


def test_what_a_policy_writes_is_kept_short() -> None:
    """A long text does not wait for its export as a whole; its secrets are masked before it is cut."""
    token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln"
    arrived = Arrived()
    arrived.span.message("s", "x" * 100_000, [("long", "y" * 1_990 + token + " z" * 100_000)])
    arrived.span.message("s", token * 10_000)
    assert arrived.span.span is not None
    first, second = (event.attributes for event in arrived.span.span.events)
    assert first["gateway.trace.message"] == "x" * 2_000 + "…"
    assert first["gateway.trace.long"] == "y" * 1_990 + "*****" + " z z " + "…"
    assert second["gateway.trace.message"] == "*****"
