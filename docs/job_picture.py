"""The life of a batch job as a picture: each transition of the table has a line that was placed by hand."""

from __future__ import annotations

from docs.drawing import Picture
from gateway.notifications.workflow.transitions import TRANSITIONS, JobEvent, State

_PLACES = {
    State.ACCEPTED: (24, 116),
    State.STARTING: (170, 116),
    State.WAITING: (340, 116),
    State.RUNNING: (490, 116),
    State.DELIVERING: (636, 116),
    State.DELIVERED: (972, 40),
    State.AMBIGUOUS: (972, 116),
    State.DEAD: (972, 192),
    State.STOPPED: (340, 300),
}
_KINDS = {State.DELIVERED: "green", State.AMBIGUOUS: "green", State.DEAD: "red", State.STOPPED: "box"}
_WIDE = {State.DELIVERED, State.AMBIGUOUS, State.DEAD}
_ENDED = "V64H686V114"
_STOPPED = "V266H390V298"
_REPLAYED = "H1162V350H666V154"
EDGES = {
    (State.ACCEPTED, JobEvent.START_CALLED): "M124 134H168",
    (State.ACCEPTED, JobEvent.ATTACHED): "M104 152V188H360V154",
    (State.ACCEPTED, JobEvent.ENDED): f"M74 116{_ENDED}",
    (State.ACCEPTED, JobEvent.STOP): f"M74 152{_STOPPED}",
    (State.STARTING, JobEvent.START_CALLED): "M240 116V94H256V114",
    (State.STARTING, JobEvent.STARTED): "M270 134H338",
    (State.STARTING, JobEvent.ENDED): f"M200 116{_ENDED}",
    (State.STARTING, JobEvent.STOP): f"M200 152{_STOPPED}",
    (State.WAITING, JobEvent.EXECUTING): "M440 134H488",
    (State.WAITING, JobEvent.ENDED): f"M390 116{_ENDED}",
    (State.WAITING, JobEvent.STOP): "M390 152V298",
    (State.RUNNING, JobEvent.ENDED): f"M540 116{_ENDED}",
    (State.RUNNING, JobEvent.STOP): f"M540 152{_STOPPED}",
    (State.DELIVERING, JobEvent.ANSWERED): "M736 124H752V58H970",
    (State.DELIVERING, JobEvent.CONSUMED): "M736 134H970",
    (State.DELIVERING, JobEvent.GAVE_UP): "M736 144H752V210H970",
    (State.DELIVERING, JobEvent.STOP): f"M646 152{_STOPPED}",
    (State.DELIVERED, JobEvent.REPLAY): f"M1142 58{_REPLAYED}",
    (State.AMBIGUOUS, JobEvent.REPLAY): f"M1142 134{_REPLAYED}",
    (State.DEAD, JobEvent.REPLAY): f"M1142 210{_REPLAYED}",
}
_LABELS = {
    JobEvent.START_CALLED: ((154, 172), (296, 94)),
    JobEvent.STARTED: ((306, 172),),
    JobEvent.ATTACHED: ((288, 204),),
    JobEvent.EXECUTING: ((464, 172),),
    JobEvent.ENDED: ((540, 56),),
    JobEvent.ANSWERED: ((860, 50),),
    JobEvent.CONSUMED: ((860, 126),),
    JobEvent.GAVE_UP: ((860, 202),),
    JobEvent.STOP: ((470, 284),),
    JobEvent.REPLAY: ((914, 342),),
}


def job_picture() -> str:
    """The picture as SVG. Raises ValueError where it and the table differ."""
    if set(EDGES) != set(TRANSITIONS):
        raise ValueError(f"draw in docs/job_picture.py: {set(EDGES) ^ set(TRANSITIONS)}")
    picture = Picture(1180, 372, "States of a job and what moves it from one to the next")
    for path in EDGES.values():
        picture.arrow(path)
    for state, (x, y) in _PLACES.items():
        width = 170 if state in _WIDE else 100
        picture.box((x, y, width, 36), (state.value,), _KINDS.get(state, "blue"))
    for event, places in _LABELS.items():
        for x, y in places:
            picture.text(x, y, event.value, "small", "middle")
    picture.text(24, 44, "POST: 202, durable", "small")
    picture.arrow("M40 52V114")
    return picture.svg()
