"""Backends behind an HTTP proxy: a real one (tinyproxy), and one that misbehaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvloop

from gateway.errors import UpstreamError
from gateway.wire.body import Body, BodyStream
from gateway.wire.headers import Headers
from gateway.wire.messages import ForwardOptions, Request, Response
from gateway.wire.settings import TlsSettings, UpstreamSettings
from gateway.wire.upstream.http_target import MAX_VARIANTS, HttpTarget
from gateway.wire.upstream.way import HttpProxy, Way
from tests import tools
from tests.nginx import free_port, listening, running
from tests.wire.http2_peer import Peer, playing
from tests.wire.rig import OK, Answerer, Forwarder, answer, answer_and_close, ask, backend, serving, settled
from tests.wire.server.test_serve import Files

MEGABYTE = 1024 * 1024
ACCOUNT = "user", "pass"

# The gateway runs on uvloop, whose TLS inside a tunnel is not asyncio's.
Run = Callable[[Coroutine[None, None, None]], None]
RUNNERS: list[Run] = [asyncio.run, uvloop.run]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Certificates of one authority."""
    return Files(tmp_path_factory.mktemp("tls"))


@dataclass
class Tinyproxy:
    """A running tinyproxy and what it has logged."""

    url: str
    log: Path

    @property
    def connects(self) -> int:
        """Tunnels that were asked for."""
        return self.log.read_text().count(": CONNECT ")

    def options(self, http_version: str = "1", account: tuple[str, str] = ACCOUNT) -> ForwardOptions:
        """How a request goes through it."""
        return ForwardOptions(5.0, http_version=http_version, way=Way(proxy=HttpProxy(self.url, *account)))


@asynccontextmanager
async def tinyproxy(folder: Path) -> AsyncIterator[Tinyproxy]:
    """A real proxy that wants an account."""
    port, log = free_port(), folder / "tinyproxy.log"
    (folder / "tinyproxy.conf").write_text(
        f'Port {port}\nListen 127.0.0.1\nTimeout 30\nLogFile "{log}"\nLogLevel Connect\nMaxClients 50\n'
        f"Allow 127.0.0.1\nBasicAuth {' '.join(ACCOUNT)}\nDisableViaHeader Yes\n"
    )
    log.touch()
    log.chmod(0o666)
    folder.chmod(0o755)
    async with running([tools.need("tinyproxy"), "-d", "-c", str(folder / "tinyproxy.conf")], folder):
        await listening(port)
        yield Tinyproxy(f"http://127.0.0.1:{port}", log)


@pytest.mark.needs("tinyproxy")
def test_without_tls_the_proxy_is_asked_for_the_url(tmp_path: Path) -> None:
    """The backend gets the same request as without a proxy; the account stays with the proxy."""

    async def scenario() -> None:
        async with tinyproxy(tmp_path) as proxy, backend(answer(OK)) as behind:
            target = HttpTarget(f"http://127.0.0.1:{behind.port}/base")
            request = Request("POST", "/a", "b=c", Headers([("X-A", "1"), ("Host", "mine")]), Body(b"body"))
            response = await target.send(request, proxy.options())
            assert (response.status_code, response.body.content) == (200, b"ok")
            assert behind.received.startswith(b"POST /base/a?b=c HTTP/1.1\r\nHost: ")
            assert b"X-A: 1\r\n" in behind.received
            assert b"roxy-" not in behind.received
            assert behind.received.endswith(b"body")
            assert "http://127.0.0.1" in proxy.log.read_text()
            assert proxy.connects == 0
            await target.aclose()

    asyncio.run(scenario())


@pytest.mark.needs("tinyproxy")
@pytest.mark.parametrize("run", RUNNERS, ids=["asyncio", "uvloop"])
def test_with_tls_through_a_tunnel(tmp_path: Path, files: Files, run: Run) -> None:
    """The proxy sees a CONNECT and nothing else; the certificate is the backend's own, and connections are kept."""

    async def scenario() -> None:
        inner = Answerer(lambda request: Response(200, body=Body(request.path.encode())))
        async with tinyproxy(tmp_path) as proxy, serving(inner, tls=files.listener) as behind:
            tls = TlsSettings(ca_file=Path(files.ca))
            target = HttpTarget(f"https://localhost:{behind.port}", UpstreamSettings(tls=tls))
            for path in ("/a", "/b", "/c"):
                response = await target.send(Request("GET", path), proxy.options())
                assert (response.status_code, response.body.content) == (200, path.encode())
            assert proxy.connects == 1
            stranger = HttpTarget(target.url, UpstreamSettings())
            with pytest.raises(UpstreamError, match="certificate not accepted"):
                await stranger.send(Request("GET", "/"), proxy.options())
            await target.aclose()
            await stranger.aclose()

    run(scenario())


@pytest.mark.needs("tinyproxy")
@pytest.mark.parametrize("run", RUNNERS, ids=["asyncio", "uvloop"])
def test_http2_through_a_tunnel(tmp_path: Path, run: Run) -> None:
    """HTTP/2 is between gateway and backend; the proxy passes bytes."""

    async def scenario() -> None:
        peer = Peer(lambda link, request: link.answer(request.stream, request.body))
        async with tinyproxy(tmp_path) as proxy, playing(peer):
            target = HttpTarget(peer.url)
            for body in (b"one", b"x" * MEGABYTE):
                response = await target.send(Request("POST", "/", body=Body(body)), proxy.options(http_version="2"))
                await response.body.buffer(2 * MEGABYTE)
                assert response.body.content == body
            assert proxy.connects == 1
            await target.aclose()

    run(scenario())


@pytest.mark.needs("tinyproxy")
def test_bodies_stream_through_a_proxy(tmp_path: Path) -> None:
    """An answer that nobody reads is held back at its source, and a long request passes piece by piece."""
    sent = 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: object) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (64 * MEGABYTE))
        for _ in range(64):
            writer.write(bytes(MEGABYTE))
            await writer.drain()
            sent += 1

    async def scenario() -> None:
        async with tinyproxy(tmp_path) as proxy, backend(endless) as behind:
            target = HttpTarget(f"http://127.0.0.1:{behind.port}")
            response = await target.send(Request("GET", "/"), proxy.options())
            await asyncio.sleep(0.5)
            assert sent < 32
            await response.body.buffer(64 * MEGABYTE)
            assert len(response.body.content) == 64 * MEGABYTE
            await target.aclose()

    asyncio.run(scenario())


@pytest.mark.needs("tinyproxy")
def test_a_request_streams_through_a_proxy(tmp_path: Path) -> None:
    """The backend has the first piece of a body before the client has sent the second."""

    async def scenario() -> None:
        async with tinyproxy(tmp_path) as proxy, backend(slowly) as behind:
            target = HttpTarget(f"http://127.0.0.1:{behind.port}")
            stream = BodyStream(10)
            stream.feed(b"first")
            pending = target.send(Request("POST", "/", body=Body(stream=stream)), proxy.options())
            assert await settled(lambda: behind.received.endswith(b"first"))
            stream.feed(b"later")
            stream.finish()
            assert (await pending).status_code == 200
            await target.aclose()

    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: object) -> None:
        head = await behind.head(reader)  # type: ignore[attr-defined]
        assert b"Content-Length: 10" in head
        for _ in range(2):
            behind.received += await reader.readexactly(5)  # type: ignore[attr-defined]
        writer.write(OK)

    asyncio.run(scenario())


@pytest.mark.needs("tinyproxy")
@pytest.mark.parametrize("secure", [False, True])
def test_a_wrong_account(tmp_path: Path, files: Files, secure: bool) -> None:
    """Without TLS the proxy's own answer is passed on; a tunnel that it refuses is 502."""

    async def scenario() -> None:
        async with tinyproxy(tmp_path) as proxy:
            target = HttpTarget("https://localhost:9" if secure else "http://127.0.0.1:9")
            pending = target.send(Request("GET", "/"), proxy.options(account=("user", "wrong")))
            if secure:
                with pytest.raises(UpstreamError, match="the proxy answered 40") as caught:
                    await pending
                assert (caught.value.reason, caught.value.status) == ("BackendConnectionFailure", 502)
            else:
                assert (await pending).status_code in (401, 407)
            await target.aclose()

    asyncio.run(scenario())


PROXY_ANSWERS = [
    ("the proxy answered 403", b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
    ("with something other than HTTP", b"SSH-2.0-OpenSSH\r\n\r\n"),
    ("with something other than HTTP", b"a" * 20_000),
    ("closed the connection", b""),
    ("before the backend could", b"HTTP/1.1 200 OK\r\n\r\nhello"),
]


@pytest.mark.parametrize(("reason", "proxy_answer"), PROXY_ANSWERS, ids=range(len(PROXY_ANSWERS)))
def test_a_proxy_that_misbehaves(reason: str, proxy_answer: bytes) -> None:
    """What is no 2xx to CONNECT is 502, and nothing is sent through."""

    async def scenario() -> None:
        async with backend(answer_and_close(proxy_answer)) as proxy:
            target = HttpTarget("https://backend.example")
            way = Way(proxy=HttpProxy(f"http://127.0.0.1:{proxy.port}", "user", "secret"))
            with pytest.raises(UpstreamError, match=reason) as caught:
                await target.send(Request("GET", "/"), ForwardOptions(2.0, way=way))
            assert caught.value.reason == "BackendConnectionFailure"
            assert "secret" not in str(caught.value)
            assert proxy.received.startswith(b"CONNECT backend.example:443 HTTP/1.1\r\nHost: backend.example:443\r\n")
            assert b"Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n" in proxy.received
            await target.aclose()

    asyncio.run(scenario())


@pytest.mark.parametrize("url", ["p.test:3128", "socks5://p.test", "http://", "", "http://[::1"])
def test_a_proxy_url_that_is_none(url: str) -> None:
    """An expression that does not return a URL fails the request, and nothing else."""

    async def scenario() -> None:
        target = HttpTarget("https://backend.example")
        with pytest.raises(UpstreamError) as caught:
            await target.send(Request("GET", "/"), ForwardOptions(way=Way(proxy=HttpProxy(url))))
        assert (caught.value.reason, caught.value.status) == ("BackendConnectionFailure", 500)
        await target.aclose()

    asyncio.run(scenario())


def test_ways_are_kept_and_bounded() -> None:
    """A proxy that is used again still has its connections; expressions cannot create an unlimited number of them."""

    async def scenario() -> None:
        async with backend(answer(OK)) as proxy:
            target = HttpTarget("http://backend.example")
            for number in [*range(MAX_VARIANTS), *range(MAX_VARIANTS), MAX_VARIANTS]:
                way = Way(proxy=HttpProxy(f"http://127.0.0.1:{proxy.port}", f"user-{number}"))
                assert (await target.send(Request("GET", "/"), ForwardOptions(way=way))).status_code == 200
            assert proxy.connections == MAX_VARIANTS + 1
            assert len(target._variants) == MAX_VARIANTS
            await target.aclose()

    asyncio.run(scenario())


@pytest.mark.needs("tinyproxy")
def test_through_the_gateway(tmp_path: Path) -> None:
    """A request through the listener and a proxy behind it looks the same to the client."""

    async def scenario() -> None:
        async with tinyproxy(tmp_path) as proxy, backend(answer(OK)) as behind:
            target = HttpTarget(f"http://127.0.0.1:{behind.port}")
            async with serving(Forwarder(target, proxy.options())) as server:
                reply = await ask(server.port, b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
            assert (reply.status, reply.body) == (200, b"ok")
            await target.aclose()

    asyncio.run(scenario())
