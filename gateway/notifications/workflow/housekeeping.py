"""Regular background tasks: gauges, retention, and stops or endings that came from another replica."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Protocol

import sqlalchemy as sa
import structlog

from gateway.notifications.metrics import Metrics
from gateway.notifications.settings import RetentionSettings
from gateway.notifications.store import jobs
from gateway.notifications.store.store import Store
from gateway.notifications.workflow.clock import Clock
from gateway.notifications.workflow.transitions import FINAL, State

log = structlog.get_logger("gateway.notifications")

_GAUGES_S = 5.0
_STOPS_S = 3.0


class Stops(Protocol):
    """Ends waits, see ``RunWatcher``."""

    def stop(self, job_id: str) -> None:
        """End the wait for a job that was stopped, if it is waited for here."""


class Housekeeping:
    """Endless background tasks; each survives its own failures."""

    def __init__(
        self, store: Store, watcher: Stops, clock: Clock, metrics: Metrics, retention: RetentionSettings
    ) -> None:
        self._store = store
        self._watcher = watcher
        self._clock = clock
        self._metrics = metrics
        self._retention = retention

    async def measure(self) -> None:
        """Keep the gauges up to date."""
        await _forever("measure", self.measure_once, _GAUGES_S)

    async def sweep(self) -> None:
        """Delete what is older than the retention."""
        await _forever("sweep", self.sweep_once, self._retention.sweep_interval_s)

    async def notice_stops(self) -> None:
        """Stop watching what was stopped or ended elsewhere."""
        await _forever("notice_stops", self.notice_stops_once, _STOPS_S)

    async def measure_once(self) -> None:
        """Count unfinished jobs by state, and find the oldest."""
        rows = await self._store.read(jobs.unfinished)
        now = self._clock.now()
        counts = {state: count for state, count, _ in rows}
        for state in State:
            if state not in FINAL:
                self._metrics.jobs.labels(state).set(counts.get(state, 0))
        self._metrics.oldest.set(max((now - oldest for _, _, oldest in rows), default=0.0))

    async def sweep_once(self) -> int:
        """Delete old final jobs; how many."""
        before = self._clock.now() - self._retention.keep_s
        total = 0
        while job_ids := await self._store.read(lambda connection: jobs.expired(connection, before)):
            await self._store.write(functools.partial(jobs.purge, job_ids=job_ids))
            total += len(job_ids)
        return total

    async def notice_stops_once(self) -> None:
        """Look for jobs stopped or ended since the last look, with some overlap."""
        since = self._clock.now() - 3 * _STOPS_S
        for job_id in await self._store.read(lambda connection: jobs.moved_since(connection, since)):
            self._watcher.stop(job_id)


async def _forever(name: str, task: Callable[[], Awaitable[object]], pause_s: float) -> None:
    while True:
        try:
            await task()
        except sa.exc.SQLAlchemyError as error:
            log.warning("background_task_failed", task=name, error=type(error).__name__)
        except Exception:
            log.exception("background_task_failed", task=name)
        await asyncio.sleep(pause_s)
