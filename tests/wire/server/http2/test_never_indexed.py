"""Secrets stay out of the compression of the connection to a backend. Source: RFC 7541 §7.1.3."""

from __future__ import annotations

import asyncio

from hpack import NeverIndexedHeaderTuple

from gateway.wire.messages import ForwardOptions
from gateway.wire.settings import Http2Settings, ServerSettings
from gateway.wire.upstream.http_target import HttpTarget
from tests.wire.http2_peer import Peer, playing
from tests.wire.rig import Forwarder, serving
from tests.wire.server.http2.frames import headers, literal, request
from tests.wire.server.http2.raw_client import connected

SETTINGS = ServerSettings(http2=Http2Settings(clear_text=True))


def test_credentials_are_never_indexed() -> None:
    """Authorization and a short cookie go to a backend of HTTP/2 never indexed, however the client has sent them."""

    async def scenario() -> None:
        async with playing(Peer()) as peer:
            target = HttpTarget(peer.url)
            application = Forwarder(target, ForwardOptions(5.0, http_version="2"))
            async with serving(application, SETTINGS) as server, connected(server.port) as client:
                await client.greet()
                secrets = literal(b"authorization", b"Bearer a", 0x10) + literal(b"cookie", b"a=b", 0x40)
                client.send(headers(1, request() + secrets))
                await client.until(lambda: client.finished(1))
                assert client.statuses[1] == [200]
            await target.aclose()
            marked = {
                bytes(field[0]) for field in peer.requests[0].fields if isinstance(field, NeverIndexedHeaderTuple)
            }
            assert marked >= {b"authorization", b"cookie"}

    asyncio.run(scenario())
