"""What has to be done now and then: gauges, retention, stops that came in through another replica."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable

import structlog
from dbos import DBOS

from gateway.notifications import jobs
from gateway.notifications.service import Service
from gateway.notifications.settings import NotificationSettings
from gateway.notifications.transitions import FINAL, State

log = structlog.get_logger("gateway.notifications")

_GAUGES_S = 5.0
_STOPS_S = 3.0


class Housekeeping:
    """Endless chores; each survives its own failures."""

    def __init__(self, service: Service, settings: NotificationSettings) -> None:
        self._service = service
        self._store = service.store
        self._settings = settings

    async def measure(self) -> None:
        """Keep the gauges up to date."""
        await _forever(self.measure_once, _GAUGES_S)

    async def sweep(self) -> None:
        """Delete what is older than the retention."""
        await _forever(self.sweep_once, self._settings.retention.sweep_interval_s)

    async def notice_stops(self) -> None:
        """Stop watching what was stopped through another replica."""
        await _forever(self.notice_stops_once, _STOPS_S)

    async def measure_once(self) -> None:
        """Count unfinished jobs by state, and find the oldest."""
        found = await self._store.read(jobs.unfinished)
        metrics, now = self._service.metrics, self._service.clock.now()
        counts = {state: count for state, count, _ in found}
        for state in State:
            if state not in FINAL:
                metrics.jobs.labels(state).set(counts.get(state, 0))
        metrics.oldest.set(max((now - oldest for _, _, oldest in found), default=0.0))

    async def sweep_once(self) -> int:
        """Delete old final jobs, ours and DBOS's; how many."""
        before = self._service.clock.now() - self._settings.retention.keep_s
        total = 0
        while found := await self._store.read(lambda connection: jobs.expired(connection, before)):
            workflows = [f"{job.id}.{n}" if n else job.id for job in found for n in range(job.series + 1)]
            await asyncio.to_thread(DBOS.delete_workflows, workflows)
            await self._store.write(functools.partial(jobs.purge, job_ids=[job.id for job in found]))
            total += len(found)
        return total

    async def notice_stops_once(self) -> None:
        """Look for jobs stopped since the last look, with some overlap."""
        since = self._service.clock.now() - 3 * _STOPS_S
        for job_id in await self._store.read(lambda connection: jobs.stopped_since(connection, since)):
            self._service.watcher.stop(job_id)


async def _forever(chore: Callable[[], Awaitable[object]], pause_s: float) -> None:
    while True:
        try:
            await chore()
        except Exception:
            log.exception("chore_failed", chore=getattr(chore, "__name__", "chore"))
        await asyncio.sleep(pause_s)
