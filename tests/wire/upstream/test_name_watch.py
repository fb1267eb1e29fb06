"""A backend's name that moves is followed, over HTTP/1.1 and over HTTP/2."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.wire.messages import ForwardOptions, Request, Response
from gateway.wire.settings import UpstreamSettings
from gateway.wire.upstream import name_watch
from gateway.wire.upstream.http_target import HttpTarget
from tests.wire.http2_peer import Link, Peer, Received, playing
from tests.wire.rig import OK, answer, backend, settled

ONE, TWO = ForwardOptions(5.0), ForwardOptions(5.0, http_version="2")


class Resolver:
    """
    Name resolution in which ``moving.test`` leads to one address after another.

    Attributes:
        leads_to: Its present address; None: the name cannot be resolved.
        look_ups: How often it was asked for.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.leads_to: str | None = "127.0.0.1"
        self.look_ups = 0
        loop = asyncio.get_running_loop()
        self._real = loop.getaddrinfo
        monkeypatch.setattr(loop, "getaddrinfo", self.getaddrinfo, raising=False)
        monkeypatch.setattr(name_watch, "RESOLVE_S", 0.2)

    async def getaddrinfo(self, host: Any, *args: Any, **kwargs: Any) -> Any:
        """Stands in for the loop's own."""
        if host == "moving.test":
            self.look_ups += 1
            if self.leads_to is None:
                raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
            host = self.leads_to
        return await self._real(host, *args, **kwargs)


@asynccontextmanager
async def two_addresses(peer: Peer) -> AsyncIterator[None]:
    """*peer* listens at 127.0.0.1, and on the same port at 127.0.0.2."""
    async with playing(peer):
        other = await asyncio.get_running_loop().create_server(lambda: Link(peer), "127.0.0.2", peer.port)
        yield
        other.close()


def address(link: Link) -> str:
    """At which of them a connection arrived."""
    return str(link.transport.get_extra_info("sockname")[0])


async def ask(target: HttpTarget, path: str = "/", options: ForwardOptions = TWO) -> Response:
    """One request, answered."""
    return await target.send(Request("GET", path), options)


def play(
    peer: Peer,
    monkeypatch: pytest.MonkeyPatch,
    scenario: Callable[[HttpTarget, Resolver], Awaitable[None]],
    settings: UpstreamSettings | None = None,
) -> None:
    """Run *scenario* with an HTTP/2 backend whose name moves."""

    async def run() -> None:
        resolver = Resolver(monkeypatch)
        async with two_addresses(peer):
            target = HttpTarget(f"http://moving.test:{peer.port}", settings or UpstreamSettings())
            try:
                await scenario(target, resolver)
            finally:
                await target.aclose()

    asyncio.run(run())


def test_http1_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the name leads elsewhere, the next request goes there although the old address still answers."""

    async def scenario() -> None:
        resolver = Resolver(monkeypatch)
        async with backend(answer(OK)) as behind:
            other = await asyncio.start_server(behind.serve, "127.0.0.2", behind.port)
            target = HttpTarget(f"http://moving.test:{behind.port}", UpstreamSettings())
            await ask(target, options=ONE)
            resolver.leads_to = "127.0.0.2"
            assert await settled(lambda: target.pool.size == 0)
            assert ((await ask(target, options=ONE)).status_code, behind.connections) == (200, 2)
            await target.aclose()
            other.close()

    asyncio.run(scenario())


def test_http2_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    """An HTTP/2 connection to an address that the name no longer has ends, and the next request goes to the new one."""
    peer = Peer()

    async def scenario(target: HttpTarget, resolver: Resolver) -> None:
        await ask(target)
        resolver.leads_to = "127.0.0.2"
        assert await settled(lambda: peer.links[0].closed)
        assert (await ask(target)).status_code == 200
        assert [address(link) for link in peer.links[1:]] == ["127.0.0.2"]

    play(peer, monkeypatch, scenario)


@pytest.mark.parametrize("connections", [1, 2])
def test_http2_streams_end_where_they_began(monkeypatch: pytest.MonkeyPatch, connections: int) -> None:
    """An answer under way comes to its end from the old address; the requests after it do not wait for that."""

    def script(link: Link, request: Received) -> None:
        if request.field(":path") == "/slow":
            link.head(request.stream)
        else:
            link.answer(request.stream)

    peer = Peer(script)

    async def scenario(target: HttpTarget, resolver: Resolver) -> None:
        slow = await ask(target, "/slow")
        resolver.leads_to = "127.0.0.2"
        assert target._http2 is not None
        carrier = target._http2._open[0]
        assert await settled(lambda: carrier.is_retired)
        assert (await ask(target)).status_code == 200
        assert address(peer.links[1]) == "127.0.0.2"
        assert not peer.links[0].closed
        peer.links[0].data(1, b"the end", end=True)
        await slow.body.buffer(100)
        assert slow.body.content == b"the end"
        assert await settled(lambda: peer.links[0].closed)

    play(peer, monkeypatch, scenario, UpstreamSettings(max_connections=connections))


@pytest.mark.parametrize("leads_to", [None, "127.0.0.1"], ids=["unknown for now", "unchanged"])
def test_http2_stays(monkeypatch: pytest.MonkeyPatch, leads_to: str | None) -> None:
    """A failed look-up, or the same address, changes nothing; the name is looked up again and again."""
    peer = Peer()

    async def scenario(target: HttpTarget, resolver: Resolver) -> None:
        await ask(target)
        resolver.leads_to = leads_to
        before = resolver.look_ups
        assert await settled(lambda: resolver.look_ups >= before + 3)
        assert (await ask(target)).status_code == 200
        assert len(peer.links) == 1

    play(peer, monkeypatch, scenario)


def test_look_ups_end_with_the_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """While no connection is open the name is not looked up."""
    peer = Peer()

    async def scenario(target: HttpTarget, resolver: Resolver) -> None:
        await ask(target)
        assert await settled(lambda: peer.links[0].closed)
        await asyncio.sleep(0.3)  # a look-up may be under way
        before = resolver.look_ups
        await asyncio.sleep(0.8)
        assert resolver.look_ups == before

    play(peer, monkeypatch, scenario, UpstreamSettings(idle_timeout_s=0.1))
