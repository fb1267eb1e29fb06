"""Request metrics: plain numbers inside, Prometheus families outside."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import choose_encoder

from gateway.telemetry.metrics import GatewayMetrics


def scrape(metrics: GatewayMetrics) -> str:
    registry = CollectorRegistry()
    registry.register(metrics)
    return generate_latest(registry).decode()


def busy() -> GatewayMetrics:
    metrics = GatewayMetrics()
    operation = metrics.operation("orders", "read")
    operation.observe(200, 0.002)
    operation.observe(200, 0.2)
    operation.observe(401, 99.0)
    metrics.refusals["validate-jwt", "TokenExpired"] += 1
    metrics.expired_streams += 2
    metrics.gauges["gateway_answer"] = ("An answer.", lambda: 42.0)
    metrics.counters["gateway_hits"] = ("Hits.", lambda: 7.0)
    return metrics


def test_families() -> None:
    """Requests by status, durations in cumulative buckets, refusals by reason, and what other parts add."""
    text = scrape(busy())
    for line in (
        'gateway_requests_total{api="orders",operation="read",status="200"} 2.0',
        'gateway_requests_total{api="orders",operation="read",status="401"} 1.0',
        'gateway_request_seconds_bucket{api="orders",le="0.0025",operation="read"} 1.0',
        'gateway_request_seconds_bucket{api="orders",le="0.25",operation="read"} 2.0',
        'gateway_request_seconds_bucket{api="orders",le="+Inf",operation="read"} 3.0',
        'gateway_request_seconds_count{api="orders",operation="read"} 3.0',
        'gateway_refusals_total{policy="validate-jwt",reason="TokenExpired"} 1.0',
        "gateway_streams_expired_total 2.0",
        "gateway_answer 42.0",
        "gateway_hits_total 7.0",
    ):
        assert line in text


def test_an_idle_operation_is_not_listed() -> None:
    """A thousand operations that nobody calls cost nothing at a scrape."""
    metrics = GatewayMetrics()
    metrics.operation("orders", "read")
    assert "orders" not in scrape(metrics)


def test_exemplars_name_requests() -> None:
    """Where the scraper takes OpenMetrics, a bucket names the last of its requests that the request log has."""
    metrics = busy()
    metrics.operation("orders", "read").exemplify("r1", 0.2, 1_900_000_000.0)
    registry = CollectorRegistry()
    registry.register(metrics)
    encode, _ = choose_encoder("application/openmetrics-text")
    named = [line for line in encode(registry).decode().splitlines() if "r1" in line]
    assert named == [
        'gateway_request_seconds_bucket{api="orders",le="0.25",operation="read"} 2.0 '
        '# {request_id="r1"} 0.2 1900000000.0'
    ]
    assert "r1" not in scrape(metrics)
