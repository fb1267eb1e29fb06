"""Requests whose bodies do not come hold few backends, whatever the number of streams."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import uvloop

from gateway.reading.values import LOOPBACK_NETWORKS
from gateway.wire.messages import Request, Response
from gateway.wire.pending import Pending
from gateway.wire.server.http2.unfinished import SHARED_PLACES
from gateway.wire.settings import ClientTimeouts, Http2Settings, ServerSettings
from tests.wire.rig import Answerer, listener_of, serving, settled
from tests.wire.server.http2.client import connected
from tests.wire.server.http2.test_connection import CLEAR, echo


def waiting(request: Request) -> Pending[Response]:
    """No answer."""
    return Pending()


def test_idle_bodies_hold_few_backends() -> None:
    """Three connections with 100 idle bodies each begin 131 requests; whole requests beside them are answered."""

    async def scenario() -> None:
        application = Answerer(lambda request: echo(request) if request.method == "GET" else waiting(request))
        async with serving(application, CLEAR) as server, AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(connected(server.port)) for _ in range(3)]
            for client in clients:
                for _ in range(100):
                    client.begin(method="POST", end=False)
                    client.flush()
            bound = SHARED_PLACES + len(clients)
            assert await settled(lambda: len(application.seen) == bound)
            async with connected(server.port) as other:
                assert (await other.get("/")).status == 200
                stream = other.begin(method="POST", end=False)  # each connection has a place of its own
                assert await settled(lambda: len(application.seen) == bound + 2)
                other.send(stream, b"", end=True)
            clients[0].writer.close()  # the places that it returns go to the others
            assert await settled(lambda: len(application.seen) > bound + 20)

    uvloop.run(scenario())


def test_a_request_that_has_come_completely_does_not_wait() -> None:
    """Where no place is free, the end of a body is enough; and the next one that waits follows the one that ends."""

    async def scenario() -> None:
        application = Answerer(waiting)
        async with serving(application, CLEAR) as server, connected(server.port) as client:
            listener_of(server).unfinished.free = 0
            streams = [client.begin(f"/{number}", method="POST", end=False) for number in range(3)]
            assert await settled(lambda: len(application.seen) == 1)
            client.send(streams[2], b"all of it", end=True)
            assert await settled(lambda: [request.path for request in application.seen] == ["/0", "/2"])
            assert application.seen[1].body is not None
            assert application.seen[1].body.content == b"all of it"
            client.send(streams[0], b"", end=True)
            assert await settled(lambda: [request.path for request in application.seen] == ["/0", "/2", "/1"])

    uvloop.run(scenario())


def test_a_trusted_proxy_has_places_for_all_its_streams() -> None:
    """What one connection of a trusted proxy carries belongs to many clients: none of them waits for another."""

    async def scenario() -> None:
        application = Answerer(waiting)
        settings = ServerSettings(http2=Http2Settings(clear_text=True), trusted_proxies=LOOPBACK_NETWORKS)
        async with serving(application, settings) as server, connected(server.port) as client:
            listener_of(server).unfinished.free = 0
            for _ in range(50):
                client.begin(method="POST", end=False)
            assert await settled(lambda: len(application.seen) == 50)

    uvloop.run(scenario())


def test_tunnels_need_no_place() -> None:
    """A WebSocket lasts, and holds up no request of its connection."""

    async def scenario() -> None:
        application = Answerer(waiting)
        async with serving(application, CLEAR) as server, connected(server.port) as client:
            listener_of(server).unfinished.free = 0
            head = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/chat")]
            for stream_id in range(1, 11, 2):
                client.tunnel(stream_id, [*head, (":authority", "gateway.test")])
            assert await settled(lambda: len(application.seen) == 5)

    uvloop.run(scenario())


def test_what_waits_too_long_is_refused() -> None:
    """A request that waits for a place longer than a body may take is answered with 503."""

    async def scenario() -> None:
        settings = ServerSettings(timeouts=ClientTimeouts(body_s=0.3), http2=Http2Settings(clear_text=True))
        async with serving(Answerer(waiting), settings) as server, connected(server.port) as client:
            listener_of(server).unfinished.free = 0
            client.begin(method="POST", end=False)
            stream = client.begin(method="POST", end=False)
            assert (await client.over(stream)).status == 503
            await asyncio.sleep(0)

    uvloop.run(scenario())
