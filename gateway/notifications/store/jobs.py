"""
Everything that is read from or written to the jobs table: one function per question, each on a given connection.

A state changes only through ``move``, and ``move`` only knows the transitions table: a step that is repeated, or that
runs in two replicas at the same time, changes nothing the second time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gateway.notifications.store.locks import lock
from gateway.notifications.store.model import IdempotencyKey, StoredJob, sent_key
from gateway.notifications.store.statements import CompiledStatement
from gateway.notifications.store.tables import attempts, jobs, keys
from gateway.notifications.store.text import storable
from gateway.notifications.workflow.doubt import StartRules
from gateway.notifications.workflow.joining import JoinRun, StatusReading, WaitFor, decide_start
from gateway.notifications.workflow.outcomes import RunVerdict
from gateway.notifications.workflow.transitions import FINAL, OWNED, TRANSITIONS, JobEvent, State
from gateway.notifications.workflow.watched_run import WatchedRun

# Statements are made once: SQLAlchemy needs longer to build most of them than the database to run them.
_INSERT = CompiledStatement(sa.insert(jobs))
_FIND_KEY = CompiledStatement(
    sa.select(keys.c.payload, keys.c.job_id).where(
        keys.c.caller == sa.bindparam("caller"), keys.c.key == sa.bindparam("key")
    )
)
# Of those that put one key at the same time exactly one succeeds: the row's own uniqueness decides, no lock. But a
# transaction that holds the work of others must not wait for that row, so it does not try while the key is locked.
_PUT_KEY = "INSERT INTO notification_keys (caller, key, job_id, payload) SELECT :caller, :key, :job_id, :payload WHERE "
_IF_FREE = " ON CONFLICT (caller, key) DO NOTHING"
_TAKE_KEY = CompiledStatement(sa.text(_PUT_KEY + "1 = 1" + _IF_FREE))
_TRY_KEY = {
    "sqlite": CompiledStatement(sa.text(_PUT_KEY + ":a_name <> ''" + _IF_FREE)),
    "postgresql": CompiledStatement(sa.text(_PUT_KEY + "pg_try_advisory_xact_lock(hashtext(:a_name))" + _IF_FREE)),
}
_REPLACE_KEY = CompiledStatement(
    sa.text(
        "UPDATE notification_keys SET job_id = :job_id, payload = :payload "
        "WHERE caller = :caller AND key = :key AND job_id = :former"
    )
)
# A constant in the SQL: the partial indexes are not used with a parameter in its place.
_IS_ACTIVE = jobs.c.active == sa.literal_column("1")
_FIND = CompiledStatement(sa.select(jobs).where(jobs.c.id == sa.bindparam("an_id")))


def _in(*states: State) -> sa.ColumnElement[bool]:
    return jobs.c.state.in_([sa.literal_column(f"'{state}'") for state in states])


def _move(event: JobEvent) -> sa.Update:
    """The statement behind ``move``; further columns are set by parameters of their name."""
    sources = [before for (before, cause) in TRANSITIONS if cause is event]
    target = TRANSITIONS[sources[0], event]  # each event leads to one state; a test holds that
    statement = sa.update(jobs).where(jobs.c.id == sa.bindparam("an_id"), _in(*sources))
    return statement.values(state=target, active=int(target not in FINAL))


def _moving(update: sa.Update) -> CompiledStatement:
    return CompiledStatement(update.returning(*jobs.c))


_IS_OWNER = jobs.c.owner.is_not_distinct_from(sa.bindparam("an_owner"))
_MOVES = {event: _moving(_move(event)) for event in JobEvent}
_OWNED_MOVES = {event: _moving(_move(event).where(_IS_OWNER)) for event in OWNED}
_EXECUTING = CompiledStatement(_move(JobEvent.EXECUTING))
_REOPEN = _moving(_move(JobEvent.REPLAY).values(series=jobs.c.series + 1, attempts=0, doubted=0, owner=None))
_RIVALS = CompiledStatement(
    sa.select(jobs)
    .where(jobs.c.batch_id == sa.bindparam("a_batch"), jobs.c.environment == sa.bindparam("a_place"))
    .where(jobs.c.id != sa.bindparam("an_id"))
    .where(
        sa.or_(
            sa.and_(_IS_ACTIVE, _in(State.STARTING, State.WAITING, State.RUNNING)),
            jobs.c.doubt_until > sa.bindparam("a_moment"),
        )
    )
    .order_by(jobs.c.created_at)
)
_OLDEST_FREE = (
    sa.select(jobs.c.id)
    .where(_IS_ACTIVE, jobs.c.owner.is_(None))
    .order_by(jobs.c.created_at)
    .limit(sa.bindparam("a_limit"))
    .with_for_update(skip_locked=True)  # replicas that lease at the same time take different rows
)
_TIMES = (
    "created_at", "updated_at", "deadline_at", "callback_deadline_at", "starting_at", "started_at", "running_at",
    "ended_at", "next_attempt_at", "follow_until",
)  # fmt: skip
_NOTE = CompiledStatement(sa.update(jobs).where(jobs.c.id == sa.bindparam("an_id")))
_NOTE_OWN = CompiledStatement(sa.update(jobs).where(jobs.c.id == sa.bindparam("an_id"), _IS_OWNER))
_LEASE = sa.update(jobs).where(jobs.c.id.in_(_OLDEST_FREE)).values(owner=sa.bindparam("an_owner")).returning(*jobs.c)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a job was not accepted: ``key-reused``, ``too-many-active`` or ``batch-job-active``."""

    reason: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """
    The last heartbeat of an embedded store's former process.

    Attributes:
        at: When, by that process's clock, epoch seconds.
        error_s: By how much that clock is ahead of this process's; 0 where the difference is only the measuring.
    """

    at: float
    error_s: float


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The job that answers a request; *created* is false when an earlier request made it."""

    job: StoredJob
    created: bool


def find(connection: sa.Connection, job_id: str) -> StoredJob | None:
    """One job."""
    return _one(_FIND.first(connection, {"an_id": job_id}))


def find_by_key(connection: sa.Connection, caller: str, key: str) -> StoredJob | None:
    """The job that a caller's request with this Idempotency-Key made."""
    row = _FIND_KEY.first(connection, {"caller": caller, "key": sent_key(key)})
    return None if row is None else find(connection, row[1])


def search(
    connection: sa.Connection,
    caller: str | None = None,
    state: str | None = None,
    before: float | None = None,
    limit: int = 100,
    batch_id: int | None = None,
) -> list[StoredJob]:
    """Jobs, newest first: of one caller, in one state, of one batch job, created before a moment; None: of any."""
    query = sa.select(jobs).order_by(jobs.c.created_at.desc()).limit(limit)
    if caller is not None:
        query = query.where(jobs.c.caller == caller)
    if state is not None:
        query = query.where(jobs.c.state == state)
    if batch_id is not None:
        query = query.where(jobs.c.batch_id == batch_id)
    if before is not None:
        query = query.where(jobs.c.created_at < before)
    return [StoredJob.from_row(row) for row in connection.execute(query)]


def accept(
    connection: sa.Connection, job: StoredJob, key: IdempotencyKey, max_active: int | None, exclusive: bool
) -> Acceptance | Refusal:
    """
    Record a job, unless an earlier one answers the same request.

    Args:
        max_active: The caller's limit.
        exclusive: Refuse when another job watches the same batch job.
    """
    put = {"caller": job.caller, "key": key.text, "job_id": job.id, "payload": key.payload}
    name = f"key:{job.caller}:{key.text}"
    if (
        max_active is None
        and not exclusive
        and _TRY_KEY[connection.dialect.name].run(connection, put | {"a_name": name})
    ):
        return _insert(connection, job)  # a key that is new needs no further lock
    lock(connection, name)
    lock(connection, f"caller:{job.caller}")
    # A replica with other limits, or none, does not wait for the lock: what it took meanwhile is looked at, too.
    while True:
        former = _FIND_KEY.first(connection, {"caller": job.caller, "key": key.text})
        if (earlier := _earlier(connection, former, key)) is not None:
            _promise(connection, earlier, job.created_at)
            return earlier
        if (refused := _refused(connection, job, max_active, exclusive)) is not None:
            return refused
        if _put(connection, put, former):
            return _insert(connection, job)


def _refused(connection: sa.Connection, job: StoredJob, max_active: int | None, exclusive: bool) -> Refusal | None:
    if max_active is not None and _count_active(connection, job.caller, max_active) >= max_active:
        return Refusal("too-many-active")
    return Refusal("batch-job-active") if exclusive and _is_watched(connection, job) else None


def _put(connection: sa.Connection, put: Mapping[str, object], former: tuple[Any, ...] | None) -> bool:
    """Let a key lead to another job; false when it no longer leads to where *former* says, its row."""
    if former is None:
        return _TAKE_KEY.run(connection, put) == 1
    return _REPLACE_KEY.run(connection, {**put, "former": former[1]}) == 1


def _insert(connection: sa.Connection, job: StoredJob) -> Acceptance:
    _INSERT.run(connection, job.columns())
    return Acceptance(job, created=True)


def withdraw(connection: sa.Connection, job: StoredJob, now: float) -> StoredJob | None:
    """
    Withdraw a job whose request was answered with 503 before its commit was known; its key is free again.

    None when it stays: another request was answered with it meanwhile, or its start can no longer be prevented.
    """
    lock(connection, f"caller:{job.caller}")
    current = find(connection, job.id)
    if current is None or current.state is not State.ACCEPTED or current.updated_at != job.updated_at:
        return None
    connection.execute(sa.delete(keys).where(keys.c.job_id == job.id))
    return move(connection, job.id, JobEvent.STOP, now, next_attempt_at=None)


def move(connection: sa.Connection, job_id: str, event: JobEvent, now: float, **values: object) -> StoredJob | None:
    """The job after *event*, with *values* set too; None when the event means nothing in its present state."""
    return _one(_MOVES[event].first(connection, {"an_id": job_id, "updated_at": now, **values}))


def move_own(
    connection: sa.Connection, job: StoredJob, event: JobEvent, now: float, **values: object
) -> StoredJob | None:
    """As ``move``, and None as well when *job* has another owner by now."""
    parameters = {"an_id": job.id, "an_owner": job.owner, "updated_at": now, **values}
    return _one(_OWNED_MOVES[event].first(connection, parameters))


def begin_start(
    connection: sa.Connection, job: StoredJob, reading: StatusReading, now: float, rules: StartRules
) -> StoredJob | None:
    """
    Mark that the start call is about to be made: *job* with its mark, or with the run that it shares; or the rival that
    it has to wait for.

    The mark is committed before the call, so that a crash in between shows as doubt and not as a second start. Rivals
    whose run is over by the same reading end with it: the start that follows would hide that from their own readings.
    None when the job is not its owner's to start any more.
    """
    lock(connection, f"batch:{job.environment}:{job.batch_id}")
    which = {"a_batch": job.batch_id, "a_place": job.environment, "an_id": job.id, "a_moment": now}
    rivals = [StoredJob.from_row(row) for row in _RIVALS.all(connection, which)]
    decision = decide_start(job, rivals, reading, now, rules)
    if isinstance(decision, WaitFor):
        return decision.rival
    if isinstance(decision, JoinRun):
        shared = decision.rival
        values = {"started_at": shared.started_at, "snapshot": shared.snapshot, "batch_status": reading.row.status}
        return move_own(connection, job, JobEvent.ATTACHED, now, **values)
    mark = {"starting_at": now, "snapshot": json.dumps(reading.row.dump()), "doubt_until": decision.doubt_until}
    marked = move_own(connection, job, JobEvent.START_CALLED, now, **mark)
    for rival, verdict in decision.ended if marked is not None else ():
        move(connection, rival.id, JobEvent.ENDED, now, batch_status=reading.row.status, **_ending(verdict, now))
    return marked


def cap_doubt(connection: sa.Connection, owner: str, until: float) -> None:
    """The start calls of *owner* are over, because its process is: their effect shows by *until* at the latest."""
    doubtful = sa.update(jobs).where(jobs.c.owner == owner, jobs.c.doubt_until > until)
    connection.execute(doubtful.values(doubt_until=until))


def catch_up(connection: sa.Connection, heartbeat: Heartbeat, settled_at: float) -> int:
    """
    Continue the rows of an embedded store after the end of its process, by the clock of this one; how many were moved.

    Args:
        heartbeat: The former process's last one.
        settled_at: When the effect of a start call that ended now has shown.
    """
    late = jobs.c.doubt_until > heartbeat.at
    moved = sa.case((late, settled_at), else_=jobs.c.doubt_until - heartbeat.error_s)  # doubt.doubt_after_restart
    connection.execute(sa.update(jobs).where(sa.or_(late, _IS_ACTIVE)).values(doubt_until=moved))
    return shift_times(connection, -heartbeat.error_s) if heartbeat.error_s else 0


def renew_mark(connection: sa.Connection, job: StoredJob, doubt_until: float, now: float) -> StoredJob | None:
    """Mark another start call; None when *job* was stopped or belongs to another owner."""
    return move_own(connection, job, JobEvent.START_CALLED, now, doubt_until=doubt_until)


def note_doubt(connection: sa.Connection, job: StoredJob, doubt_until: float | None) -> None:
    """Until when the last start call may still take effect, now that it is over; None: it certainly does not."""
    _NOTE_OWN.run(connection, {"an_id": job.id, "an_owner": job.owner, "doubt_until": doubt_until})


def end(connection: sa.Connection, job: StoredJob, verdict: RunVerdict, now: float) -> StoredJob | None:
    """
    Record the outcome on behalf of the job's owner.

    If only a budget is used up and the caller wants a second report, another job begins with it, in the same
    transaction; also if it is in doubt whether the start took effect.
    """
    current = find(connection, job.id)
    until = job.follow_until if verdict.is_open and current is not None and current.may_run else None
    ended = move_own(connection, job, JobEvent.ENDED, now, **_ending(verdict, now, until))
    if ended is not None and until is not None:
        _INSERT.run(connection, ended.follow_up(now).columns())
    return ended


def _ending(verdict: RunVerdict, now: float, follow_until: float | None = None) -> dict[str, object]:
    return {
        "outcome": verdict.outcome,
        "message": storable(verdict.message),
        "scheduled_for": verdict.scheduled_for,
        "facts": None if verdict.shown is None else json.dumps(verdict.shown.facts()),
        "ended_at": now,
        "follow_until": follow_until,
        "next_attempt_at": now,
    }


def reopen(
    connection: sa.Connection, job_id: str, now: float, lifetime_s: float, max_active: int | None = None
) -> StoredJob | Refusal | None:
    """
    Begin another series of callback attempts, with time until *lifetime_s* from now; None unless the job is final.

    With *max_active* it counts, like a new job, against its caller's limit.
    """
    if max_active is not None and (job := find(connection, job_id)) is not None:
        lock(connection, f"caller:{job.caller}")
        if _count_active(connection, job.caller, max_active) >= max_active:
            return Refusal("too-many-active")
    values = {"updated_at": now, "next_attempt_at": now, "callback_deadline_at": now + lifetime_s}
    return _one(_REOPEN.first(connection, {"an_id": job_id, **values}))


def note_status(connection: sa.Connection, job_id: str, status: str, running_at: float | None, now: float) -> None:
    """Keep what was seen last, so that status questions and a restart know it."""
    seen = {"an_id": job_id, "batch_status": status, "updated_at": now}
    if running_at is None or not _EXECUTING.run(connection, {**seen, "running_at": running_at}):
        _NOTE.run(connection, seen)


def lease(connection: sa.Connection, owner: str, limit: int) -> list[StoredJob]:
    """Lease the oldest free jobs and replays to *owner*, in one statement; oldest first."""
    rows = connection.execute(_LEASE, {"an_owner": owner, "a_limit": limit})
    return sorted(map(StoredJob.from_row, rows), key=lambda job: job.created_at)


def owned(connection: sa.Connection, owner: str) -> list[StoredJob]:
    """The unfinished jobs of *owner*, oldest first."""
    query = sa.select(jobs).where(_IS_ACTIVE, jobs.c.owner == owner).order_by(jobs.c.created_at)
    return [StoredJob.from_row(row) for row in connection.execute(query)]


def hold_rows(connection: sa.Connection, which: sa.ColumnElement[bool]) -> None:
    """
    Lock rows in the order of their ids, before a statement changes them in whatever order it finds them.

    Two replicas that change the same rows would otherwise wait for each other, each for a row that the other has.
    """
    connection.execute(sa.select(jobs.c.id).where(which).order_by(jobs.c.id).with_for_update()).fetchall()


def hold_own(connection: sa.Connection, owner: str) -> None:
    """Lock the rows of *owner* that are about to change."""
    hold_rows(connection, jobs.c.owner == owner)


def release(connection: sa.Connection, owner: str) -> int:
    """Let go of all unfinished jobs of *owner*, in one statement, so that any replica may lease them; how many."""
    statement = sa.update(jobs).where(_IS_ACTIVE, jobs.c.owner == owner).values(owner=None)
    return connection.execute(statement).rowcount


def unfinished(connection: sa.Connection) -> list[tuple[str, int, float]]:
    """Number and oldest creation time of the jobs that are not final, by state."""
    query = (
        sa.select(jobs.c.state, sa.func.count(), sa.func.min(jobs.c.created_at))
        .where(_IS_ACTIVE)
        .group_by(jobs.c.state)
    )
    return [(state, count, oldest) for state, count, oldest in connection.execute(query)]


def dead_letters(connection: sa.Connection, most: int) -> tuple[int, float | None]:
    """How many jobs' callbacks were given up, counted up to *most*, and when the first of them was."""
    oldest = sa.select(jobs.c.updated_at).where(jobs.c.state == State.DEAD).order_by(jobs.c.updated_at).limit(most)
    letters = oldest.subquery()
    row = connection.execute(sa.select(sa.func.count(), sa.func.min(letters.c.updated_at)).select_from(letters)).one()
    return row[0], row[1]


def expired(connection: sa.Connection, before: float, limit: int = 500) -> list[str]:
    """Ids of final jobs whose last change is older than *before*."""
    query = sa.select(jobs.c.id).where(jobs.c.active == 0, jobs.c.updated_at < before).limit(limit)
    return list(connection.execute(query).scalars())


def moved_since(connection: sa.Connection, since: float) -> list[str]:
    """Jobs that were stopped or ended lately, perhaps through another replica or another job."""
    query = sa.select(jobs.c.id).where(_in(State.STOPPED, State.DELIVERING), jobs.c.updated_at >= since)
    return list(connection.execute(query).scalars())


def purge(connection: sa.Connection, job_ids: Sequence[str]) -> None:
    """Forget jobs, their attempts and their keys; another replica that is at it, too, waits for the first row."""
    hold_rows(connection, jobs.c.id.in_(job_ids))
    connection.execute(sa.delete(attempts).where(attempts.c.job_id.in_(job_ids)))
    connection.execute(sa.delete(keys).where(keys.c.job_id.in_(job_ids)))
    connection.execute(sa.delete(jobs).where(jobs.c.id.in_(job_ids)))


def _one(row: tuple[Any, ...] | None) -> StoredJob | None:
    return None if row is None else StoredJob.from_row(row)


def _earlier(
    connection: sa.Connection, row: tuple[Any, ...] | None, key: IdempotencyKey
) -> Acceptance | Refusal | None:
    """What an earlier request with the key has led to, if its *row* still answers."""
    if row is None:
        return None
    payload, job_id = row
    if payload != key.payload:
        return Refusal("key-reused")
    job = find(connection, job_id)
    if job is None or (key.derived and not job.active):
        return None
    return Acceptance(job, created=False)


def _promise(connection: sa.Connection, outcome: Acceptance | Refusal, now: float) -> None:
    """Note that another request has been answered with this job: it may not be withdrawn any more."""
    if isinstance(outcome, Acceptance) and outcome.job.state is State.ACCEPTED:
        _NOTE.run(connection, {"an_id": outcome.job.id, "updated_at": now})


def _count_active(connection: sa.Connection, caller: str, enough: int) -> int:
    """The caller's active jobs, counted no further than *enough*."""
    some = sa.select(jobs.c.id).where(jobs.c.caller == caller, jobs.c.active == 1).limit(enough).subquery()
    return connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()


def _is_watched(connection: sa.Connection, job: StoredJob) -> bool:
    same = sa.and_(
        jobs.c.batch_id == job.batch_id, jobs.c.environment == job.environment, jobs.c.watched == WatchedRun.OURS
    )
    query = sa.select(jobs.c.id).where(same, jobs.c.active == 1, jobs.c.state != State.DELIVERING)
    return connection.execute(query.limit(1)).first() is not None


def shift_times(connection: sa.Connection, seconds: float) -> int:
    """Move the recorded times of the unfinished jobs by *seconds*, but for their doubt; how many jobs."""
    columns = [jobs.c[name] for name in _TIMES]
    statement = sa.update(jobs).where(_IS_ACTIVE).values({column: column + seconds for column in columns})
    return connection.execute(statement).rowcount
