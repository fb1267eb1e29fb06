"""Deadlines of single streams: a tunnel in which nothing moves, and clients that take nothing."""

from __future__ import annotations

import asyncio

import pytest
import uvloop

from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Response
from gateway.wire.server import deadlines
from gateway.wire.server.http2.frames import ErrorCode
from gateway.wire.settings import ClientLimits, ClientTimeouts, Http2Settings, ServerSettings
from gateway.wire.websocket import close_frame
from tests.wire.rig import Answerer, Forwarder, backend, listener_of, serving, settled
from tests.wire.server.http2.client import connected
from tests.wire.server.http2.test_connection import target
from tests.wire.server.http2.test_stream import CONNECT, websocket

HTTP2 = Http2Settings(clear_text=True)


def test_an_idle_tunnel_ends() -> None:
    """After ``tunnel-idle`` without a byte both sides get a close frame; bytes put that off, and others go on."""

    async def scenario() -> None:
        settings = ServerSettings(timeouts=ClientTimeouts(tunnel_idle_s=0.6), http2=HTTP2)
        async with backend(websocket) as behind, serving(Forwarder(target(behind)), settings) as server:
            async with connected(server.port) as client:
                stream = client.h2.get_next_available_stream_id()
                client.tunnel(stream, CONNECT)
                await client.until(lambda: client.answers[stream].status == 200)
                for _ in range(5):
                    client.send(stream, b"\x82\x85abcd12345")
                    await asyncio.sleep(0.3)
                    assert not client.answers[stream].over
                got = await client.over(stream)
                assert got.body.endswith(close_frame(1001, "idle", masked=False))
                assert not client.closed
            assert await settled(lambda: behind.open == 0)

    uvloop.run(scenario())


def test_more_stalled_streams_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond ``stalled-connections`` the streams whose clients take nothing end; their connection goes on."""
    monkeypatch.setattr(deadlines, "_STALL_S", 0.2)

    async def scenario() -> None:
        settings = ServerSettings(limits=ClientLimits(stalled_connections=2), http2=HTTP2)
        application = Answerer(lambda _: Response(200, Headers(), Body(bytes(100_000))))
        async with serving(application, settings) as server, connected(server.port, takes=False) as client:
            streams = [client.begin(f"/{number}") for number in range(5)]
            await client.until(lambda: sum(client.answers[stream].over for stream in streams) == 3)
            assert [got.reset for got in client.answers.values() if got.over] == [ErrorCode.CANCEL] * 3
            await asyncio.sleep(0.6)
            assert sum(client.answers[stream].over for stream in streams) == 3
            assert len(listener_of(server).stalled) == 2
            assert not client.closed
        assert not listener_of(server).stalled

    uvloop.run(scenario())
