"""
The parts of a running service, joined; what the workflow's steps call.

DBOS registers workflows once per process, as plain functions, so they reach the service through ``current``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from gateway.notifications import jobs
from gateway.notifications.clock import Clock
from gateway.notifications.delivery import Deliverer
from gateway.notifications.metrics import Metrics
from gateway.notifications.model import Job
from gateway.notifications.outcomes import Outcome, Verdict
from gateway.notifications.starting import Starter
from gateway.notifications.store import Store
from gateway.notifications.transitions import State
from gateway.notifications.watching import Watcher

log = structlog.get_logger("gateway.notifications")

T = TypeVar("T")

_LONGEST_PAUSE_S = 30.0


class Service:
    """What the three kinds of step do."""

    def __init__(
        self, store: Store, starter: Starter, watcher: Watcher, deliverer: Deliverer, clock: Clock, metrics: Metrics
    ) -> None:
        self.store = store
        self.starter = starter
        self.watcher = watcher
        self.deliverer = deliverer
        self.clock = clock
        self.metrics = metrics

    async def start(self, job_id: str) -> State:
        """The start step; the state afterwards."""
        return await self._persevere(lambda: self._start(job_id))

    async def wait(self, job_id: str) -> State:
        """The wait step; the state afterwards."""
        return await self._persevere(lambda: self._wait(job_id))

    async def attempt(self, job_id: str, series: int, number: int) -> float | None:
        """One callback step; when the next is due."""
        return await self._persevere(lambda: self.deliverer.attempt(job_id, series, number))

    async def _start(self, job_id: str) -> State:
        job = await self._load(job_id)
        if job is None or job.state not in (State.ACCEPTED, State.STARTING):
            return State.STOPPED if job is None else _resumed(job.state)
        verdict = await self.starter.start(job)
        return await self._conclude(job, verdict)

    async def _wait(self, job_id: str) -> State:
        job = await self._load(job_id)
        if job is None or job.state not in (State.WAITING, State.RUNNING):
            return State.STOPPED if job is None else job.state
        return await self._conclude(job, await self.watcher.wait(job))

    async def _conclude(self, job: Job, verdict: Verdict | None) -> State:
        if verdict is None:
            found = await self._load(job.id)
            return State.STOPPED if found is None else found.state
        now = self.clock.now()
        ended = await self.store.write(lambda connection: jobs.end(connection, job.id, verdict, now))
        if ended is not None:
            self._tell(ended, verdict.outcome)
        return State.DELIVERING

    def _tell(self, job: Job, outcome: Outcome) -> None:
        self.metrics.outcomes.labels(outcome).inc()
        took_s = round((job.ended_at or 0.0) - job.created_at, 3)
        log.info("job_ended", job=job.id, batch=job.batch_id, outcome=outcome, message=job.message, took_s=took_s)

    async def _load(self, job_id: str) -> Job | None:
        return await self.store.read(lambda connection: jobs.find(connection, job_id))

    async def _persevere(self, step: Callable[[], Awaitable[T]]) -> T:
        """
        Run a step until it succeeds. Every step may be repeated; what fails here is our own side (the database away).

        Letting the exception out would end the workflow and lose the job.
        """
        pause_s = 0.5
        while True:
            try:
                return await step()
            except Exception:
                log.exception("step_failed", again_in_s=pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)


def _resumed(state: State) -> State:
    """A step that had finished before its record was lost in a crash: go on where the job is."""
    return State.WAITING if state in (State.WAITING, State.RUNNING) else state


_running: list[Service] = []


def install(service: Service) -> None:
    """Make *service* the one that workflows use."""
    _running[:] = [service]


def current() -> Service:
    """The running service."""
    return _running[0]
