"""
Metrics in the SDK's form: OpenTelemetry's own HTTP metrics, and everything that Prometheus gets, from the same numbers.

A summary of Prometheus (what emit-metric adds up) becomes a histogram with one bucket: it has count and sum, too.

Source: OpenTelemetry specification, "Metrics Data Model", and "Prometheus and OpenMetrics Compatibility".
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.samples import Sample

from gateway.telemetry.http_metrics import BOUNDS_S, OVERFLOW, AttributeValue, Durations, HttpMetrics
from gateway.telemetry.otel.encoding import SCOPE

_CUMULATIVE: Final = AggregationTemporality.CUMULATIVE
_Labels: TypeAlias = tuple[tuple[str, str], ...]


def metrics_data(
    registry: CollectorRegistry, http: HttpMetrics | None, resource: Resource, since_ns: int
) -> MetricsData:
    """
    Every number as it is now.

    Args:
        since_ns: When the process began to count, nanoseconds since the epoch.
    """
    now_ns = time.time_ns()
    metrics = [_family(family, since_ns, now_ns) for family in registry.collect() if family.samples]
    if http is not None:
        metrics += _http_metrics(http, now_ns)
    scope = ScopeMetrics(SCOPE, [metric for metric in metrics if metric.data.data_points], "")
    return MetricsData([ResourceMetrics(resource, [scope], "")])


def _http_metrics(http: HttpMetrics, now_ns: int) -> Iterator[Metric]:
    of_server, of_client = ("Duration of HTTP server requests.", "Duration of HTTP client requests.")
    yield _durations("http.server.request.duration", of_server, http.server, http.since_ns, now_ns)
    yield _durations("http.client.request.duration", of_client, http.client, http.since_ns, now_ns)
    points = [
        NumberDataPoint({"http.request.method": method, "url.scheme": scheme}, http.since_ns, now_ns, count)
        for (method, scheme), count in list(http.active.items())
    ]
    yield Metric(
        "http.server.active_requests",
        "Number of active HTTP server requests.",
        "{request}",
        Sum(points, _CUMULATIVE, is_monotonic=False),
    )


def _durations(name: str, text: str, durations: Durations, since_ns: int, now_ns: int) -> Metric:
    points = [
        _histogram_point(_named(durations, values), since_ns, now_ns, list(series.buckets), BOUNDS_S, series.seconds)
        for values, series in list(durations.series.items())
    ]
    return Metric(name, text, "s", Histogram(points, _CUMULATIVE))


def _named(durations: Durations, values: tuple[AttributeValue | None, ...]) -> dict[str, AttributeValue]:
    if values == OVERFLOW:
        return {"otel.metric.overflow": True}
    pairs = zip(durations.attributes, values, strict=True)
    return {name: value for name, value in pairs if value is not None}


def _histogram_point(
    attributes: Mapping[str, AttributeValue],
    since_ns: int,
    now_ns: int,
    buckets: list[int],
    bounds: tuple[float, ...],
    total: float,
) -> HistogramDataPoint:
    absent: Any = None  # least and greatest are not kept
    return HistogramDataPoint(
        attributes=dict(attributes),
        start_time_unix_nano=since_ns,
        time_unix_nano=now_ns,
        count=sum(buckets),
        sum=total,
        bucket_counts=buckets,
        explicit_bounds=bounds,
        min=absent,
        max=absent,
    )


def _family(family: Family, since_ns: int, now_ns: int) -> Metric:
    """One family of Prometheus."""
    data: Sum | Gauge | Histogram
    if family.type in ("histogram", "summary"):
        points = [_spread(labels, samples, since_ns, now_ns) for labels, samples in _by_labels(family.samples)]
        data = Histogram(points, _CUMULATIVE)
    elif family.type == "counter":
        totals = [sample for sample in family.samples if sample.name.endswith("_total")]
        data = Sum(_numbers(totals, since_ns, now_ns), _CUMULATIVE, is_monotonic=True)
    else:
        data = Gauge(_numbers(family.samples, since_ns, now_ns))
    return Metric(family.name, family.documentation, family.unit or "", data)


def _numbers(samples: Iterable[Sample], since_ns: int, now_ns: int) -> list[NumberDataPoint]:
    return [NumberDataPoint(dict(sample.labels), since_ns, now_ns, sample.value) for sample in samples]


def _by_labels(samples: Iterable[Sample]) -> Iterator[tuple[dict[str, str], list[Sample]]]:
    """The samples of each series: its buckets, sum and count."""
    groups: dict[_Labels, list[Sample]] = defaultdict(list)
    for sample in samples:
        groups[tuple((name, value) for name, value in sample.labels.items() if name != "le")].append(sample)
    yield from ((dict(labels), group) for labels, group in groups.items())


def _spread(labels: dict[str, str], samples: list[Sample], since_ns: int, now_ns: int) -> HistogramDataPoint:
    values = {sample.labels.get("le") or sample.name.rpartition("_")[2]: sample.value for sample in samples}
    limits = [limit for limit in values if limit not in ("count", "sum", "created", "+Inf")]
    counts = [*(int(values[limit]) for limit in limits), int(values["count"])]
    buckets = [count - before for count, before in zip(counts, [0, *counts], strict=False)]
    return _histogram_point(labels, since_ns, now_ns, buckets, tuple(map(float, limits)), values["sum"])
