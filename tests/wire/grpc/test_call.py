"""One call as the wire sees it: what goes on to the backend, and what is left of its time."""

from __future__ import annotations

import asyncio

import pytest

from gateway.data_plane.calls import call_of
from gateway.errors import PolicyError, UpstreamError
from gateway.wire.body import Body, BodyStream
from gateway.wire.grpc.call import GrpcCall, GrpcForm
from gateway.wire.grpc.settings import GrpcSettings
from gateway.wire.grpc.timeouts import parse_timeout
from gateway.wire.headers import Headers
from gateway.wire.messages import ForwardOptions, Request, Response

OPTIONS = ForwardOptions(timeout_s=10, follow_redirects=True)


def begun(timeout: str | None = None, body: Body | None = None) -> GrpcCall:
    """A call."""
    fields = [("Content-Type", "application/grpc"), *([] if timeout is None else [("grpc-timeout", timeout)])]
    request = Request("POST", "/a.B/C", headers=Headers(fields), body=body)
    call = GrpcCall(request, GrpcForm.NATIVE, "", GrpcSettings())
    call.begin()
    return call


def test_the_time_that_is_left_is_passed_on() -> None:
    """What the gateway has used is taken off; the smaller of deadline and policy's time-out limits the answer."""

    async def scenario() -> tuple[float | None, float, float]:
        short, long = begun("2S"), begun("1M")
        await asyncio.sleep(0.05)
        limited = short.forwarding(OPTIONS)
        left = parse_timeout(short.request.headers.first("grpc-timeout") or "")
        unlimited = long.forwarding(OPTIONS)
        for call in (short, long):
            call.over()
        return left, limited.timeout_s, unlimited.timeout_s

    left, limited_s, unlimited_s = asyncio.run(scenario())
    assert left is not None
    assert 1.5 < left <= 1.951
    assert 1.5 < limited_s <= 1.951
    assert unlimited_s == 10


def test_without_a_deadline() -> None:
    """A call goes on over HTTP/2, and no time is invented for it."""
    call = begun()
    assert call.forwarding(OPTIONS) == ForwardOptions(timeout_s=10, http_version="2")
    assert call.request.headers.first("grpc-timeout") is None


def test_no_time_is_left() -> None:
    """A call whose deadline has passed does not reach the backend."""

    async def scenario() -> None:
        call = begun("0m")
        with pytest.raises(UpstreamError) as late:
            call.forwarding(OPTIONS)
        assert (late.value.reason, late.value.status) == ("Timeout", 504)

    asyncio.run(scenario())


def test_messages_go_out_once() -> None:
    """A retry after messages have been sent does not begin the call anew without them; before that it may."""
    call = begun(body=Body(b"\0\0\0\0\0"))
    for _ in range(2):
        call.forwarding(OPTIONS)
    stream = call.request.body.stream if call.request.body else None
    assert stream is not None
    stream.pipe(_Sink())
    with pytest.raises(UpstreamError):
        call.forwarding(OPTIONS)


class _Sink:
    """Takes everything."""

    def write(self, data: bytes) -> None: ...
    def finish(self) -> None: ...
    def fail(self, error: Exception) -> None: ...


def test_a_malformed_timeout() -> None:
    """It is refused, not ignored."""
    with pytest.raises(PolicyError) as refused:
        begun("soon").forwarding(OPTIONS)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("response", "status", "message"),
    [
        (Response(503), "14", "Service Unavailable"),
        (Response(302, reason="Odd"), "2", "Odd"),
        (Response(401, body=Body(b'{ "statusCode": 401, "message": "No \xc3\xa4" }')), "16", "Unauthorized"),
        (Response(500, Headers([("Content-Type", "text/html")]), Body(b"<p>")), "13", "Internal Server Error"),
        (Response(500, Headers([("Content-Type", "application/json")]), Body(b"[")), "13", "Internal Server Error"),
        (Response(403, Headers([("Content-Type", "text/plain")]), Body(b"no%\n")), "7", "no%25"),
        (Response(200, Headers([("grpc-status", "5"), ("grpc-message", "a%20b")])), "5", "a%20b"),
        (
            Response(200, Headers([("Content-Type", "application/grpc")]), Body(b"replaced")),
            "2",
            "The answer is not one to a gRPC call",
        ),
    ],
)
def test_answers_without_messages(response: Response, status: str, message: str) -> None:
    """Any answer that is not a call's becomes one: a status, and what it says to people."""
    if response.status_code == 401:
        response.headers.replace("Content-Type", "application/json")
        message = "No %C3%A4"
    call = begun()
    answer = call.answer(response)
    assert (answer.status_code, answer.headers.first("grpc-status"), call.status) == (200, status, int(status))
    assert answer.headers.first("grpc-message") == message
    assert answer.headers.first("Content-Type") == "application/grpc"
    assert answer.body.buffered
    assert not answer.body.content


def test_an_answer_that_is_discarded_lets_go_of_its_source() -> None:
    """A client that leaves is passed on to the backend's side, once."""
    given_up: list[bool] = []
    source = BodyStream(discard=lambda: given_up.append(True))
    answer = begun().answer(Response(200, Headers([("Content-Type", "application/grpc")]), Body(stream=source)))
    answer.body.discard()
    assert given_up == [True]


@pytest.mark.parametrize(
    ("sent", "is_cut", "status"),
    [
        (b"", False, 14),
        (b"\0\0\0\0\1x", False, 14),
        (b"\0\0", True, 14),
        (b"\0\0\0\0\3x", True, 14),
        (b"\0\x7f\xff\xff\xff", True, 8),  # too large: only the beginning of its length has passed
    ],
)
@pytest.mark.parametrize("form", ["application/grpc", "application/grpc-web", "application/grpc-web-text"])
def test_no_status_within_a_message(form: str, sent: bytes, is_cut: bool, status: int) -> None:
    """Where the status would be read as the rest of a message, the answer is cut off; in trailers it never is."""
    call = call_of(Request("POST", "/a.B/C", headers=Headers([("Content-Type", form)])), GrpcSettings(web=True))
    assert call is not None
    source, ends = BodyStream(), _Ends()
    answer = call.answer(Response(200, Headers([("Content-Type", "application/grpc")]), Body(stream=source)))
    assert answer.body.stream is not None
    answer.body.stream.pipe(ends)
    for number in range(len(sent)):
        source.feed(sent[number : number + 1])
    source.fail(UpstreamError("BackendConnectionFailure", "gone"))
    assert (ends.how, call.status) == (["cut" if is_cut and form != "application/grpc" else "complete"], status)


class _Ends(_Sink):
    """Keeps how the stream ended."""

    def __init__(self) -> None:
        self.how: list[str] = []

    def finish(self) -> None:
        self.how.append("complete")

    def fail(self, error: Exception) -> None:
        self.how.append("cut")
