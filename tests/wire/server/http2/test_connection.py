"""HTTP/2 from clients: requests, bodies both ways, flow control, ends."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop

from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Request, Response
from gateway.wire.settings import Http2Settings, ServerSettings
from gateway.wire.upstream.http_target import HttpTarget
from tests.wire.rig import DEFAULT, OK, UPSTREAM, Answerer, Backend, Forwarder, answer, backend, proxy, serving
from tests.wire.server.http2.client import Http2Client, connected
from tests.wire.server.test_serve import Files
from tests.wire.test_trailers import Reserving

NO_HTTP2 = ServerSettings(http2=Http2Settings(tls=False))
CLEAR = ServerSettings(http2=Http2Settings(clear_text=True))


@asynccontextmanager
async def connecting(application: Answerer | Forwarder, settings: ServerSettings = CLEAR) -> AsyncIterator[Http2Client]:
    """A client of a server with *application*."""
    async with serving(application, settings) as server, connected(server.port) as client:
        yield client


def target(behind: Backend) -> HttpTarget:
    """Where *behind* is."""
    return HttpTarget(f"http://127.0.0.1:{behind.port}", UPSTREAM)


def test_a_reload_changes_what_the_next_handshake_offers(tmp_path: Path) -> None:
    """HTTP/2 that a reload switches off is not agreed on any more, and works at once where one switches it on."""

    async def scenario() -> None:
        files = Files(tmp_path)
        context = ssl.create_default_context(cafile=files.ca)
        context.set_alpn_protocols(["h2", "http/1.1"])
        async with serving(Answerer(echo), DEFAULT, files.listener) as server:
            for settings, chosen in ((NO_HTTP2, "http/1.1"), (DEFAULT, "h2")):
                server.serve_with(Answerer(echo), settings)
                async with connected(server.port, context, speaks=chosen == "h2") as client:
                    assert client.protocol == chosen
                    if chosen == "h2":
                        assert (await client.get("/a")).status == 200

    uvloop.run(scenario())


def echo(request: Request) -> Response:
    """The body that has come, as it comes."""
    if request.body is None:
        return Response(200, Headers([("X-Path", request.path)]), Body(b"hello"))
    return Response(200, Headers(), Body(request.body.content, request.body.stream))


def test_a_request_is_like_one_of_http_1() -> None:
    """Policies see the same request as over HTTP/1.1, but for the version in Via."""

    async def scenario() -> None:
        application = Answerer(echo)
        async with serving(application, CLEAR) as server, connected(server.port) as client:
            got = await client.get("/a?b=c", fields=[("cookie", "a=1"), ("cookie", "b=2"), ("x-mine", "v")])
            assert (got.status, got.body, got.fields["content-length"]) == (200, b"hello", "5")
        request = application.seen[0]
        assert (request.method, request.path, request.query, request.host) == ("GET", "/a", "b=c", "gateway.test")
        assert request.headers.first("cookie") == "a=1; b=2"
        assert request.headers.first("via") == "2.0 gateway"
        assert request.headers.first("x-forwarded-host") == "gateway.test"

    uvloop.run(scenario())


def test_many_streams_at_once() -> None:
    """A hundred requests of one connection are answered at the same time."""

    async def late(request: Request) -> Response:
        await asyncio.sleep(0.05)
        return echo(request)

    async def scenario() -> None:
        async with serving(Answerer(late), CLEAR) as server, connected(server.port) as client:
            answers = await asyncio.gather(*[client.get(f"/{number}") for number in range(100)])
            assert [got.fields["x-path"] for got in answers] == [f"/{number}" for number in range(100)]

    uvloop.run(scenario())


def test_request_and_answer_flow_at_the_same_time() -> None:
    """The beginning of a body is answered before its end has come."""

    async def scenario() -> None:
        async with serving(Answerer(echo), CLEAR) as server, connected(server.port) as client:
            stream = client.begin(method="POST", end=False)
            client.send(stream, b"one")
            await client.until(lambda: client.answers[stream].body == b"one")
            client.send(stream, b"two", end=True)
            got = await client.over(stream)
            assert (got.status, got.body, got.complete) == (200, b"onetwo", True)

    uvloop.run(scenario())


def test_bodies_of_many_windows() -> None:
    """A body that is larger than every window comes back whole."""

    async def scenario() -> None:
        content = bytes(range(256)) * 8192
        async with serving(Answerer(echo), CLEAR) as server, connected(server.port) as client:
            stream = client.begin(method="POST", end=False)
            await client.upload(stream, content)
            assert (await client.over(stream)).body == content

    uvloop.run(scenario())


def test_trailers_pass_both_ways() -> None:
    """Trailers of the request reach the backend, those of its answer the client."""
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n"

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Backend) -> None:
        await behind.head(reader)
        behind.received += await reader.readuntil(b"x-checksum: 9\r\n\r\n")
        writer.write(chunked)

    async def scenario() -> None:
        async with backend(script) as behind, connecting(Reserving(target(behind))) as client:
            stream = client.begin(method="POST", fields=[("te", "trailers")], end=False)
            client.send(stream, b"abc")
            client.trail(stream, [("x-checksum", "9")])
            got = await client.over(stream)
            assert (got.status, got.body, got.trailers) == (200, b"ok", {"x-sum": "7"})
            assert behind.received.endswith(b"3\r\nabc\r\n0\r\nx-checksum: 9\r\n\r\n")

    uvloop.run(scenario())


def test_http_1_on_the_same_listener() -> None:
    """A client that speaks HTTP/1.1 is served as before, wherever the network cuts its first bytes."""

    async def scenario() -> None:
        async with proxy(answer(OK), CLEAR) as behind:
            reader, writer = await asyncio.open_connection("127.0.0.1", behind.server.port)
            for piece in (b"P", b"O", b"ST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"):
                writer.write(piece)
                await asyncio.sleep(0.01)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            writer.close()

    uvloop.run(scenario())


def test_tls_offers_both_versions(tmp_path: Path) -> None:
    """The handshake offers HTTP/2 unless the configuration says no; a client without ALPN gets HTTP/1.1."""

    async def scenario() -> None:
        files = Files(tmp_path)
        both = ["h2", "http/1.1"]
        for settings, offered, chosen in (
            (DEFAULT, both, "h2"),
            (NO_HTTP2, both, "http/1.1"),
            (DEFAULT, ["http/1.1"], "http/1.1"),
            (DEFAULT, [], None),
        ):
            async with serving(Answerer(echo), settings, files.listener) as server:
                context = ssl.create_default_context(cafile=files.ca)
                context.set_alpn_protocols(offered)
                async with connected(server.port, context, speaks=chosen == "h2") as client:
                    assert client.protocol == chosen
                    if chosen == "h2":
                        assert (await client.get("/a")).fields["x-path"] == "/a"

    uvloop.run(scenario())
