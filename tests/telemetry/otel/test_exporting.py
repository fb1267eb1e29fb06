"""A gateway with telemetry and a collector: what arrives there, over HTTP and gRPC, and what never does."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from gateway.errors import LoadError
from tests.telemetry.otel.receiver import RECEIVERS, Received, attributes, span_facts
from tests.telemetry.otel.rig import Observed, received_from

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SECRETS = ["qu3ry-key", "h3ader-key", "cookie-s3cret", "s3nd-key", "eyJhbGciOiJub25lIn0", "collector-s3cret"]
FIELDS = [f"traceparent: {PARENT}", "tracestate: vendor=1", "X-Key: h3ader-key", "Cookie: cookie-s3cret"]


async def _ask_all(world: Observed) -> None:
    assert (await world.call("/orders/items/7?sig=qu3ry-key", *FIELDS)).status == 200
    assert (await world.call("/orders/refused", *FIELDS)).status == 403
    assert (await world.call("/orders/gone", *FIELDS)).status == 502


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Received:
    """Everything that can be switched on."""
    more = "  logs: true\n  policy-steps: spans\n  client-address: true"
    return received_from(tmp_path_factory.mktemp("seen"), _ask_all, more=more)


@pytest.mark.parametrize("protocol", RECEIVERS)
def test_a_request_is_one_trace(tmp_path: Path, protocol: str) -> None:
    """The client's trace is continued by a server span, with the calls of its policies and to the backend below it."""
    sent_on: list[str] = []

    async def work(world: Observed) -> None:
        await _ask_all(world)
        sent_on.extend(world.sent_on("traceparent"))

    received = received_from(tmp_path, work, protocol)
    server, call = received.named("GET /orders/items/{id}"), received.named("send-request GET")
    (backend, *attempts) = [span for span in received.spans if span.name == "backend GET"]
    assert {span.trace_id.hex() for span in received.spans} == {PARENT.split("-")[1]}
    assert server.parent_span_id.hex() == PARENT.split("-")[2]
    assert server.trace_state == "vendor=1"
    assert [span.parent_span_id for span in (call, backend)] == [server.span_id, server.span_id]
    assert sent_on == [f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01" for span in (call, backend)]
    assert (server.kind, call.kind) == (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT)
    assert [span_facts(span).get("http.request.resend_count") for span in attempts] == [None, 1]
    assert {span.status.code for span in attempts} == {Status.STATUS_CODE_ERROR}
    assert received.fields[0]["x-collector-key"] == "collector-s3cret"
    assert received.resources[0]["deployment.environment.name"] == "test"


def test_what_a_server_span_says(seen: Received) -> None:
    """Semantic conventions, what of the gateway answered, and why a request was refused."""
    facts = span_facts(seen.named("GET /orders/items/{id}"))
    assert facts.pop("gateway.request_id").count("-") == 4  # the trace policy has drawn it
    assert facts.pop("server.port") == 80
    assert facts == {
        "http.request.method": "GET",
        "url.scheme": "http",
        "url.path": "/orders/items/7",
        "http.route": "/orders/items/{id}",
        "server.address": "api.example",
        "client.address": "127.0.0.1",
        "http.response.status_code": 200,
        "http.request.body.size": 0,
        "http.response.body.size": 2,
        "gateway.api": "orders",
        "gateway.operation": "read",
    }
    refused, gone = seen.named("GET /orders/refused"), seen.named("GET /orders/gone")
    reasons = ("error.type", "gateway.refused_by", "gateway.refused_in")
    assert [span_facts(refused)[name] for name in reasons] == ["HeaderValueNotAllowed", "check-header", "inbound"]
    assert refused.status.code == Status.STATUS_CODE_UNSET  # a refusal is no failure of the gateway
    assert gone.status.code == Status.STATUS_CODE_ERROR
    assert span_facts(gone)["error.type"] == "BackendConnectionFailure"


def test_no_secret_leaves(seen: Received) -> None:
    """No query, header, cookie, token or key of the configuration is in anything that is exported."""
    assert seen.lines
    assert [secret for secret in SECRETS if secret in seen.text()] == []
    (event,) = seen.named("GET /orders/items/{id}").events
    assert attributes(event.attributes) == {
        "gateway.trace.source": "mine",
        "gateway.trace.message": "Bearer *****",
        "gateway.trace.tenant": "blue",
    }


@pytest.mark.parametrize(
    ("more", "sampled", "sent"),
    [
        ("  sampling: 0", False, "00"),
        ("  sampling: 1", True, "01"),
        ("  traces: false", False, None),
    ],
    ids=["none", "all", "off"],
)
def test_sampling(tmp_path: Path, more: str, sampled: bool, sent: str | None) -> None:
    """Unsampled requests export nothing, and the backend is told so; without traces it is told nothing."""
    flags: list[str] = []

    async def work(world: Observed) -> None:
        await world.call("/orders/plain")
        flags.extend(value[-2:] for value in world.sent_on("traceparent"))

    received = received_from(tmp_path, work, more=more)
    assert bool(received.spans) is sampled
    assert flags == ([] if sent is None else [sent])
    assert sum(point.count for point in received.metrics["http.server.request.duration"].histogram.data_points) == 1


@pytest.mark.parametrize("incoming", ["continue", "link", "ignore"])
def test_the_clients_trace(tmp_path: Path, incoming: str) -> None:
    """A client's trace is continued, linked to, or ignored; then its tracestate goes no further either."""
    states: list[str] = []

    async def work(world: Observed) -> None:
        await world.call("/orders/plain", *FIELDS)
        states.extend(world.sent_on("tracestate"))

    span = received_from(tmp_path, work, more=f"  incoming: {incoming}").named("GET /orders/plain")
    _, trace_id, span_id, _ = PARENT.split("-")
    assert (span.trace_id.hex() == trace_id) is (incoming == "continue")
    assert [link.span_id.hex() for link in span.links] == ([span_id] if incoming == "link" else [])
    assert states == (["vendor=1"] if incoming == "continue" else [])


def test_policies_as_spans(seen: Received) -> None:
    """Each policy is a span with its call below it."""
    (step,) = [span for span in seen.spans if span.name == "send-request"]
    assert seen.named("send-request GET").parent_span_id == step.span_id
    assert step.parent_span_id == seen.named("GET /orders/items/{id}").span_id
    assert span_facts(step) == {
        "gateway.section": "inbound",
        "gateway.scope": "operation",
        "gateway.path": "send-request[1]",
    }
    parents = {span.span_id for span in seen.spans if span.name == "forward-request"}
    assert {span.parent_span_id for span in seen.spans if span.name == "backend GET"} == parents


def test_policies_as_events(tmp_path: Path) -> None:
    """Each policy is an event of the server span; one that refuses says why."""
    received = received_from(tmp_path, _ask_all, more="  policy-steps: events")
    names = [event.name for event in received.named("GET /orders/items/{id}").events]
    assert [name for name in names if name != "trace"] == [
        "trace", "emit-metric", "send-request", "forward-request",
    ][1:]  # fmt: skip
    (event,) = received.named("GET /orders/refused").events
    assert attributes(event.attributes)["error.type"] == "HeaderValueNotAllowed"


def test_metrics(seen: Received) -> None:
    """HTTP metrics by the conventions, and what Prometheus gets, emit-metric's values included."""
    metrics = seen.metrics
    series = [attributes(point.attributes) for point in metrics["http.server.request.duration"].histogram.data_points]
    assert {
        "http.request.method": "GET",
        "url.scheme": "http",
        "http.route": "/orders/refused",
        "http.response.status_code": 403,
        "error.type": "HeaderValueNotAllowed",
    } in series
    (sold,) = metrics["apim_api_management_sold"].histogram.data_points
    assert (sold.count, sold.sum, attributes(sold.attributes)) == (1, 3.0, {"kind": "book"})
    counted = [(point.as_int, attributes(point.attributes)) for point in metrics["gateway_refusals"].sum.data_points]
    assert (1, {"policy": "check-header", "reason": "HeaderValueNotAllowed"}) in counted
    assert metrics["gateway_request_seconds"].histogram.data_points[0].count
    assert [point.as_int for point in metrics["http.server.active_requests"].sum.data_points] == [0]


def test_logs_have_the_ids_of_their_trace(seen: Received) -> None:
    """A line of the trace policy, exported, belongs to the server span of its request."""
    span = seen.named("GET /orders/items/{id}")
    (line,) = [line for line in seen.lines if attributes(line.attributes).get("source") == "mine"]
    assert (line.trace_id, line.span_id, line.severity_text) == (span.trace_id, span.span_id, "INFO")
    assert line.body.string_value == "trace"


def test_a_reload_loses_no_span(tmp_path: Path) -> None:
    """After a reload with other settings everything before it is exported, and the instance stays the same."""

    async def work(world: Observed) -> None:
        await world.call("/orders/plain")
        await world.reload("  policy-steps: events")
        await world.call("/orders/plain")
        await world.reload("  policy-steps: events")
        await world.call("/orders/plain")

    received = received_from(tmp_path, work)
    events = [len(span.events) for span in received.spans if span.name == "GET /orders/plain"]
    assert sorted(events) == [0, 1, 1]
    assert len({resource["service.instance.id"] for resource in received.resources}) == 1
    counts = [point.count for point in received.metrics["http.server.request.duration"].histogram.data_points]
    assert counts == [3]


def test_reloads_leave_nothing_behind(tmp_path: Path) -> None:
    """The first gateway and those after it are freed without the collector, with their threads and exporters."""

    async def work(world: Observed) -> None:
        telemetry = world.live.current.outside.telemetry
        assert telemetry is not None
        gone = []
        for number in range(3):
            await world.call("/orders/plain")
            gone.append(weakref.ref(world.live.current.dispatcher))
            await world.reload(f"  queue: {number + 7}")
        assert [reference() for reference in gone] == [None] * 3
        async with asyncio.timeout(20):
            while len(telemetry.state.running) > 1:
                await asyncio.sleep(0.01)

    gc.disable()
    try:
        received = received_from(tmp_path, work)
    finally:
        gc.enable()
    assert len([span for span in received.spans if span.name == "GET /orders/plain"]) == 3


def _exporting() -> int:
    return sum(thread.name == "telemetry" for thread in threading.enumerate())


def test_an_exporter_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reload that fails for it leaves no thread; the gateway goes on exporting as before."""

    async def work(world: Observed) -> None:
        before = _exporting()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY", "/missing.key")
        with pytest.raises(LoadError, match=r"missing\.key"):
            await world.reload("  queue: 9")
        async with asyncio.timeout(20):
            while _exporting() > before:
                await asyncio.sleep(0.01)
        await world.call("/orders/plain")

    assert received_from(tmp_path, work, "grpc").named("GET /orders/plain")
