"""
The start step: set the batch job to waiting, at most once in effect.

The mark "starting" is committed before the call. Whenever it is in doubt whether a call took effect (a crash, a
time-out, a 5xx), F&O is read again, for as long as an effect may need to show, before another call is made.

Source: F&O "Batch OData API" (at most five retries).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from gateway.notifications.d365.batch_status import Phase, Row
from gateway.notifications.d365.client import D365Client
from gateway.notifications.d365.errors import D365Error, FailureKind
from gateway.notifications.d365.poller import Poller
from gateway.notifications.d365.start_answer import StartAnswer
from gateway.notifications.settings import D365Settings
from gateway.notifications.store import jobs
from gateway.notifications.store.model import Job
from gateway.notifications.store.store import Store
from gateway.notifications.workflow.clock import Clock
from gateway.notifications.workflow.judgement import expire, was_started
from gateway.notifications.workflow.outcomes import Outcome, RunVerdict
from gateway.notifications.workflow.transitions import JobEvent, State

log = structlog.get_logger("gateway.notifications")

# Between reading the batch job and the answer to the call: a crash adds at most so many doubtful starts, and a reading,
# by which the end is judged, is not older than its job's turn.
_AT_ONCE = 40
_PAUSES_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)


class Starter:
    """
    Runs the start step.

    Args:
        may_start: Whether this replica still holds its lock; one that may have been declared dead must not start a job.
    """

    def __init__(
        self,
        store: Store,
        poller: Poller,
        client: D365Client,
        clock: Clock,
        settings: D365Settings,
        may_start: Callable[[], bool] = lambda: True,
    ) -> None:
        self._store = store
        self._poller = poller
        self._client = client
        self._clock = clock
        self._settings = settings
        self._may_start = may_start
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def start(self, job: Job) -> RunVerdict | None:
        """Bring *job* to WAITING; a verdict when that is impossible."""
        try:
            async with asyncio.timeout(max(0.0, job.deadline_at - self._clock.now())):
                return await self._advance(job)
        except TimeoutError:
            return expire(None, "no answer before the deadline")
        except D365Error as error:
            outcome = Outcome.UPSTREAM_AUTH if error.kind is FailureKind.AUTH else Outcome.START_FAILED
            return RunVerdict(outcome, error.hint)

    async def _advance(self, job: Job) -> RunVerdict | None:
        if job.state is State.STARTING:
            # An earlier life was about to make the call, and whether it did is unknown.
            return await self._call_until_certain(job, doubt=True)
        async with self._turns:
            return await self._begin(job)

    async def _begin(self, job: Job) -> RunVerdict | None:
        while job.state is State.ACCEPTED:
            found = await self._prepare(job)
            if isinstance(found, RunVerdict):
                return found
            if found.owner != job.owner:  # taken over meanwhile: the mark is not ours
                return None
            job = found
        return await self._call_until_certain(job, doubt=False) if job.state is State.STARTING else None

    async def _prepare(self, job: Job) -> Job | RunVerdict:
        """Read the batch job, then mark the start or attach to a run that is on its way."""
        row = await self._poller.read(job.batch_id)
        if row is None:
            return RunVerdict(Outcome.NOT_FOUND, "No such batch job, or the mapped F&O user may not see it.")
        if row.phase in (Phase.PENDING, Phase.RUNNING):
            return await self._attach(job, row)
        now = self._clock.now()
        found = await self._store.write(lambda connection: jobs.begin_start(connection, job, row, now))
        if found is None:
            return await self._reload(job)
        return found if found.id == job.id else await self._follow(job, found)

    async def _attach(self, job: Job, row: Row) -> Job | RunVerdict:
        """The batch job is queued or running already: watch that run, or refuse. Never start it again."""
        if self._settings.on_running == "reject":
            return RunVerdict(Outcome.ALREADY_RUNNING, f"The batch job is already {row.status}.")
        return await self._join(job, {"started_at": self._clock.now(), "batch_status": row.status})

    async def _follow(self, job: Job, leader: Job) -> Job | RunVerdict:
        """Another job of ours is starting this batch job, or has just done so: join its run."""
        if self._settings.on_running == "reject":
            return RunVerdict(Outcome.ALREADY_RUNNING, "Another request has just started the batch job.")
        if leader.state is State.STARTING:
            await self._clock.sleep_until(self._clock.now() + 0.5)
            return job
        return await self._join(job, {"started_at": leader.started_at, "snapshot": leader.snapshot})

    async def _join(self, job: Job, values: dict[str, object]) -> Job:
        now = self._clock.now()
        joined = await self._store.write(
            lambda connection: jobs.move(connection, job.id, JobEvent.ATTACHED, now, **values)
        )
        return joined or await self._reload(job)

    async def _call_until_certain(self, job: Job, doubt: bool) -> RunVerdict | None:
        hint = ""
        for pause_s in _PAUSES_S[: self._settings.start_retries + 1]:
            if doubt and await self._took_effect(job):
                await self._confirm(job)
                return None
            answer = await self._call(job)
            if isinstance(answer, StartAnswer):
                return await self._settle(job, answer)
            doubt, hint = answer.kind is FailureKind.AMBIGUOUS, answer.hint
            await self._clock.sleep_until(self._clock.now() + pause_s)
        if doubt and await self._took_effect(job):
            await self._confirm(job)
            return None
        return RunVerdict(Outcome.START_FAILED, f"The batch job could not be started. {hint}")

    async def _call(self, job: Job) -> StartAnswer | D365Error:
        """One start call; throttled ones were not executed and do not count."""
        while True:
            await self._permission()
            answer = await self._call_once(job)
            if isinstance(answer, StartAnswer) or answer.kind is not FailureKind.THROTTLED:
                return answer

    async def _call_once(self, job: Job) -> StartAnswer | D365Error:
        try:
            return await self._client.start(job.batch_id)
        except D365Error as error:
            if error.kind in (FailureKind.AUTH, FailureKind.PERMANENT):
                raise
            log.warning("start_failed", job=job.id, batch=job.batch_id, kind=error.kind, hint=error.hint)
            return error

    async def _permission(self) -> None:
        """Wait while this replica may have been declared dead; the replica that took over starts the job meanwhile."""
        while not self._may_start():
            await self._clock.sleep_until(self._clock.now() + 0.5)

    async def _settle(self, job: Job, answer: StartAnswer) -> RunVerdict | None:
        if answer.accepted:
            await self._confirm(job)
            return None
        return RunVerdict(
            Outcome.START_FAILED, f"F&O did not set the job to waiting: {answer.message or 'no reason given'}"
        )

    async def _took_effect(self, job: Job) -> bool:
        """Re-read until a start shows, or until it would have shown."""
        until = (job.starting_at or 0.0) + self._settings.settle_s
        log.info("start_in_doubt", job=job.id, batch=job.batch_id)
        while True:
            row = await self._poller.read(job.batch_id)
            if row is None or job.before is None:
                return False
            if was_started(job.before, row):
                return True
            if self._clock.now() >= until:
                return False
            await self._clock.sleep_until(min(until, self._clock.now() + 2.0))

    async def _confirm(self, job: Job) -> None:
        now = self._clock.now()
        await self._store.write(lambda connection: jobs.move(connection, job.id, JobEvent.STARTED, now, started_at=now))
        log.info("job_started", job=job.id, batch=job.batch_id)

    async def _reload(self, job: Job) -> Job:
        return await self._store.read(lambda connection: jobs.find(connection, job.id)) or job
