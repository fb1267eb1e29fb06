"""
A trace as it is kept: the notes of one request, small, and without the credentials that it came with.

Nothing is formatted here, because most traces are never read; see ``reading``.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from gateway.pipeline.changes import Picture
from gateway.pipeline.notes import Mark, Note, listed
from gateway.pipeline.step import PipelineStep
from gateway.pipeline.tracing.grounds import Grounds, Kind, fault_of
from gateway.pipeline.tracing.reducing import Reducer

if TYPE_CHECKING:
    from gateway.expressions.entities import ApiInfo, OperationFacts
    from gateway.pipeline.context import Context, LastError
    from gateway.pipeline.masking import Masking
    from gateway.pipeline.place import Place
    from gateway.wire.messages import Ending, Response


class SentAnswer(NamedTuple):
    """The answer, as it was about to be sent."""

    status: int
    reason: str
    headers: dict[str, str]


@dataclass(slots=True, eq=False)
class KeptTrace:
    """
    One request's trace.

    Attributes:
        reason: Why it is kept.
        began: ``time.monotonic`` when its head was complete; *began_at* the same in seconds since the epoch.
        final: How the request was when it ended; earlier states follow from the events.
        error: Source, reason and message of what sent it to on-error, or why the wire has ended the exchange.
        sizes: Bytes received and sent.
        status: None: the client left before an answer, or the request is not over yet.
        elapsed_s: Until it ended.
        place, policy: Of the last step.
    """

    id: str
    reason: Grounds
    began: float
    began_at: float
    method: str
    url: str
    api: ApiInfo
    operation: OperationFacts
    events: list[Note]
    final: Picture
    answer: SentAnswer | None
    status: int | None
    elapsed_s: float
    error: tuple[str, str, str] | None = None
    client_left: bool = False
    sizes: tuple[int, int] = (0, 0)
    place: str = ""
    policy: str = ""

    @property
    def kind(self) -> Kind:
        """See ``Grounds``."""
        return self.reason.kind


def keep(context: Context, ending: Ending | None, reason: Grounds, masking: Masking) -> KeptTrace:
    """The trace of *context*'s request; without an *ending* it is not over yet."""
    events = listed(context.notes or [])
    request = context.request
    reducer = Reducer.of(context, events, masking)
    status = None if ending is None else ending.status_code
    place = context.place
    return KeptTrace(
        id=request.id,
        reason=reason,
        began=context.started,
        began_at=context.started_at,
        method=request.original_method,
        url=reducer.text(str(request.original_url)),
        api=context.api,
        operation=context.operation,
        answer=_answer(events, reducer),
        final=reducer.picture(context),
        events=[_reduced(event, reducer) for event in events],
        status=status,
        elapsed_s=time.monotonic() - context.started,
        error=_reduced_error(context.last_error, ending, reducer),
        client_left=ending is not None and ending.client_left,
        sizes=(0, 0) if ending is None else (ending.received_bytes, ending.sent_bytes),
        place=_position(place),
        policy="" if place is None else place.source,
    )


def _position(place: Place | None) -> str:
    return "" if place is None else place.position or place.path


def _reduced_error(error: LastError | None, ending: Ending | None, reducer: Reducer) -> tuple[str, str, str] | None:
    if error is not None:
        return error.source, error.reason, reducer.text(error.message)
    fault = None if ending is None else fault_of(ending)
    return None if fault is None else (*fault[:2], reducer.text(fault[2]))


def _answer(events: list[Note], reducer: Reducer) -> SentAnswer | None:
    for event in reversed(events):
        if event.what in (Mark.ANSWERED, Mark.POLICY_ANSWERED):
            response: Response = event.value
            return SentAnswer(response.status_code, response.reason, reducer.lines(response.headers.lines))
    return None


def _reduced(event: Note, reducer: Reducer) -> Note:
    """*event* with nothing that belongs to the request."""
    what, at, value = event
    if isinstance(what, PipelineStep):
        changes = what.policy.changes
        return event if changes is None or value is None else Note(what, at, changes.reduced(value, reducer))
    if isinstance(what, Mark):
        return Note(what, at, reducer.marked(what, value))
    return event
