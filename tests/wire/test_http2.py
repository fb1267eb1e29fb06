"""HTTP/2 towards backends: what they receive, what comes back, and what happens when they misbehave."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from gateway.errors import UpstreamError
from gateway.wire.body import Body, BodyStream
from gateway.wire.headers import Headers
from gateway.wire.http2.exchange import STREAM_WINDOW
from gateway.wire.messages import ForwardOptions, Request, Response
from gateway.wire.settings import UpstreamSettings
from gateway.wire.upstream.http_target import HttpTarget
from tests.wire.http2_peer import Link, Peer, Received, playing
from tests.wire.rig import Forwarder, ask, backend, client, serving, settled

TWO = ForwardOptions(5.0, http_version="2")
MEGABYTE = 1024 * 1024
Scenario = Callable[[Peer, HttpTarget], Awaitable[None]]


def play(peer: Peer, scenario: Scenario, settings: UpstreamSettings | None = None, base: str = "") -> None:
    """Run *scenario* with a target for *peer*."""

    async def run() -> None:
        async with playing(peer):
            target = HttpTarget(peer.url + base, settings or UpstreamSettings())
            await scenario(peer, target)
            await target.aclose()

    asyncio.run(run())


@dataclass
class Reader:
    """A client that takes an answer's body, or does not."""

    data: bytearray = field(default_factory=bytearray)
    error: Exception | None = None
    complete: bool = False

    def write(self, data: bytes) -> None:
        self.data += data

    def finish(self) -> None:
        self.complete = True

    def fail(self, error: Exception) -> None:
        self.error = error


async def body_of(response: Response) -> bytes:
    """The whole body."""
    await response.body.buffer(64 * MEGABYTE)
    return response.body.content


# -- what a backend receives
HEADS = [
    (Request("GET", "/a", "b=c"), "", {":method": "GET", ":path": "/a?b=c", ":scheme": "http", "content-length": None}),
    (Request("POST", "/"), "/base", {":path": "/base/", "content-length": "0"}),
    (Request("PUT", "/", body=Body(b"abc")), "", {"content-length": "3"}),
    (Request("GET", "/ü b#c"), "", {":path": "/%C3%BC%20b%23c"}),
    (
        Request("GET", "/", headers=Headers([("X-One", "1"), ("Connection", "close"), ("TE", "trailers")])),
        "",
        {"x-one": "1", "connection": None, "te": None},
    ),
    (
        Request("GET", "/", headers=Headers([("Content-Length", "9"), ("Transfer-Encoding", "chunked")])),
        "",
        {"content-length": None, "transfer-encoding": None},
    ),
    (
        Request("GET", "/", headers=Headers([("Host", "mine.example")])),
        "",
        {":authority": "mine.example", "host": None},
    ),
    (Request("GET", "/", headers=Headers([("Expect", "100-continue")])), "", {"expect": None}),
]


@pytest.mark.parametrize(("request_", "base", "expected"), HEADS, ids=range(len(HEADS)))
def test_what_a_backend_receives(request_: Request, base: str, expected: dict[str, str | None]) -> None:
    """The same head as over HTTP/1.1, in HTTP/2's form: no hop-by-hop field, the body's own length, one authority."""

    async def scenario(peer: Peer, target: HttpTarget) -> None:
        response = await target.send(request_, TWO)
        assert (response.status_code, response.reason, await body_of(response)) == (200, "OK", b"ok")
        (received,) = peer.requests
        assert {name: received.field(name) for name in expected} == expected

    play(Peer(), scenario, base=base)


def test_the_backends_authority_unless_a_policy_set_one() -> None:
    """The client's own Host never goes out."""

    async def scenario(peer: Peer, target: HttpTarget) -> None:
        async with serving(Forwarder(target, TWO)) as server:
            reply = await ask(server.port, b"GET /a HTTP/1.1\r\nHost: client.example\r\nX-A: 1\r\nX-A: 2\r\n\r\n")
        assert (reply.status, reply.body) == (200, b"ok")
        (received,) = peer.requests
        assert received.field(":authority") == f"127.0.0.1:{peer.port}"
        assert received.field("x-forwarded-host") == "client.example"
        assert [value for name, value in received.fields if name == b"x-a"] == [b"1", b"2"]

    play(Peer(), scenario)


# -- what comes back
def test_what_comes_back() -> None:
    """Status, fields and body; several values stay several; nothing for the connection comes through."""
    fields = [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"content-length", b"2")]
    peer = Peer(lambda link, request: link.answer(request.stream, b"no", 404, fields))

    async def scenario(_: Peer, target: HttpTarget) -> None:
        response = await target.send(Request("GET", "/"), TWO)
        assert (response.status_code, response.reason, await body_of(response)) == (404, "Not Found", b"no")
        assert response.headers.values("Set-Cookie") == ("a=1", "b=2")

    play(peer, scenario)


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_answers_without_a_body(method: str, status: int) -> None:
    """HEAD, 204 and 304 end with their heads, whatever length they name."""
    fields = [(b"content-length", b"5")] if status != 204 else []
    peer = Peer(lambda link, request: link.answer(request.stream, b"", status, fields))

    async def scenario(peer: Peer, target: HttpTarget) -> None:
        for _ in range(2):
            response = await target.send(Request(method, "/"), TWO)
            assert (response.status_code, response.body.stream, response.body.content) == (status, None, b"")

    play(peer, scenario)


def test_many_exchanges_share_a_connection() -> None:
    """A hundred and fifty requests at once, over one connection, within what the backend takes."""

    async def scenario(peer: Peer, target: HttpTarget) -> None:
        requests = [Request("POST", f"/{number}", body=Body(b"%d" % number)) for number in range(150)]
        answers = await asyncio.gather(*(collected(target, request) for request in requests))
        assert [status for status, _ in answers] == [200] * 150
        assert sorted(int(each.body) for each in peer.requests) == list(range(150))
        assert len(peer.links) == 1

    async def collected(target: HttpTarget, request: Request) -> tuple[int, bytes]:
        response = await target.send(request, TWO)
        return response.status_code, await body_of(response)

    play(Peer(streams=20), scenario, UpstreamSettings(max_connections=1))


def test_more_connections_where_one_does_not_suffice() -> None:
    """A backend that accepts one stream per connection gets several, up to the limit; then requests wait."""

    async def scenario(peer: Peer, target: HttpTarget) -> None:
        pending = [target.send(Request("GET", f"/{number}"), TWO) for number in range(5)]
        assert await settled(lambda: len(peer.requests) == 3)
        for request in tuple(peer.requests):
            next(link for link in peer.links if request in link.received.values()).answer(request.stream)
        assert await settled(lambda: len(peer.requests) == 5)
        for link in peer.links:
            for received in link.received.values():
                if received not in peer.requests[:3]:
                    link.answer(received.stream)
        assert [(await each).status_code for each in pending] == [200] * 5
        assert len(peer.links) == 3

    play(Peer(lambda link, request: None, streams=1), scenario, UpstreamSettings(max_connections=3))


# -- flow
def test_a_slow_client_holds_up_its_own_answer_and_no_other() -> None:
    """Back-pressure towards the backend: at most one window of an answer waits here, and other answers pass."""

    def answer(link: Link, request: Received) -> None:
        link.answer(request.stream, b"x" * (8 * MEGABYTE if request.field(":path") == "/big" else 100))

    async def scenario(peer: Peer, target: HttpTarget) -> None:
        big = await target.send(Request("GET", "/big"), TWO)
        (link,) = peer.links
        assert await settled(lambda: link.sent[1] == STREAM_WINDOW)
        for _ in range(3):
            small = await target.send(Request("GET", "/small"), TWO)
            assert len(await body_of(small)) == 100
        assert link.sent[1] == STREAM_WINDOW
        assert await body_of(big) == b"x" * 8 * MEGABYTE

    play(Peer(answer), scenario)


def test_a_slow_backend_holds_up_the_client() -> None:
    """Back-pressure towards the client: its body is paused when the backend's window is full, and goes on after."""

    async def scenario(peer: Peer, target: HttpTarget) -> None:
        calls: list[str] = []
        stream = BodyStream(None, lambda: calls.append("pause"), lambda: calls.append("resume"))
        pending = target.send(Request("POST", "/", body=Body(stream=stream)), TWO)
        assert await settled(lambda: bool(peer.requests))
        calls.clear()
        stream.feed(b"y" * MEGABYTE)
        assert calls == ["pause"]
        stream.finish()
        await asyncio.sleep(0.05)
        assert len(peer.requests[0].body) == 65_535
        peer.links[0].take()
        assert (await pending).status_code == 200
        assert peer.requests[0].body == b"y" * MEGABYTE

    play(Peer(takes=False), scenario)


def test_bodies_stream_both_ways_through_the_gateway() -> None:
    """Megabytes up and down through a running listener, chunked on the client's side, byte for byte."""
    peer = Peer(lambda link, request: link.answer(request.stream, request.body))
    content = bytes(range(256)) * 12_000
    chunk = b"%x\r\n%b\r\n" % (len(content), content)

    async def scenario(peer: Peer, target: HttpTarget) -> None:
        async with serving(Forwarder(target, TWO)) as server, client(server.port) as c:
            for _ in range(2):
                c.send(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + b"0\r\n\r\n")
                reply = await c.reply()
                assert (reply.status, reply.body) == (200, content)
        assert len(peer.links) == 1

    play(peer, scenario)


# -- what goes wrong
def failure(peer: Peer, request: Request, options: ForwardOptions = TWO) -> UpstreamError:
    """What *request* fails with."""
    caught: list[UpstreamError] = []

    async def scenario(_: Peer, target: HttpTarget) -> None:
        with pytest.raises(UpstreamError) as raised:
            await target.send(request, options)
        caught.append(raised.value)

    play(peer, scenario)
    return caught[0]


BAD_HEADS = [
    ("too large", [(b"x", b"a" * 70_000)]),
    ("too many", [(b"x%d" % number, b"") for number in range(300)]),
    ("line end", [(b"x", b"a\r\nset-cookie: b=1")]),
    ("protocol", [(b"connection", b"close")]),
    ("protocol", [(b"transfer-encoding", b"chunked")]),
    ("protocol", [(b"X-Upper", b"1")]),
    ("protocol", [(b"x y", b"1")]),
    ("protocol", [(b"content-length", b"1"), (b"content-length", b"2")]),
    ("protocol", [(b"content-length", b"seven")]),
]


@pytest.mark.parametrize(("reason", "fields"), BAD_HEADS, ids=range(len(BAD_HEADS)))
def test_heads_that_break_the_protocol(reason: str, fields: list[tuple[bytes, bytes]]) -> None:
    """A head that is too large, ambiguous or malformed is no answer."""
    error = failure(Peer(lambda link, request: link.answer(request.stream, fields=fields)), Request("GET", "/"))
    assert (error.reason, error.status) == ("BackendConnectionFailure", 502)
    assert reason in error.message or "broke the protocol" in error.message


def hint(link: Link, stream: int, count: int) -> None:
    """So many interim answers."""
    for _ in range(count):
        link.head(stream, 103)


FAULTS: list[tuple[str, Callable[[Link, Received], None]]] = [
    ("reset", lambda link, request: link.reset(request.stream)),
    ("closed", lambda link, request: link.transport.abort()),
    ("broke the protocol", lambda link, request: link.transport.write(b"HTTP/1.1 200 OK\r\n\r\n")),
    ("interim", lambda link, request: hint(link, request.stream, 20)),
]


@pytest.mark.parametrize(("text", "fault"), FAULTS, ids=range(len(FAULTS)))
@pytest.mark.parametrize(("method", "attempts"), [("POST", 1), ("GET", 2)])
def test_what_is_sent_again(text: str, fault: Callable[[Link, Received], None], method: str, attempts: int) -> None:
    """A POST reaches the backend at most once; a GET is tried once more where the stream was lost without an answer."""
    peer = Peer(fault)
    error = failure(peer, Request(method, "/", body=Body(b"a") if method == "POST" else None))
    assert (error.reason, error.status) == ("BackendConnectionFailure", 502)
    assert text in error.message
    assert len(peer.requests) == (1 if text == "interim" else attempts)


REFUSALS: list[Callable[[Link, Received], None]] = [
    lambda link, request: link.reset(request.stream, 7),
    lambda link, request: link.goaway(0),
]


@pytest.mark.parametrize("refuse", REFUSALS, ids=["REFUSED_STREAM", "GOAWAY"])
def test_what_the_backend_has_not_looked_at_is_sent_again(refuse: Callable[[Link, Received], None]) -> None:
    """A POST that the backend says it has not acted on goes out once more; its body is still here."""

    def answer(link: Link, request: Received) -> None:
        if len(link.peer.requests) == 1:
            refuse(link, request)
        else:
            link.answer(request.stream, request.body)

    async def scenario(peer: Peer, target: HttpTarget) -> None:
        response = await target.send(Request("POST", "/", body=Body(b"once")), TWO)
        assert (await body_of(response), len(peer.requests)) == (b"once", 2)

    play(Peer(answer), scenario)


@pytest.mark.parametrize("refuse", REFUSALS, ids=["REFUSED_STREAM", "GOAWAY"])
def test_what_has_been_streamed_is_not_sent_again(refuse: Callable[[Link, Received], None]) -> None:
    """A body that has gone through is not here any more: 502, and no second attempt, which would lack it."""
    stream = BodyStream(None)
    stream.feed(b"gone")
    stream.finish()
    peer = Peer(refuse)
    assert failure(peer, Request("POST", "/", body=Body(stream=stream))).status == 502
    assert len(peer.requests) == 1


def test_a_backend_that_says_goaway_still_answers() -> None:
    """Streams that a leaving backend has accepted come to their end; new ones go on a new connection."""

    async def scenario(peer: Peer, target: HttpTarget) -> None:
        first = target.send(Request("POST", "/1", body=Body(b"1")), TWO)
        assert await settled(lambda: len(peer.requests) == 1)
        peer.links[0].goaway(1)
        second = target.send(Request("POST", "/2", body=Body(b"2")), TWO)
        assert await settled(lambda: len(peer.links) == 2 and bool(peer.links[1].received))
        for link in peer.links:
            link.answer(1, b"late" * 10_000)
        for pending in (first, second):
            assert len(await body_of(await pending)) == 40_000
        assert len(peer.links) == 2
        assert await settled(lambda: peer.links[0].closed)
        assert not peer.links[1].closed

    play(Peer(lambda link, request: None), scenario)


def test_silence_is_a_time_out() -> None:
    """No head in time is 504, and the backend is told to stop."""
    peer = Peer(lambda link, request: None)
    error = failure(peer, Request("POST", "/", body=Body(b"a")), ForwardOptions(0.1, http_version="2"))
    assert (error.reason, error.status) == ("Timeout", 504)
    assert [request.reset for request in peer.requests] == [8]


def test_an_answer_that_stalls_is_a_time_out() -> None:
    """A body that stops coming ends with an error; one that the client does not take never times out."""

    def half(link: Link, request: Received) -> None:
        link.head(request.stream)
        link.data(request.stream, b"half")

    async def scenario(peer: Peer, target: HttpTarget) -> None:
        taken, left = [await target.send(Request("GET", "/"), TWO) for _ in range(2)]
        reader = Reader()
        assert taken.body.stream is not None
        assert left.body.stream is not None
        taken.body.stream.pipe(reader)
        assert await settled(lambda: reader.error is not None)
        assert isinstance(reader.error, UpstreamError)
        assert (reader.error.reason, reader.error.status) == ("Timeout", 504)
        assert await settled(lambda: [request.reset for request in peer.requests] == [8, None])

    play(Peer(half), scenario, UpstreamSettings(body_timeout_s=0.1))


@pytest.mark.parametrize("fault", [lambda link: link.reset(1), lambda link: link.transport.abort()])
def test_an_answer_that_breaks_off_is_never_complete(fault: Callable[[Link], None]) -> None:
    """A body that ends too early ends with an error."""

    def half(link: Link, request: Received) -> None:
        link.head(request.stream)
        link.data(request.stream, b"half")

    async def scenario(peer: Peer, target: HttpTarget) -> None:
        response = await target.send(Request("GET", "/"), TWO)
        reader = Reader()
        assert response.body.stream is not None
        response.body.stream.pipe(reader)
        assert await settled(lambda: bool(reader.data))
        fault(peer.links[0])
        assert await settled(lambda: reader.error is not None)
        assert not reader.complete

    play(Peer(half), scenario)


def test_a_wrong_length_is_never_complete() -> None:
    """A body shorter than its Content-Length breaks the protocol."""

    def short(link: Link, request: Received) -> None:
        link.head(request.stream, fields=[(b"content-length", b"10")])
        link.data(request.stream, b"short", end=True)

    async def scenario(_: Peer, target: HttpTarget) -> None:
        with pytest.raises(UpstreamError):
            await body_of(await target.send(Request("GET", "/"), TWO))

    play(Peer(short), scenario)


def ends_early(link: Link, request: Received) -> None:
    """An answer that is complete with its head, whose length announces ten bytes."""
    link.head(request.stream, fields=[(b"content-length", b"10")], end=True)


def too_long(link: Link, request: Received) -> None:
    """More content than announced."""
    link.head(request.stream, fields=[(b"content-length", b"2")])
    link.data(request.stream, b"long", end=True)


def too_short(link: Link, request: Received) -> None:
    """Less content than announced."""
    link.head(request.stream, fields=[(b"content-length", b"10")])
    link.data(request.stream, b"short", end=True)


def no_status(link: Link, request: Received) -> None:
    """A head without its status, as a raw field block."""
    block = link.h2.encoder.encode([(b"x", b"1")])
    link.transport.write(len(block).to_bytes(3, "big") + b"\x01\x04" + request.stream.to_bytes(4, "big") + block)


def header_flood(link: Link, request: Received) -> None:
    """A head beyond every limit."""
    link.head(request.stream, fields=[(b"x", b"a" * 200_000)], end=True)


STREAM_FAULTS = [
    *(lambda link, request, fields=fields: link.answer(request.stream, fields=fields) for _, fields in BAD_HEADS),
    ends_early, too_long, too_short, no_status, header_flood,
]  # fmt: skip


@pytest.mark.parametrize("fault", STREAM_FAULTS, ids=range(len(STREAM_FAULTS)))
def test_a_fault_in_one_answer_harms_no_other(fault: Callable[[Link, Received], None]) -> None:
    """What is wrong with one answer ends its stream: the other streams and the connection go on, and it fails."""

    def script(link: Link, request: Received) -> None:
        if request.field(":path") == "/bad":
            fault(link, request)
        else:
            link.head(request.stream)

    async def scenario(peer: Peer, target: HttpTarget) -> None:
        others = [await target.send(Request("GET", "/"), TWO) for _ in range(3)]
        with pytest.raises(UpstreamError):
            await body_of(await target.send(Request("GET", "/bad"), TWO))
        for request in peer.requests:
            if request.field(":path") == "/":
                peer.links[0].data(request.stream, b"ok", end=True)
        assert [await body_of(response) for response in others] == [b"ok"] * 3
        later = asyncio.ensure_future(target.send(Request("GET", "/"), TWO))
        assert await settled(lambda: len(peer.requests) == 5)
        peer.links[0].data(peer.requests[-1].stream, b"ok", end=True)
        assert await body_of(await later) == b"ok"
        assert len(peer.links) == 1

    play(Peer(script), scenario)


@pytest.mark.parametrize(("method", "status"), [("GET", 204), ("HEAD", 200)])
def test_content_where_an_answer_has_none(method: str, status: int) -> None:
    """Content behind an answer that has none is dropped with its stream; the connection goes on."""

    def script(link: Link, request: Received) -> None:
        link.head(request.stream, status)
        link.data(request.stream, b"ghost", end=True)

    async def scenario(peer: Peer, target: HttpTarget) -> None:
        for _ in range(3):
            response = await target.send(Request(method, "/"), TWO)
            assert (response.status_code, response.body.content) == (status, b"")
        assert len(peer.links) == 1

    play(Peer(script), scenario)


def test_the_request_breaks_off() -> None:
    """A client that leaves in the middle of its body: the backend's stream is reset, never ended."""

    async def scenario(peer: Peer, target: HttpTarget) -> None:
        async with serving(Forwarder(target, TWO)) as server, client(server.port) as c:
            c.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf")
            assert await settled(lambda: bool(peer.requests) and peer.requests[0].body == b"half")
            c.abort()
            assert await settled(lambda: peer.requests[0].reset is not None)
        assert not peer.requests[0].complete
        assert not peer.links[0].closed

    play(Peer(), scenario)


@pytest.mark.parametrize("answered", [False, True])
def test_a_client_that_leaves_is_told_to_the_backend(answered: bool) -> None:
    """Before the answer, or in the middle of it: the stream is reset, and the connection goes on."""

    def begin(link: Link, request: Received) -> None:
        if answered:
            link.head(request.stream)
            link.data(request.stream, b"half")

    async def scenario(peer: Peer, target: HttpTarget) -> None:
        async with serving(Forwarder(target, TWO)) as server, client(server.port) as c:
            c.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            assert await settled(lambda: bool(peer.requests))
            if answered:
                await c.reader.readuntil(b"\r\n\r\n")
            c.abort()
            assert await settled(lambda: peer.requests[0].reset == 8)
        assert not peer.links[0].closed

    play(Peer(begin), scenario)


def test_an_answer_before_the_requests_end() -> None:
    """An early answer is passed on, and the rest of the request's body is dropped."""
    peer = Peer(on_head=lambda link, request: link.answer(request.stream, b"early", 413))

    async def scenario(peer: Peer, target: HttpTarget) -> None:
        dropped: list[bool] = []
        stream = BodyStream(None, discard=lambda: dropped.append(True))
        response = await target.send(Request("POST", "/", body=Body(stream=stream)), TWO)
        assert (response.status_code, await body_of(response)) == (413, b"early")
        assert dropped == [True]
        assert await settled(lambda: peer.requests[0].reset == 8)

    play(peer, scenario)


def test_the_queue_is_bounded() -> None:
    """Beyond the limits requests are refused with 503; those that wait get their turn or their time-out."""

    async def scenario(peer: Peer, target: HttpTarget) -> None:
        options = ForwardOptions(0.3, http_version="2")
        pending = [target.send(Request("GET", "/"), TWO)]
        assert await settled(lambda: bool(peer.requests))
        pending += [target.send(Request("GET", "/"), options) for _ in range(4)]
        errors = await asyncio.gather(*pending[1:], return_exceptions=True)
        assert sorted(error.status for error in errors if isinstance(error, UpstreamError)) == [503, 503, 504, 504]
        assert len(peer.requests) == 1
        pending[0].cancel()

    settings = UpstreamSettings(max_connections=1, max_waiting=2)
    play(Peer(lambda link, request: None, streams=1), scenario, settings)


def test_nobody_listens() -> None:
    """A backend that is not there is 502 for everybody who waits."""

    async def scenario() -> None:
        target = HttpTarget("http://127.0.0.1:9", UpstreamSettings())
        pending = [target.send(Request("GET", "/"), TWO) for _ in range(3)]
        for each in pending:
            with pytest.raises(UpstreamError, match="No connection to the backend"):
                await each
        await target.aclose()

    asyncio.run(scenario())


def test_a_backend_that_hangs_up_at_once() -> None:
    """A backend that closes every connection is 502, and is not called again and again."""

    async def hang_up(*_: object) -> None:
        """Say nothing and leave."""

    async def scenario() -> None:
        async with backend(hang_up) as behind:
            target = HttpTarget(f"http://127.0.0.1:{behind.port}")
            for request in (Request("GET", "/"), Request("POST", "/", body=Body(b"a"))):
                with pytest.raises(UpstreamError) as caught:
                    await target.send(request, TWO)
                assert (caught.value.reason, caught.value.status) == ("BackendConnectionFailure", 502)
            assert behind.connections <= 3
            assert target._http2 is not None
            assert target._http2.size == 0
            await target.aclose()

    asyncio.run(scenario())


def test_an_unused_connection_is_closed() -> None:
    """A connection that nobody uses ends after its idle time, and the next request opens another."""

    async def scenario(peer: Peer, target: HttpTarget) -> None:
        await body_of(await target.send(Request("GET", "/"), TWO))
        assert await settled(lambda: peer.links[0].closed)
        await body_of(await target.send(Request("GET", "/"), TWO))
        assert len(peer.links) == 2

    play(Peer(), scenario, UpstreamSettings(idle_timeout_s=0.1))


def test_connections_end_at_their_age_and_are_probed_by_the_kernel() -> None:
    """A connection that has reached its greatest age finishes its answers and takes no other; TCP keepalive is on."""

    def script(link: Link, request: Received) -> None:
        if request.field(":path") == "/slow":
            link.head(request.stream)
        else:
            link.answer(request.stream)

    async def scenario(peer: Peer, target: HttpTarget) -> None:
        slow = await target.send(Request("GET", "/slow"), TWO)
        assert target._http2 is not None
        sock = target._http2._open[0].transport.get_extra_info("socket")
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        await asyncio.sleep(1.2)
        await body_of(await target.send(Request("GET", "/"), TWO))
        assert len(peer.links) == 2
        peer.links[0].data(1, b"ok", end=True)
        assert await body_of(slow) == b"ok"
        assert await settled(lambda: peer.links[0].closed)

    play(Peer(script), scenario, UpstreamSettings(max_age_s=0.5))


def test_stopping_refuses_what_waits() -> None:
    """Closing the target ends every exchange with an error."""

    async def scenario(peer: Peer, target: HttpTarget) -> None:
        pending = [target.send(Request("GET", "/"), TWO) for _ in range(2)]
        assert await settled(lambda: bool(peer.requests))
        await target.aclose()
        errors = await asyncio.gather(*pending, return_exceptions=True)
        assert all(isinstance(error, UpstreamError) for error in errors)

    play(Peer(lambda link, request: None, streams=1), scenario, UpstreamSettings(max_connections=1))


def test_interim_answers_are_passed_on() -> None:
    """103 of an HTTP/2 backend reaches the client before the final answer, and 100 does not."""

    def script(link: Link, request: Received) -> None:
        link.head(request.stream, 100)
        link.head(request.stream, 103, fields=[(b"link", b"</a.css>; rel=preload")])
        link.answer(request.stream)

    async def scenario(_: Peer, target: HttpTarget) -> None:
        request, seen = Request("GET", "/"), []
        request.interim = lambda response: seen.append((response.status_code, response.headers.first("Link")))
        assert (await target.send(request, TWO)).status_code == 200
        assert seen == [(103, "</a.css>; rel=preload")]

    play(Peer(script), scenario)
