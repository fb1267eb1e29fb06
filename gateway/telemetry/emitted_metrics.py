"""
emit-metric as Prometheus summaries: count and sum of what policies emitted, by their dimensions.

Names and values come from documents and requests, so both are bounded: series beyond the limit are counted together as
``(other)``, metrics beyond the limit are dropped and counted.

Source: Microsoft, "emit-metric" (https://learn.microsoft.com/azure/api-management/emit-metric-policy);
Prometheus data model, metric names and labels.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from heapq import nlargest
from typing import NamedTuple

from prometheus_client.metrics_core import CounterMetricFamily, SummaryMetricFamily
from prometheus_client.registry import Collector

MAX_METRICS = 100
MAX_SERIES = 1_000
MAX_VALUE_CHARACTERS = 128
OTHER = "(other)"

_OUTSIDE_NAME = re.compile(r"[^a-zA-Z0-9_]+")


class EmittedSeries(NamedTuple):
    """What policies have emitted of one metric with the same dimensions, ``(label, value)`` each: number and sum."""

    name: str
    dimensions: tuple[tuple[str, str], ...]
    values: int
    total: float


class EmittedMetrics(Collector):
    """A MetricSink that Prometheus scrapes."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, tuple[str, ...]], dict[tuple[str, ...], list[float]]] = {}
        self._dropped = 0

    def emit(self, namespace: str, name: str, value: float, dimensions: tuple[tuple[str, str], ...]) -> None:
        """Add *value*. It is dropped when it is not a number, or when it would be one metric too many."""
        labels = tuple(label_name(label) for label, _ in dimensions)
        key = metric_name(namespace, name), labels
        series = self._series.get(key)
        if not math.isfinite(value) or len(set(labels)) < len(labels):
            self._dropped += 1
        elif series is not None:
            _add(series, dimensions, value)
        elif len(self._series) < MAX_METRICS:
            _add(self._series.setdefault(key, {}), dimensions, value)
        else:
            self._dropped += 1

    def collect(self) -> Iterator[SummaryMetricFamily | CounterMetricFamily]:
        """The families, for a scrape; one per name, whatever its labels."""
        families: dict[str, SummaryMetricFamily] = {}
        for (name, labels), series in list(self._series.items()):
            family = families.setdefault(name, SummaryMetricFamily(name, "Emitted by policies."))
            for values, (count, total) in list(series.items()):
                tags = dict(zip(labels, values, strict=True))
                family.add_sample(f"{name}_count", tags, count)
                family.add_sample(f"{name}_sum", tags, total)
        yield from families.values()
        yield CounterMetricFamily("gateway_emitted_dropped", "Values of emit-metric not kept.", value=self._dropped)

    def largest(self, number: int) -> list[EmittedSeries]:
        """The *number* series with the largest sums."""
        every = (
            EmittedSeries(name, tuple(zip(labels, values, strict=True)), int(count), total)
            for (name, labels), series in list(self._series.items())
            for values, (count, total) in list(series.items())
        )
        return nlargest(number, every, key=lambda series: series.total)


def _add(series: dict[tuple[str, ...], list[float]], dimensions: tuple[tuple[str, str], ...], value: float) -> None:
    values = tuple(text[:MAX_VALUE_CHARACTERS] for _, text in dimensions)
    if values not in series and len(series) >= MAX_SERIES:
        values = tuple(OTHER for _ in dimensions)
    entry = series.setdefault(values, [0, 0.0])
    entry[0] += 1
    entry[1] += value


def metric_name(namespace: str, name: str) -> str:
    """``apim_<namespace>_<name>`` in the characters that Prometheus allows."""
    return "_".join(filter(None, ("apim", _plain(namespace), _plain(name))))


def label_name(name: str) -> str:
    """*name* in the letters that a label may have; the empty one and one with a digit in front get a prefix."""
    plain = _plain(name)
    return plain if plain and not plain[0].isdigit() else f"dimension_{plain}".rstrip("_")


def _plain(text: str) -> str:
    return _OUTSIDE_NAME.sub("_", text).strip("_").lower()
