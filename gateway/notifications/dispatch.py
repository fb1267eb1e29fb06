"""
From durable rows to running workflows.

Accepting a job writes one row and no workflow: that keeps acceptance fast, and anyone with the store (the command line,
too) can ask for work. The dispatcher turns rows into workflows whose id is the job's, so doing it twice, or in two
replicas, is the same as doing it once. It gives way to acceptance: work that waits a moment harms nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog
from dbos import DBOS, SetWorkflowID

from gateway.notifications import jobs, workflow
from gateway.notifications.model import Job
from gateway.notifications.store import Store

log = structlog.get_logger("gateway.notifications")

_IDLE_S = 1.0
_BATCH = 25
# While requests are being accepted: pause between batches, so that both get on.
_POLITE_S = 0.25


class Dispatcher:
    """Starts workflows for jobs that have none yet; ``run`` has to be running."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._bell = asyncio.Event()

    def ring(self) -> None:
        """There is a new job. Only from the engine's loop."""
        self._bell.set()

    async def run(self) -> None:
        """Dispatch until cancelled."""
        while True:
            self._bell.clear()
            try:
                if await self.dispatch():
                    await asyncio.sleep(_POLITE_S if self._store.is_busy else 0.0)
                    continue
            except Exception:
                log.exception("dispatch_failed")
            await self._rest()

    async def dispatch(self) -> int:
        """Start the workflows of the oldest waiting jobs; how many."""
        found = await self._store.read(lambda connection: jobs.undispatched(connection, _BATCH))
        for job in found:
            await start(job)
        await self._store.write(lambda connection: jobs.mark_dispatched(connection, _series(found)))
        return len(found)

    async def _rest(self) -> None:
        """Until the bell rings; now and then without it, for rows that another process wrote."""
        try:
            async with asyncio.timeout(_IDLE_S):
                await self._bell.wait()
        except TimeoutError:
            pass


async def start(job: Job) -> None:
    """Start a job's workflow, or that of its latest replay; nothing happens if it exists."""
    with SetWorkflowID(workflow_id(job)):
        if job.series:
            await DBOS.start_workflow_async(workflow.replay, job.id, job.series)
        else:
            await DBOS.start_workflow_async(workflow.watch, job.id)


def workflow_id(job: Job) -> str:
    """The job's id, with a number for each replay."""
    return f"{job.id}.{job.series}" if job.series else job.id


def _series(found: Sequence[Job]) -> list[tuple[str, int]]:
    return [(job.id, job.series) for job in found]
