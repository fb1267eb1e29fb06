"""The attempt log: every callback attempt is written before it is made, and again when its answer is known."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from gateway.notifications.callbacks.classification import CallbackAnswer, Decision, Doubt
from gateway.notifications.store import jobs
from gateway.notifications.store.model import StoredJob
from gateway.notifications.store.tables import attempts
from gateway.notifications.store.tables import jobs as jobs_table
from gateway.notifications.store.text import storable
from gateway.notifications.workflow.transitions import JobEvent, State

_EVENTS = {
    Decision.DELIVERED: JobEvent.ANSWERED,
    Decision.CONSUMED: JobEvent.CONSUMED,
    Decision.PERMANENT: JobEvent.GAVE_UP,
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt: *series* 0 is the first delivery, each replay has the next number. Times in epoch seconds."""

    job_id: str
    series: int
    number: int
    at: float


def begin(connection: sa.Connection, attempt: Attempt, owner: str | None) -> StoredJob | None:
    """
    Write the attempt down before it is made; None when *owner* has nothing to deliver any more.

    An attempt that is already written but has no answer was cut short by a crash: it may have arrived.
    """
    job = jobs.find(connection, attempt.job_id)
    if job is None or (job.state, job.series, job.owner) != (State.DELIVERING, attempt.series, owner):
        return None
    if _find(connection, attempt) is None:
        connection.execute(sa.insert(attempts).values(_key(attempt) | {"at": attempt.at}))
        return job
    connection.execute(sa.update(jobs_table).where(jobs_table.c.id == job.id).values(doubted=1))
    return jobs.find(connection, attempt.job_id)


def record(
    connection: sa.Connection,
    attempt: Attempt,
    answer: CallbackAnswer,
    decision: Decision,
    next_at: float | None,
    now: float,
) -> StoredJob | None:
    """Write the answer down; the job moves on unless another attempt follows at *next_at*."""
    connection.execute(
        sa.update(attempts)
        .where(*(attempts.c[name] == value for name, value in _key(attempt).items()))
        .values(
            duration_s=now - attempt.at,
            status=answer.status,
            error=answer.error,
            decision=decision,
            excerpt=storable(answer.excerpt),
            next_at=next_at,
        )
    )
    changes: dict[str, object] = {"attempts": attempt.number, "next_attempt_at": next_at}
    if answer.doubt is Doubt.POSSIBLE:
        changes["doubted"] = 1
    if next_at is None:
        return jobs.move(connection, attempt.job_id, _EVENTS.get(decision, JobEvent.GAVE_UP), now, **changes)
    connection.execute(sa.update(jobs_table).where(jobs_table.c.id == attempt.job_id).values(updated_at=now, **changes))
    return jobs.find(connection, attempt.job_id)


def listed(connection: sa.Connection, job_id: str) -> list[dict[str, object]]:
    """All attempts of a job, oldest first."""
    query = sa.select(attempts).where(attempts.c.job_id == job_id).order_by(attempts.c.series, attempts.c.number)
    return [dict(row) for row in connection.execute(query).mappings()]


def _key(attempt: Attempt) -> dict[str, object]:
    return {"job_id": attempt.job_id, "series": attempt.series, "number": attempt.number}


def _find(connection: sa.Connection, attempt: Attempt) -> object:
    query = sa.select(attempts.c.at).where(*(attempts.c[name] == value for name, value in _key(attempt).items()))
    return connection.execute(query).first()
