"""history.py: the last ten minutes in a fixed number of samples."""

from __future__ import annotations

import asyncio
import contextlib
from unittest import mock

from gateway.management.console.history import SLOT_S, SLOTS, History, added
from gateway.telemetry.metrics import GatewayMetrics


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_each_sample_has_what_happened_since_the_one_before() -> None:
    """Counters only grow; samples are their differences, without what was counted before the start."""
    metrics, clock = GatewayMetrics(), Clock()
    operation = metrics.operation("a", "b")
    operation.observe(200, 0.002)
    kept = History(metrics, clock)
    operation.observe(503, 0.002)
    operation.observe(200, 40.0)
    metrics.refusals["validate-jwt", "TokenExpired"] += 1
    kept.take()
    clock.now += SLOT_S
    kept.take()
    first, second = kept.samples
    assert (first.requests, first.errors, first.refusals) == (2, 1, 1)
    assert (sum(first.buckets), first.buckets[-1]) == (2, 1)
    assert (second.requests, sum(second.buckets), second.slot) == (0, 0, first.slot + 1)


def test_memory_is_bounded() -> None:
    """However long the process runs, ten minutes are kept."""
    kept = History(GatewayMetrics(), Clock())
    for _ in range(3 * SLOTS):
        kept.take()
    assert len(kept.samples) == SLOTS


def test_a_sleep_that_ends_early_or_late_counts_for_its_slot() -> None:
    """Clocks differ by a little: the slot is the one that ends about now."""
    clock = Clock()
    kept = History(GatewayMetrics(), clock)
    slots = []
    for error in (-0.01, 0.0, 0.01):
        clock.now = 1_000_000.0 + error
        kept.take()
        slots.append(kept.samples[-1].slot)
    assert slots == [99_999] * 3


def test_samples_are_taken_at_the_end_of_each_slot() -> None:
    """The background task sleeps until the next boundary, takes a sample, and continues."""
    clock, slept = Clock(), []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.now += seconds
        if len(slept) == 4:
            raise asyncio.CancelledError

    clock.now += 3.0
    kept = History(GatewayMetrics(), clock)
    with mock.patch("gateway.management.console.history.sleep", sleep), contextlib.suppress(asyncio.CancelledError):
        asyncio.run(kept.run())
    assert slept == [7.0, 10.0, 10.0, 10.0]
    assert [sample.slot for sample in kept.samples] == [100_000, 100_001, 100_002]


def test_workers_are_added_up_by_slot() -> None:
    """Samples of the same ten seconds are one; a worker that started later has fewer."""
    metrics, clock = GatewayMetrics(), Clock()
    operation, kept = metrics.operation("a", "b"), History(metrics, clock)
    operation.observe(500, 0.5)
    kept.take()
    clock.now += SLOT_S
    kept.take()
    early, late = kept.samples
    slots = added([early, late, early])
    assert {slot: (one.requests, one.errors, sum(one.buckets)) for slot, one in slots.items()} == {
        early.slot: (2, 2, 2),
        late.slot: (0, 0, 0),
    }
