"""
From a request that has ended to its record.

The record is made only of requests that are kept; until then nothing is copied. It refers to nothing of the request:
neither its headers nor a body outlive it here.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from gateway.data_plane.mcp.entrance import PARENT, TOOL_VARIABLE
from gateway.pipeline.context import ShownToken
from gateway.telemetry.requests.plain import cut
from gateway.telemetry.requests.record import (
    NOBODY,
    RecordedCaller,
    RequestOutcome,
    RequestRecord,
    Timings,
    reason_of,
    safe_claims,
)
from gateway.wire.grpc.status import as_http, name_of

if TYPE_CHECKING:
    from gateway.data_plane.questions import BadQuestion
    from gateway.pipeline.context import Context, LastError
    from gateway.pipeline.place import Place
    from gateway.wire.messages import Ending, RemoteCall, Request, WireFault
    from gateway.wire.server.listener import WireRefusal

RETURN_RESPONSE = "return-response"
BACKEND = "backend"
WIRE = "wire"
MAX_TOOL_CHARACTERS = 128
CLIENT = "client"
DECISIONS = "decisions"

# Reasons of errors that no caller can cause and no policy decides.
_FAILURES = frozenset({"BackendConnectionFailure", "Timeout", "KeysUnavailable", "InternalError"})


_BACKEND_REASONS = frozenset({"BackendConnectionFailure", "Timeout"})


class Ruling(NamedTuple):
    """
    Why a request counts as refused or failed.

    Attributes:
        place: Where; None: no policy did it.
    """

    outcome: RequestOutcome
    source: str
    reason: str
    place: Place | None = None
    detail: str = ""
    expected: object = None
    found: object = None


def ruling_on(context: Context, ending: Ending) -> Ruling | None:
    """What went wrong with a request that has ended; None where nothing did."""
    error, fault, status = context.last_error, ending.fault, ending.status_code or 0
    if context.request.call is not None and status == 200:
        return _of_call(context, context.request.call)
    if error is not None:
        return _by_error(error, status)
    if fault is not None:
        return _broken(fault, status)
    return None if 0 < status < 400 else _by_status(context, status)


def _of_call(context: Context, call: RemoteCall) -> Ruling | None:
    """The same for a gRPC call, whose answer is always 200."""
    if call.status is None:
        return _by_status(context, 0)
    status, name = as_http(call.status), name_of(call.status)
    if context.last_error is not None:
        return _by_error(context.last_error, status)
    if call.fault is not None:
        outcome = RequestOutcome.FAILED if status >= 500 else RequestOutcome.REFUSED
        return Ruling(outcome, WIRE, reason_of(status), None, call.fault, found=name)
    return None if not call.status else _by_grpc_status(context, status, name)


def _by_grpc_status(context: Context, status: int, name: str) -> Ruling | None:
    """The same for a grpc-status called *name*, which is *status* in HTTP; the backend's counts from 500 on."""
    place = context.place
    if place is not None and place.source == RETURN_RESPONSE:
        text = f"The policy answered grpc-status {name}."
        return Ruling(RequestOutcome.REFUSED, RETURN_RESPONSE, reason_of(status), place, text, found=name)
    if status < 500:
        return None
    text = f"The backend answered grpc-status {name}."
    return Ruling(RequestOutcome.FAILED, BACKEND, "BackendErrorStatusCode", None, text, "OK", name)


def _by_error(error: LastError, status: int) -> Ruling:
    """What sent the request to on-error."""
    failed = error.reason in _FAILURES or (error.reason == "BackendErrorStatusCode" and status >= 500)
    outcome = RequestOutcome.FAILED if failed else RequestOutcome.REFUSED
    return Ruling(outcome, error.source, error.reason, error.place, error.logged_message, error.expected, error.found)


def _broken(fault: WireFault, status: int) -> Ruling:
    """An exchange that the wire has ended, because of what came of the request or of the answer."""
    if fault.cut_short:
        return Ruling(RequestOutcome.FAILED, BACKEND, "AnswerCutShort", None, fault.message)
    outcome = RequestOutcome.FAILED if status >= 500 else RequestOutcome.REFUSED
    return Ruling(outcome, WIRE, reason_of(status), None, fault.message)


def _by_status(context: Context, status: int) -> Ruling | None:
    """An error status that no policy has raised: one that a policy gave, or the backend's own; 0: there is none."""
    if not status:
        detail = "The client left before the answer."
        return Ruling(RequestOutcome.LEFT, CLIENT, "ClientConnectionFailure", None, detail)
    place = context.place
    if place is not None and place.source == RETURN_RESPONSE:
        return Ruling(
            RequestOutcome.REFUSED,
            RETURN_RESPONSE,
            reason_of(status),
            place,
            f"The policy answered {status}.",
            found=status,
        )
    if status < 500:
        return None
    return Ruling(
        RequestOutcome.FAILED, BACKEND, "BackendErrorStatusCode", None, f"The backend answered {status}.", "2xx", status
    )


_NO_RULING = Ruling(RequestOutcome.ANSWERED, "", "")


def record_of(context: Context, ending: Ending, ruling: Ruling | None, trace_id: str | None = None) -> RequestRecord:
    """The record of a request that has just ended; *trace_id* names its trace, if that is kept."""
    request, now = context.request, time.monotonic()
    ruling = _NO_RULING if ruling is None else ruling
    elapsed_ms = _milliseconds(context.started, now)
    is_forwarded = context.forwarded_at is not None
    backend = _backend(context) if is_forwarded else None
    # Positional: keywords would take twice as long as all the rest of making it.
    record = RequestRecord(
        request.id,
        context.started_at,
        request.original_method,
        request.original_path,
        ruling.outcome,
        context.api.id,
        context.operation.id,
        ending.status_code,
        ruling.source,
        *_where(ruling.place),
        ruling.reason,
        ruling.detail,
        _expected(ruling, backend),
        ruling.found,
        caller_of(context),
        backend,
        request.ip_address,
        elapsed_ms,
        _timings(context, now) if is_forwarded else Timings(elapsed_ms),
        ending.received_bytes,
        ending.sent_bytes,
        ending.client_left,
        trace_id,
    )
    if request.call is not None:
        record.grpc_status = request.call.status
    if context.graphql is not None:
        record.graphql = context.graphql.shown
    record.tool, record.parent = _tool(context), request.memo.get(PARENT)
    if context.span is not None:
        record.trace_id, record.span_id = context.span_ids or (None, None)
    return record


def _where(place: Place | None) -> tuple[str, str, str]:
    """Scope, section and place, empty where no policy has done it."""
    return ("", "", "") if place is None else (place.scope_name, place.section_name, place.position or place.path)


def _expected(ruling: Ruling, backend: str | None) -> object:
    is_unnamed = ruling.expected is None and ruling.reason in _BACKEND_REASONS
    return {"backend": backend} if is_unnamed else ruling.expected


def record_of_wire(refusal: WireRefusal) -> RequestRecord:
    """The record of a request that no policy has seen; what it was for is not known."""
    return RequestRecord(
        refusal.id,
        time.time(),
        refusal.method,
        refusal.path,
        outcome=RequestOutcome.FAILED if refusal.status >= 500 else RequestOutcome.REFUSED,
        status=refusal.status,
        source=WIRE,
        reason=reason_of(refusal.status),
        detail=refusal.message,
        expected=refusal.expected,
        found=refusal.found,
        client=refusal.client,
    )


def record_of_question(request: Request, refusal: BadQuestion) -> RequestRecord:
    """The record of a question that is refused before the request that it is about is judged."""
    return RequestRecord(
        request.id,
        time.time(),
        request.method,
        request.path,
        outcome=RequestOutcome.REFUSED,
        status=refusal.status,
        source=DECISIONS,
        reason=refusal.fault,
        detail=refusal.what,
        expected={"field": refusal.field, "remedy": refusal.remedies},
        client=request.ip_address,
    )


def caller_of(context: Context) -> RecordedCaller:
    """Who has sent the request, as far as its token and its subscription say."""
    token, subscription = context.token, context.subscription
    key = None if subscription is None else subscription.id
    if token is None:
        return NOBODY if key is None else RecordedCaller(subscription=key)
    claims, verified = safe_claims(token.payload), token.verified if isinstance(token, ShownToken) else True
    return RecordedCaller(claims.object_id, claims.application_id, key, claims, verified)


def _tool(context: Context) -> str | None:
    """The tool that a message to an MCP server calls, as far as a log may show it."""
    tool = context.variables.get(TOOL_VARIABLE)
    return cut(tool, MAX_TOOL_CHARACTERS) if isinstance(tool, str) and tool else None


def _backend(context: Context) -> str | None:
    """The backend entity's id, or the address of the target; without a path, which may hold a key."""
    backend = context.backend
    if backend is not None:
        return backend.id
    target = context.request.target
    return None if target is None else f"{target.url.scheme}://{target.url.authority}"


def _timings(context: Context, now: float) -> Timings:
    """Of a request that was sent on."""
    forwarded, answered = context.forwarded_at or now, context.answered_at
    inbound = _milliseconds(context.started, forwarded)
    if answered is None:
        return Timings(inbound, _milliseconds(forwarded, now))
    return Timings(inbound, _milliseconds(forwarded, answered), _milliseconds(answered, now))


def _milliseconds(start: float, end: float) -> float:
    return int((end - start) * 1_000_000 + 0.5) / 1000  # whole microseconds; quicker than round
