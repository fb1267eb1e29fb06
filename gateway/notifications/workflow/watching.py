"""
The wait step: one long, read-only step that asks the shared poller for the run's end.

Nothing but changes of status is written, and those only so that people see them. After a crash the step is run again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from gateway.notifications.d365.batch_status import Phase, Row
from gateway.notifications.d365.client import D365Client
from gateway.notifications.d365.errors import D365Error, FailureKind
from gateway.notifications.d365.poller import Poller, PollSubscription
from gateway.notifications.settings import D365Settings, NotificationSettings
from gateway.notifications.store import jobs
from gateway.notifications.store.model import StoredJob
from gateway.notifications.store.store import Store
from gateway.notifications.workflow.clock import Clock
from gateway.notifications.workflow.judgement import (
    RESCHEDULED,
    Instant,
    agreed_skew,
    expire,
    history_bounds,
    judge,
    judge_ended_runs,
    watch_of,
)
from gateway.notifications.workflow.outcomes import RunVerdict

log = structlog.get_logger("gateway.notifications")

_FIRST_LOOK_S = 1.0
# The history may be written a moment after the row. All in all within the margin that a caller has (30 s).
_HISTORY_PAUSES_S = (0.0, 1.0, 3.0, 6.0)
_HISTORY_S = 20.0


class RunWatcher:
    """Runs the wait step of every job in this process."""

    def __init__(
        self,
        store: Store,
        poller: Poller,
        client: D365Client,
        clock: Clock,
        settings: NotificationSettings,
        environment: D365Settings,
    ) -> None:
        self._store = store
        self._poller = poller
        self._client = client
        self._clock = clock
        self._settings = settings
        self._environment = environment
        self._waiting: dict[str, PollSubscription[RunVerdict]] = {}
        self._notes: set[asyncio.Task[None]] = set()

    async def wait(self, job: StoredJob) -> RunVerdict | None:
        """The verdict on the run, at the latest at the deadline; None when the job was stopped."""
        verdict = await self._watch(job)
        if verdict is not RESCHEDULED:
            return verdict
        try:
            async with asyncio.timeout(_HISTORY_S):
                return await self._look_back(job)
        except TimeoutError:
            return RESCHEDULED

    async def _watch(self, job: StoredJob) -> RunVerdict | None:
        delay_s = min(_FIRST_LOOK_S, self._settings.polling.interval_s)
        subscription = self._poller.subscribe(job.batch_id, self._judge(job), delay_s)
        self._waiting[job.id] = subscription
        try:
            async with asyncio.timeout(max(0.0, job.deadline_at - self._clock.now())):
                return await subscription.done
        except TimeoutError:
            return expire(subscription.row, subscription.error)
        except asyncio.CancelledError:
            if subscription.done.cancelled() and not _is_cancelling():
                return None
            raise
        finally:
            subscription.done.cancel()
            self._waiting.pop(job.id, None)

    def stop(self, job_id: str) -> None:
        """End the wait for a job that was stopped, if it is waited for here."""
        if (subscription := self._waiting.get(job_id)) is not None:
            subscription.done.cancel()

    async def _look_back(self, job: StoredJob) -> RunVerdict:
        """How a run ended whose row already shows the next one, from the job history, if there is one."""
        for pause_s in _HISTORY_PAUSES_S:
            await self._clock.sleep_until(self._clock.now() + pause_s)
            verdict = await self._ask_history(job)
            if verdict is not None:
                return verdict
        return RESCHEDULED

    async def _ask_history(self, job: StoredJob) -> RunVerdict | None:
        """None when asking again may help."""
        try:
            runs = await self._client.ended_runs(job.batch_id)
            skew_s = agreed_skew(self._client.skew_s, (run.end for run in runs), self._clock.now())
            return judge_ended_runs(runs, *history_bounds(job, skew_s))
        except D365Error as error:
            log.warning("history_unreadable", job=job.id, batch=job.batch_id, kind=error.kind, hint=error.hint)
            return RESCHEDULED if error.kind in (FailureKind.AUTH, FailureKind.PERMANENT) else None

    def _judge(self, job: StoredJob) -> Callable[[Row | None], RunVerdict | None]:
        watch = watch_of(job)
        last, noted_running = job.batch_status, job.running_at is not None

        def look(row: Row | None) -> RunVerdict | None:
            nonlocal last, noted_running
            stale = row is not None and row.phase is Phase.ENDED and not watch.is_newer(row)
            now = Instant(self._clock.now(), self._client.now())
            verdict = judge(row, watch, now, self._environment, self._settings.budgets)
            # A run that was already executing when its watch began changes no status, and is noted all the same.
            is_running = watch.running_at is not None
            if row is not None and not stale and (row.status, is_running) != (last, noted_running):
                last, noted_running = row.status, is_running
                self._note(job.id, row.status, watch.running_at)
            return verdict if verdict is None or verdict is RESCHEDULED else replace(verdict, shown=row)

        return look

    def _note(self, job_id: str, status: str, running_at: float | None) -> None:
        now = self._clock.now()
        write = self._store.write(lambda connection: jobs.note_status(connection, job_id, status, running_at, now))
        task = asyncio.ensure_future(_quietly(write))
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)


async def _quietly(write: Awaitable[None]) -> None:
    """A status line that is lost (the store is unavailable for a moment) does not stop watching."""
    with contextlib.suppress(Exception):  # the next change is written again
        await write


def _is_cancelling() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
