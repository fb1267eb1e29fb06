"""
From durable rows to running workflows.

Accepting a job writes one free row, so acceptance is fast, and anyone with the store (the command line,
too) can ask for work. The dispatcher takes such rows, many in one statement, and runs a task for each. Acceptance
takes precedence: work may wait a moment.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable

import sqlalchemy as sa
import structlog

from gateway.notifications.store import jobs
from gateway.notifications.store.model import StoredJob
from gateway.notifications.store.store import Store

log = structlog.get_logger("gateway.notifications")

_IDLE_S = 1.0
_ADOPT_S = 60.0
_BATCH = 100
# While requests are being accepted: few jobs at a time and a pause after them, so that both make progress.
_SMALL_BATCH = 10
_PAUSE_S = 0.25
_CANCEL_AGAIN_S = 1.0


class JobDispatcher:
    """Leases jobs for *owner* and has *work* done on each; ``run`` has to be running."""

    def __init__(self, store: Store, owner: str, work: Callable[[StoredJob], Coroutine[None, None, None]]) -> None:
        self._store = store
        self._owner = owner
        self._work = work
        self._woken = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def restart(self, owner: str) -> None:
        """Drop all work under the former id, whose lease was lost, and lease jobs for *owner* from now on."""
        self._owner = owner
        for task in self._tasks.values():
            task.cancel()

    def wake(self) -> None:
        """There is a new job. Only from the engine's loop."""
        self._woken.set()

    async def run(self) -> None:
        """Dispatch until cancelled; all work ends with it."""
        try:
            while True:
                await self._adopt_and_dispatch()
        finally:
            await _end(self._tasks.values())

    async def _adopt_and_dispatch(self) -> None:
        try:
            await self.adopt()
            await self._dispatch(_ADOPT_S)
        except sa.exc.SQLAlchemyError as error:
            log.warning("dispatch_failed", error=type(error).__name__)
            await asyncio.sleep(_IDLE_S)
        except Exception:
            log.exception("dispatch_failed")
            await asyncio.sleep(_IDLE_S)

    async def _dispatch(self, seconds: float) -> None:
        until, limit = time.monotonic() + seconds, _BATCH
        while time.monotonic() < until:
            self._woken.clear()
            leased = await self.dispatch(limit)
            limit = _SMALL_BATCH if self._woken.is_set() else _BATCH
            await (self._pause() if leased else self._rest())

    async def adopt(self) -> int:
        """
        Resume what is ours and not being worked on, in one query; how many.

        That is everything after a crash of the embedded store's process, and now and then what a lease took whose
        commit was never confirmed.
        """
        busy = set(self._tasks)  # as of before the query: its answer may show a job as it was before its task ended
        owned = await self._store.read(lambda connection: jobs.owned(connection, self._owner))
        idle = [job for job in owned if job.id not in busy]
        for job in idle:
            self._spawn(job)
        if idle:
            log.info("jobs_adopted", jobs=len(idle))
        return len(idle)

    async def dispatch(self, limit: int = _BATCH) -> int:
        """Lease the oldest free jobs, at most *limit*; how many."""
        leased = await self._store.write(lambda connection: jobs.lease(connection, self._owner, limit))
        for job in leased:
            self._spawn(job)
        return len(leased)

    def _spawn(self, job: StoredJob) -> None:
        task = asyncio.create_task(self._after(self._tasks.get(job.id), job))
        self._tasks[job.id] = task
        task.add_done_callback(lambda done: self._forget(job.id, done))

    async def _after(self, earlier: asyncio.Task[None] | None, job: StoredJob) -> None:
        """Never two at a time on one job: the task of its former series, or of a former owning, ends first."""
        if earlier is None:
            await self._work(job)
            return
        await asyncio.wait([earlier])
        current = await self._store.read(lambda connection: jobs.find(connection, job.id))
        if current is not None and current.active and current.owner == job.owner:
            await self._work(current)

    def _forget(self, job_id: str, done: asyncio.Task[None]) -> None:
        if self._tasks.get(job_id) is done:
            del self._tasks[job_id]

    async def _pause(self) -> None:
        """Between two batches."""
        await asyncio.sleep(_PAUSE_S if self._woken.is_set() else 0.0)

    async def _rest(self) -> None:
        """Until woken; now and then without that, for rows that another process wrote."""
        try:
            async with asyncio.timeout(_IDLE_S):
                await self._woken.wait()
        except TimeoutError:
            pass


async def _end(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel until all have ended: one cancellation may be lost on its way through libraries, and stopping must not."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_CANCEL_AGAIN_S)
