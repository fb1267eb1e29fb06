"""Why a trace is kept, and what it has in common with others."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Self, TypeAlias

from gateway.pipeline.notes import WIDTH, Mark
from gateway.telemetry.requests.record import reason_of

if TYPE_CHECKING:
    from gateway.pipeline.context import Context, LastError
    from gateway.wire.messages import Ending, WireFault

Kind: TypeAlias = tuple[str, str, str]


# Reasons of errors that no caller can cause and no policy decides.
_FAILURES = frozenset(
    {"BackendConnectionFailure", "BackendErrorStatusCode", "Timeout", "KeysUnavailable", "InternalError"}
)


class Cause(StrEnum):
    """Why a trace is kept."""

    ASKED = "asked"
    """The caller asked for it, and may."""
    NEXT = "next"
    """Someone on the management plane asked for the next such request."""
    REFUSED = "refused"
    """The gateway, or a policy of its configuration, answered with an error."""
    FAILED = "failed"
    """The backend answered with an error, or not at all."""
    SLOW = "slow"
    """It took long until there was an answer."""
    LEFT = "left"
    """The client left before there was one."""


class Grounds(NamedTuple):
    """
    Why one trace is kept.

    Attributes:
        kind: What it shares with others that went wrong for the same reason: a flood of one kind evicts only itself.
    """

    cause: Cause
    kind: Kind

    @classmethod
    def of(cls, cause: Cause, context: Context, ending: Ending | None = None) -> Self:
        """With the kind that the request of *context* belongs to."""
        return cls(cause, kind_of(cause, context, ending))


def kind_of(cause: Cause, context: Context, ending: Ending | None = None) -> Kind:
    """The kind that the request of *context* belongs to."""
    error, place = context.last_error, context.place
    if error is not None:
        return cause, error.source, error.reason
    fault = None if ending is None else fault_of(ending)
    if fault is not None:
        return cause, *fault[:2]
    where = place.position if place is not None and cause is Cause.REFUSED else context.api.id
    return cause, where, "" if ending is None else str(ending.status_code)


def fault_of(ending: Ending) -> tuple[str, str, str] | None:
    """Source, reason and message where the wire has ended the exchange; see ``WireFault``."""
    fault = ending.fault
    if fault is None:
        return None
    if fault.cut_short:
        return "backend", "AnswerCutShort", fault.message
    return "wire", reason_of(ending.status_code or 0), fault.message


def what_went_wrong(context: Context, ending: Ending, slow_s: float) -> Cause | None:
    """Why the trace of a request is kept of which nobody has asked for it; None: it is not."""
    error, status, notes = context.last_error, ending.status_code, context.notes
    if error is not None:
        return _of_error(error)
    if ending.fault is not None:
        return _of_wire(ending.fault, status or 0)
    if status is None:
        return Cause.LEFT
    if not notes:
        return None
    if status >= 400 and notes[-WIDTH] is Mark.POLICY_ANSWERED:
        return Cause.REFUSED
    # The last note is that of the answer: how long its body takes is the client's affair.
    return _of_backend(status, is_slow=notes[1 - WIDTH] - context.started >= slow_s)


def _of_error(error: LastError) -> Cause:
    return Cause.FAILED if error.reason in _FAILURES else Cause.REFUSED


def _of_wire(fault: WireFault, status: int) -> Cause:
    return Cause.FAILED if fault.cut_short or status >= 500 else Cause.REFUSED


def _of_backend(status: int, is_slow: bool) -> Cause | None:
    if status >= 500:
        return Cause.FAILED
    return Cause.SLOW if is_slow else None
