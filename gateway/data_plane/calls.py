"""
gRPC calls among the requests: which ones they are, and what becomes of their answers.

They run through the same pipelines as any request; only the answer is put into the words of gRPC.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable
from functools import partial
from typing import TYPE_CHECKING

from gateway.wire.grpc.call import GrpcCall, GrpcForm, grpc_form
from gateway.wire.grpc.status import as_http
from gateway.wire.messages import Response
from gateway.wire.pending import Pending

if TYPE_CHECKING:
    from gateway.wire.grpc.settings import GrpcSettings
    from gateway.wire.messages import RemoteCall, Request

GRACE_S = 0.05
"""How much later than the deadline a policy is interrupted that waits: the backend's exchange should end first."""


def call_of(request: Request, settings: GrpcSettings) -> GrpcCall | None:
    """The call that *request* is, begun; None where it is none, or one of gRPC-Web that the API does not translate."""
    recognised = grpc_form(request.headers.first("Content-Type") or "")
    if recognised is None or (recognised[0] is not GrpcForm.NATIVE and not settings.web):
        return None
    call = GrpcCall(request, *recognised, settings)
    call.begin()
    return call


def answered(outcome: Response | Awaitable[Response], call: GrpcCall) -> Response | Awaitable[Response]:
    """*outcome* as the caller understands it."""
    if isinstance(outcome, Response):
        return call.answer(outcome)
    if isinstance(outcome, Pending):
        return outcome.map(partial(answered, call=call))  # type: ignore[arg-type]
    return _later(outcome, call)


async def _later(waiting: Awaitable[Response], call: GrpcCall) -> Response:
    """The answer when it is there, or when the caller waits no longer."""
    until = None if call.deadline == math.inf else call.deadline + GRACE_S
    try:
        async with asyncio.timeout_at(until):
            return call.answer(await waiting)
    except TimeoutError:
        return call.late()


def failed_call(call: RemoteCall | None) -> bool:
    """Whether a request is a call that has ended with a failure of the gateway or of its backend."""
    return call is not None and (call.fault is not None or as_http(call.status or 0) >= 500)
