"""
How long each step took, from the moments at which steps began.

A step is over when something begins that is not inside it: the next policy of the same list, a condition that is looked
at again, a failure, the answer. Steps that run side by side have their ends noted.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.pipeline.notes import Mark, Note
from gateway.pipeline.place import Place
from gateway.pipeline.step import PipelineStep

_ENDS = frozenset({Mark.FAILED, Mark.ANSWERED, Mark.POLICY_ANSWERED})


def durations(notes: Sequence[Note]) -> list[float | None]:
    """Seconds for each of *notes* that is a step; None for others, and where nothing shows the end."""
    owners: list[Place | None] = []
    latest: dict[int, Place] = {}
    for note in notes:
        if isinstance(note.what, PipelineStep):
            latest[id(note.what.policy)] = note.what.place
        owners.append(_place(note, latest))
    return [_duration(position, notes, owners) for position in range(len(notes))]


def _place(note: Note, latest: dict[int, Place]) -> Place | None:
    """Where *note* happened; None for a mark that no place belongs to."""
    if isinstance(note.what, PipelineStep):
        return note.what.place
    if note.what is Mark.ENDED:
        return note.value.place  # type: ignore[no-any-return]
    return None if isinstance(note.what, Mark) else latest.get(id(note.what))


def _duration(position: int, notes: Sequence[Note], owners: Sequence[Place | None]) -> float | None:
    place = owners[position]
    if place is None or not isinstance(notes[position].what, PipelineStep):
        return None
    for note, owner in zip(notes[position + 1 :], owners[position + 1 :], strict=True):
        if _ends_all(note) or (owner is not None and _is_over(place, note, owner)):
            return note.at - notes[position].at
    return None


def _ends_all(note: Note) -> bool:
    return isinstance(note.what, Mark) and note.what in _ENDS


def _is_over(place: Place, note: Note, other: Place) -> bool:
    """Whether the step at *place* is over when *note* is made at *other*."""
    if note.what is Mark.ENDED:
        return place is other or _is_inside(place, other)
    if not isinstance(note.what, PipelineStep):  # a condition: what is inside its policy is over
        return _is_inside(place, other)
    return not _is_inside(other, place) and not _side_by_side(place, other)


def _is_inside(place: Place, other: Place) -> bool:
    """Whether the policy at *place* is one of those inside the policy at *other*."""
    return _same_document(place, other) and place.path.startswith(f"{other.path}/")


def _side_by_side(place: Place, other: Place) -> bool:
    """Whether the two are in different branches of the same ``wait``."""
    if not _same_document(place, other):
        return False
    steps, others = place.path.split("/"), other.path.split("/")
    shared = next((n for n, pair in enumerate(zip(steps, others, strict=False)) if pair[0] != pair[1]), 0)
    return shared > 0 and steps[shared - 1].startswith("wait[")


def _same_document(place: Place, other: Place) -> bool:
    return (place.section, place.scope) == (other.section, other.scope)
