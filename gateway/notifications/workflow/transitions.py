"""
The life of a job as a table: (state, event) → state. What is not in the table cannot happen.

``docs/job_picture.py`` draws the picture in ``docs/notifications.md`` and refuses to where it and this table differ.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a job stands. Only the last four are final; a job waits for its callback in DELIVERING."""

    ACCEPTED = "accepted"
    STARTING = "starting"
    WAITING = "waiting"
    RUNNING = "running"
    DELIVERING = "delivering"
    DELIVERED = "delivered"
    AMBIGUOUS = "delivered_ambiguous"
    DEAD = "dead"
    STOPPED = "stopped"


class Event(StrEnum):
    """What moves a job."""

    START_CALLED = "start called"
    STARTED = "start confirmed"
    ATTACHED = "already queued or running"
    EXECUTING = "seen executing"
    ENDED = "outcome known"
    ANSWERED = "callback answered 2xx"
    CONSUMED = "refused after a doubtful attempt"
    GAVE_UP = "callback refused or out of time"
    STOP = "caller deletes"
    REPLAY = "replay asked"


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.ACCEPTED, Event.START_CALLED): State.STARTING,
    (State.ACCEPTED, Event.ATTACHED): State.WAITING,
    (State.ACCEPTED, Event.ENDED): State.DELIVERING,
    (State.ACCEPTED, Event.STOP): State.STOPPED,
    # A doubtful start is called again only after re-reading the batch job, so the state repeats.
    (State.STARTING, Event.START_CALLED): State.STARTING,
    (State.STARTING, Event.STARTED): State.WAITING,
    (State.STARTING, Event.ENDED): State.DELIVERING,
    (State.STARTING, Event.STOP): State.STOPPED,
    (State.WAITING, Event.EXECUTING): State.RUNNING,
    (State.WAITING, Event.ENDED): State.DELIVERING,
    (State.WAITING, Event.STOP): State.STOPPED,
    (State.RUNNING, Event.ENDED): State.DELIVERING,
    (State.RUNNING, Event.STOP): State.STOPPED,
    (State.DELIVERING, Event.ANSWERED): State.DELIVERED,
    (State.DELIVERING, Event.CONSUMED): State.AMBIGUOUS,
    (State.DELIVERING, Event.GAVE_UP): State.DEAD,
    (State.DELIVERING, Event.STOP): State.STOPPED,
    (State.DELIVERED, Event.REPLAY): State.DELIVERING,
    (State.AMBIGUOUS, Event.REPLAY): State.DELIVERING,
    (State.DEAD, Event.REPLAY): State.DELIVERING,
}

FINAL = frozenset({State.DELIVERED, State.AMBIGUOUS, State.DEAD, State.STOPPED})
