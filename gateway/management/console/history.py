"""The last ten minutes of one process, in slots of ten seconds: a fixed number of numbers, whatever the load."""

from __future__ import annotations

import asyncio
import time
from asyncio import sleep
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from gateway.telemetry.metrics import GatewayMetrics, Totals

SLOT_S = 10
SLOTS = 60


@dataclass(frozen=True, slots=True)
class ApiSlice:
    """What one API answered in one slot; *errors* are 5xx."""

    api: str
    requests: int
    errors: int


@dataclass(frozen=True, slots=True)
class Sample:
    """
    What happened in one slot.

    Attributes:
        slot: Number of the slot since the epoch, so that those of several workers can be added up.
        buckets: Durations, as in ``Totals``.
        apis: Those that answered anything.
    """

    slot: int
    requests: int
    errors: int
    refusals: int
    buckets: tuple[int, ...]
    apis: tuple[ApiSlice, ...] = ()


ByApi = dict[str, tuple[int, int]]
"""Answers and 5xx among them, by API, since the start."""


class History:
    """
    Keeps one sample per slot; ``run`` takes them until it is cancelled.

    Args:
        now: Seconds since the epoch.

    Attributes:
        on_slot: Called at the end of each slot.
    """

    def __init__(self, metrics: GatewayMetrics, now: Callable[[], float] = time.time) -> None:
        self.on_slot: Callable[[], None] | None = None
        self._metrics = metrics
        self._now = now
        self._before, self._apis_before = metrics.totals(), _by_api(metrics)
        self._samples: deque[Sample] = deque(maxlen=SLOTS)
        self._task: asyncio.Task[None] | None = None

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The newest last."""
        return tuple(self._samples)

    def start(self) -> None:
        """Take samples in the running loop, until ``stop``."""
        self._task = asyncio.get_running_loop().create_task(self.run())

    def stop(self) -> None:
        """No more samples."""
        if self._task is not None:
            self._task.cancel()

    async def run(self) -> None:
        """Take a sample at the end of each slot."""
        while True:
            await sleep(SLOT_S - self._now() % SLOT_S)
            self.take()
            if self.on_slot is not None:
                self.on_slot()

    def take(self) -> None:
        """The slot that ends now is over."""
        # Rounded, because a sleep may end a little early.
        self._samples.append(self._since_the_last(round(self._now() / SLOT_S) - 1))
        self._before, self._apis_before = self._metrics.totals(), _by_api(self._metrics)

    def running(self) -> Sample:
        """What has happened since the last sample."""
        return self._since_the_last(int(self._now() / SLOT_S))

    def _since_the_last(self, slot: int) -> Sample:
        slices = tuple(_slices(self._apis_before, _by_api(self._metrics)))
        return _difference(slot, self._before, self._metrics.totals(), slices)


def _by_api(metrics: GatewayMetrics) -> ByApi:
    totals: ByApi = {}
    for operation in metrics.busy:
        statuses = list(operation.statuses.items())
        requests, errors = totals.get(operation.api, (0, 0))
        errors += sum(count for status, count in statuses if status >= 500)
        totals[operation.api] = requests + sum(count for _, count in statuses), errors
    return totals


def _slices(before: ByApi, after: ByApi) -> Iterator[ApiSlice]:
    for api, (requests, errors) in after.items():
        requests_before, errors_before = before.get(api, (0, 0))
        if requests > requests_before:
            yield ApiSlice(api, requests - requests_before, errors - errors_before)


def _difference(slot: int, before: Totals, after: Totals, apis: tuple[ApiSlice, ...]) -> Sample:
    buckets = tuple(new - old for new, old in zip(after.buckets, before.buckets, strict=True))
    return Sample(
        slot,
        after.requests - before.requests,
        after.errors - before.errors,
        after.refusals - before.refusals,
        buckets,
        apis,
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
        _apis_added(sample.apis, other.apis),
    )


def _apis_added(apis: Iterable[ApiSlice], others: Iterable[ApiSlice]) -> tuple[ApiSlice, ...]:
    sums: dict[str, ApiSlice] = {}
    for part in (*apis, *others):
        former = sums.get(part.api, ApiSlice(part.api, 0, 0))
        sums[part.api] = ApiSlice(part.api, former.requests + part.requests, former.errors + part.errors)
    return tuple(sums.values())
