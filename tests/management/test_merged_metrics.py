"""merged_metrics.py: workers' metrics become one answer, in both of Prometheus' forms."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from gateway.management.merged_metrics import Tallies, merge
from gateway.telemetry.metrics import GatewayMetrics

OPENMETRICS: Callable[[Collector], bytes] = choose_encoder("application/openmetrics-text")[0]


def worker(request: str, at: float) -> GatewayMetrics:
    """One with two requests, the second of which the request log has."""
    metrics = GatewayMetrics()
    operation = metrics.operation("orders", "read")
    operation.observe(200, 0.002)
    operation.observe(200, 0.2)
    operation.exemplify(request, 0.2, at)
    metrics.gauges["gateway_answer"] = ("An answer.", lambda: 42.0)
    return metrics


def scraped(encode: Callable[[Collector], bytes], *workers: GatewayMetrics) -> str:
    """What Prometheus gets of *workers* and of the process that asks them, whose own are in the text form."""
    texts = []
    for number, metrics in enumerate(workers, 1):
        registry = CollectorRegistry()
        registry.register(metrics)
        texts.append((f"worker-{number}", encode(registry).decode()))
    own = "# HELP gateway_own_total Own.\n# TYPE gateway_own_total counter\ngateway_own_total 1\n"
    return merge([*texts, ("management", own)], encode).decode()


@pytest.mark.parametrize("encode", [generate_latest, OPENMETRICS])
def test_workers_are_added_up(encode: Callable[[Collector], bytes]) -> None:
    """Counters and histograms of several workers are summed; a gauge keeps its worker's name."""
    merged = scraped(encode, worker("r1", 1.0), worker("r2", 2.0))
    for line in (
        'gateway_requests_total{api="orders",operation="read",status="200"} 4.0',
        'gateway_request_seconds_bucket{api="orders",le="0.0025",operation="read"} 2.0',
        'gateway_request_seconds_count{api="orders",operation="read"} 4.0',
        'gateway_answer{worker="worker-2"} 42.0',
        "gateway_own_total 1.0",
    ):
        assert f"\n{line}\n" in merged


@pytest.mark.parametrize("newest_first", [False, True])
def test_the_newest_exemplar_stays(newest_first: bool) -> None:
    """Each bucket names the newest of its requests, whichever worker has served it; the text form names none."""
    workers = [worker("r1", 1_900_000_000.0), worker("r2", 1_900_000_001.0)]
    if newest_first:
        workers.reverse()
    named = [line for line in scraped(OPENMETRICS, *workers).splitlines() if "request_id" in line]
    assert named == [
        'gateway_request_seconds_bucket{api="orders",le="0.25",operation="read"} 4.0 '
        '# {request_id="r2"} 0.2 1900000001.000000000'
    ]
    assert "request_id" not in scraped(generate_latest, *workers)


def test_moments_are_not_added_up() -> None:
    """A counter's ``_created`` is a time: the earliest counts."""
    texts = []
    for number in (1, 2):
        registry = CollectorRegistry()
        Counter("jobs", "Jobs.", registry=registry).inc()
        texts.append((f"worker-{number}", OPENMETRICS(registry).decode()))
    moments = [float(line.split()[1]) for _, text in texts for line in text.splitlines() if "_created " in line]
    lines = merge(texts, OPENMETRICS).decode().splitlines()
    assert "jobs_total 2.0" in lines
    assert [float(line.split()[1]) for line in lines if line.startswith("jobs_created ")] == [min(moments)]


@pytest.mark.parametrize("encode", [generate_latest, OPENMETRICS])
def test_no_sum_goes_backwards(encode: Callable[[Collector], bytes]) -> None:
    """Not while a worker does not answer, nor when it was started again: gauges are missing, the counts stay."""

    def text(requests: int) -> str:
        registry, metrics = CollectorRegistry(), worker("r1", 1.0)
        for _ in range(requests - 2):
            metrics.operation("orders", "read").observe(200, 0.002)
        registry.register(metrics)
        return encode(registry).decode()

    tallies, sums = Tallies(), []
    answers = [(1, 5), (1, None), (1, 6), (2, None), (2, 2), (2, 4), (3, 2), (0, None), (4, 2)]
    for process, requests in answers:
        texts = tallies.texts("worker-1", process, None if requests is None else text(requests))
        lines = merge(texts, encode).decode().splitlines()
        sums += [line for line in lines if line.startswith('gateway_requests_total{api="orders"')]
        assert any(line.startswith("gateway_answer") for line in lines) is (requests is not None)
    assert [float(line.split()[1]) for line in sums] == [5, 5, 6, 6, 8, 10, 12, 12, 14]
