"""Which requests are gRPC calls, and what becomes of answers that come at once, later or too late."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from gateway.data_plane.calls import answered, call_of, failed_call
from gateway.wire.body import Body
from gateway.wire.grpc.call import GrpcCall, GrpcForm
from gateway.wire.grpc.settings import GrpcSettings
from gateway.wire.headers import Headers
from gateway.wire.messages import Request, Response
from gateway.wire.pending import Pending

WEB = GrpcSettings(web=True)


def request(media_type: str, timeout: str | None = None) -> Request:
    """A call."""
    fields = [("Content-Type", media_type), *([] if timeout is None else [("grpc-timeout", timeout)])]
    return Request("POST", "/a.B/C", headers=Headers(fields))


def call(timeout: str | None = None) -> GrpcCall:
    """One in the native form."""
    begun = call_of(request("application/grpc", timeout), GrpcSettings())
    assert begun is not None
    return begun


@pytest.mark.parametrize(
    ("media_type", "web", "is_call", "forwarded"),
    [
        ("application/grpc", False, True, "application/grpc"),
        ("Application/gRPC+proto; a=b", False, True, "Application/gRPC+proto; a=b"),
        ("application/grpc-web", False, False, "application/grpc-web"),
        ("application/grpc-web", True, True, "application/grpc"),
        ("application/grpc-web-text+proto", True, True, "application/grpc+proto"),
        ("application/grpcs", True, False, "application/grpcs"),
        ("application/json; x=application/grpc", True, False, "application/json; x=application/grpc"),
    ],
)
def test_calls_are_known_by_their_media_type(media_type: str, web: bool, is_call: bool, forwarded: str) -> None:
    """Exactly gRPC's media types are calls, gRPC-Web's where the API translates them; others stay untouched."""
    received = request(media_type)
    begun = call_of(received, GrpcSettings(web=web))
    assert (begun is not None, received.headers.first("Content-Type")) == (is_call, forwarded)
    assert received.call is begun


def test_answers_at_once_and_later() -> None:
    """A refusal is put into the words of gRPC, however it arrives."""

    async def later() -> Response:
        return Response(403, body=Body(b"no"))

    async def scenario() -> list[str | None]:
        pending: Pending[Response] = Pending()
        delivered = answered(pending, call())
        pending.resolve(Response(403))
        twice: Pending[Response] = Pending()
        chained = answered(twice.map(lambda _: later()), call())  # type: ignore[arg-type, return-value]
        twice.resolve(Response(200))
        outcomes = [answered(Response(403), call()), delivered, chained, answered(later(), call())]
        settled = [await outcome if isinstance(outcome, Awaitable) else outcome for outcome in outcomes]
        return [f"{answer.status_code} {answer.headers.first('grpc-status')}" for answer in settled]

    assert asyncio.run(scenario()) == ["200 7"] * 4


def test_a_policy_that_waits_too_long() -> None:
    """At the deadline the caller has its answer, and what waited is cancelled."""
    cancelled: list[bool] = []

    async def waiting() -> Response:
        try:
            await asyncio.sleep(20)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise
        return Response(200)

    async def scenario() -> tuple[Response, GrpcCall]:
        begun = call("50m")
        outcome = answered(waiting(), begun)
        assert isinstance(outcome, Awaitable)
        return await outcome, begun

    answer, begun = asyncio.run(asyncio.wait_for(scenario(), 5))
    assert answer.headers.first("grpc-status") == "4"
    assert cancelled == [True]
    assert failed_call(begun)


def test_what_has_failed() -> None:
    """A call counts as failed where its backend or the gateway is to blame, not where its caller is."""
    outcomes = {}
    for status in (0, 3, 5, 7, 12, 14, 2, 13):
        ended = call()
        ended.ended(status)
        outcomes[status] = failed_call(ended)
    assert [status for status, failed in outcomes.items() if failed] == [14, 2, 13]
    assert not failed_call(None)


def test_forms() -> None:
    """The three forms are the three media types."""
    assert [form.value for form in GrpcForm] == [
        "application/grpc",
        "application/grpc-web",
        "application/grpc-web-text",
    ]
