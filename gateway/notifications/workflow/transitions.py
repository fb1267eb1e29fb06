"""
The life of a job as a table: (state, event) → state. What is not in the table cannot happen.

``docs/job_picture.py`` draws the picture in ``docs/notifications.md`` and refuses to where it and this table differ.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """The state of a job. Only the last four are final; a job waits for its callback in DELIVERING."""

    ACCEPTED = "accepted"
    STARTING = "starting"
    WAITING = "waiting"
    RUNNING = "running"
    DELIVERING = "delivering"
    DELIVERED = "delivered"
    AMBIGUOUS = "delivered_ambiguous"
    DEAD = "dead"
    STOPPED = "stopped"


class JobEvent(StrEnum):
    """What moves a job."""

    START_CALLED = "start called"
    STARTED = "start confirmed"
    ATTACHED = "watched without a start"
    EXECUTING = "seen executing"
    ENDED = "outcome known"
    ANSWERED = "callback answered 2xx"
    CONSUMED = "refused after a doubtful attempt"
    GAVE_UP = "callback refused or out of time"
    STOP = "caller deletes"
    REPLAY = "replay asked"


TRANSITIONS: dict[tuple[State, JobEvent], State] = {
    (State.ACCEPTED, JobEvent.START_CALLED): State.STARTING,
    (State.ACCEPTED, JobEvent.ATTACHED): State.WAITING,
    (State.ACCEPTED, JobEvent.ENDED): State.DELIVERING,
    (State.ACCEPTED, JobEvent.STOP): State.STOPPED,
    # A doubtful start is called again only after re-reading the batch job, so the state repeats.
    (State.STARTING, JobEvent.START_CALLED): State.STARTING,
    (State.STARTING, JobEvent.STARTED): State.WAITING,
    (State.STARTING, JobEvent.ENDED): State.DELIVERING,
    (State.STARTING, JobEvent.STOP): State.STOPPED,
    (State.WAITING, JobEvent.EXECUTING): State.RUNNING,
    (State.WAITING, JobEvent.ENDED): State.DELIVERING,
    (State.WAITING, JobEvent.STOP): State.STOPPED,
    (State.RUNNING, JobEvent.ENDED): State.DELIVERING,
    (State.RUNNING, JobEvent.STOP): State.STOPPED,
    (State.DELIVERING, JobEvent.ANSWERED): State.DELIVERED,
    (State.DELIVERING, JobEvent.CONSUMED): State.AMBIGUOUS,
    (State.DELIVERING, JobEvent.GAVE_UP): State.DEAD,
    (State.DELIVERING, JobEvent.STOP): State.STOPPED,
    (State.DELIVERED, JobEvent.REPLAY): State.DELIVERING,
    (State.AMBIGUOUS, JobEvent.REPLAY): State.DELIVERING,
    (State.DEAD, JobEvent.REPLAY): State.DELIVERING,
}

# Only the owner of a job may start it and report how it ended; an owner's id is never used again after its lease.
OWNED = frozenset({JobEvent.START_CALLED, JobEvent.STARTED, JobEvent.ATTACHED, JobEvent.ENDED})
FINAL = frozenset({State.DELIVERED, State.AMBIGUOUS, State.DEAD, State.STOPPED})


def after(state: State, event: JobEvent, owner: str | None = None, writer: str | None = None) -> State | None:
    """
    The state after *event*, None when nothing changes: the event means nothing here, or is not the writer's to record.

    Args:
        owner: Who owns the job's row.
        writer: On whose behalf the event is recorded; asked only for the events of the owner.
    """
    if event in OWNED and owner != writer:
        return None
    return TRANSITIONS.get((state, event))
