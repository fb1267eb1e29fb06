"""
Has the watched run ended? A pure function of what F&O shows, what it showed before the start, and the time.

"No longer executing" is the wrong question: right after the start call the row still says Waiting, or still shows the
end of the *previous* run. A terminal state counts only if it is newer than the snapshot taken before the start.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gateway.notifications.d365.batch_status import STATUSES, Phase, Row
from gateway.notifications.settings import BudgetSettings, D365Settings
from gateway.notifications.store.model import StoredJob
from gateway.notifications.workflow.outcomes import Outcome, RunVerdict
from gateway.notifications.workflow.watched_run import WatchedRun

ENDINGS: dict[str, tuple[Outcome, str]] = {
    "Finished": (Outcome.SUCCEEDED, "The batch job finished."),
    "Error": (Outcome.FAILED, "The batch job ended with an error; see its log in F&O."),
    "Canceled": (Outcome.CANCELLED, "The batch job was cancelled in F&O."),
    "NotRun": (Outcome.NOT_RUN, "The batch job did not run: its conditions were not met."),
}

# F&O's times are whole seconds, and so is its Date.
_WHOLE_SECOND_S = 1.0
# One empty answer may be F&O's mistake; a job that remains missing was deleted.
_EMPTY_ANSWERS = 3
_DELETED = RunVerdict(Outcome.NOT_FOUND, "The batch job was deleted while it was watched.")

# The verdict when the row has moved on and the run's own ending cannot be read any more.
RESCHEDULED = RunVerdict(Outcome.UNKNOWN, "The run ended and the job was rescheduled before its result could be read.")


@dataclass(slots=True)
class Watch:
    """
    What is known about one run while it is watched.

    Attributes:
        snapshot: The row before the start; None when the run was already on its way (attached).
        started_at: When the start was confirmed, epoch seconds.
        deadline_at: End of the overall budget, epoch seconds.
        running_at: When it was first seen executing.
        pending_seen: A state between two ends was seen after the start.
        held_since: When it was first seen withheld.
        missing: Readings in a row without the batch job.
        run: Which run is meant.
        is_follow_up: Its budgets are over and reported; the end itself is waited for.
    """

    snapshot: Row | None
    started_at: float
    deadline_at: float
    running_at: float | None = None
    pending_seen: bool = False
    held_since: float | None = None
    missing: int = 0
    run: WatchedRun = WatchedRun.OURS
    is_follow_up: bool = False

    def observe(self, row: Row, now: float) -> None:
        """Remember what *row* shows of the run."""
        self.missing = 0
        running = row.phase is Phase.RUNNING and not self._is_former(row)
        if row.phase is Phase.PENDING or running:
            self.pending_seen = True
        if running and self.running_at is None:
            self.running_at = now
        self.held_since = (self.held_since or now) if row.phase is Phase.WITHHELD else None

    def miss(self) -> RunVerdict | None:
        """Count a reading without the batch job; a verdict when that is no accident any more."""
        self.missing += 1
        return _DELETED if self.missing >= _EMPTY_ANSWERS else None

    def is_newer(self, row: Row) -> bool:
        """Whether *row* shows something that happened after the snapshot, in the run that is meant."""
        if self.snapshot is None or self.pending_seen:
            return True
        began = _moved(row.start, self.snapshot.start)
        return began or (self.run is not WatchedRun.NEXT and _moved(row.end, self.snapshot.end))

    def has_ended_before(self, row: Row) -> bool:
        """Whether *row*, of a job that waits again, shows that a run has begun and ended since the snapshot."""
        if self.snapshot is None or not _moved(row.end, self.snapshot.end):
            return False
        return self.run is not WatchedRun.NEXT or _moved(row.start, self.snapshot.start)

    def _is_former(self, row: Row) -> bool:
        """Whether *row* shows the run that was under way when the next one was asked for."""
        return self.run is WatchedRun.NEXT and not self.is_newer(row)


def watch_of(job: StoredJob) -> Watch:
    """What is known about the run that *job* watches, from its row alone."""
    phase = STATUSES.get(job.batch_status or "")
    if job.watched is WatchedRun.NEXT:  # what was seen running may have been the run before
        seen = phase is Phase.PENDING or job.running_at is not None
    else:
        seen = phase in (Phase.PENDING, Phase.RUNNING)
    return Watch(
        snapshot=job.before,
        started_at=job.started_at or job.created_at,
        deadline_at=job.deadline_at,
        running_at=job.running_at,
        pending_seen=seen,
        run=job.watched,
        is_follow_up=job.follows is not None,
    )


def as_of(row: Row, moment: float) -> Row:
    """
    *row* as the snapshot of a watch that starts nothing: what happened after *moment*, the request, is yet to happen.

    F&O's times are whole seconds, and its clock is known to a second or two: *moment* has a margin, so that a run that
    ended before the request is never taken for a later one.
    """
    return replace(row, start=_at_most(row.start, moment), end=_at_most(row.end, moment))


def agreed_skew(by_date: float, times: Iterable[float | None], now: float) -> float:
    """
    By how much F&O's clock is ahead of ours: what its ``Date`` says, unless F&O has already recorded a later time.

    A proxy may send a ``Date`` of its own. If it is behind F&O's clock, a run that ended before a request would seem to
    have ended after it; so what contradicts F&O's own rows is not believed. If it is ahead, less is taken for later.

    Args:
        by_date: F&O's ``Date`` minus our clock.
        times: When runs began and ended by F&O's clock.
        now: When they were read, by our clock.
    """
    shown = max((time for time in times if time is not None), default=float("-inf")) - now
    return by_date if shown <= by_date + _WHOLE_SECOND_S else max(0.0, shown)


def _at_most(time: float | None, moment: float) -> float | None:
    return None if time is None else min(time, moment)


@dataclass(frozen=True, slots=True)
class Instant:
    """
    One moment by two clocks, which may differ by any amount.

    Attributes:
        ours: Budgets are counted by it.
        theirs: F&O's, by which a schedule is in the future or not.
    """

    ours: float
    theirs: float


def judge(
    row: Row | None, watch: Watch, now: Instant, d365: D365Settings, budgets: BudgetSettings
) -> RunVerdict | None:
    """
    The verdict on a run, or None to keep polling.

    Args:
        row: The row just read; None when F&O has no such job.
        watch: What is known so far; updated with *row*.
    """
    if row is None:
        return watch.miss()
    newer = watch.is_newer(row)
    next_run_at = schedule_of(row, now.theirs, d365)
    flipped = _flipped(row, watch, next_run_at)
    watch.observe(row, now.ours)
    if row.phase is Phase.ENDED and newer:
        return RunVerdict(*ENDINGS[row.status])
    over = _over_budget(row, watch, now.ours, next_run_at, budgets)
    return flipped or _scheduled(watch, next_run_at, d365) or _held(watch, now.ours, d365) or over


def history_bounds(job: StoredJob, skew_s: float) -> tuple[float, float]:
    """
    The moments, by F&O's clock, after which the run that *job* watches has ended and begun.

    Args:
        skew_s: F&O's clock minus ours.
    """
    before, accepted_at = job.before or Row(job.batch_id, ""), job.created_at + skew_s
    since = before.end or (accepted_at if job.started_at is None else job.started_at + skew_s)
    return since, (before.start or accepted_at) if job.watched is WatchedRun.NEXT else 0.0


def judge_ended_runs(runs: Iterable[Row], since: float, began_after: float = 0.0) -> RunVerdict | None:
    """The first run that ended after *since* and began after *began_after*, from the job's history; None: no such."""
    ours = [run for run in runs if _is_within(run, since, began_after)]
    first = min(ours, key=lambda run: run.end or 0.0, default=None)
    return None if first is None else RunVerdict(*ENDINGS[first.status], shown=first)


def _is_within(run: Row, since: float, began_after: float) -> bool:
    if run.phase is not Phase.ENDED or run.end is None:
        return False
    return run.end > since and (run.start or run.end) > began_after


def expire(row: Row | None, error: str | None) -> RunVerdict:
    """The verdict at the end of the overall budget, from the last row read and the last failure to read."""
    if error is not None:
        return RunVerdict(
            Outcome.UNKNOWN, f"F&O could not be reached before the deadline: {error}", shown=row, is_open=True
        )
    status = row.status if row else "unknown"
    text = f"The batch job was still {status} at the end of the overall budget."
    return RunVerdict(Outcome.DEADLINE, text, shown=row, is_open=True)


def was_started(before: Row, after: Row) -> bool:
    """Whether a doubtful start call took effect: the row is on its way, or shows a later run than the snapshot."""
    if after.phase in (Phase.PENDING, Phase.RUNNING) and after.status != before.status:
        return True
    return _moved(after.start, before.start) or _moved(after.end, before.end)


def schedule_of(row: Row, now: float, d365: D365Settings) -> float | None:
    """When a Waiting job will run, if that is not now."""
    if row.status not in ("Waiting", "Scheduled") or row.scheduled is None:
        return None
    return row.scheduled if row.scheduled > now + d365.scheduled_slack_s else None


def _moved(after: float | None, before: float | None) -> bool:
    return after is not None and (before is None or after > before)


def _flipped(row: Row, watch: Watch, next_run_at: float | None) -> RunVerdict | None:
    """
    A recurring job ends and is Waiting again before the next reading: the run has ended, and its row does not show it.

    Recognised by an end that is newer than the snapshot's, or by a later schedule after it was seen executing.
    """
    if row.phase is not Phase.PENDING:
        return None
    moved_on = watch.running_at is not None and next_run_at is not None
    return RESCHEDULED if moved_on or watch.has_ended_before(row) else None


def _scheduled(watch: Watch, next_run_at: float | None, d365: D365Settings) -> RunVerdict | None:
    if next_run_at is None or watch.run is not WatchedRun.OURS or d365.on_scheduled != "fail":
        return None
    text = "The batch job has a schedule and will not run now; remove its recurrence to start it on demand."
    return RunVerdict(Outcome.SCHEDULED_NOT_RUN, text, scheduled_for=next_run_at)


def _held(watch: Watch, now: float, d365: D365Settings) -> RunVerdict | None:
    if watch.held_since is None or now - watch.held_since < d365.hold_grace_s:
        return None
    return RunVerdict(Outcome.HELD, "The batch job is withheld in F&O; release it there.")


def _over_budget(
    row: Row, watch: Watch, now: float, next_run_at: float | None, budgets: BudgetSettings
) -> RunVerdict | None:
    if watch.is_follow_up:
        return None
    text = f"The batch job was still {row.status} at the end of the %s budget."
    if watch.running_at is not None:
        over = now - watch.running_at >= budgets.run_s
        return RunVerdict(Outcome.RUN_TIMEOUT, text % "run", is_open=True) if over else None
    if watch.run is not WatchedRun.OURS:  # when it begins is up to others
        return None
    over = now - watch.started_at >= budgets.start_s and next_run_at is None
    return RunVerdict(Outcome.START_TIMEOUT, text % "start", is_open=True) if over else None
