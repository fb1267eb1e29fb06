"""The last ten minutes of one process, in slots of ten seconds: a fixed number of numbers, whatever the load."""

from __future__ import annotations

import time
from asyncio import sleep
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gateway.telemetry.metrics import GatewayMetrics, Totals

SLOT_S = 10
SLOTS = 60


@dataclass(frozen=True, slots=True)
class Sample:
    """
    What happened in one slot.

    Attributes:
        slot: Number of the slot since the epoch, so that those of several workers can be added up.
        buckets: Durations, as in ``Totals``.
    """

    slot: int
    requests: int
    errors: int
    refusals: int
    buckets: tuple[int, ...]


class History:
    """Keeps one sample per slot; ``run`` takes them until it is cancelled. *now*: seconds since the epoch."""

    def __init__(self, metrics: GatewayMetrics, now: Callable[[], float] = time.time) -> None:
        self._metrics = metrics
        self._now = now
        self._before = metrics.totals()
        self._samples: deque[Sample] = deque(maxlen=SLOTS)

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The newest last."""
        return tuple(self._samples)

    async def run(self) -> None:
        """Take a sample at the end of each slot."""
        while True:
            await sleep(SLOT_S - self._now() % SLOT_S)
            self.take()

    def take(self) -> None:
        """The slot that ends now is over."""
        after = self._metrics.totals()
        # Rounded, because a sleep may end a little early.
        self._samples.append(_difference(round(self._now() / SLOT_S) - 1, self._before, after))
        self._before = after


def _difference(slot: int, before: Totals, after: Totals) -> Sample:
    buckets = tuple(new - old for new, old in zip(after.buckets, before.buckets, strict=True))
    return Sample(
        slot,
        after.requests - before.requests,
        after.errors - before.errors,
        after.refusals - before.refusals,
        buckets,
    )


def added(samples: Iterable[Sample]) -> dict[int, Sample]:
    """Samples of several processes by slot, added up."""
    slots: dict[int, Sample] = {}
    for sample in samples:
        other = slots.get(sample.slot)
        slots[sample.slot] = sample if other is None else _sum(sample, other)
    return slots


def _sum(sample: Sample, other: Sample) -> Sample:
    buckets = tuple(map(sum, zip(sample.buckets, other.buckets, strict=True)))
    return Sample(
        sample.slot,
        sample.requests + other.requests,
        sample.errors + other.errors,
        sample.refusals + other.refusals,
        buckets,
    )
