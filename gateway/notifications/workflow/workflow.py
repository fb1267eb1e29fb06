"""
The durable workflow of a job: start → wait → deliver, from whatever state its row is in.

The row *is* the workflow's state. Every step is safe to repeat: states change along the transitions table only, a start
is marked before it is made, an attempt is written down before it is sent, and the moment of the next attempt is in the
row. So after a crash nothing has to be replayed: the row's owner takes the next step.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import sqlalchemy as sa
import structlog

from gateway.notifications.callbacks.delivery import Deliverer
from gateway.notifications.metrics import Metrics
from gateway.notifications.store import jobs
from gateway.notifications.store.model import StoredJob
from gateway.notifications.store.store import Store
from gateway.notifications.workflow.clock import Clock
from gateway.notifications.workflow.outcomes import RunVerdict
from gateway.notifications.workflow.transitions import State
from gateway.telemetry.calls import job_step
from gateway.telemetry.http_metrics import AttributeValue

log = structlog.get_logger("gateway.notifications")

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0


class Starts(Protocol):
    """Takes the start step, see ``Starter``."""

    async def start(self, job: StoredJob) -> StoredJob | RunVerdict | None:
        """The job as it is watched from now on, a verdict when it cannot be started, None when it is not ours."""
        ...


class Waits(Protocol):
    """Takes the wait step, see ``RunWatcher``."""

    async def wait(self, job: StoredJob) -> RunVerdict | None:
        """The verdict on the run; None when the job was stopped."""
        ...


class Workflow:
    """Takes the steps of every job that this process owns."""

    def __init__(
        self, store: Store, starter: Starts, watcher: Waits, deliverer: Deliverer, clock: Clock, metrics: Metrics
    ) -> None:
        self._store = store
        self._starter = starter
        self._watcher = watcher
        self._deliverer = deliverer
        self._clock = clock
        self._metrics = metrics

    async def run(self, job: StoredJob) -> None:
        """Step by step until *job* is final, or until another replica owns it."""
        current: StoredJob | None = job
        while current is not None and current.active and current.owner == job.owner:
            before, current = current, await self._persevere(current)
            if current is not None and _has_ended(before, current):
                self._tell(current)

    async def _persevere(self, job: StoredJob) -> StoredJob | None:
        """
        One step, again and again until it succeeds; the row afterwards.

        Any failure here is on our side (the database is unavailable): letting the exception out would lose the job.
        """
        pause_s, step = _FIRST_PAUSE_S, self._step(job)
        while True:
            try:
                return await step
            except sa.exc.SQLAlchemyError as error:  # an outage hits every job: one line each, no traceback
                log.warning("step_failed", job=job.id, again_in_s=pause_s, error=type(error).__name__)
            except Exception:
                log.exception("step_failed", job=job.id, again_in_s=pause_s)
            await asyncio.sleep(pause_s)
            pause_s, step = min(pause_s * 2, _LONGEST_PAUSE_S), self._step_again(job)

    async def _step_again(self, job: StoredJob) -> StoredJob | None:
        """The step that the row asks for now, if it is still ours: the failed one may have been written in part."""
        current = await self._load(job.id)
        if current is None or not current.active or (current.owner, current.state) != (job.owner, job.state):
            return current
        return await self._step(current)

    async def _step(self, job: StoredJob) -> StoredJob | None:
        if job.state is State.DELIVERING:
            await self._clock.sleep_until(job.next_attempt_at or 0.0)
            with job_step(job.trace, "deliver callback", _facts(job) | {"gateway.job.attempt": job.attempts + 1}):
                return await self._deliverer.attempt(job)
        begins = job.state in (State.ACCEPTED, State.STARTING)
        with job_step(job.trace, "start batch job" if begins else "watch batch job", _facts(job)):
            return await self._advance(job, begins)

    async def _advance(self, job: StoredJob, begins: bool) -> StoredJob | None:
        after = await (self._starter.start(job) if begins else self._watcher.wait(job))
        if isinstance(after, StoredJob):
            return after
        return await self._load(job.id) if after is None else await self._conclude(job, after)

    async def _conclude(self, job: StoredJob, verdict: RunVerdict) -> StoredJob | None:
        now = self._clock.now()
        ended = await self._store.write(lambda connection: jobs.end(connection, job, verdict, now))
        return ended or await self._load(job.id)  # stopped meanwhile, or ended by another job or replica

    def _tell(self, ended: StoredJob) -> None:
        """Whoever recorded the outcome, another job's start perhaps, its owner counts it."""
        assert ended.outcome is not None  # noqa: S101 - it has ended
        self._metrics.outcomes.labels(ended.outcome).inc()
        facts = {"job": ended.id, "batch": ended.batch_id, "outcome": ended.outcome, "message": ended.message}
        log.info("job_ended", **facts, took_s=round((ended.ended_at or ended.updated_at) - ended.created_at, 3))

    async def _load(self, job_id: str) -> StoredJob | None:
        return await self._store.read(lambda connection: jobs.find(connection, job_id))


def _facts(job: StoredJob) -> dict[str, AttributeValue]:
    """What spans say of a job."""
    return {
        "gateway.job.id": job.id,
        "gateway.job.batch_id": job.batch_id,
        "gateway.job.environment": job.environment,
        "gateway.job.state": job.state,
    }


def _has_ended(before: StoredJob, after: StoredJob) -> bool:
    """Whether a step has met the outcome, and the job is still its owner's."""
    return before.outcome is None and after.outcome is not None and after.owner == before.owner
