"""Clients that read nothing, leave or stay for ever: memory is bounded, and everything that waits has a deadline."""

from __future__ import annotations

import asyncio
import resource
from contextlib import AsyncExitStack

import pytest

from gateway.wire.body import Body, BodyStream
from gateway.wire.headers import Headers
from gateway.wire.messages import Request, Response
from gateway.wire.settings import ClientLimits, ClientTimeouts, ServerSettings
from tests.wire.rig import Answerer, Client, client, serving, settled

GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
FAST = ServerSettings(timeouts=ClientTimeouts(write_s=0.3, idle_s=0.3, linger_s=0.1))


def _stop_reading(connection: Client) -> None:
    connection.writer.transport.pause_reading()  # type: ignore[attr-defined]


def test_answers_to_requests_sent_ahead_wait_for_their_reader() -> None:
    """While a client reads nothing, no further request begins, so its answers do not pile up."""

    async def scenario() -> None:
        app = Answerer(lambda _: Response(200, None, Body(b"x" * 65536)))
        async with serving(app) as server, client(server.port) as c:
            _stop_reading(c)
            c.send(GET * 400)
            await asyncio.sleep(0.5)
            assert len(app.seen) < 200  # the socket's buffers take some
            before = len(app.seen)
            await asyncio.sleep(0.3)
            assert len(app.seen) == before
            c.writer.transport.resume_reading()  # type: ignore[attr-defined]
            for _ in range(400):
                assert (await c.reply()).status == 200

    asyncio.run(scenario())


def test_a_stream_that_begins_while_the_client_is_slow_is_held_back() -> None:
    """A streamed answer behind others is paused like any: its source is not read into memory."""

    async def scenario() -> None:
        fed = 0
        paused = False

        def pause() -> None:
            nonlocal paused
            paused = True

        def respond(request: Request) -> Response:
            nonlocal fed
            stream = BodyStream(None, pause, lambda: None)
            while not paused and fed < 1 << 28:
                stream.feed(b"z" * (1 << 18))
                fed += 1 << 18
            return Response(200, None, Body(stream=stream))

        async with serving(Answerer(respond)) as server, client(server.port) as c:
            _stop_reading(c)
            c.send(GET)
            assert await settled(lambda: paused)
            assert fed < 1 << 23

    asyncio.run(scenario())


@pytest.mark.parametrize("size", [1000, 3_000_000], ids=["in the socket", "in our buffer"])
def test_closing_has_a_deadline(size: int) -> None:
    """A client that never reads its last answer is disconnected when it has read nothing for the write time-out."""

    async def scenario() -> None:
        app = Answerer(lambda _: Response(200, None, Body(b"x" * size)))
        async with serving(app, FAST) as server, client(server.port) as c:
            _stop_reading(c)
            c.send(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            assert await settled(lambda: bool(app.seen))
            assert await settled(lambda: server.connections == 0, 5)

    asyncio.run(scenario())


def test_stopping_does_not_wait_for_a_client_that_takes_nothing() -> None:
    """A server that stops gives such a client five seconds, not its whole drain time."""

    async def scenario() -> None:
        app = Answerer(lambda _: Response(200, None, Body(b"x" * 5_000_000)))
        async with serving(app) as server, client(server.port) as c:
            _stop_reading(c)
            c.send(GET * 3)
            assert await settled(lambda: bool(app.seen))
            began = asyncio.get_running_loop().time()
            await server.aclose()
            assert asyncio.get_running_loop().time() - began < 12

    asyncio.run(scenario())


def test_too_many_stalled_clients_make_room() -> None:
    """Beyond the bound, a client that has read nothing for some seconds is disconnected, its backend connection too."""

    async def scenario() -> None:
        app = Answerer(lambda _: Response(200, None, Body(b"x" * 8_000_000)))
        settings = ServerSettings(limits=ClientLimits(stalled_connections=3))
        async with serving(app, settings) as server, AsyncExitStack() as stack:
            for _ in range(8):
                c = await stack.enter_async_context(client(server.port))
                _stop_reading(c)
                c.send(GET)
            assert await settled(lambda: len(app.seen) == 8)
            assert await settled(lambda: server.connections == 3, 12)

    asyncio.run(scenario())


def test_a_client_that_left_is_noticed_behind_what_it_sent_ahead() -> None:
    """An event stream ends soon after its client has left, even if another request was sent ahead on the connection."""

    async def scenario() -> None:
        stream = BodyStream()
        headers = Headers([("Content-Type", "text/event-stream")])
        app = Answerer(lambda _: Response(200, headers, Body(stream=stream)))
        async with serving(app) as server:
            async with client(server.port) as c:
                c.send(GET + GET)
                assert await settled(lambda: bool(app.seen))
                await asyncio.sleep(0.1)
                c.send(GET)  # a read that finds the connection paused
                await asyncio.sleep(0.1)
            assert await settled(lambda: bool(app.endings), 4)
            assert app.endings[0].client_left

    asyncio.run(scenario())


def test_a_client_that_leaves_in_the_middle_of_its_body_has_left() -> None:
    """The exchange is logged as left by the client, and no answer is made for it."""

    async def read(request: Request) -> Response:
        assert request.body is not None
        try:
            await request.body.buffer(1000)
        except Exception:
            return Response(400)
        return Response()

    async def scenario() -> None:
        app = Answerer(read)
        async with serving(app) as server:
            async with client(server.port) as c:
                c.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 500\r\n\r\nhalf")
                assert await settled(lambda: bool(app.seen))
                await asyncio.sleep(0.05)
            assert await settled(lambda: bool(app.endings))
        assert (app.endings[0].client_left, app.endings[0].status_code) == (True, None)

    asyncio.run(scenario())


def test_an_answer_that_breaks_off_is_not_the_clients_doing() -> None:
    """If the backend breaks off an answer, the exchange is not logged as left by the client."""

    async def scenario() -> None:
        stream = BodyStream(10)
        app = Answerer(lambda _: Response(200, None, Body(stream=stream)))
        async with serving(app) as server, client(server.port) as c:
            c.send(GET)
            await c.reader.readuntil(b"\r\n\r\n")
            stream.feed(b"half")
            stream.fail(RuntimeError("gone"))
            assert await settled(lambda: bool(app.endings))
        assert not app.endings[0].client_left
        assert app.endings[0].sent_bytes == 4

    asyncio.run(scenario())


def test_the_last_descriptors_are_not_given_to_clients() -> None:
    """When hardly any file descriptors are left, a client is answered 503 and the refusal is reported."""

    async def scenario() -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        app = Answerer(lambda _: Response())
        async with serving(app) as server, AsyncExitStack() as stack:
            resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
            try:
                statuses = set()
                for _ in range(120):
                    c = await stack.enter_async_context(client(server.port))
                    c.send(GET)
                    statuses.add((await c.reply()).status)
                    if 503 in statuses:
                        break
                assert statuses == {200, 503}
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    asyncio.run(scenario())
