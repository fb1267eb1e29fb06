"""Spans and lines in the SDK's form: masked, cut, and complete."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource

from gateway.telemetry import logs
from gateway.telemetry.http_metrics import AttributeValue
from gateway.telemetry.otel.encoding import MAX_ATTRIBUTES, masked, readable_lines, readable_spans
from gateway.telemetry.spans import Span
from gateway.telemetry.trace_context import TraceContext
from tests.telemetry.otel.receiver import attributes

TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln"
RESOURCE = Resource({"service.name": "gateway"})


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (TOKEN, "*****"),
        (f"Bearer {TOKEN}", "Bearer *****"),
        ("of the configuration", "of the *****"),
        ("x" * 3000, "x" * 2000 + "…"),
        (7, 7),
        (True, True),
        (0.5, 0.5),
        ("a\ud800b", "a\\ud800b"),
        (1 << 63, "9223372036854775808"),
    ],
)
def test_texts_are_masked(value: AttributeValue, shown: AttributeValue) -> None:
    """As in a line of the log: tokens, the configuration's secrets, and what is too long."""
    logs.hide(["configuration"])
    try:
        assert masked({"a": value}) == {"a": shown}
    finally:
        logs.hide([])


def test_what_the_protocol_has_no_form_for() -> None:
    """Half a surrogate pair, an endless number and an odd trace id do not take the rest of their batch with them."""
    span = Span("GET \ud800", "server", TraceContext("5", "6", sampled=True), None, lambda _: None)
    span.fail("\ud800")
    span.event("trace", {"text": "\ud800", "number": 1 << 70})
    assert encode_spans(readable_spans([span], RESOURCE)).resource_spans
    line = {"event": "\ud800", "trace_id": "none", "number": -(1 << 70), "deep": {"a": ["\ud800"]}}
    assert encode_logs(readable_lines([line], RESOURCE)).resource_logs


def test_attributes_are_bounded() -> None:
    """No more than OpenTelemetry's own limit."""
    assert len(masked({str(number): number for number in range(500)})) == MAX_ATTRIBUTES


def test_a_span() -> None:
    """Times, kind, status, parent, state and links arrive."""
    context = TraceContext("5", "6", sampled=True, state="a=1")
    span = Span("GET /x", "client", context, TraceContext("5", "7", sampled=True), lambda _: None)
    span.links = [TraceContext("8", "9", sampled=True)]
    span.dropped_events = 2
    span.fail("Timeout")
    span.end()
    message = encode_spans(readable_spans([span], RESOURCE)).resource_spans[0].scope_spans[0]
    (sent,) = message.spans
    assert (int.from_bytes(sent.trace_id), int.from_bytes(sent.span_id), int.from_bytes(sent.parent_span_id)) == (
        5,
        6,
        7,
    )
    assert (sent.start_time_unix_nano, sent.end_time_unix_nano) == (span.start_ns, span.end_ns)
    assert (sent.trace_state, int.from_bytes(sent.links[0].trace_id), sent.status.code) == ("a=1", 8, 2)
    assert attributes(sent.attributes) == {"error.type": "Timeout", "gateway.dropped_events": 2}
    assert message.scope.name == "gateway"


def test_a_line() -> None:
    """The event is the body, the level the severity; members are attributes, those of other types texts."""
    line: dict[str, Any] = {
        "event": "refused",
        "level": "warning",
        "timestamp": "t",
        "observed_ns": 12,
        "trace_id": f"{5:032x}",
        "span_id": f"{6:016x}",
        "status": 401,
        "detail": {"token": TOKEN},
        "nothing": None,
        "_record": object(),
    }
    (sent,) = encode_logs(readable_lines([line], RESOURCE)).resource_logs[0].scope_logs[0].log_records
    assert (sent.body.string_value, sent.severity_text, sent.severity_number) == ("refused", "WARNING", 13)
    assert (sent.time_unix_nano, int.from_bytes(sent.trace_id), int.from_bytes(sent.span_id)) == (12, 5, 6)
    assert attributes(sent.attributes) == {"status": 401, "detail": "{'token': '*****'}", "nothing": ""}
    (other,) = encode_logs(readable_lines([{"event": "x"}], RESOURCE)).resource_logs[0].scope_logs[0].log_records
    assert (other.trace_id, other.severity_text) == (b"", "INFO")
