"""
Two requests for one batch job: does the later one join the run of the earlier one, wait, or start the job again?

Only a reading decides. A run is joined when the reading itself shows it queued or running (``starting``). A reading
that shows an end lets the batch job be started again, unless that run was started after the request; and only once it
is certain that the earlier start is in it: otherwise the end that it shows is that of the run before.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.notifications.d365.batch_status import Phase, Row
from gateway.notifications.store.model import StoredJob
from gateway.notifications.workflow.judgement import ENDINGS, was_started
from gateway.notifications.workflow.outcomes import RunVerdict
from gateway.notifications.workflow.transitions import State


@dataclass(frozen=True, slots=True)
class StatusReading:
    """A row of F&O, and when it was asked for (epoch seconds): it shows nothing that is later."""

    row: Row
    asked_at: float


@dataclass(frozen=True, slots=True)
class StartRules:
    """
    How long a start call may stay open, in seconds, and who may share a run.

    Attributes:
        valid_s: From the mark to the sending of the call; after that the mark has to be renewed.
        call_s: From sending to giving up on the answer.
        settle_s: From the end of a call without an answer to the moment at which its effect would have shown.
        join: Whether a job may share the run that another job has started.
    """

    call_s: float
    settle_s: float
    valid_s: float = 5.0
    join: bool = True

    def doubt_until(self, marked_at: float) -> float:
        """When the effect of a call that was marked at this moment has shown at the latest."""
        return marked_at + self.valid_s + self.call_s + self.settle_s


def blocks(rival: StoredJob, reading: StatusReading, now: float, settle_s: float) -> bool:
    """Whether the start of *rival*, or the effect of it, may still be missing from the reading."""
    if rival.state not in (State.WAITING, State.RUNNING):  # its call is under way, or was given up in doubt
        return True
    if reading.row.phase is not Phase.ENDED or reading.asked_at <= (rival.started_at or 0.0):
        return True
    if rival.before is None or was_started(rival.before, reading.row):
        return False
    return now < (rival.started_at or 0.0) + settle_s


def shares(rival: StoredJob, job: StoredJob, reading: StatusReading) -> bool:
    """Whether the reading shows a run that *rival* started after *job* was asked for: it is a run for both."""
    started_later = rival.starting_at is not None and rival.starting_at >= job.created_at
    return started_later and rival.before is not None and was_started(rival.before, reading.row)


def ending_of(rival: StoredJob, reading: StatusReading) -> RunVerdict | None:
    """How the run that *rival* watches ended, if the reading shows that."""
    if rival.before is not None and not was_started(rival.before, reading.row):
        return None
    return RunVerdict(*ENDINGS[reading.row.status], shown=reading.row)
