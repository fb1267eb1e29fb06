"""
The engine's own decisions, asked about the model's states.

Nothing is decided here: rows and readings are translated, and ``gateway.notifications`` is asked. ``Mends`` can take
one mend away, to see that its fault comes back.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass

from gateway.notifications.d365.batch_status import Row
from gateway.notifications.settings import BudgetSettings, D365Settings
from gateway.notifications.store.model import StoredJob
from gateway.notifications.workflow import joining, transitions
from gateway.notifications.workflow.doubt import Sight, StartRules, may_send, sight
from gateway.notifications.workflow.joining import BeginStart, JoinRun, StatusReading, WaitFor
from gateway.notifications.workflow.judgement import Instant, Watch, as_of, judge
from gateway.notifications.workflow.leases import has_ended, own_end, recorded_end
from gateway.notifications.workflow.outcomes import Outcome
from gateway.notifications.workflow.transitions import JobEvent, State
from tests.notifications.model.states import Batch, Job

_D365 = D365Settings(instance_url="https://a.b", token_url="https://l/x")
_BUDGETS = BudgetSettings(start_s=1e6, run_s=1e6)

_LONG_AGO = -99.0  # before every request that is still waiting to begin


@dataclass(frozen=True, slots=True)
class Mends:
    """The mends in force; without one of them its finding must come back."""

    joins_by_reading: bool = True
    checks_before_call: bool = True
    doubt_from_end: bool = True
    void_mark_after_note: bool = True
    follows_store_clock: bool = True
    doubts_of_the_dead: bool = True
    follows_in_doubt: bool = True


@dataclass(frozen=True, slots=True)
class Timing:
    """The settings, in ticks."""

    lease: int = 1
    valid: int = 1
    call: int = 1
    settle: int = 1

    def rules(self, mends: Mends) -> StartRules:
        """As the engine has them."""
        if mends.doubt_from_end:
            return StartRules(call_s=self.call, settle_s=self.settle, valid_s=self.valid)
        return FromTheFirstMark(call_s=self.call, settle_s=self.settle, valid_s=self.valid)


class FromTheFirstMark(StartRules):
    """N3: the wait counted from the mark, whatever the call does meanwhile."""

    def doubt_until(self, marked_at: float) -> float:
        """Nothing for the call."""
        return marked_at + self.valid_s + self.settle_s


def outcome_of(run: int) -> str:
    """How a run ends; two in a row end differently."""
    return "Finished" if run % 2 else "Error"


def row_of(batch: Batch) -> Row:
    """The batch job as F&O shows it."""
    status = "Waiting" if batch.pending else outcome_of(batch.ended)
    return Row(1, status, float(batch.ended), float(batch.ended))


@functools.cache
def stored(number: int, job: Job) -> StoredJob:
    """A row as the engine reads it."""
    before = None if job.before is None else json.dumps(row_of(Batch(job.before)).dump())
    starting_at = _LONG_AGO if job.starting_at is None else job.starting_at
    return StoredJob(
        id=str(number), caller="c", rule="r", batch_id=1, url="u", host="h", profile="plain", state=job.state,
        active=int(job.state not in transitions.FINAL), created_at=job.created, updated_at=0.0, deadline_at=1e6,
        callback_deadline_at=1e6, snapshot=before, starting_at=starting_at, doubt_until=job.doubt_until,
        started_at=job.started_at, batch_status="Waiting" if job.seen_pending else None, outcome=job.outcome,
        owner=None if job.owner is None else str(job.owner), watched=job.watched,
        follow_until=1e6 if job.follow_up else None, follows="first" if job.follow_up is None else None,
    )  # fmt: skip


class Decisions:
    """The engine's decisions with *mends*; remembers what it has asked."""

    def __init__(self, timing: Timing, mends: Mends) -> None:
        self.timing = timing
        self.mends = mends
        self.rules = timing.rules(mends)
        self.start = functools.cache(self._start)
        self.verdict = functools.cache(self._verdict)
        self.sight = functools.cache(self._sight)

    def after(self, job: Job, event: JobEvent, writer: int | None) -> State | None:
        """``transitions.after``."""
        return transitions.after(job.state, event, str(job.owner), str(writer))

    def own_end(self, asked_at: float) -> float:
        """``leases.own_end``."""
        return own_end(asked_at, self.timing.lease)

    def recorded_end(self, now: float) -> float:
        """``leases.recorded_end``."""
        return recorded_end(now, self.timing.lease)

    def has_ended(self, recorded: float, now: float) -> bool:
        """``leases.has_ended``."""
        return bool(has_ended(recorded, now))

    def may_send(self, now: float, valid_until: float, holds_lease: bool) -> bool:
        """``doubt.may_send``; without its mend the permission from before the queue is enough."""
        return may_send(now, valid_until, holds_lease) or not self.mends.checks_before_call

    def settled_after_call(self, ended_at: float, valid_until: float | None) -> float:
        """``StartRules.settled_at``; without its mend the wait is counted from the mark."""
        if self.mends.doubt_from_end:
            return self.rules.settled_at(ended_at)
        return (valid_until or ended_at) - self.timing.valid + self.timing.settle

    def _start(
        self, number: int, job: Job, rivals: tuple[tuple[int, Job], ...], row: Batch, asked_at: float, now: float
    ) -> WaitFor | JoinRun | BeginStart:
        """``joining.decide_start``; without its mend a job joins whatever another job watches."""
        others = [stored(*rival) for rival in rivals]
        if not self.mends.joins_by_reading:
            watched = [rival for rival in others if rival.state in (State.WAITING, State.RUNNING)]
            if watched:
                return JoinRun(watched[0])
        return joining.decide_start(stored(number, job), others, StatusReading(row_of(row), asked_at), now, self.rules)

    def _verdict(self, job: Job, seen: bool, batch: Batch) -> tuple[Outcome | None, bool]:
        """``judgement.judge``: the verdict, and whether a pending state has been seen."""
        before = None if job.before is None else row_of(Batch(job.before))
        watch = Watch(before, 0.0, 1e6, pending_seen=seen, run=job.watched)
        found = judge(row_of(batch), watch, Instant(0.0, 0.0), _D365, _BUDGETS)
        return None if found is None else found.outcome, watch.pending_seen

    def snapshot(self, job: Job, row: Batch) -> int:
        """``judgement.as_of``: how many runs have ended, for a request that starts nothing."""
        end = as_of(row_of(row), float(job.asked)).end
        assert end is not None
        return int(end)

    def follow_up(self, number: int, job: Job) -> StoredJob | None:
        """What begins with the report of *job* that its time is over."""
        row = stored(number, without_ghosts(job))
        return row.follow_up(0.0) if row.follow_until is not None and row.may_run else None

    def _sight(self, job: Job, row: Batch, asked_at: float, until: float) -> Sight:
        """``doubt.sight``."""
        return sight(None if job.before is None else row_of(Batch(job.before)), row_of(row), asked_at, until)


def rivals_of(jobs: tuple[Job | None, ...], number: int, now: float) -> tuple[tuple[int, Job], ...]:
    """What ``store.jobs`` selects: other jobs that start or watch the batch job, or whose start may still show."""
    found: list[tuple[int, Job]] = []
    for other, job in enumerate(jobs):
        if job is None or other == number:
            continue
        busy = job.state in (State.STARTING, State.WAITING, State.RUNNING)
        if busy or (job.doubt_until is not None and job.doubt_until > now):
            found.append((other, job))
    return tuple(sorted(found, key=lambda item: item[1].created))


def without_ghosts(job: Job) -> Job:
    """The row alone, for what is remembered about it."""
    return job._replace(starts=0, paused=False, runs=frozenset())
