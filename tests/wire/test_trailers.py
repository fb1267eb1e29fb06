"""Trailers: they pass where both sides can carry them, and never where a policy or the protocol has the last word."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from gateway.errors import UpstreamError
from gateway.wire.messages import ForwardOptions, Request, Response
from gateway.wire.pending import Pending
from gateway.wire.trailers import last_chunk, passes
from gateway.wire.upstream.http_target import HttpTarget
from tests.wire.http2_peer import Link, Peer, Received, playing
from tests.wire.rig import Backend, Client, Forwarder, backend, client, serving, settled

OWNED = "caller-objectid"
GET = b"GET / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Given: 1\r\n\r\n"
BODY = b"2\r\nok\r\n"
KEPT_BACK = b"X-Given: 2\r\nContent-Type: text/html\r\nSet-Cookie: a=b\r\nCaller_ObjectId: x\r\nConnection: close\r\n"
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter, Backend], Awaitable[None]]


@dataclass
class Reserving(Forwarder):
    """Forwards for an API whose policies own a header; *change* is what they do to the answer."""

    change: Callable[[Response], None] = lambda response: None

    def handle(self, request: Request) -> Pending[Response]:
        request.reserved = frozenset([OWNED])
        request.headers.replace(OWNED, "the gateway's word")
        return super().handle(request).map(self._changed)

    def _changed(self, response: Response) -> Response:
        self.change(response)
        return response


async def end_of(connection: Client) -> bytes:
    """What follows the last chunk's size, up to the empty line."""
    await connection.reader.readuntil(b"\r\n0\r\n")
    tail = b""
    while not tail.endswith(b"\r\n\r\n") and tail != b"\r\n":
        tail += await connection.reader.readuntil(b"\r\n")
    return tail


def answering(*pieces: bytes) -> Script:
    """A backend that answers each request with *pieces*, a little apart."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, backend: Backend) -> None:
        while True:
            await backend.head(reader)
            for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(0.02)

    return script


async def answered(script: Script, request: bytes, change: Callable[[Response], None] | None = None) -> bytes:
    """The trailers that a client gets."""
    async with backend(script) as behind:
        target = HttpTarget(f"http://127.0.0.1:{behind.port}")
        application = Reserving(target)
        if change is not None:
            application.change = change
        async with serving(application) as server, client(server.port) as connection:
            connection.send(request)
            tail = await asyncio.wait_for(end_of(connection), 5)
        await target.aclose()
    assert (b"\r\nTE: trailers\r\nConnection: TE\r\n" in behind.received) is (b"TE:" in request)
    return tail


@pytest.mark.parametrize("apart", [True, False], ids=["streamed", "at once"])
def test_trailers_of_an_answer_reach_the_client(apart: bool) -> None:
    """A client that sent ``TE: trailers`` gets those that may pass, and none that a header field or policy owns."""
    end = b"0\r\nX-Sum: 7\r\n" + KEPT_BACK + b"Grpc-Status: 0\r\n\r\n"
    pieces = (CHUNKED, BODY, end) if apart else (CHUNKED + BODY + end,)
    assert asyncio.run(answered(answering(*pieces), GET)) == b"X-Sum: 7\r\nGrpc-Status: 0\r\n\r\n"


def test_a_client_that_did_not_ask_gets_no_trailers() -> None:
    """Without ``TE: trailers`` the body ends with its last chunk, and the backend is not told otherwise."""
    script = answering(CHUNKED, BODY, b"0\r\nX-Sum: 7\r\n\r\n")
    assert asyncio.run(answered(script, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")) == b"\r\n"


def test_a_trailer_does_not_bring_back_what_a_policy_removed() -> None:
    """A name that a policy deletes or sets in the answer is no trailer either, in any spelling."""

    def change(response: Response) -> None:
        response.headers.remove("X_Secret")
        response.headers.replace("X-Set", "mine")

    script = answering(CHUNKED, BODY, b"0\r\nX-Secret: 1\r\nx_set: 2\r\nX-Sum: 7\r\n\r\n")
    assert asyncio.run(answered(script, GET, change)) == b"X-Sum: 7\r\n\r\n"


def test_without_an_api_no_trailer_passes() -> None:
    """Where nobody says which names are the gateway's own, trailers stay behind."""

    async def scenario() -> None:
        async with backend(answering(CHUNKED, BODY, b"0\r\nX-Sum: 7\r\n\r\n")) as behind:
            target = HttpTarget(f"http://127.0.0.1:{behind.port}")
            async with serving(Forwarder(target)) as server, client(server.port) as connection:
                connection.send(GET)
                assert await asyncio.wait_for(end_of(connection), 5) == b"\r\n"
            assert b"TE:" not in behind.received
            await target.aclose()

    asyncio.run(scenario())


@pytest.mark.parametrize("apart", [True, False], ids=["streamed", "at once"])
def test_trailers_of_a_request_reach_the_backend(apart: bool) -> None:
    """A chunked request keeps the trailers that may pass, in both ways in which its body can come."""
    came: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, backend: Backend) -> None:
        await backend.head(reader)
        came.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async def scenario() -> None:
        async with backend(script) as behind:
            target = HttpTarget(f"http://127.0.0.1:{behind.port}")
            async with serving(Reserving(target)) as server, client(server.port) as connection:
                connection.send(b"POST / HTTP/1.1\r\nHost: h\r\nX-Given: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
                if apart:
                    await asyncio.sleep(0.05)
                connection.send(BODY + b"0\r\n" + KEPT_BACK + b"X-Sum: 7\r\n\r\n")
                assert (await connection.reply()).status == 200
            await target.aclose()

    asyncio.run(scenario())
    assert came == [BODY + b"0\r\nX-Sum: 7\r\n\r\n"]


def test_a_body_that_a_policy_has_read_has_no_trailers() -> None:
    """Once a body is in memory it goes out with its length."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, backend: Backend) -> None:
        await backend.body(reader, await backend.head(reader))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    class Reading(Reserving):
        def handle(self, request: Request) -> Pending[Response]:
            return self.read(request)  # type: ignore[return-value]

        async def read(self, request: Request) -> Response:
            assert request.body is not None
            await request.body.buffer(100)
            return await super().handle(request)

    async def scenario() -> None:
        async with backend(script) as behind:
            target = HttpTarget(f"http://127.0.0.1:{behind.port}")
            async with serving(Reading(target)) as server, client(server.port) as connection:
                connection.send(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
                connection.send(BODY + b"0\r\nX-Sum: 7\r\n\r\n")
                assert (await connection.reply()).status == 200
            assert behind.received.endswith(b"Content-Length: 2\r\n\r\nok")
            await target.aclose()

    asyncio.run(scenario())


def test_too_many_trailers_are_refused() -> None:
    """More than 64 trailers are no body."""

    async def scenario() -> None:
        async with backend(answering(CHUNKED)) as behind:
            target = HttpTarget(f"http://127.0.0.1:{behind.port}")
            async with serving(Reserving(target)) as server, client(server.port) as connection:
                connection.send(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
                connection.send(b"".join(b"X-%d: 1\r\n" % number for number in range(65)) + b"\r\n")
                assert (await connection.reply()).status == 400
            await target.aclose()

    asyncio.run(scenario())


# -- over HTTP/2
def test_both_directions_over_http2() -> None:
    """Trailing HEADERS of an HTTP/2 backend reach the client, and a client's trailers the backend as such."""

    def finish(link: Link, request: Received) -> None:
        link.head(request.stream, fields=[(b"x-given", b"1")])
        link.data(request.stream, b"ok")
        link.h2.send_headers(request.stream, [(b"grpc-status", b"0"), (b"x-given", b"2")], end_stream=True)
        link.flush()

    async def scenario() -> None:
        async with playing(Peer(finish)) as peer:
            target = HttpTarget(peer.url)
            application = Reserving(target, ForwardOptions(5.0, http_version="2"))
            async with serving(application) as server, client(server.port) as connection:
                connection.send(b"POST / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n")
                await asyncio.sleep(0.05)
                connection.send(BODY + b"0\r\nX-Sum: 7\r\nCaller_ObjectId: x\r\n\r\n")
                assert await asyncio.wait_for(end_of(connection), 5) == b"grpc-status: 0\r\n\r\n"
            (request,) = peer.requests
            assert (request.body, request.complete, request.field("te")) == (b"ok", True, "trailers")
            assert request.trailers == [(b"x-sum", b"7")]
            await target.aclose()

    asyncio.run(scenario())


BAD_TRAILERS = [[(b":status", b"200")], [(b"X-Upper", b"1")], [(b"connection", b"close")], [(b"x", b"a\r\nb: c")],
                [(b"x", b"a" * 200_000)]]  # fmt: skip


@pytest.mark.parametrize("fields", BAD_TRAILERS, ids=range(len(BAD_TRAILERS)))
def test_malformed_trailers_spoil_their_answer_only(fields: list[tuple[bytes, bytes]]) -> None:
    """An answer with malformed trailers is never complete; its connection carries the next one."""

    def finish(link: Link, request: Received) -> None:
        link.head(request.stream)
        link.data(request.stream, b"ok", end=request.field(":path") == "/good")
        if request.field(":path") != "/good":
            link.h2.send_headers(request.stream, fields, end_stream=True)
            link.flush()

    async def scenario() -> None:
        async with playing(Peer(finish)) as peer:
            target = HttpTarget(peer.url)
            application = Reserving(target, ForwardOptions(5.0, http_version="2"))
            async with serving(application) as server:
                async with client(server.port) as connection:
                    connection.send(GET)
                    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                        await connection.reply()
                async with client(server.port) as connection:
                    connection.send(GET.replace(b" / ", b" /good "))
                    assert (await connection.reply()).body == b"ok"
            assert [link.closed for link in peer.links] == [False]
            await target.aclose()

    asyncio.run(scenario())


def test_trailers_that_do_not_end_their_answer_end_its_stream_only() -> None:
    """The stream is reset with PROTOCOL_ERROR; the others, and the connection's compression, go on."""

    def finish(link: Link, request: Received) -> None:
        link.head(request.stream)
        if request.field(":path") != "/bad":
            return
        block = link.h2.encoder.encode([(b"x-learnt", b"by the table")])
        link.transport.write(len(block).to_bytes(3, "big") + b"\x01\x04" + request.stream.to_bytes(4, "big") + block)

    async def scenario() -> None:
        async with playing(Peer(finish)) as peer:
            target, options = HttpTarget(peer.url), ForwardOptions(5.0, http_version="2")
            other = await target.send(Request("GET", "/good"), options)
            bad = await target.send(Request("GET", "/bad"), options)
            with pytest.raises(UpstreamError):
                await bad.body.buffer(100)
            assert await settled(lambda: [each.reset for each in peer.requests] == [None, 1])
            link = peer.links[0]
            link.data(peer.requests[0].stream, b"ok")
            link.h2.send_headers(peer.requests[0].stream, [(b"x-learnt", b"by the table")], end_stream=True)
            link.flush()
            stream = other.body.stream
            assert stream is not None
            assert await stream.read(100) == b"ok"
            assert stream.trailers == {"x-learnt": "x-learnt: by the table"}
            assert [link.closed for link in peer.links] == [False]
            await target.aclose()

    asyncio.run(scenario())


NAMES = {
    "x-sum": True,
    "grpc-status": True,
    "content-digest": True,
    "server-timing": True,
    "content-length": False,
    "content-encoding": False,
    "transfer-encoding": False,
    "trailer": False,
    "host": False,
    "authorization": False,
    "www-authenticate": False,
    "set-cookie": False,
    "cache-control": False,
    "x-forwarded-for": False,
    "proxy-connection": False,
    "if-match": False,
    "remote-user": False,
    "cf-connecting-ip": False,
    "x-ms-client-principal-id": False,
    "x-ssl-client-s-dn": False,
    "x-azure-clientip": False,
    "forwarded": False,
}


@pytest.mark.parametrize(("name", "allowed"), NAMES.items())
def test_which_names_pass(name: str, allowed: bool) -> None:
    """Fields that frame, route, authenticate or describe a message, or say where it comes from, are no trailers."""
    assert passes(name) is allowed


def test_how_a_body_ends() -> None:
    """The last chunk alone where nothing passes."""
    assert last_chunk({}, frozenset()) == last_chunk({"x": "X: 1"}, None) == b"0\r\n\r\n"
    assert last_chunk({"x": "X: 1\r\nx: 2", "y": "Y: 1"}, frozenset(["y"])) == b"0\r\nX: 1\r\nx: 2\r\n\r\n"
