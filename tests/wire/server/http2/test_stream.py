"""One stream: bodies that wait for a reader, interim answers, tunnels, and how it ends."""

from __future__ import annotations

import asyncio

import pytest
import uvloop

from gateway.errors import ClientLeft
from gateway.wire.body import Body, BodyStream
from gateway.wire.headers import Headers
from gateway.wire.messages import Request, Response
from gateway.wire.server.http2 import frames
from gateway.wire.server.http2.frames import DATA, HEADERS, RST_STREAM, WINDOW_UPDATE, ErrorCode
from gateway.wire.server.http2.stream import READ_WINDOW
from gateway.wire.settings import ClientLimits, ClientTimeouts, ServerSettings
from gateway.wire.websocket import close_frame
from tests.wire.rig import Answerer, Backend, Forwarder, backend, serving, settled
from tests.wire.server.http2.client import connected
from tests.wire.server.http2.raw import POST, raw
from tests.wire.server.http2.test_connection import CLEAR, connecting, echo, target

QUICK = ServerSettings(
    http2=CLEAR.http2, timeouts=ClientTimeouts(body_s=0.1, write_s=0.1, head_s=0.2, linger_s=0.1, expiry_grace_s=0)
)
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Accept: x\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
)


def quiet(request: Request) -> Response:
    """An answer that needs no body."""
    return Response(200, Headers(), Body(b"ok"))


def test_the_client_sends_its_body_when_it_is_read() -> None:
    """``100 Continue`` goes out when the body is first read, not before. Source: RFC 9110 §10.1.1."""

    async def late(request: Request) -> Response:
        await asyncio.sleep(0.05)
        assert request.body is not None
        await request.body.buffer(100)
        return Response(200, Headers(), Body(request.body.content))

    async def scenario() -> None:
        async with connecting(Answerer(late)) as client:
            stream = client.begin(method="POST", fields=[("expect", "100-continue")], end=False)
            await asyncio.sleep(0.02)
            assert not client.answers[stream].interim
            await client.until(lambda: bool(client.answers[stream].interim))
            client.send(stream, b"abc", end=True)
            got = await client.over(stream)
            assert (got.interim, got.status, got.body) == ([{":status": "100"}], 200, b"abc")

    uvloop.run(scenario())


def test_interim_answers_pass() -> None:
    """103 of a backend reaches the client before the answer."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Backend) -> None:
        await behind.head(reader)
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")

    async def scenario() -> None:
        async with backend(script) as behind, connecting(Forwarder(target(behind))) as client:
            got = await client.get()
            assert (got.interim, got.status) == ([{":status": "103", "link": "</a>"}], 204)

    uvloop.run(scenario())


def test_an_answer_before_the_end_of_the_request() -> None:
    """The answer is complete, and the client learns that the rest is not needed. Source: RFC 9113 §8.1."""

    async def scenario() -> None:
        application = Answerer(quiet)
        async with serving(application, CLEAR) as server, raw(server.port) as client:
            client.write(client.head(1, POST, 0))
            assert client.fields(await client.first(HEADERS, 1))[":status"] == "200"
            assert (await client.first(DATA, 1)).payload == b"ok"
            assert (await client.first(RST_STREAM, 1)).word == ErrorCode.NO_ERROR
            client.write(frames.frame(DATA, 0, 1, b"late"), client.head(3))
            assert client.fields(await client.first(HEADERS, 3))[":status"] == "200"
        assert not application.endings[0].client_left

    uvloop.run(scenario())


def test_an_upload_that_nobody_reads_holds_up_only_itself() -> None:
    """Its window stays shut, and another one of the same connection passes; the first goes on when it is read."""
    reads = asyncio.Event()

    async def patient(request: Request) -> Response:
        if request.path == "/slow":
            await reads.wait()
        return echo(request)

    async def scenario() -> None:
        content = bytes(1_000_000)
        async with serving(Answerer(patient), CLEAR) as server, connected(server.port) as client:
            slow = client.begin("/slow", "POST", end=False)
            uploading = asyncio.create_task(client.upload(slow, content))
            quick = client.begin("/quick", "POST", end=False)
            await client.upload(quick, content)
            assert (await client.over(quick)).body == content
            assert not uploading.done()
            reads.set()
            await uploading
            assert (await client.over(slow)).body == content

    uvloop.run(scenario())


def test_the_window_opens_with_a_reader() -> None:
    """Until a body has a reader the client may send 64 KiB; then 256 KiB ahead."""

    async def scenario() -> None:
        async with serving(Answerer(echo), CLEAR) as server, raw(server.port) as client:
            client.write(client.head(1, POST, 0), frames.frame(DATA, 0, 1, bytes(16384)) * 3)
            assert (await client.first(WINDOW_UPDATE, 1)).word == READ_WINDOW - (frames.FIRST_WINDOW - 3 * 16384)

    uvloop.run(scenario())


def test_an_answer_that_nobody_reads_holds_up_only_itself() -> None:
    """A client that opens no window of one stream gets all of another, and the source of the first is paused."""
    paused: list[bool] = []

    def large(request: Request) -> Response:
        if request.path != "/slow":
            return Response(200, Headers(), Body(bytes(40_000)))
        source = BodyStream(None, lambda: paused.append(True), lambda: paused.append(False))
        source.feed(bytes(100_000))
        return Response(200, Headers(), Body(stream=source))

    async def scenario() -> None:
        async with serving(Answerer(large), CLEAR) as server, connected(server.port, takes=False) as client:
            client.h2.increment_flow_control_window(1_000_000)
            slow = client.begin("/slow")
            await client.until(lambda: len(client.answers[slow].body) == frames.FIRST_WINDOW)
            assert len((await client.get("/quick")).body) == 40_000
            assert paused[-1]
            assert len(client.answers[slow].body) == frames.FIRST_WINDOW
            client.h2.increment_flow_control_window(100_000, slow)
            client.flush()
            await client.until(lambda: len(client.answers[slow].body) == 100_000)
            assert not paused[-1]

    uvloop.run(scenario())


def test_a_client_that_opens_no_window_is_cut_off() -> None:
    """After ``write`` without a byte taken, the stream ends, and the connection goes on."""

    async def scenario() -> None:
        application = Answerer(lambda _: Response(200, Headers(), Body(bytes(100_000))))
        async with serving(application, QUICK) as server, connected(server.port, takes=False) as client:
            got = await client.get()
            assert (len(got.body), got.reset) == (frames.FIRST_WINDOW, ErrorCode.CANCEL)
            assert not client.closed

    uvloop.run(scenario())


def test_a_body_that_does_not_come() -> None:
    """408 when a piece of a body is due and does not come; the connection goes on."""

    async def scenario() -> None:
        async def reads(request: Request) -> Response:
            assert request.body is not None
            await request.body.buffer(100)
            return quiet(request)

        async with serving(Answerer(reads), QUICK) as server, connected(server.port) as client:
            stream = client.begin(method="POST", end=False)
            assert (await client.over(stream)).status == 408
            assert (await client.get("/")).status == 500  # no body to read

    uvloop.run(scenario())


def test_a_slow_body_is_not_a_missing_one() -> None:
    """Bytes count as they come, not frame by frame: a frame of 16 KiB may take longer than ``body`` in all."""

    async def scenario() -> None:
        settings = ServerSettings(
            http2=CLEAR.http2, timeouts=ClientTimeouts(body_s=0.4), limits=ClientLimits(body_rate=100)
        )
        async with serving(Answerer(echo), settings) as server, raw(server.port) as client:
            whole = client.head(1, POST, 0) + frames.frame(DATA, 1, 1, bytes(1000))
            client.write(whole[:-900])
            for _ in range(9):
                await asyncio.sleep(0.1)
                client.write(bytes(100))
            assert sum([len((await client.first(DATA, 1)).payload) for _ in range(10)]) == 1000

    uvloop.run(scenario())


@pytest.mark.parametrize("leaves", ["reset", "close"])
def test_a_client_that_leaves(leaves: str) -> None:
    """Its request ends at once, as with HTTP/1.1, whether it gives up one stream or the connection."""

    async def scenario() -> None:
        cancelled = asyncio.Event()

        async def forever(request: Request) -> Response:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancelled.set()
                raise
            raise AssertionError

        application = Answerer(forever)
        async with connecting(application) as client:
            stream = client.begin()
            await asyncio.sleep(0.02)
            if leaves == "reset":
                client.reset(stream)
            else:
                client.writer.close()
            async with asyncio.timeout(2):
                await cancelled.wait()
        assert [(ending.status_code, ending.client_left) for ending in application.endings] == [(None, True)]

    uvloop.run(scenario())


def test_a_request_that_breaks_off_is_not_complete() -> None:
    """Whoever reads the body of a stream that was reset sees an error, no end."""

    async def scenario() -> None:
        errors: list[BaseException] = []

        async def reads(request: Request) -> Response:
            assert request.body is not None
            try:
                await request.body.buffer(1000)
            except BaseException as error:
                errors.append(error)
                raise
            return quiet(request)

        async with connecting(Answerer(reads)) as client:
            stream = client.begin(method="POST", end=False)
            client.send(stream, b"half")
            await asyncio.sleep(0.02)
            client.reset(stream)
            await settled(lambda: bool(errors))
        assert isinstance(errors[0], ClientLeft | asyncio.CancelledError)

    uvloop.run(scenario())


# -- tunnels
async def websocket(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Backend) -> None:
    """A backend that switches, and sends back what comes."""
    await behind.head(reader)
    writer.write(SWITCHED)
    while data := await reader.read(1000):
        writer.write(data)


CONNECT = [
    (":method", "CONNECT"),
    (":protocol", "websocket"),
    (":scheme", "http"),
    (":authority", "h"),
    (":path", "/c"),
]


def test_a_websocket_over_a_stream() -> None:
    """RFC 8441: CONNECT with ``:protocol`` becomes an upgrade towards the backend, and bytes flow both ways."""

    async def scenario() -> None:
        async with backend(websocket) as behind, connecting(Forwarder(target(behind))) as client:
            stream = client.h2.get_next_available_stream_id()
            await client.until(lambda: client.h2.remote_settings.enable_connect_protocol == 1)
            fields = [*CONNECT, ("sec-websocket-version", "13"), ("sec-websocket-protocol", "chat")]
            client.tunnel(stream, fields)
            await client.until(lambda: client.answers[stream].status == 200)
            assert client.answers[stream].fields["sec-websocket-protocol"] == "chat"
            assert "sec-websocket-accept" not in client.answers[stream].fields
            client.send(stream, b"\x82\x85abcd12345")
            await client.until(lambda: client.answers[stream].body == b"\x82\x85abcd12345")
            assert b"Connection: Upgrade\r\nUpgrade: websocket\r\n" in behind.received
            assert b"sec-websocket-key: " in behind.received
            assert behind.received.startswith(b"GET /c HTTP/1.1\r\n")
            client.reset(stream)
            await settled(lambda: behind.open == 0)

    uvloop.run(scenario())


def test_a_backend_that_does_not_switch() -> None:
    """Its 200 must not look like a tunnel: 502. Any other answer is passed on. Source: RFC 8441 §5."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Backend) -> None:
        head = await behind.head(reader)
        status = b"403 No" if b"/403" in head else b"200 OK"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\nok")

    async def scenario() -> None:
        async with backend(script) as behind, connecting(Forwarder(target(behind))) as client:
            for path, status in (("/200", 502), ("/403", 403)):
                stream = client.h2.get_next_available_stream_id()
                client.tunnel(stream, [*CONNECT[:-1], (":path", path)])
                assert (await client.over(stream)).status == status

    uvloop.run(scenario())


def test_the_token_of_a_stream_expires() -> None:
    """A WebSocket whose token has expired ends with a close frame; the connection goes on."""

    async def scenario() -> None:
        async with backend(websocket) as behind:

            class Expiring(Forwarder):
                def handle(self, request: Request):  # type: ignore[no-untyped-def]
                    request.expires_at = 1.0
                    return super().handle(request)

            application = Expiring(target(behind))
            async with serving(application, QUICK) as server, connected(server.port) as client:
                stream = client.h2.get_next_available_stream_id()
                client.tunnel(stream, CONNECT)
                got = await client.over(stream)
                assert got.body == close_frame(1008, "token expired", masked=False)
                assert not client.closed
            assert application.endings[0].expired

    uvloop.run(scenario())
