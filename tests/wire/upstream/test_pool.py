"""The pool: no place is ever lost, no dead connection is handed on, and connections follow the backend's name."""

from __future__ import annotations

import asyncio
import socket

import pytest

from gateway.errors import UpstreamError
from gateway.wire.body import Body, BodyStream
from gateway.wire.headers import Headers
from gateway.wire.messages import ForwardOptions, Request, Response
from gateway.wire.settings import UpstreamSettings
from gateway.wire.upstream import pool as pool_module
from gateway.wire.upstream.dial import Direct
from gateway.wire.upstream.http_target import HttpTarget
from gateway.wire.upstream.pool import Pool
from tests.wire.rig import OK, Backend, Script, answer, ask, backend, client, proxy, settled

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


async def early_413(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, backend: Backend) -> None:
    """Refuse an upload at its head; then neither read nor close. Everything else is answered."""
    while True:
        head = await backend.head(reader)
        if head.startswith(b"POST"):
            writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
            reader._transport.pause_reading()  # type: ignore[attr-defined]
            await asyncio.sleep(60)
        writer.write(OK)


@pytest.mark.parametrize("length", [b"50000000", b"3000000"])
def test_an_early_refusal_gives_the_place_back(length: bytes) -> None:
    """A backend that refuses uploads early, and then neither reads nor closes, does not cost places of the pool."""

    async def scenario() -> None:
        async with proxy(early_413, upstream=UpstreamSettings(max_connections=2, connect_timeout_s=2)) as p:
            for _ in range(4):
                async with client(p.server.port) as uploader:
                    uploader.send(
                        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + length + b"\r\n\r\n" + b"x" * 2_900_000
                    )
                    assert (await asyncio.wait_for(uploader.reply(), 5)).status == 413
            assert (await asyncio.wait_for(ask(p.server.port, GET), 5)).status == 200
            assert await settled(lambda: p.target.pool.size - p.target.pool.idle == 0)

    asyncio.run(scenario())


def test_a_whole_body_that_the_backend_does_not_read_costs_no_place() -> None:
    """The same with a body in memory: the connection is not reused while part of the request is unsent."""

    async def scenario() -> None:
        async with backend(early_413) as behind:
            target = HttpTarget(f"http://127.0.0.1:{behind.port}", UpstreamSettings(max_connections=1))
            upload = await target.send(Request("POST", "/", body=Body(b"x" * 20_000_000)), ForwardOptions(5))
            assert upload.status_code == 413
            response = await asyncio.wait_for(target.send(Request("GET", "/"), ForwardOptions(5)), 5)
            assert response.status_code == 200
            await target.aclose()

    asyncio.run(scenario())


def closing(delay_s: float) -> Script:
    """Answer one request, and close the connection *delay_s* later without having announced it."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, backend: Backend) -> None:
        await backend.body(reader, await backend.head(reader))
        writer.write(OK)
        await asyncio.sleep(delay_s)

    return script


async def outcomes(target: HttpTarget, method: str, count: int, at_a_time: int) -> list[int]:
    """The statuses of *count* requests, 0 where none came."""
    gate = asyncio.Semaphore(at_a_time)

    async def one() -> int:
        async with gate:
            body = Body(b"hello") if method == "POST" else None
            try:
                return (await target.send(Request(method, "/", body=body), ForwardOptions(10))).status_code
            except UpstreamError:
                return 0

    return list(await asyncio.gather(*(one() for _ in range(count))))


@pytest.mark.parametrize("delay_s", [0, 0.002])
def test_gets_survive_a_backend_that_closes_after_each_answer(delay_s: float) -> None:
    """With a full pool no GET fails, whenever the backend's close is noticed."""

    async def scenario() -> None:
        async with backend(closing(delay_s)) as behind:
            target = HttpTarget(f"http://127.0.0.1:{behind.port}", UpstreamSettings(max_connections=8))
            assert set(await outcomes(target, "GET", 1_000, 64)) == {200}
            await target.aclose()

    asyncio.run(scenario())


@pytest.mark.parametrize("delay_s", [0, 0.002])
def test_posts_get_new_connections_once_the_backend_is_known_to_close(delay_s: float) -> None:
    """A POST is never sent twice, so at most those that were sent before the first close can fail."""

    async def scenario() -> None:
        async with backend(closing(delay_s)) as behind:
            target = HttpTarget(f"http://127.0.0.1:{behind.port}", UpstreamSettings(max_connections=8))
            assert (await outcomes(target, "POST", 1_000, 64)).count(0) <= 8
            assert set(await outcomes(target, "POST", 200, 64)) == {200}
            assert behind.received.count(b"hello") <= 1_200
            await target.aclose()

    asyncio.run(scenario())


def test_connections_end_at_their_age() -> None:
    """A connection that has reached its greatest age carries no further request, however busy it is."""

    async def scenario() -> None:
        async with backend(answer(OK)) as behind:
            target = HttpTarget(f"http://127.0.0.1:{behind.port}", UpstreamSettings(max_age_s=0.5))
            end = asyncio.get_running_loop().time() + 2
            while asyncio.get_running_loop().time() < end:
                await target.send(Request("GET", "/"), ForwardOptions(5))
                await asyncio.sleep(0.02)
            assert 2 <= behind.connections <= 6
            await target.aclose()

    asyncio.run(scenario())


def test_clients_that_take_nothing_do_not_keep_a_full_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """While requests wait for a connection, an answer that its client does not take is broken off."""
    monkeypatch.setattr(pool_module, "STALL_S", 0.5)
    large = b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n"

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, backend: Backend) -> None:
        while True:
            if (await backend.head(reader)).startswith(b"GET /large"):
                writer.write(large + b"x" * 50_000_000)
            else:
                writer.write(OK)

    async def scenario() -> None:
        async with proxy(script, upstream=UpstreamSettings(max_connections=3)) as p:
            silent = [await asyncio.open_connection("127.0.0.1", p.server.port, limit=1024) for _ in range(3)]
            for _, writer in silent:
                writer.write(b"GET /large HTTP/1.1\r\nHost: h\r\n\r\n")
            assert await settled(lambda: p.backend.open == 3)
            assert (await asyncio.wait_for(ask(p.server.port, GET), 8)).status == 200
            for _, writer in silent:
                writer.transport.abort()

    asyncio.run(scenario())


def test_a_tunnel_that_nobody_uses_ends() -> None:
    """The idle time of a tunnel runs from its beginning, and each side's bytes renew it."""
    switching = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, backend: Backend) -> None:
        await backend.head(reader)
        writer.write(switching)
        await reader.read()

    async def scenario() -> None:
        async with backend(script) as behind:
            target = HttpTarget(f"http://127.0.0.1:{behind.port}", UpstreamSettings(body_timeout_s=1.5))
            request = Request("GET", "/")
            request.upgrade, request.upgraded = "websocket", BodyStream()
            response: Response = await target.send(request, ForwardOptions(5))
            tunnel = response.body.stream
            assert response.status_code == 101
            assert tunnel is not None
            for _ in range(10):  # the client sends: nothing ends
                request.upgraded.feed(b"ping")
                await asyncio.sleep(0.2)
                assert behind.open == 1
            with pytest.raises(UpstreamError):
                await asyncio.wait_for(tunnel.read(1_000), 5)
            assert await settled(lambda: behind.open == 0)
            await target.aclose()

    asyncio.run(scenario())


def test_backend_connections_are_probed_by_the_kernel() -> None:
    """TCP keepalive is on, so a backend that vanished is noticed by a connection that only waits."""

    async def scenario() -> None:
        async with backend(answer(OK)) as behind:
            pool = Pool(Direct("127.0.0.1", behind.port), UpstreamSettings())
            target = HttpTarget(f"http://127.0.0.1:{behind.port}")
            target.pool = pool
            await target.send(Request("GET", "/"), ForwardOptions(5))
            (connection,) = pool._open
            sock = connection.transport.get_extra_info("socket")
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
            await target.aclose()

    asyncio.run(scenario())


@pytest.mark.parametrize(("authorization", "connections"), [("NTLM a", 2), ("negotiate a", 2), ("Bearer a", 1)])
def test_a_connection_that_was_logged_in_is_not_reused(authorization: str, connections: int) -> None:
    """Where a log-in holds for the whole connection, no other request goes out on it."""

    async def scenario() -> None:
        async with backend(answer(OK)) as behind:
            target = HttpTarget(f"http://127.0.0.1:{behind.port}")
            headers = Headers([("Authorization", authorization)])
            await target.send(Request("GET", "/", headers=headers), ForwardOptions(5))
            await target.send(Request("GET", "/"), ForwardOptions(5))
            assert behind.connections == connections
            await target.aclose()

    asyncio.run(scenario())
