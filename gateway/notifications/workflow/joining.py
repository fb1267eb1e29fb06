"""
Two requests for one batch job: does the later one join the run of the earlier one, wait, or start the job again?

Only a reading decides. A run is joined when the reading itself shows it queued or running (``starting``). A reading
that shows an end lets the batch job be started again, unless that run was started after the request; and only once it
is certain that the earlier start is in it: otherwise the end that it shows is that of the run before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gateway.notifications.d365.batch_status import Phase, Row
from gateway.notifications.store.model import StoredJob
from gateway.notifications.workflow.doubt import StartRules
from gateway.notifications.workflow.judgement import ENDINGS, was_started, watch_of
from gateway.notifications.workflow.outcomes import RunVerdict
from gateway.notifications.workflow.transitions import State
from gateway.notifications.workflow.watched_run import WatchedRun

# The two times may come from two replicas, each of which follows the store's clock to a quarter of a second.
_CLOCKS_DIFFER_S = 0.5


@dataclass(frozen=True, slots=True)
class StatusReading:
    """A row of F&O, and when it was asked for (epoch seconds): it shows nothing that is later."""

    row: Row
    asked_at: float


@dataclass(frozen=True, slots=True)
class WaitFor:
    """Look again later: the start of *rival*, or its effect, may be missing from the reading."""

    rival: StoredJob


@dataclass(frozen=True, slots=True)
class JoinRun:
    """Watch the run that *rival* started."""

    rival: StoredJob


@dataclass(frozen=True, slots=True)
class BeginStart:
    """
    Mark and call.

    Attributes:
        doubt_until: Until when the call may take effect, epoch seconds.
        ended: Rivals whose run is over by the same reading: the start would hide that from their own readings.
    """

    doubt_until: float
    ended: tuple[tuple[StoredJob, RunVerdict], ...]


def decide_start(
    job: StoredJob, rivals: Sequence[StoredJob], reading: StatusReading, now: float, rules: StartRules
) -> WaitFor | JoinRun | BeginStart:
    """
    What *job* does when its reading shows a batch job that is neither queued nor running.

    Args:
        rivals: The other jobs of the batch job that start or watch it, or whose start may still take effect.
        now: When the decision is made, epoch seconds; the reading is older.
    """
    if (blocking := _blocking(rivals, reading, now, rules)) is not None:
        return WaitFor(blocking)
    if rules.join and (shared := next((rival for rival in rivals if shares(rival, job, reading)), None)) is not None:
        return JoinRun(shared)
    return BeginStart(rules.doubt_until(now), tuple(_ended(rivals, reading)))


def _blocking(rivals: Iterable[StoredJob], reading: StatusReading, now: float, rules: StartRules) -> StoredJob | None:
    """The first rival to wait for; those that only watch start nothing."""
    starters = (rival for rival in rivals if rival.watched is WatchedRun.OURS)
    return next((rival for rival in starters if blocks(rival, reading, now, rules)), None)


def _ended(rivals: Iterable[StoredJob], reading: StatusReading) -> Iterator[tuple[StoredJob, RunVerdict]]:
    for rival in rivals:
        if (verdict := ending_of(rival, reading)) is not None:
            yield rival, verdict


def blocks(rival: StoredJob, reading: StatusReading, now: float, rules: StartRules) -> bool:
    """Whether the start of *rival*, or the effect of it, may still be missing from the reading."""
    if rival.state not in (State.WAITING, State.RUNNING):  # its call is under way, or was given up in doubt
        return True
    if reading.row.phase is not Phase.ENDED or reading.asked_at <= (rival.started_at or 0.0):
        return True
    if rival.before is None or was_started(rival.before, reading.row):
        return False
    return now < rules.settled_at(rival.started_at or 0.0)


def shares(rival: StoredJob, job: StoredJob, reading: StatusReading) -> bool:
    """Whether the reading shows a run that *rival* started after *job* was asked for: it is a run for both."""
    surely_after = job.created_at + _CLOCKS_DIFFER_S
    started_later = rival.starting_at is not None and rival.starting_at > surely_after
    return started_later and rival.before is not None and was_started(rival.before, reading.row)


def ending_of(rival: StoredJob, reading: StatusReading) -> RunVerdict | None:
    """How the run that *rival* watches ended, if the reading shows that; one that is withheld shows no end."""
    if reading.row.phase is not Phase.ENDED:
        return None
    if rival.watched is not WatchedRun.OURS and not watch_of(rival).is_newer(reading.row):
        return None
    if rival.before is not None and not was_started(rival.before, reading.row):
        return None
    return RunVerdict(*ENDINGS[reading.row.status], shown=reading.row)
