"""
One poller for an environment: many watches, few queries.

Whenever a query for watches goes out, its free places are filled with those that are due next, so watches that began
at different moments drift into the same query. Nothing is recorded per poll; after a crash polling simply begins again.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import structlog

from gateway.notifications.d365.batch_status import Row
from gateway.notifications.d365.client import D365Client, Rows
from gateway.notifications.d365.errors import D365Error, FailureKind
from gateway.notifications.metrics import Metrics
from gateway.notifications.settings import PollingSettings
from gateway.notifications.workflow.clock import Clock
from gateway.telemetry.calls import current_trace, linked
from gateway.telemetry.trace_context import TraceContext

log = structlog.get_logger("gateway.notifications")

# Simultaneous queries. What falls due meanwhile gathers and fills the next query; one of F&O's four request slots stays
# free for start calls.
_OUTSTANDING = 3
# Jobs that were accepted together share their first query: it waits a moment for the others. And while many are being
# started, readings gather from one query to the next.
_LINGER_S = 0.01
_BETWEEN_S = 0.05

_RANDOM = random.Random()  # noqa: S311 - for jitter

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class PollSubscription(Generic[T]):
    """
    A request for readings of a batch job.

    Attributes:
        judge: Called with each row read (None: no such job); its first result that is not None ends the subscription.
        once: A single reading: failures that will not pass end it too.
        row: The last row read.
        error: Hint of the last failure to read, None after a success.
        trace: Where the job is in its trace, to which each reading has a link; None: it is not recorded.
    """

    batch_id: int
    judge: Callable[[Row | None], T | None]
    once: bool
    done: asyncio.Future[T]
    row: Row | None = None
    error: str | None = None
    trace: TraceContext | None = field(default_factory=current_trace)

    def show(self, row: Row | None) -> None:
        """Hand a reading to the judge."""
        self.row, self.error = row, None
        try:
            result = self.judge(row)
        except Exception as error:  # one judge's mistake must not stop the others
            self._fail(error)
            return
        if result is not None and not self.done.done():
            self.done.set_result(result)

    def note(self, error: D365Error) -> None:
        """Hand over a failure; only a single reading gives up, and only when waiting cannot help."""
        self.error = error.hint
        if self.once and error.kind in (FailureKind.AUTH, FailureKind.PERMANENT):
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)


@dataclass(slots=True, eq=False)
class _Polled:
    """One batch job that is polled: when next (epoch seconds), how often (seconds), for whom."""

    batch_id: int
    due: float
    interval_s: float
    status: str | None = None
    in_flight: bool = False
    subscriptions: list[PollSubscription[object]] = field(default_factory=list)

    @property
    def is_idle(self) -> bool:
        """Whether it waits for its time: it has subscriptions, and no query for it is under way."""
        return bool(self.subscriptions) and not self.in_flight

    @property
    def is_watched(self) -> bool:
        """Whether it is polled again and again, and not only read once."""
        return not all(subscription.once for subscription in self.subscriptions)


_Asked = list[tuple[_Polled, tuple[PollSubscription[object], ...]]]


class Poller:
    """Polls on behalf of all subscriptions; ``run`` has to be running."""

    def __init__(self, client: D365Client, settings: PollingSettings, clock: Clock, metrics: Metrics) -> None:
        self._client = client
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._entries: dict[int, _Polled] = {}
        # When to ask next: a heap, because looking through ten thousand entries at every turn costs more than asking.
        # An item counts only while its time is still its entry's.
        self._agenda: list[tuple[float, int, _Polled]] = []
        self._serial = itertools.count()
        self._wake = asyncio.Event()
        self._next_query_at = 0.0  # by the steady clock
        self._queries: set[asyncio.Task[None]] = set()

    def subscribe(
        self, batch_id: int, judge: Callable[[Row | None], T | None], delay_s: float = 0.0, once: bool = False
    ) -> PollSubscription[T]:
        """Ask for readings of a batch job, the first after *delay_s* seconds, until *judge* is satisfied."""
        subscription = PollSubscription(batch_id, judge, once, asyncio.get_running_loop().create_future())
        due = self._clock.now() + delay_s
        entry = self._entries.get(batch_id) or self._add(_Polled(batch_id, due, self._settings.interval_s))
        entry.subscriptions.append(subscription)
        self._schedule(entry, min(entry.due, due))
        subscription.done.add_done_callback(lambda _: self._drop(entry, subscription))
        self._wake.set()
        return subscription

    def _add(self, entry: _Polled) -> _Polled:
        self._metrics.watches.inc()
        self._entries[entry.batch_id] = entry
        return entry

    async def read(self, batch_id: int) -> Row | None:
        """
        One reading, sharing a query with whatever else is due.

        Raises:
            D365Error: AUTH or PERMANENT; other failures are retried for as long as the caller waits.
        """
        rows = await self.subscribe(batch_id, lambda row: (row,), once=True).done
        return rows[0]

    async def run(self) -> None:
        """Poll until cancelled."""
        try:
            while True:
                self._wake.clear()
                self._spawn_due()
                await self._rest()
        finally:
            for task in self._queries:
                task.cancel()

    async def _rest(self) -> None:
        """Until the next is due, at most a tick: an entry that becomes due immediately wakes the loop."""
        soonest = self._agenda[0][0] if self._agenda else float("inf")
        if len(self._queries) >= _OUTSTANDING:
            soonest = float("inf")  # the end of a query wakes the loop
        pause_s = min(max(soonest - self._clock.now(), 0.0), self._settings.tick_s)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._wake.wait()
        await asyncio.sleep(max(_LINGER_S, self._next_query_at - time.monotonic()))

    def _due_batches(self) -> list[list[_Polled]]:
        now, size = self._clock.now(), self._settings.chunk
        room = max(0, _OUTSTANDING - len(self._queries)) * size
        due = list(itertools.islice(self._pop(now), room))
        if any(entry.is_watched for entry in due):
            later = self._pop(now + self._settings.max_interval_s)
            due += itertools.islice(later, -len(due) % size)
        return [due[at : at + size] for at in range(0, len(due), size)]

    def _pop(self, until: float) -> Iterator[_Polled]:
        """Take entries off the agenda, soonest first, as far as they are due by *until*."""
        while self._agenda and self._agenda[0][0] <= until:
            due, _, entry = heapq.heappop(self._agenda)
            if due == entry.due and entry.is_idle:
                entry.in_flight = True
                yield entry

    def _schedule(self, entry: _Polled, due: float) -> None:
        entry.due = due
        if entry.is_idle:
            heapq.heappush(self._agenda, (due, next(self._serial), entry))

    def _spawn_due(self) -> None:
        for batch in self._due_batches():
            self._next_query_at = time.monotonic() + _BETWEEN_S
            self._spawn(batch)

    def _spawn(self, batch: list[_Polled]) -> None:
        task = asyncio.create_task(self._poll(batch))
        self._queries.add(task)
        task.add_done_callback(self._queries.discard)

    async def _poll(self, batch: list[_Polled]) -> None:
        self._metrics.polls.inc()
        # A subscription made while the query is under way needs a reading made after that moment, not this one.
        asked = [(entry, tuple(entry.subscriptions)) for entry in batch]
        try:
            with linked(subscription.trace for _, subscriptions in asked for subscription in subscriptions):
                rows = await self._client.read(entry.batch_id for entry in batch)
        except D365Error as error:
            log.warning("poll_failed", kind=error.kind, hint=error.hint, jobs=len(batch))
            self._note(asked, error)
        else:
            self._show(asked, rows)
        finally:
            for entry in batch:
                entry.in_flight = False
                self._schedule(entry, entry.due)
            self._wake.set()

    def _show(self, asked: _Asked, rows: Rows) -> None:
        unreadable = [item for item in asked if not rows.complete and item[0].batch_id not in rows.by_id]
        self._note(unreadable, D365Error(FailureKind.TRANSIENT, "F&O answered with a row that cannot be read."))
        for entry, subscriptions in asked:
            if (entry, subscriptions) in unreadable:
                continue
            row = rows.by_id.get(entry.batch_id)
            self._plan(entry, row.status if row else None, len(subscriptions))
            for subscription in subscriptions:
                subscription.show(row)

    def _note(self, asked: _Asked, error: D365Error) -> None:
        for entry, subscriptions in asked:
            self._plan(entry, entry.status, len(subscriptions))
            for subscription in subscriptions:
                subscription.note(error)

    def _plan(self, entry: _Polled, status: str | None, served: int) -> None:
        """The next time: soon after a change, ever later while nothing happens, never quite regularly."""
        settings, now = self._settings, self._clock.now()
        if status != entry.status:
            entry.interval_s = settings.interval_s
        elif now >= entry.due:  # not when it merely filled a free place before its time
            entry.interval_s = min(entry.interval_s * settings.growth, settings.max_interval_s)
        entry.status = status
        spread = 1 + settings.jitter * (2 * _RANDOM.random() - 1)
        entry.due = now + entry.interval_s * spread if served >= len(entry.subscriptions) else now

    def _drop(self, entry: _Polled, subscription: PollSubscription[object]) -> None:
        if subscription in entry.subscriptions:
            entry.subscriptions.remove(subscription)
        if not entry.subscriptions and self._entries.pop(entry.batch_id, None) is not None:
            self._metrics.watches.dec()
