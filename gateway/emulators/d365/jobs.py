"""
A batch job and its life after a start: a list of "after this many seconds, this status". Pure: time is a parameter.

Two clocks run at once. The run itself can be sped up; its schedule (a start in the future, a recurrence) stays on the
wall clock, because its readers compare it with the wall clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

STATUSES = (
    "Hold",
    "Waiting",
    "Executing",
    "Error",
    "Finished",
    "Ready",
    "NotRun",
    "Cancelling",
    "Canceled",
    "Scheduled",
)
ENDED = frozenset({"Error", "Finished", "NotRun", "Canceled"})
RUNNING = frozenset({"Executing", "Cancelling"})


@dataclass(frozen=True, slots=True)
class Step:
    """From *after_s* seconds after the start, the job has this *status*; None means that it was deleted."""

    after_s: float
    status: str | None


@dataclass(frozen=True, slots=True)
class Life:
    """
    The course of events after one start.

    Attributes:
        steps: In order of time; the first is at 0 seconds.
        slot_s: Wall-clock seconds until the scheduled start; until then the job just waits. 0 for a job without
            schedule.
        every_s: Wall-clock seconds between the runs of a recurring job; 0 for a single run.
    """

    steps: tuple[Step, ...]
    slot_s: float = 0.0
    every_s: float = 0.0

    def __post_init__(self) -> None:
        times = [step.after_s for step in self.steps]
        if not times or times[0] != 0 or any(earlier > later for earlier, later in pairwise(times)):
            raise ValueError("the steps of a life begin at 0 seconds and go forward in time")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """
    A job at one moment. Times are seconds since the epoch; 0 is F&O's null date.

    Attributes:
        status: None when the row is gone.
        scheduled: ``OrigStartDateTime``.
        started: ``StartDateTime``, the actual start.
        ended: ``EndDateTime``.
    """

    status: str | None
    scheduled: float = 0.0
    started: float = 0.0
    ended: float = 0.0


@dataclass(slots=True)
class Job:
    """
    One batch job.

    Attributes:
        id: ``BatchJobRecId``.
        description: Its caption.
        lives: One for each start in turn; the last one repeats.
        before: Its state until its first start takes effect. The default is an earlier run that succeeded: a poller
            that takes this for the end of its own run is wrong.
        refusal: Text with which the start action refuses (HTTP 200, ``IsSuccess`` false); if empty, the job starts.
        starts: Times of the accepted starts; the row follows only after the emulator's lag.
        company: ``CompanyAccounts``.
    """

    id: int
    description: str = "Batch job"
    lives: tuple[Life, ...] = ()
    before: Snapshot = Snapshot("Finished", 1_600_000_000.0, 1_600_000_012.0, 1_600_000_300.0)
    refusal: str = ""
    starts: list[float] = field(default_factory=list)
    company: str = "usmf"
    _runs: list[float] = field(default_factory=list)

    def start(self, now: float, lag_s: float = 0.0, speed: float = 1.0) -> None:
        """
        Set the job to waiting. A job that has not ended records the call and continues as before.

        Args:
            lag_s: Seconds until the row shows it.
        """
        self.starts.append(now)
        self.begin(now, lag_s, speed)

    def begin(self, now: float, lag_s: float = 0.0, speed: float = 1.0) -> None:
        """Set an idle job to waiting as someone in F&O would: it runs, but no start by the service is counted."""
        if self.at(now, speed).status not in {"Waiting", "Ready", "Scheduled", *RUNNING}:
            self._runs.append(now + lag_s)

    def at(self, now: float, speed: float = 1.0) -> Snapshot:
        """The job at a moment; *speed* makes runs (not schedules) go faster."""
        current = self.before
        for number, begun in enumerate(self._runs):
            if begun <= now:
                current = _snapshot(self._life(number), begun, now, speed, current)
        return current

    def ended_runs(self, now: float, speed: float = 1.0) -> list[Snapshot]:
        """The runs that have ended by *now*, oldest first: what the job history keeps when the row has moved on."""
        runs = [self.before] if self.before.ended else []
        for number, begun in enumerate(self._runs):
            runs += _ended_runs(self._life(number), begun, now, speed)
        return runs

    def _life(self, number: int) -> Life:
        return self.lives[min(number, len(self.lives) - 1)] if self.lives else Life((Step(0, "Waiting"),))


def _snapshot(life: Life, begun: float, now: float, speed: float, earlier: Snapshot) -> Snapshot:
    slot = begun + life.slot_s
    if now < slot:
        return Snapshot("Waiting", slot, earlier.started, earlier.ended)
    runs = int((now - slot) / life.every_s) if life.every_s else 0
    if runs:
        earlier = _snapshot(Life(life.steps), slot + (runs - 1) * life.every_s, now, speed, earlier)
    return _run_at(life, slot + runs * life.every_s, now, speed, earlier)


def _run_at(life: Life, slot: float, now: float, speed: float, earlier: Snapshot) -> Snapshot:
    """The run that began at *slot*, as it is *now*; until it starts, the times are those of the *earlier* one."""
    passed = [step for step in life.steps if slot + step.after_s / speed <= now]
    started, ended = _time(passed, RUNNING, slot, speed), _time(passed, ENDED, slot, speed)
    status = passed[-1].status
    between = ended > 0 and status == "Waiting"  # a recurring job between two runs shows the next slot
    scheduled = slot + life.every_s if between else slot
    if not (started or ended):
        return Snapshot(status, scheduled, earlier.started, earlier.ended)
    return Snapshot(status, scheduled, started or slot, ended)


def _ended_runs(life: Life, begun: float, now: float, speed: float) -> list[Snapshot]:
    slot = begun + life.slot_s
    end = _first(life.steps, ENDED)
    if end is None or now < slot:
        return []
    count = int((now - slot) / life.every_s) + 1 if life.every_s else 1
    began_s, ended_s = _time(life.steps, RUNNING, 0.0, speed), end.after_s / speed
    slots = (slot + number * life.every_s for number in range(count))
    return [Snapshot(end.status, at, at + began_s, at + ended_s) for at in slots if at + ended_s <= now]


def _first(steps: Iterable[Step], statuses: frozenset[str]) -> Step | None:
    return next((step for step in steps if step.status in statuses), None)


def _time(steps: Iterable[Step], statuses: frozenset[str], slot: float, speed: float) -> float:
    step = _first(steps, statuses)
    return 0.0 if step is None else slot + step.after_s / speed
