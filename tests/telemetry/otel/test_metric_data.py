"""Metrics: every family of Prometheus in OpenTelemetry's form."""

from __future__ import annotations

from typing import Any

from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary

from gateway.telemetry.http_metrics import OVERFLOW, HttpMetrics
from gateway.telemetry.otel.metric_data import metrics_data
from tests.telemetry.otel.receiver import Received, attributes


def _encoded(registry: CollectorRegistry, http: HttpMetrics | None = None) -> dict[str, Any]:
    """The metrics by name, as a receiver has parsed and checked them."""
    received = Received()
    message = encode_metrics(metrics_data(registry, http, Resource({}), 1))
    received.take("metrics", message.SerializeToString(), {})
    return received.metrics


def test_families() -> None:
    """Counters are monotonic sums, gauges gauges; histograms lose their running totals, summaries have one bucket."""
    registry = CollectorRegistry()
    Counter("made", "Made.", ["kind"], registry=registry).labels("book").inc(3)
    Gauge("level", "Level.", registry=registry).set(0.5)
    histogram = Histogram("took", "Took.", buckets=(1.0, 2.0), registry=registry)
    for seconds in (0.5, 1.5, 1.6, 9.0):
        histogram.observe(seconds)
    Summary("sold", "Sold.", registry=registry).observe(4)
    Counter("never", "Never.", ["kind"], registry=registry)
    metrics = _encoded(registry)
    (made,) = metrics["made"].sum.data_points
    assert (made.as_double, attributes(made.attributes), metrics["made"].sum.is_monotonic) == (
        3,
        {"kind": "book"},
        True,
    )
    assert metrics["level"].gauge.data_points[0].as_double == 0.5
    (took,) = metrics["took"].histogram.data_points
    assert (list(took.bucket_counts), list(took.explicit_bounds), took.sum) == ([1, 2, 1], [1.0, 2.0], 12.6)
    (sold,) = metrics["sold"].histogram.data_points
    assert (list(sold.bucket_counts), sold.count, sold.sum, sold.HasField("max")) == ([1], 1, 4.0, False)
    assert "never" not in metrics


def test_http_metrics() -> None:
    """By the conventions; what is absent is left out, and what was too much is marked."""
    http = HttpMetrics()
    http.server.observe(("GET", "https", None, None, "ClientLeft"), 0.02)
    http.server.observe(OVERFLOW, 0.02)
    http.active["GET", "https"] += 2
    metrics = _encoded(CollectorRegistry(), http)
    points = metrics["http.server.request.duration"].histogram.data_points
    assert [attributes(point.attributes) for point in points] == [
        {"http.request.method": "GET", "url.scheme": "https", "error.type": "ClientLeft"},
        {"otel.metric.overflow": True},
    ]
    (active,) = metrics["http.server.active_requests"].sum.data_points
    assert (active.as_int, metrics["http.server.active_requests"].sum.is_monotonic) == (2, False)
    assert metrics["http.server.request.duration"].unit == "s"
    assert "http.client.request.duration" not in metrics
