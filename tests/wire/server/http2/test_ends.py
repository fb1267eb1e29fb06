"""How a connection of HTTP/2 ends, and what is refused before a request is one."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop
from h2.settings import SettingCodes

from gateway.wire.body import Body, BodyStream
from gateway.wire.headers import Headers
from gateway.wire.messages import Request, Response
from gateway.wire.server.http2 import frames
from gateway.wire.server.http2.frames import DATA, GOAWAY, HEADERS, MAX_WINDOW, PREFACE, RST_STREAM, SETTINGS, ErrorCode
from gateway.wire.server.listener import Listener, WireRefusal
from gateway.wire.server.serve import RunningServer, start
from gateway.wire.settings import ClientLimits, ClientTimeouts, Http2Settings, ListenerTls, ServerSettings
from tests.wire.rig import Answerer, serving, settled
from tests.wire.server.http2.client import connected
from tests.wire.server.http2.raw import GET, RawClient, raw
from tests.wire.server.http2.test_connection import CLEAR, echo
from tests.wire.server.http2.test_stream import QUICK, quiet
from tests.wire.server.test_serve import Files

BAD_FIELDS = {
    "a capital in a name": [*GET, ("X-Capital", "v")],
    "a space in a name": [*GET, ("x y", "v")],
    "a connection's field": [*GET, ("connection", "close")],
    "a transfer coding": [*GET, ("transfer-encoding", "chunked")],
    "TE with a coding": [*GET, ("te", "gzip")],
    "a line end in a value": [*GET, ("x", "a\r\nb: c")],
    "white space before a value": [*GET, ("x", " a")],
    "NUL": [*GET, ("x", "a\0b")],
    "a pseudo-field twice": [*GET, GET[3]],
    "a pseudo-field behind a field": [GET[0], ("x", "y"), *GET[1:]],
    "an unknown pseudo-field": [*GET, (":status", "200")],
    "no path": GET[:3],
    "an empty path": [*GET[:3], (":path", "")],
    "no scheme": [GET[0], *GET[2:]],
    "no method": GET[1:],
    "a space in the path": [*GET[:3], (":path", "/ HTTP/1.1")],
    "a user in the authority": [*GET[:2], (":authority", "u@h"), GET[3]],
    "another Host": [*GET, ("host", "other")],
    "a length without a body": [*GET, ("content-length", "5")],
    "CONNECT with a path": [(":method", "CONNECT"), *GET[1:]],
}
REFUSED = {
    "a lower-case method": ([(":method", "get"), *GET[1:]], 400),
    "TRACE": ([(":method", "TRACE"), *GET[1:]], 405),
    "CONNECT": ([(":method", "CONNECT"), GET[2]], 405),
    "an escaped slash": ([*GET[:3], (":path", "/a%2Fb")], 400),
    "a dot segment": ([*GET[:3], (":path", "/a/../b")], 400),
    "an asterisk": ([*GET[:3], (":path", "*")], 400),
    "no authority": ([*GET[:2], GET[3]], 400),
    "two of Authorization": ([*GET, ("authorization", "a"), ("authorization", "b")], 400),
    "an expectation": ([*GET, ("expect", "more")], 417),
    "a long path": ([*GET[:3], (":path", "/" + "a" * 9000)], 414),
    "a long field": ([*GET, ("x", "a" * 33_000)], 431),
    "many fields": ([*GET, *[(f"x-{number}", "v") for number in range(100)]], 431),
    "another protocol": ([(":method", "CONNECT"), (":protocol", "connect-udp"), *GET[1:]], 501),
}


@asynccontextmanager
async def _listening(
    refusals: list[WireRefusal], settings: ServerSettings = CLEAR, tls: ListenerTls | None = None
) -> AsyncIterator[RunningServer]:
    """A server that reports what it refuses."""
    server = await start(Listener(Answerer(echo), settings, refusals.append), tls=tls)
    try:
        yield server
    finally:
        await server.aclose()


@pytest.mark.parametrize("case", BAD_FIELDS)
def test_malformed_requests(case: str) -> None:
    """What HTTP/2 calls malformed ends its stream and no other, and is reported. Source: RFC 9113 §8.1.1."""

    async def scenario() -> None:
        refusals: list[WireRefusal] = []
        async with _listening(refusals) as server, raw(server.port) as client:
            client.write(client.head(1, BAD_FIELDS[case]), client.head(3))
            assert (await client.first(RST_STREAM)).word == ErrorCode.PROTOCOL_ERROR
            assert client.fields(await client.first(HEADERS, 3))[":status"] == "200"
        assert [refusal.status for refusal in refusals] == [400]

    uvloop.run(scenario())


@pytest.mark.parametrize("case", REFUSED)
def test_refused_requests(case: str) -> None:
    """What HTTP/1.1 would refuse gets the same answer, and the connection goes on."""

    async def scenario() -> None:
        fields, status = REFUSED[case]
        refusals: list[WireRefusal] = []
        async with _listening(refusals) as server, raw(server.port) as client:
            flags = 0 if (":protocol", "connect-udp") in fields else frames.END_STREAM
            client.write(client.blocks(1, fields, flags), client.head(3))
            assert client.fields(await client.first(HEADERS, 1))[":status"] == str(status)
            assert client.fields(await client.first(HEADERS, 3))[":status"] == "200"
        assert [refusal.status for refusal in refusals] == [status]

    uvloop.run(scenario())


def test_a_refused_head_request() -> None:
    """Its answer ends with the head, as every answer to HEAD. Source: RFC 9110 §9.3.2."""

    async def scenario() -> None:
        async with _listening([]) as server, raw(server.port) as client:
            client.write(client.head(1, [(":method", "HEAD"), *GET[1:3], (":path", "/%00")]))
            refused = await client.first(HEADERS, 1)
            assert refused.flags & frames.END_STREAM
            assert client.fields(refused)[":status"] == "400"

    uvloop.run(scenario())


def test_the_gateway_stops() -> None:
    """Clients learn twice: first to begin nothing, then which stream was the last; that one is still answered."""
    goes_on = asyncio.Event()

    async def slow(request: Request) -> Response:
        await goes_on.wait()
        return quiet(request)

    async def scenario() -> None:
        settings = replace(CLEAR, farewell_s=0.1)
        server = await start(Answerer(slow), settings=settings)
        async with raw(server.port) as client:
            client.write(client.head(1))
            await client.first(SETTINGS)
            await asyncio.sleep(0.05)
            stopping = asyncio.create_task(server.aclose())
            assert int.from_bytes((await client.first(GOAWAY)).payload[:4]) == MAX_WINDOW
            client.write(client.head(3))
            assert int.from_bytes((await client.first(GOAWAY)).payload[:4]) == 3
            client.write(client.head(5))
            goes_on.set()
            seen = await client.rest()
            assert [frame.stream for frame in seen if frame.kind == HEADERS] == [1, 3]
            client.writer.close()
            await stopping

    uvloop.run(scenario())


def test_a_stalled_stream_is_cut_while_the_gateway_stops() -> None:
    """The client is told with RST_STREAM before the connection closes, and the application learns that it has left."""

    async def scenario() -> None:
        application = Answerer(lambda _: Response(200, Headers(), Body(bytes(100_000))))
        server = await start(application, settings=replace(QUICK, farewell_s=0))
        async with raw(server.port, greets=False) as client:
            client.write(PREFACE, frames.settings({frames.Setting.INITIAL_WINDOW_SIZE: 10}), client.head(1))
            await client.first(HEADERS, 1)
            stopping = asyncio.create_task(server.aclose())
            assert (await client.first(RST_STREAM, 1)).word == ErrorCode.CANCEL
            assert await client.next() is None
            await stopping

    uvloop.run(scenario())


def test_an_upload_that_nobody_reads_on_a_connection_that_has_failed(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is written behind the end of a connection: whoever could cause that would fill the log."""

    async def scenario() -> None:
        async with serving(Answerer(quiet), CLEAR) as server, raw(server.port) as client:
            client.write(client.head(1, flags=0))
            await client.first(DATA, 1)
            client.write(client.head(2))  # no client has even numbers
            await client.first(GOAWAY)
            await asyncio.sleep(0.6)  # two looks at the deadlines

    uvloop.run(scenario())
    assert not caplog.records


def test_streams_of_events_end_when_the_gateway_stops() -> None:
    """An event stream, which has no end of its own, gets one."""

    def events(request: Request) -> Response:
        source = BodyStream()
        source.feed(b"data: 1\n\n")
        return Response(200, Headers([("Content-Type", "text/event-stream")]), Body(stream=source))

    async def scenario() -> None:
        settings = ServerSettings(http2=CLEAR.http2, timeouts=ClientTimeouts(drain_s=0.1))
        server = await start(Answerer(events), settings=settings)
        async with raw(server.port) as client:
            client.write(client.head(1))
            assert (await client.first(DATA)).payload == b"data: 1\n\n"
            assert (server.connections, server.streams) == (1, 1)
            stopping = asyncio.create_task(server.aclose())
            assert (await client.first(DATA)).flags == frames.END_STREAM
            client.writer.close()
            await stopping

    uvloop.run(scenario())


def test_a_reload_changes_the_next_request() -> None:
    """A connection stays, and its next request is the new application's, under the new settings."""

    async def scenario() -> None:
        async with serving(Answerer(echo), CLEAR) as server, connected(server.port) as client:
            assert (await client.get("/a")).body == b"hello"
            new = Answerer(quiet)
            server.serve_with(new, replace(CLEAR, via="another"))
            assert (await client.get("/a")).body == b"ok"
            assert new.seen[0].headers.first("via") == "2.0 another"

    uvloop.run(scenario())


def test_too_many_connections(tmp_path: Path) -> None:
    """One connection more is turned away with GOAWAY that says that nothing was done, and reported as 503."""

    async def scenario() -> None:
        refusals: list[WireRefusal] = []
        files, limits = Files(tmp_path), ClientLimits(connections=1)
        context = ssl.create_default_context(cafile=files.ca)
        context.set_alpn_protocols(["h2"])
        settings = ServerSettings(limits=limits, timeouts=ClientTimeouts(linger_s=0.1))
        async with (
            _listening(refusals, settings, files.listener) as server,
            raw(server.port, tls=context),
            raw(server.port, tls=context) as second,
        ):
            second.write(second.head(1))
            goaway = await second.first(GOAWAY)
            assert (goaway.payload[:4], goaway.payload[7]) == (bytes(4), ErrorCode.ENHANCE_YOUR_CALM)
            assert await second.rest() == []
        assert [refusal.status for refusal in refusals] == [503]

    uvloop.run(scenario())


def test_too_many_streams() -> None:
    """A stream more than announced is refused, so that the client may send it again; the others are answered."""

    async def late(request: Request) -> Response:
        await asyncio.sleep(0.05)
        return quiet(request)

    async def scenario() -> None:
        settings = replace(CLEAR, http2=CLEAR.http2.model_copy(update={"streams": 2}))
        async with serving(Answerer(late), settings) as server, raw(server.port) as client:
            client.write(client.head(1), client.head(3), client.head(5))
            refused = await client.first(RST_STREAM)
            assert (refused.stream, refused.word) == (5, ErrorCode.REFUSED_STREAM)
            assert {(await client.first(HEADERS)).stream for _ in range(2)} == {1, 3}

    uvloop.run(scenario())


@pytest.mark.parametrize(
    "begins",
    [
        lambda client: client.write(PREFACE[:10]),
        lambda client: client.write(PREFACE),
        lambda client: client.write(PREFACE, frames.frame(SETTINGS, 0, 0), b"\0\0\x10\x01"),
        lambda client: client.write(PREFACE, frames.frame(SETTINGS, 0, 0), frames.frame(HEADERS, 1, 1, b"\x82")),
    ],
    ids=["half a preface", "no settings", "half a frame", "half a head"],
)
def test_what_does_not_come_in_time(begins: Callable[[RawClient], None]) -> None:
    """A connection that begins something and does not go on is closed."""

    async def scenario() -> None:
        async with serving(Answerer(echo), QUICK) as server, raw(server.port, greets=False) as client:
            begins(client)
            await client.rest()
            await settled(lambda: server.connections == 0)

    uvloop.run(scenario())


def test_an_idle_connection() -> None:
    """It is told before it is closed."""

    async def scenario() -> None:
        settings = ServerSettings(http2=CLEAR.http2, timeouts=ClientTimeouts(idle_s=0.1, linger_s=0.1))
        async with serving(Answerer(echo), settings) as server, raw(server.port) as client:
            client.write(client.head(1))
            assert (await client.first(GOAWAY)).payload[7] == ErrorCode.NO_ERROR
            assert await client.rest() == []

    uvloop.run(scenario())


def test_a_client_that_says_goodbye() -> None:
    """GOAWAY of a client ends no stream that runs: it is answered."""

    async def late(request: Request) -> Response:
        await asyncio.sleep(0.05)
        return quiet(request)

    async def scenario() -> None:
        async with serving(Answerer(late), CLEAR) as server, raw(server.port) as client:
            client.write(client.head(1), frames.goaway(0, ErrorCode.NO_ERROR))
            assert client.fields(await client.first(HEADERS, 1))[":status"] == "200"

    uvloop.run(scenario())


def test_the_table_is_announced_where_a_client_makes_it_smaller() -> None:
    """The next head begins with the new size, as decoders demand. Source: RFC 7541 §4.2."""

    async def scenario() -> None:
        async with serving(Answerer(echo), CLEAR) as server, raw(server.port) as client:
            client.write(frames.settings({frames.Setting.HEADER_TABLE_SIZE: 0}), client.head(1), client.head(3))
            assert (await client.first(HEADERS, 1)).payload.startswith(b"\x20\x88")
            assert (await client.first(HEADERS, 3)).payload.startswith(b"\x88")

    uvloop.run(scenario())


def test_a_head_that_is_too_large_once_decoded() -> None:
    """Fields beyond the limit are answered with 431 on their stream; the connection and its compression go on."""

    async def scenario() -> None:
        limits = ClientLimits(head_bytes=2000, header_count=10)
        settings = ServerSettings(limits=limits, http2=Http2Settings(clear_text=True))
        async with serving(Answerer(echo), settings) as server, connected(server.port) as client:
            client.h2.remote_settings[SettingCodes.MAX_HEADER_LIST_SIZE] = 1 << 20
            large = [(f"x-{number}", "a" * 900) for number in range(8)]
            answers = [await client.get(fields=[*large, ("x-last", str(number))]) for number in range(3)]
            assert [answer.status for answer in answers] == [431, 431, 431]
            assert (await client.get(fields=[("x-last", "2")])).status == 200
            assert not client.goaway

    uvloop.run(scenario())
