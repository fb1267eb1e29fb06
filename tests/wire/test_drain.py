"""A server that stops loses no request."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from gateway.wire.body import Body
from gateway.wire.messages import Request, Response
from gateway.wire.server.http2 import frames
from gateway.wire.server.serve import start
from gateway.wire.settings import ClientTimeouts, Http2Settings, ServerSettings
from tests.wire.rig import Answerer, client, listener_of, serving, settled

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
SETTINGS = ServerSettings(timeouts=ClientTimeouts(drain_s=2), farewell_s=0.3)


@dataclass
class Tally:
    """What became of the requests of many clients."""

    answered: int = 0
    lost: list[BaseException] = field(default_factory=list)


async def work(request: Request) -> Response:
    """A short request."""
    await asyncio.sleep(0.005)
    return Response(200, None, Body(b"done"))


async def keep_asking(port: int, tally: Tally) -> None:
    """Ask on one connection until it is closed; then on the next, until there is none to be had."""
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return
        closing = False
        while not closing:
            try:
                writer.write(GET)
                head = await reader.readuntil(b"\r\n\r\n")
                assert await reader.readexactly(4) == b"done"
            except (OSError, asyncio.IncompleteReadError) as error:
                tally.lost.append(error)
                return
            tally.answered += 1
            closing = b"Connection: close" in head
            await asyncio.sleep(0.003)
        writer.close()


@pytest.mark.parametrize("clients", [20])
def test_loses_no_short_request_when_it_stops(clients: int) -> None:
    """Under load every request that was sent is answered; connections end with an answer that says so."""

    async def scenario() -> None:
        tally = Tally()
        server = await start(Answerer(work), settings=SETTINGS)
        asking = [asyncio.create_task(keep_asking(server.port, tally)) for _ in range(clients)]
        assert await settled(lambda: tally.answered > 10 * clients, 60)
        await server.aclose()
        await asyncio.gather(*asking)
        assert not tally.lost

    asyncio.run(scenario())


def test_an_idle_connection_may_bring_a_last_request() -> None:
    """A connection that is idle when the server stops is served once more and then closed."""

    async def scenario() -> None:
        async with (
            serving(Answerer(work), SETTINGS) as server,
            client(server.port) as busy,
            client(server.port) as idle,
        ):
            for connection in (busy, idle):
                connection.send(GET)
                await connection.reply()
            closing = asyncio.create_task(server.aclose())
            await asyncio.sleep(0.1)
            busy.send(GET)
            reply = await busy.reply()
            assert (reply.status, reply.field("connection")) == (200, "close")
            assert await idle.closed()
            await closing

    asyncio.run(scenario())


def test_cuts_what_runs_too_long() -> None:
    """After the drain time nothing is waited for."""

    async def endless(request: Request) -> Response:
        await asyncio.sleep(600)
        return Response()

    async def scenario() -> None:
        app = Answerer(endless)
        server = await start(app, settings=ServerSettings(timeouts=ClientTimeouts(drain_s=1)))
        async with client(server.port) as c:
            c.send(GET)
            await asyncio.sleep(0.05)
            await asyncio.wait_for(server.aclose(), 3)
            assert await c.closed()
        await asyncio.sleep(0)
        assert app.endings[0].client_left

    asyncio.run(scenario())


@pytest.mark.parametrize("is_http2", [False, True])
def test_a_connection_that_was_accepted_just_before_is_told_too(is_http2: bool) -> None:
    """What the kernel has accepted, and the event loop takes after the others were told, is told when it begins."""

    async def scenario() -> None:
        settings = replace(SETTINGS, http2=Http2Settings(clear_text=True))
        async with serving(Answerer(work), settings) as server:
            listener_of(server).is_stopping = True  # as from the first moment of the server's end
            if is_http2:
                async with client(server.port) as newcomer:
                    newcomer.send(frames.PREFACE + frames.settings({}))
                    told = frames.goaway(2**31 - 1, frames.ErrorCode.NO_ERROR)
                    assert told in await newcomer.reader.readuntil(told)
            else:
                async with client(server.port) as caller:
                    caller.send(GET)
                    assert (await caller.reply()).field("connection") == "close"

    asyncio.run(scenario())


def test_its_end_begins_with_that() -> None:
    """Whoever begins while the server ends finds that it does."""

    async def scenario() -> None:
        async with serving(Answerer(work), SETTINGS) as server:
            listener = listener_of(server)
            assert not listener.is_stopping
            await server.aclose()
            assert listener.is_stopping

    asyncio.run(scenario())
