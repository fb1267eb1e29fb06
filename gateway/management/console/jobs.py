"""The notification service's jobs for the console, read from its store. Callback URLs stay sealed there."""

from __future__ import annotations

import sqlalchemy as sa
import structlog

from gateway.management.console.state import DeadLetter, JobLine, JobsState
from gateway.notifications.store import attempts, jobs
from gateway.notifications.store.model import StoredJob
from gateway.notifications.store.store import Store
from gateway.notifications.workflow.transitions import State

log = structlog.get_logger("gateway.console")

SHOWN = 25


async def read_jobs(store: Store) -> JobsState:
    """As many jobs as fit a page; the page reports a store that fails."""
    try:
        return await store.read(_read)
    except Exception as error:
        log.warning("jobs_unreadable", error=type(error).__name__)
        return JobsState(error="the store does not answer")


def _read(connection: sa.Connection) -> JobsState:
    dead = jobs.search(connection, state=State.DEAD, limit=SHOWN)
    return JobsState(
        unfinished=tuple((str(state), number, oldest) for state, number, oldest in jobs.unfinished(connection)),
        latest=tuple(map(_line, jobs.search(connection, limit=SHOWN))),
        dead=tuple(DeadLetter(_line(job), job.updated_at, _reason(connection, job)) for job in dead),
    )


def _line(job: StoredJob) -> JobLine:
    return JobLine(
        id=job.id,
        batch_id=job.batch_id,
        state=job.state.value,
        outcome=None if job.outcome is None else job.outcome.value,
        batch_status=job.batch_status,
        host=job.host,
        caller=job.caller,
        created=job.created_at,
        attempts=job.attempts,
    )


def _reason(connection: sa.Connection, job: StoredJob) -> str:
    """What became of the last attempt: a status or the class of a failure, never what the receiver wrote."""
    log = attempts.listed(connection, job.id)
    if not log:
        return "out of time before the first attempt"
    last = log[-1]
    return f"answered {last['status']}" if last["status"] else str(last["error"] or "cut short")
