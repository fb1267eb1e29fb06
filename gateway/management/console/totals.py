"""Numbers of all processes added up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from heapq import nlargest

from gateway.management.console.state import ProcessState
from gateway.telemetry.emitted_metrics import EmittedSeries

CLASSES = ("2xx", "3xx", "4xx", "5xx", "left")


def by_operation(states: Iterable[ProcessState]) -> dict[tuple[str, str], Counter[str]]:
    """Answers by (API, operation), then by class of status."""
    totals: dict[tuple[str, str], Counter[str]] = {}
    for count in (operation for state in states for operation in state.operations):
        counts = totals.setdefault((count.api, count.operation), Counter())
        for status, number in count.statuses.items():
            counts[status_class(status)] += number
    return totals


def by_api(operations: dict[tuple[str, str], Counter[str]]) -> dict[str, Counter[str]]:
    """The same by API."""
    totals: dict[str, Counter[str]] = {}
    for (api, _), counts in operations.items():
        totals.setdefault(api, Counter()).update(counts)
    return totals


def refusals(states: Iterable[ProcessState]) -> list[tuple[tuple[str, str], int]]:
    """Refusals by (policy, reason), the most frequent first."""
    totals: Counter[tuple[str, str]] = Counter()
    for state in states:
        totals.update({(refusal.policy, refusal.reason): refusal.count for refusal in state.refusals})
    return totals.most_common()


def emitted(states: Iterable[ProcessState], number: int) -> list[EmittedSeries]:
    """The *number* largest sums of what policies count."""
    totals: dict[tuple[str, tuple[tuple[str, str], ...]], EmittedSeries] = {}
    for series in (series for state in states for series in state.emitted):
        key = series.name, series.dimensions
        before = totals.get(key)
        count, total = (0, 0.0) if before is None else (before.values, before.total)
        totals[key] = EmittedSeries(*key, count + series.values, total + series.total)
    return nlargest(number, totals.values(), key=lambda series: series.total)


def status_class(status: int) -> str:
    """``4xx``; ``left`` for a client that went away before its answer. 1xx are tunnels, and successes."""
    return f"{max(2, status // 100)}xx" if status else "left"
