"""
Several workers' metrics as one: counters and histograms are summed, and a gauge carries its worker's name.

Of exemplars, which only the OpenMetrics form has, each bucket keeps the newest: its request is in the log of the worker
that served it, and ``/requests`` asks all of them.

Source: OpenMetrics 1.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as text_families
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar, Sample

_Labels: TypeAlias = tuple[tuple[str, str], ...]


def merge(texts: Iterable[tuple[str, str]], encode: Callable[[Collector], bytes] = generate_latest) -> bytes:
    """
    Workers' metrics, by name, each in Prometheus' text form or as OpenMetrics, written by *encode*.

    Raises:
        ValueError: One of them is neither.
    """
    registry = CollectorRegistry()
    registry.register(_Merged(_families(texts)))
    return encode(registry)


@dataclass(slots=True)
class _Tally:
    """What one worker has counted so far, and what those of its processes had that have ended."""

    process: object
    text: str = ""
    ended: str = ""


@dataclass(slots=True)
class Tallies:
    """
    What workers have counted, so that no sum of theirs goes backwards.

    A worker that is stuck does not answer, and one that was started again counts from 0. Prometheus takes a sum that
    falls for a counter that was reset, and all of it for an increase. So the last answer stands in for the one that is
    missing, and is kept when its process has ended.
    """

    _workers: dict[str, _Tally] = field(default_factory=dict)

    def texts(self, worker: str, process: object, text: str | None) -> list[tuple[str, str]]:
        """
        What counts for *worker*, for ``merge``.

        Args:
            process: Differs from the one before where the worker was started again.
            text: Its answer; None: there is none.
        """
        tally = self._workers.setdefault(worker, _Tally(process))
        if process != tally.process:
            tally.ended, tally.text, tally.process = _sums(tally.ended, tally.text), "", process
        tally.text = tally.text if text is None else text
        return [(worker, _sums(tally.text) if text is None else text), (worker, tally.ended)]


def _sums(*texts: str) -> str:
    """*texts* as one, without gauges, which say how it is now."""
    registry = CollectorRegistry()
    registry.register(_Merged([family for family in _families(("", text) for text in texts) if family.type != "gauge"]))
    return generate_latest(registry).decode()


def _families(texts: Iterable[tuple[str, str]]) -> list[Metric]:
    merged: dict[str, _Family] = {}
    for worker, family in ((worker, family) for worker, text in texts for family in _read(text)):
        own = {"worker": worker} if family.type == "gauge" else {}
        merged.setdefault(family.name, _Family(family)).add(family.samples, own)
    return [family.metric() for family in merged.values()]


def _read(text: str) -> Iterable[Metric]:
    families: Iterable[Metric] = (openmetrics_families if text.endswith("# EOF\n") else text_families)(text)
    return families


class _Family:
    """One family, whose samples of the same name and labels are added up."""

    def __init__(self, first: Metric) -> None:
        self._first = first
        self._values: dict[tuple[str, _Labels], float] = {}
        self._exemplars: dict[tuple[str, _Labels], Exemplar] = {}

    def add(self, samples: Iterable[Sample], own: dict[str, str]) -> None:
        """Those of one worker, with labels of its *own*."""
        for sample in samples:
            key = sample.name, tuple({**sample.labels, **own}.items())
            before = self._values.get(key, 0.0)
            is_moment = sample.name.endswith("_created")  # since when they count
            self._values[key] = min(before or sample.value, sample.value) if is_moment else before + sample.value
            if sample.exemplar is not None and _moment(sample.exemplar) >= _moment(self._exemplars.get(key)):
                self._exemplars[key] = sample.exemplar

    def metric(self) -> Metric:
        """All workers' together."""
        metric = Metric(self._first.name, self._first.documentation, self._first.type)
        for (name, labels), value in self._values.items():
            metric.add_sample(name, dict(labels), value, exemplar=self._exemplars.get((name, labels)))
        return metric


def _moment(exemplar: Exemplar | None) -> float:
    """When it was, in seconds since the epoch."""
    return 0.0 if exemplar is None or exemplar.timestamp is None else float(exemplar.timestamp)


class _Merged(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        yield from self._families
