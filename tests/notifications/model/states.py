"""
What the model knows of the world: one batch job in F&O, requests for it, replicas, their leases, one store. Immutable.

Times are ticks from now: a state that occurs again later is the same state. What is long past keeps its order only.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

from gateway.notifications.workflow.outcomes import Outcome
from gateway.notifications.workflow.transitions import State
from gateway.notifications.workflow.watched_run import WatchedRun


class Step(StrEnum):
    """Where a replica is with a job, between two of its actions."""

    LOAD = "load the row"
    WAIT = "wait for another"
    READ = "read F&O"
    DECIDE = "decide"
    DOOR = "wait for a turn"
    CHECKED = "lease and mark hold"
    CALLING = "call is open"
    ANSWERED = "call was accepted"
    REFUSED = "nothing was sent"
    DOUBTFUL = "effect unknown"
    DOUBT = "read until it shows"
    WATCH = "watch the run"
    END = "record the outcome"


class Batch(NamedTuple):
    """The batch job in F&O: how many runs have ended, and whether one is queued or running."""

    ended: int = 0
    pending: bool = False


class Call(NamedTuple):
    """
    A start call that F&O has, but has not carried out.

    Attributes:
        job: The number of its request.
        replica: Who waits for the answer; None when nobody does any more.
        until: Until when it may take effect.
        certain: It does take effect, only late.
        paused: It was sent after a pause that is longer than the contract covers.
    """

    job: int
    replica: int | None
    until: float
    certain: bool
    paused: bool


class Job(NamedTuple):
    """
    A request's row, and what only the model knows: its starts, the runs that it may be told about.

    Attributes:
        asked: How many runs had ended when it was accepted; for requests that start nothing.
        follow_up: Whether another job is to report the true end after a deadline; ``True`` until it begins, in this
            job's place, and ``None`` from then on.
    """

    created: float
    state: State = State.ACCEPTED
    owner: int | None = None
    before: int | None = None
    starting_at: float | None = None
    doubt_until: float | None = None
    started_at: float | None = None
    seen_pending: bool = False
    outcome: Outcome | None = None
    starts: int = 0
    paused: bool = False
    runs: frozenset[int] = frozenset()
    watched: WatchedRun = WatchedRun.OURS
    asked: int = 0
    follow_up: bool | None = False


class Task(NamedTuple):
    """
    A replica's work on a job.

    Attributes:
        step: What it does next.
        valid: Until when its mark permits a call.
        at: When the reading was asked for, when the check was made, when the call is given up, when doubt ends.
        row: The reading.
        seen: A pending state was seen.
        verdict: What is to be recorded.
    """

    step: Step
    valid: float | None = None
    at: float | None = None
    row: Batch | None = None
    seen: bool = False
    verdict: Outcome | None = None


class Replica(NamedTuple):
    """
    A process.

    Attributes:
        owner: Its id in leases and rows; never used again after its lease. None: it has crashed.
        ends: The end of its lease, as it counts it.
        clock: Its clock minus the store's.
    """

    owner: int | None
    ends: float
    tasks: tuple[Task | None, ...]
    frozen: bool = False
    cut: bool = False
    clock: int = 0


class World(NamedTuple):
    """
    Everything.

    Attributes:
        faults: Those still to come.
        jumps: How often the wall clock may still be set.
        wall: By how much it was set.
        beat: Of an embedded store: what the process's clock showed at its last heartbeat, and by how much it was ahead
            of the wall clock; of the store's, where that is what the next process can tell.
    """

    faults: int
    jumps: int
    batch: Batch
    calls: tuple[Call, ...]
    jobs: tuple[Job | None, ...]
    leases: tuple[tuple[int, float], ...]
    replicas: tuple[Replica, ...]
    wall: int = 0
    beat: tuple[float, int] = (0, 0)

    @property
    def is_embedded(self) -> bool:
        """Whether one process works alone."""
        return len(self.replicas) == 1

    def with_job(self, number: int, job: Job) -> World:
        """The same with another row."""
        return self._replace(jobs=_put(self.jobs, number, job))

    def with_replica(self, number: int, replica: Replica) -> World:
        """The same with another replica."""
        return self._replace(replicas=_put(self.replicas, number, replica))

    def with_task(self, replica: int, job: int, task: Task | None) -> World:
        """The same with another task."""
        found = self.replicas[replica]
        return self.with_replica(replica, found._replace(tasks=_put(found.tasks, job, task)))


def _put(items: tuple[Any, ...], number: int, item: Any) -> tuple[Any, ...]:
    return (*items[:number], item, *items[number + 1 :])
