"""The id of a request: in every answer, and towards the backend, whatever client and backend call so."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from gateway.wire.body import Body, BodyStream
from gateway.wire.headers import Headers
from gateway.wire.messages import Request, Response
from gateway.wire.server.listener import Listener, WireRefusal
from gateway.wire.server.serve import start
from gateway.wire.settings import ClientLimits, ServerSettings
from tests.wire.rig import Answerer, Reply, answer, answer_and_close, ask, client, proxy, serving

IDS = ServerSettings(limits=ClientLimits(head_bytes=2_000, request_line_bytes=500), id_header="X-Request-Id")
GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"


def id_of(reply: Reply) -> str:
    """The id that it shows, once."""
    (drawn,) = [line for line in reply.head.split(b"\r\n") if line.lower().startswith(b"x-request-id:")]
    return str(uuid.UUID(drawn.split(b" ")[1].decode()))


def whole(_: Request) -> Response:
    """An answer whose body is there, from a backend that has ids of its own."""
    return Response(200, Headers([("x_request_id", "theirs"), ("X-Request-Id", "theirs")]), Body(b"ok"))


def streamed(_: Request) -> Response:
    """An answer whose body comes in pieces."""
    stream = BodyStream()
    stream.feed(b"ok")
    stream.finish()
    return Response(200, body=Body(stream=stream))


def broken(_: Request) -> Response:
    """No answer."""
    raise ValueError


def empty(_: Request) -> Response:
    """An answer without a body."""
    return Response(204)


@pytest.mark.parametrize("respond", [whole, streamed, broken, empty])
@pytest.mark.parametrize(
    "sent",
    [
        GET,
        GET.replace(b"GET", b"HEAD"),
        b"GET / HTTP/1.0\r\n\r\n",
        GET.replace(b"\r\n\r\n", b"\r\nX_Request_Id: mine\r\n\r\n"),
    ],
    ids=["1.1", "HEAD", "1.0", "own id"],
)  # fmt: skip
def test_every_answer_has_the_id(respond: object, sent: bytes) -> None:
    """The id that the application knows is in the answer, and nobody else's."""

    async def scenario() -> None:
        application = Answerer(respond)  # type: ignore[arg-type]
        async with serving(application, IDS) as server:
            reply = await ask(server.port, sent, sent.split(b" ")[0].decode())
        assert id_of(reply) == application.seen[0].id
        assert b"theirs" not in reply.head + reply.body

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET\r\n\r\n", 400),
        (b"GET /" + b"a" * 600 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 3_000, 431),
        (b"TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", 405),
        (b"GET / HTTP/9.1\r\nHost: h\r\n\r\n", 505),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "",
)
def test_refusals_of_the_wire_have_an_id(sent: bytes, status: int) -> None:
    """What no policy has seen has an id too, and it is the one that is reported."""

    async def scenario() -> None:
        refusals: list[WireRefusal] = []
        server = await start(Listener(Answerer(whole), IDS, refusals.append))
        reply = await ask(server.port, sent)
        await server.aclose()
        assert [(refusal.id, refusal.status, refusal.client) for refusal in refusals] == [
            (id_of(reply), status, "127.0.0.1")
        ]
        assert reply.status == status

    asyncio.run(scenario())


def test_a_body_that_breaks_has_the_id() -> None:
    """The answer to a request whose body turns out to be malformed has the id that the application knows."""

    async def scenario() -> None:
        waiting: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        application = Answerer(lambda _: waiting)
        async with serving(application, IDS) as server, client(server.port) as c:
            c.send(b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
            while not application.seen:
                await asyncio.sleep(0)
            body = application.seen[0].body
            assert body is not None
            reading = asyncio.ensure_future(body.buffer(100))
            c.send(b"zz\r\n")
            reply = await c.reply()
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        assert (reply.status, id_of(reply)) == (400, application.seen[0].id)

    asyncio.run(scenario())


@pytest.mark.parametrize(("kept", "arrives"), [("", False), ("X-Client-Id", True)])
def test_the_backend_gets_the_same_id(kept: str, arrives: bool) -> None:
    """A client's own id reaches the backend only under the name that is configured for it."""
    settings = ServerSettings(id_header="x-request-id", client_id_header=kept)

    async def scenario() -> None:
        async with proxy(
            answer(b"HTTP/1.1 200 OK\r\nx-request-id: theirs\r\nContent-Length: 0\r\n\r\n"), settings
        ) as p:
            reply = await ask(p.server.port, GET.replace(b"\r\n\r\n", b"\r\nX-REQUEST-ID: mine\r\n\r\n"))
            assert f"x-request-id: {id_of(reply)}".encode() in p.backend.received
            assert (b"\r\nX-Client-Id: mine\r\n" in p.backend.received) == arrives
            assert (b"mine" in p.backend.received) == arrives

    asyncio.run(scenario())


def test_a_switched_protocol_has_the_id() -> None:
    """101 shows it as well."""
    head = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    sent = GET.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")

    async def scenario() -> None:
        async with proxy(answer_and_close(head), IDS) as p, client(p.server.port) as c:
            c.send(sent)
            received = await asyncio.wait_for(c.reader.readuntil(b"\r\n\r\n"), 2)
            assert received.startswith(b"HTTP/1.1 101 ")
            assert b"\r\nX-Request-Id: " in received

    asyncio.run(scenario())


def test_each_request_has_its_own_id() -> None:
    """The same head again has another id; without a name for the header there is none."""

    async def scenario() -> None:
        application = Answerer(whole)
        async with serving(application, IDS) as server, client(server.port) as c:
            ids = set()
            for _ in range(3):
                c.send(GET)
                ids.add(id_of(await c.reply()))
            assert len(ids) == 3
        async with serving(application) as server:
            assert (await ask(server.port, GET)).field("x-request-id") == "theirs"

    asyncio.run(scenario())
