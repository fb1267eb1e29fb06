"""
The start step: set the batch job to waiting, at most once in effect.

The mark "starting" is committed before the call. Whenever it is in doubt whether a call took effect (a crash, a
time-out, a 5xx), F&O is read again, for as long as an effect may need to show after the end of that call, before
another call is made.

Source: F&O "Batch OData API" (at most five retries).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace

import structlog

from gateway.notifications.d365.batch_status import Phase, Row
from gateway.notifications.d365.client import D365Client
from gateway.notifications.d365.errors import D365Error, FailureKind
from gateway.notifications.d365.poller import Poller
from gateway.notifications.d365.start_answer import StartAnswer
from gateway.notifications.fairness import FairTurns
from gateway.notifications.settings import D365Settings
from gateway.notifications.store import jobs
from gateway.notifications.store.model import StoredJob
from gateway.notifications.store.store import Store
from gateway.notifications.workflow.clock import Clock
from gateway.notifications.workflow.doubt import Sight, StartRules, sight
from gateway.notifications.workflow.joining import StatusReading
from gateway.notifications.workflow.judgement import agreed_skew, as_of, expire
from gateway.notifications.workflow.outcomes import Outcome, RunVerdict
from gateway.notifications.workflow.permission import NotOwned, NotPermitted, StartPermit
from gateway.notifications.workflow.transitions import JobEvent, State
from gateway.notifications.workflow.watched_run import WatchedRun

log = structlog.get_logger("gateway.notifications")

# Between reading the batch job and the answer to the call: a crash adds at most that many doubtful starts, and a
# reading, by which the end is judged, is not older than its job's turn. Waiting, for whatever, returns the turn.
_AT_ONCE = 40
_PAUSES_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
_LOOK_AGAIN_S = 0.5
# One empty answer may be F&O's mistake; only a job that remains missing does not exist.
_EMPTY_ANSWERS = 3

# F&O's times are whole seconds, and so is the Date by which its clock is known.
_MARGIN_S = 2.0
_NOT_FOUND = RunVerdict(Outcome.NOT_FOUND, "No such batch job, or the mapped F&O user may not see it.")
_NO_EFFECT = RunVerdict(Outcome.START_FAILED, "The start was in doubt at the deadline, and has not taken effect since.")

Call = StartAnswer | D365Error
Started = StoredJob | RunVerdict
"""The job as it is watched from now on, or why it cannot be started."""


class Starter:
    """
    Runs the start step.

    Args:
        may_act: Whether this replica's lease has not ended; asked immediately before each call.
    """

    def __init__(
        self,
        store: Store,
        poller: Poller,
        client: D365Client,
        clock: Clock,
        settings: D365Settings,
        may_act: Callable[[], bool] = lambda: True,
    ) -> None:
        self._store = store
        self._poller = poller
        self._client = client
        self._clock = clock
        self._settings = settings
        self._rules = StartRules(settings.call_limit_s, settings.settle_s, join=settings.on_running == "attach")
        self._may_act = may_act
        self._turns = FairTurns(_AT_ONCE)

    async def start(self, job: StoredJob) -> Started | None:
        """
        Bring *job* to WAITING; a verdict when that is impossible, None when it is no longer ours to start.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: The store is unavailable; the step may be repeated.
        """
        try:
            async with asyncio.timeout(max(0.0, job.deadline_at - self._clock.now())):
                return await (self._resume(job) if job.state is State.STARTING else self._begin(job))
        except TimeoutError:
            return expire(None, "no answer before the deadline")
        except NotOwned:
            return None
        except D365Error as error:
            return RunVerdict(_outcome_of(error, job), error.hint)

    async def _begin(self, job: StoredJob) -> Started:
        if job.watched is not WatchedRun.OURS:
            return await self._observe(job)
        while (begun := await self._begin_in_turn(job)) is None:
            await self._pause(_LOOK_AGAIN_S)
        prepared, call = begun
        if call is None:
            return prepared
        assert isinstance(prepared, StoredJob)  # noqa: S101 - only a marked job is called
        return await self._pursue(prepared, call)

    async def _observe(self, job: StoredJob) -> Started:
        """Remember what the batch job shows and watch it from there on; nothing is started."""
        async with self._turns.turn(job.caller):
            row = await self._read(job.batch_id)
        if row is None:
            return _NOT_FOUND
        now = self._clock.now()
        skew_s = agreed_skew(self._client.skew_s, (row.start, row.end), now)
        snapshot = as_of(row, job.created_at + skew_s + _MARGIN_S)
        values = {"snapshot": json.dumps(snapshot.dump()), "batch_status": row.status}
        observed = await self._store.write(
            lambda connection: jobs.move_own(connection, job, JobEvent.ATTACHED, now, started_at=now, **values)
        )
        if observed is None:
            raise NotOwned
        log.info("watch_only", job=job.id, batch=job.batch_id, run=job.watched, status=row.status)
        return observed

    async def _begin_in_turn(self, job: StoredJob) -> tuple[Started, Call | None] | None:
        """The first call, from reading to answer; no call where none is needed, None: look again later."""
        async with self._turns.turn(job.caller):
            prepared = await self._prepare(job)
            if isinstance(prepared, StoredJob) and prepared.state is State.STARTING:
                return prepared, await self._call(prepared)
        return None if prepared is None else (prepared, None)

    async def _resume(self, job: StoredJob) -> Started:
        """An earlier life was about to make the call, and whether it did is unknown."""
        if await self._took_effect(job, self._doubt_end(job)):
            return await self._confirm(job)
        if job.follows is not None:
            return _NO_EFFECT
        return await self._pursue(job, await self._call_in_turn(job))

    def _doubt_end(self, job: StoredJob) -> float:
        """A mark says when its call is over at the latest; one without that is from before such marks."""
        latest = self._rules.settled_at(self._clock.now())
        return latest if job.doubt_until is None else job.doubt_until

    async def _prepare(self, job: StoredJob) -> Started | None:
        """Read the batch job, then mark the start or attach to a run that is under way; None: look again later."""
        asked_at = self._clock.now()
        row = await self._read(job.batch_id)
        if row is None:
            return _NOT_FOUND
        if row.phase in (Phase.PENDING, Phase.RUNNING):
            return await self._attach(job, row)
        now, reading = self._clock.now(), StatusReading(row, asked_at)
        marked = await self._store.write(
            lambda connection: jobs.begin_start(connection, job, reading, now, self._rules)
        )
        if marked is None:
            raise NotOwned
        if marked.id == job.id:
            return marked
        return self._refuse_second() if self._settings.on_running == "reject" else None

    async def _read(self, batch_id: int) -> Row | None:
        """A reading; None only when F&O shows no such job several times in a row."""
        for _ in range(_EMPTY_ANSWERS - 1):
            if (row := await self._poller.read(batch_id)) is not None:
                return row
        return await self._poller.read(batch_id)

    def _refuse_second(self) -> RunVerdict:
        return RunVerdict(Outcome.ALREADY_RUNNING, "Another request has just started the batch job.")

    async def _attach(self, job: StoredJob, row: Row) -> Started:
        """The batch job is queued or running already: watch that run, or refuse. Never start it again."""
        if self._settings.on_running == "reject":
            return RunVerdict(Outcome.ALREADY_RUNNING, f"The batch job is already {row.status}.")
        now = self._clock.now()
        joined = await self._store.write(
            lambda connection: jobs.move_own(
                connection, job, JobEvent.ATTACHED, now, started_at=now, batch_status=row.status
            )
        )
        if joined is None:
            raise NotOwned
        return joined

    async def _pursue(self, job: StoredJob, call: Call) -> Started:
        """Call again until it is certain what became of the start, or until the retries are used up."""
        for pause_s in (*_PAUSES_S[: self._settings.start_retries], None):
            if isinstance(call, StartAnswer):
                return await self._settle(job, call)
            until = await self._note_doubt(job, call)
            job = replace(job, doubt_until=None)  # its mark is no longer in the store: the next call needs another one
            if pause_s is not None:
                await self._pause(pause_s)
            if until is not None and await self._took_effect(job, until):
                return await self._confirm(job)
            if pause_s is not None:
                call = await self._call_in_turn(job)
        hint = call.hint if isinstance(call, D365Error) else ""
        return RunVerdict(Outcome.START_FAILED, f"The batch job could not be started. {hint}")

    async def _note_doubt(self, job: StoredJob, error: D365Error) -> float | None:
        """Record until when the call that has just failed may still take effect; None: it certainly does not."""
        doubtful = error.kind is FailureKind.AMBIGUOUS
        until = self._rules.settled_at(self._clock.now()) if doubtful else None
        await self._store.write(lambda connection: jobs.note_doubt(connection, job, until))
        return until

    async def _call_in_turn(self, job: StoredJob) -> Call:
        async with self._turns.turn(job.caller):
            return await self._call(job)

    async def _call(self, job: StoredJob) -> Call:
        """One start call; throttled ones were not executed and do not count."""
        permit = StartPermit(self._store, self._clock, job, self._rules, self._may_act)
        while True:
            call = await self._call_once(job, permit)
            if call is not None and (isinstance(call, StartAnswer) or call.kind is not FailureKind.THROTTLED):
                return call

    async def _call_once(self, job: StoredJob, permit: StartPermit) -> Call | None:
        """None when the lease had ended before anything was sent."""
        try:
            return await self._client.start(job.batch_id, permit, job.caller)
        except NotPermitted:
            await self._pause(0.5)
            return None
        except NotOwned:  # and nothing was sent
            await self._store.write(lambda connection: jobs.note_doubt(connection, job, None))
            raise
        except D365Error as error:
            if error.kind in (FailureKind.AUTH, FailureKind.PERMANENT):
                await self._store.write(lambda connection: jobs.note_doubt(connection, job, None))
                raise
            log.warning("start_failed", job=job.id, batch=job.batch_id, kind=error.kind, hint=error.hint)
            return error

    async def _settle(self, job: StoredJob, answer: StartAnswer) -> Started:
        if answer.accepted:
            return await self._confirm(job)
        await self._store.write(lambda connection: jobs.note_doubt(connection, job, None))
        reason = answer.message or "no reason given"
        return RunVerdict(Outcome.START_FAILED, f"F&O did not set the job to waiting: {reason}")

    async def _took_effect(self, job: StoredJob, until: float) -> bool:
        """Re-read until a start shows, or until it would have shown."""
        log.info("start_in_doubt", job=job.id, batch=job.batch_id, until=until)
        while True:
            asked_at = self._clock.now()
            row = await self._poller.read(job.batch_id)
            if (seen := sight(job.before, row, asked_at, until)) is not Sight.OPEN:
                return seen is Sight.EFFECT
            await self._clock.sleep_until(min(until, self._clock.now() + 2.0))

    async def _confirm(self, job: StoredJob) -> StoredJob:
        now = self._clock.now()
        started = await self._store.write(
            lambda connection: jobs.move_own(connection, job, JobEvent.STARTED, now, started_at=now, doubt_until=None)
        )
        if started is None:  # stopped meanwhile: the start shows soon, and then blocks nothing any more
            await self._store.write(lambda connection: jobs.note_doubt(connection, job, self._rules.settled_at(now)))
            raise NotOwned
        log.info("job_started", job=job.id, batch=job.batch_id)
        return started

    async def _pause(self, seconds: float) -> None:
        await self._clock.sleep_until(self._clock.now() + seconds)


def _outcome_of(error: D365Error, job: StoredJob) -> Outcome:
    """What a failure that will not pass means for a job that was to be started, or only watched."""
    if error.kind is FailureKind.AUTH:
        return Outcome.UPSTREAM_AUTH
    return Outcome.START_FAILED if job.watched is WatchedRun.OURS else Outcome.UNKNOWN
