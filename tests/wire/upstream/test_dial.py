"""A backend behind a socket file: every version of HTTP, TLS, a file that is missing, a queue that is full."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop

from gateway.errors import UpstreamError
from gateway.wire.body import Body
from gateway.wire.messages import ForwardOptions, Request, Response
from gateway.wire.server.serve import start
from gateway.wire.settings import Http2Settings, ListenerTls, ServerSettings, TlsSettings, UpstreamSettings
from gateway.wire.upstream.http_target import HttpTarget
from gateway.wire.upstream.way import HttpProxy, Way
from tests.wire.rig import Answerer
from tests.wire.server.test_serve import Files

LOOPS = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}
GIVEN = ForwardOptions()


def bound(path: Path, backlog: int = 16) -> socket.socket:
    """A socket that listens at *path*."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen(backlog)
    return listening


@asynccontextmanager
async def behind(path: Path, tls: ListenerTls | None = None) -> AsyncIterator[Answerer]:
    """A backend at *path* that says what has reached it."""

    def say(request: Request) -> Response:
        target = f"{request.path}?{request.query}" if request.query else request.path
        text = (
            f"{request.scheme} {request.method} {request.host}:{request.port} {target} {request.headers.first('Via')}"
        )
        return Response(200, body=Body(text.encode()))

    application = Answerer(say)
    settings = ServerSettings(http2=Http2Settings(clear_text=True))
    server = await start(application, settings=settings, tls=tls, listening=bound(path))
    try:
        yield application
    finally:
        await server.aclose()


def play(scenario: Callable[[], Awaitable[None]], loop: str = "uvloop") -> None:
    """Run *scenario*."""
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(scenario())  # type: ignore[arg-type]


async def body_of(target: HttpTarget, request: Request, options: ForwardOptions = GIVEN) -> str:
    """What the backend says."""
    response = await target.send(request, options)
    await response.body.buffer(1 << 20)
    return response.body.content.decode()


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(
    ("url", "version", "expected"),
    [
        ("http://orders/base", "1", "http GET orders:80 /base/a?b=c 1.1 gateway"),
        ("http://orders:8000", "1", "http GET orders:8000 /a?b=c 1.1 gateway"),
        ("http://orders/base", "2", "http GET orders:80 /base/a?b=c 2.0 gateway"),
        ("https://localhost/base", "1", "https GET localhost:443 /base/a?b=c 1.1 gateway"),
        ("https://localhost/base", "2or1", "https GET localhost:443 /base/a?b=c 2.0 gateway"),
    ],
)
def test_every_version(tmp_path: Path, loop: str, url: str, version: str, expected: str) -> None:
    """The URL gives Host, path and the certificate's name, the file the connection, which is used again."""
    files = Files(tmp_path)
    tls = files.listener if url.startswith("https") else None
    settings = UpstreamSettings(unix_socket=tmp_path / "app.sock", tls=TlsSettings(ca_file=Path(files.ca)))

    async def scenario() -> None:
        async with behind(tmp_path / "app.sock", tls):
            target = HttpTarget(url, settings)
            options = replace(GIVEN, http_version=version)
            for _ in range(3):
                assert await body_of(target, Request("GET", "/a", "b=c"), options) == expected
            assert target.pool.size == (1 if version == "1" else 0)
            await target.aclose()

    play(scenario, loop)


def test_certificates_are_checked(tmp_path: Path) -> None:
    """A file does not replace the check: another name is refused."""
    files = Files(tmp_path)
    settings = UpstreamSettings(unix_socket=tmp_path / "app.sock", tls=TlsSettings(ca_file=Path(files.ca)))

    async def scenario() -> None:
        async with behind(tmp_path / "app.sock", files.listener):
            target = HttpTarget("https://other.example", settings)
            with pytest.raises(UpstreamError, match="certificate not accepted"):
                await target.send(Request("GET", "/"), GIVEN)
            await target.aclose()

    play(scenario)


@pytest.mark.parametrize(("leave", "said"), [(False, "no such file"), (True, "connection refused")])
def test_nothing_there(tmp_path: Path, leave: bool, said: str) -> None:
    """A missing file and one without a listener are a backend that is down; it is found when it is back."""
    path = tmp_path / "app.sock"
    if leave:
        bound(path).close()

    async def scenario() -> None:
        target = HttpTarget("http://orders", UpstreamSettings(unix_socket=path))
        with pytest.raises(UpstreamError, match=said) as failed:
            await target.send(Request("GET", "/"), GIVEN)
        assert (failed.value.reason, failed.value.status) == ("BackendConnectionFailure", 502)
        path.unlink(missing_ok=True)
        async with behind(path):
            assert (await target.send(Request("GET", "/"), GIVEN)).status_code == 200
        await target.aclose()

    play(scenario)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_full_queue(tmp_path: Path, loop: str) -> None:
    """The kernel refuses instead of waiting: the gateway tries again, for as long as a connection may take."""

    async def scenario() -> None:
        listening = bound(tmp_path / "app.sock", backlog=0)
        first = socket.socket(socket.AF_UNIX)
        first.connect(str(tmp_path / "app.sock"))
        impatient = HttpTarget(
            "http://orders", UpstreamSettings(unix_socket=tmp_path / "app.sock", connect_timeout_s=0.1)
        )
        with pytest.raises(UpstreamError, match="timed out"):
            await impatient.send(Request("GET", "/"), GIVEN)
        patient = HttpTarget("http://orders", UpstreamSettings(unix_socket=tmp_path / "app.sock"))
        waiting = asyncio.ensure_future(_sent(patient))
        await asyncio.sleep(0.05)
        server = await start(Answerer(lambda _: Response(204)), listening=listening)
        assert (await waiting).status_code == 204
        await patient.aclose()
        await impatient.aclose()
        await server.aclose()
        first.close()

    play(scenario, loop)


async def _sent(target: HttpTarget) -> Response:
    return await target.send(Request("GET", "/"), GIVEN)


def test_not_through_a_proxy(tmp_path: Path) -> None:
    """A policy's proxy cannot reach a file of this machine."""

    async def scenario() -> None:
        target = HttpTarget("http://orders", UpstreamSettings(unix_socket=tmp_path / "app.sock"))
        options = replace(GIVEN, way=Way(proxy=HttpProxy("http://127.0.0.1:1")))
        with pytest.raises(UpstreamError, match="not reached through a proxy"):
            await target.send(Request("GET", "/"), options)
        await target.aclose()

    play(scenario)
