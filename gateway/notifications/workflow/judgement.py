"""
Is the watched run over? A pure function of what F&O shows, what it showed before the start, and the time.

"No longer executing" is the wrong question: right after the start call the row still says Waiting, or still shows the
end of the *previous* run. A terminal state counts only if it is newer than the snapshot taken before the start.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.notifications.d365.batch_status import Phase, Row
from gateway.notifications.settings import BudgetSettings, D365Settings
from gateway.notifications.workflow.outcomes import Outcome, RunVerdict

ENDINGS: dict[str, tuple[Outcome, str]] = {
    "Finished": (Outcome.SUCCEEDED, "The batch job finished."),
    "Error": (Outcome.FAILED, "The batch job ended with an error; see its log in F&O."),
    "Canceled": (Outcome.CANCELLED, "The batch job was cancelled in F&O."),
    "NotRun": (Outcome.NOT_RUN, "The batch job did not run: its conditions were not met."),
}

# One empty answer may be F&O's mistake; a job that stays away was deleted.
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
    """

    snapshot: Row | None
    started_at: float
    deadline_at: float
    running_at: float | None = None
    pending_seen: bool = False
    held_since: float | None = None
    missing: int = 0

    def observe(self, row: Row, now: float) -> None:
        """Remember what *row* shows of the run."""
        self.missing = 0
        if row.phase in (Phase.PENDING, Phase.RUNNING):
            self.pending_seen = True
        if row.phase is Phase.RUNNING and self.running_at is None:
            self.running_at = now
        self.held_since = (self.held_since or now) if row.phase is Phase.WITHHELD else None

    def miss(self) -> RunVerdict | None:
        """Count a reading without the batch job; a verdict when that is no accident any more."""
        self.missing += 1
        return _DELETED if self.missing >= _EMPTY_ANSWERS else None

    def is_newer(self, row: Row) -> bool:
        """Whether *row* shows something that happened after the snapshot."""
        if self.snapshot is None or self.pending_seen:
            return True
        return _moved(row.start, self.snapshot.start) or _moved(row.end, self.snapshot.end)


def judge(row: Row | None, watch: Watch, now: float, d365: D365Settings, budgets: BudgetSettings) -> RunVerdict | None:
    """
    The verdict on a run, or None to keep polling.

    Args:
        row: The row just read; None when F&O has no such job.
        watch: What is known so far; updated with *row*.
        now: Seconds since the epoch, by F&O's clock where it sent a ``Date``.
    """
    if row is None:
        return watch.miss()
    newer = watch.is_newer(row)
    flipped = _flipped(row, watch, schedule_of(row, now, d365))
    watch.observe(row, now)
    if row.phase is Phase.ENDED and newer:
        return RunVerdict(*ENDINGS[row.status])
    return (
        flipped or _scheduled(row, now, d365) or _held(watch, now, d365) or _over_budget(row, watch, now, d365, budgets)
    )


def judge_ended_runs(runs: Iterable[Row], since: float) -> RunVerdict | None:
    """The verdict on the first run that ended after *since*, from the job's history; None when there is none."""
    ours = [run for run in runs if run.phase is Phase.ENDED and run.end is not None and run.end > since]
    first = min(ours, key=lambda run: run.end or 0.0, default=None)
    return None if first is None else RunVerdict(*ENDINGS[first.status], shown=first)


def expire(row: Row | None, error: str | None) -> RunVerdict:
    """The verdict at the end of the overall budget, from the last row read and the last failure to read."""
    if error is not None:
        return RunVerdict(Outcome.UNKNOWN, f"F&O could not be asked until the deadline: {error}", shown=row)
    status = row.status if row else "unknown"
    text = f"The batch job was still {status} at the end of the overall budget."
    return RunVerdict(Outcome.DEADLINE, text, shown=row)


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
    A recurring job ends and is Waiting again before anyone looked: the run is over, and its row says nothing of it.

    Recognised by an end that is newer than the snapshot's, or by a later schedule after it was seen executing.
    """
    if row.phase is not Phase.PENDING:
        return None
    ended = watch.snapshot is not None and _moved(row.end, watch.snapshot.end)
    return RESCHEDULED if ended or (watch.running_at is not None and next_run_at is not None) else None


def _scheduled(row: Row, now: float, d365: D365Settings) -> RunVerdict | None:
    at = schedule_of(row, now, d365) if d365.on_scheduled == "fail" else None
    if at is None:
        return None
    text = "The batch job has a schedule and will not run now; remove its recurrence to start it on demand."
    return RunVerdict(Outcome.SCHEDULED_NOT_RUN, text, scheduled_for=at)


def _held(watch: Watch, now: float, d365: D365Settings) -> RunVerdict | None:
    if watch.held_since is None or now - watch.held_since < d365.hold_grace_s:
        return None
    return RunVerdict(Outcome.HELD, "The batch job is withheld in F&O; release it there.")


def _over_budget(row: Row, watch: Watch, now: float, d365: D365Settings, budgets: BudgetSettings) -> RunVerdict | None:
    if watch.running_at is not None:
        if now - watch.running_at >= budgets.run_s:
            return RunVerdict(
                Outcome.RUN_TIMEOUT, f"The batch job was still {row.status} at the end of the run budget."
            )
        return None
    if now - watch.started_at < budgets.start_s or schedule_of(row, now, d365) is not None:
        return None
    return RunVerdict(Outcome.START_TIMEOUT, f"The batch job was still {row.status} at the end of the start budget.")
