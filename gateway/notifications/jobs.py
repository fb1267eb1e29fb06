"""
Everything that is read from or written to the jobs table: one function per question, each on a given connection.

A state changes only through ``move``, and ``move`` only knows the transitions table: a step that is repeated, or that
runs in two replicas at once, changes nothing the second time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from gateway.notifications.batch_status import Row
from gateway.notifications.model import Job, Key
from gateway.notifications.outcomes import Verdict
from gateway.notifications.tables import attempts, jobs, keys
from gateway.notifications.transitions import FINAL, TRANSITIONS, Event, State

_DISPATCHED = (
    sa.update(jobs)
    .where(jobs.c.id == sa.bindparam("an_id"), jobs.c.series == sa.bindparam("a_series"))
    .values(dispatched=1)
)
# The statements of an acceptance are made once: building them costs more than running them.
_INSERT = sa.insert(jobs)
_FIND_KEY = sa.text("SELECT payload, job_id FROM notification_keys WHERE caller = :caller AND key = :key")
_PUT_KEY = sa.text(
    "INSERT INTO notification_keys (caller, key, job_id, payload) VALUES (:caller, :key, :job_id, :payload) "
    "ON CONFLICT (caller, key) DO UPDATE SET job_id = excluded.job_id, payload = excluded.payload"
)

_ON_THE_WAY = (State.STARTING, State.WAITING, State.RUNNING)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a job was not accepted: ``key-reused``, ``too-many-active`` or ``batch-job-active``."""

    reason: str


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The job that answers a request; *created* is false when an earlier request made it."""

    job: Job
    created: bool


def find(connection: sa.Connection, job_id: str) -> Job | None:
    """One job."""
    row = connection.execute(sa.select(jobs).where(jobs.c.id == job_id)).first()
    return None if row is None else Job.from_row(row)


def search(
    connection: sa.Connection,
    caller: str | None = None,
    state: str | None = None,
    before: float | None = None,
    limit: int = 100,
) -> list[Job]:
    """Jobs, newest first: of one caller or all, in one state or any, created before a moment."""
    query = sa.select(jobs).order_by(jobs.c.created_at.desc()).limit(limit)
    if caller is not None:
        query = query.where(jobs.c.caller == caller)
    if state is not None:
        query = query.where(jobs.c.state == state)
    if before is not None:
        query = query.where(jobs.c.created_at < before)
    return [Job.from_row(row) for row in connection.execute(query)]


def accept(
    connection: sa.Connection, job: Job, key: Key, max_active: int | None, exclusive: bool
) -> Acceptance | Refusal:
    """
    Record a job, unless an earlier one answers the same request.

    Args:
        max_active: The caller's limit.
        exclusive: Refuse when another job watches the same batch job.
    """
    lock(connection, f"caller:{job.caller}")
    earlier = _earlier(connection, job.caller, key)
    if earlier is not None:
        return earlier
    if max_active is not None and _count_active(connection, job.caller, max_active) >= max_active:
        return Refusal("too-many-active")
    if exclusive and _is_watched(connection, job.batch_id):
        return Refusal("batch-job-active")
    connection.execute(_PUT_KEY, {"caller": job.caller, "key": key.text, "job_id": job.id, "payload": key.payload})
    connection.execute(_INSERT, job.columns())
    return Acceptance(job, created=True)


def move(connection: sa.Connection, job_id: str, event: Event, now: float, **values: object) -> Job | None:
    """The job after *event*, with *values* set too; None when the event means nothing in its present state."""
    sources = [before for (before, cause) in TRANSITIONS if cause is event]
    target = TRANSITIONS[sources[0], event]  # each event leads to one state; a test holds that
    statement = (
        sa.update(jobs)
        .where(jobs.c.id == job_id, jobs.c.state.in_(sources))
        .values(state=target, active=int(target not in FINAL), updated_at=now, **values)
        .returning(*jobs.c)
    )
    row = connection.execute(statement).first()
    return None if row is None else Job.from_row(row)


def begin_start(connection: sa.Connection, job: Job, snapshot: Row, now: float) -> Job | None:
    """
    Mark that the start call is about to be made, or return the job that has already started this batch job.

    The mark is committed before the call, so that a crash in between shows as doubt and not as a second start.
    """
    lock(connection, f"batch:{job.batch_id}")
    query = sa.select(jobs).where(
        jobs.c.batch_id == job.batch_id, jobs.c.active == 1, jobs.c.id != job.id, jobs.c.state.in_(_ON_THE_WAY)
    )
    leader = connection.execute(query.order_by(jobs.c.created_at).limit(1)).first()
    if leader is not None:
        return Job.from_row(leader)
    move(connection, job.id, Event.START_CALLED, now, starting_at=now, snapshot=json.dumps(snapshot.dump()))
    return None


def end(connection: sa.Connection, job_id: str, verdict: Verdict, now: float) -> Job | None:
    """Record the outcome."""
    values: dict[str, object] = {
        "outcome": verdict.outcome,
        "message": verdict.message,
        "scheduled_for": verdict.scheduled_for,
        "ended_at": now,
        "next_attempt_at": now,
    }
    return move(connection, job_id, Event.ENDED, now, **values)


def reopen(connection: sa.Connection, job_id: str, now: float, lifetime_s: float) -> Job | None:
    """Begin another series of callback attempts, with time until *lifetime_s* from now; None unless it is final."""
    values: dict[str, object] = {
        "series": jobs.c.series + 1,
        "attempts": 0,
        "doubted": 0,
        "dispatched": 0,
        "next_attempt_at": now,
        "callback_deadline_at": now + lifetime_s,
    }
    return move(connection, job_id, Event.REPLAY, now, **values)


def note_status(connection: sa.Connection, job_id: str, status: str, running_at: float | None, now: float) -> None:
    """Keep what was seen last, so that status questions and a restart know it."""
    if running_at is not None:
        move(connection, job_id, Event.EXECUTING, now, running_at=running_at)
    connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(batch_status=status, updated_at=now))


def undispatched(connection: sa.Connection, limit: int) -> list[Job]:
    """The oldest jobs, or replays, that have no workflow yet."""
    query = sa.select(jobs).where(jobs.c.dispatched == 0).order_by(jobs.c.created_at).limit(limit)
    return [Job.from_row(row) for row in connection.execute(query)]


def mark_dispatched(connection: sa.Connection, found: Sequence[tuple[str, int]]) -> None:
    """Note that these jobs, each at its series, have a workflow."""
    if found:
        connection.execute(_DISPATCHED, [{"an_id": job_id, "a_series": series} for job_id, series in found])


def unfinished(connection: sa.Connection) -> list[tuple[str, int, float]]:
    """Number and oldest creation time of the jobs that are not final, by state."""
    query = (
        sa.select(jobs.c.state, sa.func.count(), sa.func.min(jobs.c.created_at))
        .where(jobs.c.active == 1)
        .group_by(jobs.c.state)
    )
    return [(state, count, oldest) for state, count, oldest in connection.execute(query)]


def expired(connection: sa.Connection, before: float, limit: int = 500) -> list[Job]:
    """Final jobs whose last change is older than *before*."""
    query = sa.select(jobs).where(jobs.c.active == 0, jobs.c.updated_at < before).limit(limit)
    return [Job.from_row(row) for row in connection.execute(query)]


def stopped_since(connection: sa.Connection, since: float) -> list[str]:
    """Jobs that were stopped lately, perhaps through another replica."""
    query = sa.select(jobs.c.id).where(jobs.c.state == State.STOPPED, jobs.c.updated_at >= since)
    return list(connection.execute(query).scalars())


def purge(connection: sa.Connection, job_ids: Sequence[str]) -> None:
    """Forget jobs, their attempts and their keys."""
    connection.execute(sa.delete(attempts).where(attempts.c.job_id.in_(job_ids)))
    connection.execute(sa.delete(keys).where(keys.c.job_id.in_(job_ids)))
    connection.execute(sa.delete(jobs).where(jobs.c.id.in_(job_ids)))


def lock(connection: sa.Connection, name: str) -> None:
    """Hold *name* until the transaction ends, across replicas; the embedded store has one writer and needs none."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(name))))


def _earlier(connection: sa.Connection, caller: str, key: Key) -> Acceptance | Refusal | None:
    row = connection.execute(_FIND_KEY, {"caller": caller, "key": key.text}).first()
    if row is None:
        return None
    if row.payload != key.payload:
        return Refusal("key-reused")
    job = find(connection, row.job_id)
    if job is None or (key.derived and not job.active):
        return None
    return Acceptance(job, created=False)


def _count_active(connection: sa.Connection, caller: str, enough: int) -> int:
    """The caller's active jobs, counted no further than *enough*."""
    some = sa.select(jobs.c.id).where(jobs.c.caller == caller, jobs.c.active == 1).limit(enough).subquery()
    return connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()


def _is_watched(connection: sa.Connection, batch_id: int) -> bool:
    query = sa.select(jobs.c.id).where(
        jobs.c.batch_id == batch_id, jobs.c.active == 1, jobs.c.state != State.DELIVERING
    )
    return connection.execute(query.limit(1)).first() is not None
