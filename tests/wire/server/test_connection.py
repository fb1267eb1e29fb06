"""The client's side: requests in, answers out, one after the other."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import UpstreamError
from gateway.wire.body import Body, BodyStream, BodyTooLarge
from gateway.wire.headers import Headers
from gateway.wire.messages import Ending, Request, Response
from gateway.wire.pending import Pending
from gateway.wire.settings import ClientLimits, ClientTimeouts, ServerSettings
from tests.wire.rig import OK, Answerer, answer, ask, client, proxy, serving, settled

GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"


def plain(request: Request) -> Response:
    """An answer that tells what was asked."""
    return Response(200, Headers([("X-Path", request.path)]), Body(request.method.encode()))


def test_answers_several_requests_on_one_connection() -> None:
    """A connection carries request after request."""

    async def scenario() -> None:
        async with serving(Answerer(plain)) as server, client(server.port) as c:
            for path in (b"/a", b"/b", b"/c"):
                c.send(b"GET " + path + b" HTTP/1.1\r\nHost: h\r\n\r\n")
                assert (await c.reply()).field("x-path") == path.decode()

    asyncio.run(scenario())


def test_answers_pipelined_requests_in_order() -> None:
    """Requests sent ahead are answered in their order, however long each takes."""

    async def late(request: Request) -> Response:
        await asyncio.sleep(0.05 if request.path == "/0" else 0)
        return plain(request)

    async def scenario() -> None:
        async with serving(Answerer(late)) as server, client(server.port) as c:
            c.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % n for n in range(20)))
            assert [(await c.reply()).field("x-path") for _ in range(20)] == [f"/{n}" for n in range(20)]

    asyncio.run(scenario())


def test_reads_a_request_that_arrives_byte_by_byte() -> None:
    """Where the network cuts a request does not matter."""

    async def scenario() -> None:
        async with proxy(answer(OK)) as p, client(p.server.port) as c:
            for (
                byte
            ) in b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: v\r\n\r\n":
                c.send(bytes([byte]))
                await asyncio.sleep(0)
            assert (await c.reply()).body == b"ok"
            assert p.backend.received.endswith(b"c\r\n0\r\n\r\n")
            assert b"T: v" not in p.backend.received

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("request_head", "closes"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", True, id="close"),
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", True, id="1.0"),
        pytest.param(b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", False, id="1.0 keep-alive"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", False, id="1.1"),
    ],
)
def test_keeps_the_connection_as_the_client_asks(request_head: bytes, closes: bool) -> None:
    """HTTP/1.1 connections stay open unless the client says close; HTTP/1.0 ones the other way round."""

    async def scenario() -> None:
        async with serving(Answerer(plain)) as server, client(server.port) as c:
            c.send(request_head)
            reply = await c.reply()
            assert (reply.field("connection") == "close") is closes
            if closes:
                assert await c.closed()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("method", "response", "length"),
    [
        pytest.param("HEAD", Response(200, None, Body(b"abc")), "3", id="HEAD tells the length"),
        pytest.param("HEAD", Response(200, Headers([("Content-Length", "9")])), "9", id="HEAD passes the length on"),
        pytest.param("GET", Response(204, None, Body(b"abc")), None, id="204"),
        pytest.param("GET", Response(304, Headers([("Content-Length", "9")])), "9", id="304"),
        pytest.param("GET", Response(200, Headers([("Content-Length", "9")]), Body(b"abc")), "3", id="own length"),
        pytest.param("GET", Response(200, Headers([("Transfer-Encoding", "chunked")])), "0", id="own framing"),
    ],
)
def test_frames_the_answer_by_its_body(method: str, response: Response, length: str | None) -> None:
    """The body decides about the framing, whatever the headers say; what has no body sends none."""

    async def scenario() -> None:
        async with serving(Answerer(lambda _: response)) as server, client(server.port) as c:
            for _ in range(2):  # twice: nothing of the first answer is left on the connection
                c.send(method.encode() + b" / HTTP/1.1\r\nHost: h\r\n\r\n")
                reply = await c.reply(method)
                assert reply.field("content-length") == length
                assert reply.field("transfer-encoding") is None

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("error", "status"),
    [
        pytest.param(RuntimeError("secret"), 500, id="bug"),
        pytest.param(UpstreamError("Timeout", "inner", 504), 504, id="upstream"),
        pytest.param(BodyTooLarge("inner"), 413, id="too large"),
    ],
)
@pytest.mark.parametrize("kind", ["raised", "pending", "coroutine"])
def test_turns_an_error_into_the_default_answer(error: Exception, status: int, kind: str) -> None:
    """An error that the application lets through is answered in APIM's form and shows nothing of itself."""

    def respond(request: Request) -> Response | Pending[Response]:
        if kind == "raised":
            raise error
        pending: Pending[Response] = Pending()
        pending.reject(error)
        return pending

    async def respond_later(request: Request) -> Response:
        raise error

    async def scenario() -> None:
        app = Answerer(respond_later if kind == "coroutine" else respond)
        async with serving(app) as server:
            reply = await ask(server.port, GET)
        assert reply.status == status
        assert reply.body.startswith(b'{ "statusCode": %d, "message": "' % status)
        assert b"secret" not in reply.body
        assert b"inner" not in reply.body

    asyncio.run(scenario())


def test_reports_the_end_of_each_exchange_once() -> None:
    """The application learns how the exchange ended, with the sizes of both bodies."""

    async def scenario() -> None:
        app = Answerer(plain)
        async with serving(app) as server:
            await ask(server.port, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc")
        assert app.endings == [Ending(200, 3, 4)]

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", ["pending", "coroutine"])
def test_tells_the_application_that_the_client_left(kind: str) -> None:
    """A client that leaves cancels what the application does for it."""

    async def scenario() -> None:
        cancelled: list[str] = []

        def hang(request: Request) -> Pending[Response]:
            return Pending(lambda: cancelled.append("pending"))

        async def sleep(request: Request) -> Response:
            try:
                await asyncio.sleep(60)
            finally:
                cancelled.append("coroutine")
            return Response()

        app = Answerer(hang if kind == "pending" else sleep)
        async with serving(app) as server:
            async with client(server.port) as c:
                c.send(GET)
                await settled(lambda: bool(app.seen))
                await asyncio.sleep(0.01)
            assert await settled(lambda: bool(app.endings))
            await asyncio.sleep(0)
        assert cancelled == [kind]
        assert app.endings == [Ending(None, 0, 0, True)]

    asyncio.run(scenario())


def test_refuses_without_reading_the_body() -> None:
    """A bad token with a 100 MB body is answered at once, and the body is not waited for."""

    async def scenario() -> None:
        async with serving(Answerer(lambda _: Response(401))) as server, client(server.port) as c:
            c.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 100_000)
            reply = await c.reply()
            assert (reply.status, reply.field("connection")) == (401, "close")
            assert await c.closed()

    asyncio.run(scenario())


def test_keeps_the_connection_when_little_of_the_body_is_unread() -> None:
    """A refused request with a small body costs the client no new connection."""

    async def scenario() -> None:
        app = Answerer(lambda request: Response(401) if request.method == "POST" else plain(request))
        async with serving(app) as server, client(server.port) as c:
            c.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n")
            assert (await c.reply()).status == 401
            c.send(b"hello" + GET)
            assert (await c.reply()).field("x-path") == "/a"

    asyncio.run(scenario())


def test_asks_for_the_body_only_when_it_is_read() -> None:
    """100 Continue goes out when the body is first wanted, so after the token has passed."""

    async def scenario() -> None:
        async with proxy(answer(OK)) as p, client(p.server.port) as c:
            c.send(b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
            assert (await c.reply()).status == 100
            c.send(b"hello")
            assert (await c.reply()).status == 200
            assert b"hello" in p.backend.received
            assert b"expect" not in p.backend.received.lower()

    asyncio.run(scenario())


def test_does_not_ask_for_a_body_that_is_refused() -> None:
    """A refused request gets its answer instead of 100 Continue, and the connection is closed."""

    async def scenario() -> None:
        async with serving(Answerer(lambda _: Response(401))) as server, client(server.port) as c:
            c.send(b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
            reply = await c.reply()
            assert (reply.status, reply.field("connection")) == (401, "close")

    asyncio.run(scenario())


def test_gives_the_application_a_body_that_is_already_here() -> None:
    """A small body is in memory; no body is None; an unfinished one is a stream."""

    async def read(request: Request) -> Response:
        body = request.body
        kind = "none" if body is None else "memory" if body.buffered else "stream"
        if body is not None:
            await body.buffer(100)
            return Response(200, Headers([("X-Kind", kind)]), Body(body.content))
        return Response(200, Headers([("X-Kind", kind)]))

    async def scenario() -> None:
        async with serving(Answerer(read)) as server, client(server.port) as c:
            c.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
            assert (await c.reply()).field("x-kind") == "memory"
            c.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
            assert (await c.reply()).field("x-kind") == "none"
            c.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe")
            await asyncio.sleep(0.02)
            c.send(b"llo")
            reply = await c.reply()
            assert (reply.field("x-kind"), reply.body) == ("stream", b"hello")
            c.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 500\r\n\r\n")
            assert (await c.reply()).status == 413

    asyncio.run(scenario())


def test_streams_an_answer_piece_by_piece() -> None:
    """Each piece goes out as it comes: in chunks for HTTP/1.1, until the close for HTTP/1.0."""

    async def scenario() -> None:
        streams: list[BodyStream] = []

        def stream(request: Request) -> Response:
            streams.append(BodyStream())
            return Response(200, None, Body(stream=streams[-1]))

        async with serving(Answerer(stream)) as server, client(server.port) as c:
            c.send(GET)
            assert b"chunked" in await c.reader.readuntil(b"\r\n\r\n")
            for piece in (b"one", b"two"):
                streams[0].feed(piece)
                assert await c.reader.readuntil(piece + b"\r\n") == b"3\r\n" + piece + b"\r\n"
            streams[0].feed(b"z" * 100_000)
            streams[0].finish()
            assert (await c.reader.readuntil(b"0\r\n\r\n")).count(b"z") == 100_000
            c.send(b"GET / HTTP/1.0\r\n\r\n")
            await settled(lambda: len(streams) == 2)
            streams[1].feed(b"old")
            streams[1].finish()
            assert (await c.reply()).body == b"old"

    asyncio.run(scenario())


def test_cuts_the_connection_when_the_answer_breaks_off() -> None:
    """A truncated answer never looks complete."""

    async def scenario() -> None:
        stream = BodyStream(10)
        application = Answerer(lambda _: Response(200, None, Body(stream=stream)))
        async with serving(application) as server, client(server.port) as c:
            c.send(GET)
            await c.reader.readuntil(b"\r\n\r\n")
            stream.feed(b"half")
            stream.fail(UpstreamError("BackendConnectionFailure", "gone"))
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await c.reader.readexactly(10)

    asyncio.run(scenario())


FAST = ServerSettings(timeouts=ClientTimeouts(head_s=0.1, body_s=0.1, idle_s=0.1, write_s=0.1, linger_s=0.1))


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(b"GET / HT", 408, id="head"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe", 408, id="body"),
        pytest.param(b"", None, id="nothing"),
        pytest.param(GET, 200, id="idle"),
    ],
)
def test_waits_for_a_client_only_so_long(data: bytes, status: int | None) -> None:
    """Slow heads and bodies are answered with 408 and closed; idle connections are closed."""

    async def read(request: Request) -> Response:
        if request.body is not None:
            await request.body.buffer(100)
        return Response()

    async def scenario() -> None:
        async with serving(Answerer(read), FAST) as server, client(server.port) as c:
            c.send(data)
            if status is not None:
                assert (await c.reply()).status == status
            assert await c.closed()

    asyncio.run(scenario())


def test_gives_up_on_a_client_that_takes_nothing() -> None:
    """A client that does not read loses its connection, and the source of the answer is told."""

    async def scenario() -> None:
        discarded = asyncio.Event()
        paused: list[int] = []

        def stream(request: Request) -> Response:
            body = BodyStream(None, lambda: paused.append(1), lambda: None, discarded.set)
            body.feed(b"z" * 20_000_000)
            return Response(200, None, Body(stream=body))

        async with serving(Answerer(stream), FAST) as server, client(server.port) as c:
            c.writer.transport.pause_reading()  # type: ignore[attr-defined]
            c.send(GET)
            await asyncio.wait_for(discarded.wait(), 3)
            assert paused

    asyncio.run(scenario())


def test_refuses_connections_above_the_limit() -> None:
    """One connection too many gets 503."""

    async def scenario() -> None:
        async with (
            serving(Answerer(plain), ServerSettings(limits=ClientLimits(connections=1))) as server,
            client(server.port) as c,
        ):
            c.send(GET)
            assert (await c.reply()).status == 200
            assert (await ask(server.port, GET)).status == 503

    asyncio.run(scenario())


def test_stops_gracefully() -> None:
    """A running exchange ends with its answer and Connection: close; an idle connection is closed at once."""

    async def late(request: Request) -> Response:
        await asyncio.sleep(0.2)
        return plain(request)

    async def scenario() -> None:
        async with serving(Answerer(late)) as server, client(server.port) as busy, client(server.port) as idle:
            busy.send(GET)
            await asyncio.sleep(0.05)
            closing = asyncio.create_task(server.aclose())
            assert await idle.closed()
            reply = await busy.reply()
            assert (reply.status, reply.field("connection")) == (200, "close")
            await closing

    asyncio.run(scenario())
