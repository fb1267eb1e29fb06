"""HTTP/2 with a real backend: nginx, with and without TLS, and as it is when it does not speak HTTP/2 at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.errors import UpstreamError
from gateway.wire.body import Body
from gateway.wire.messages import ForwardOptions, Request, Response
from gateway.wire.settings import TlsSettings, UpstreamSettings
from gateway.wire.upstream.http_target import HttpTarget
from tests.nginx import free_port, nginx
from tests.wire.rig import Forwarder, answer, ask, backend, client, serving
from tests.wire.server.test_serve import Files

pytestmark = pytest.mark.needs("nginx")

TWO, EITHER, ONE = (ForwardOptions(5.0, http_version=version) for version in ("2", "2or1", "1"))
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Certificates of one authority."""
    return Files(tmp_path_factory.mktemp("tls"))


@asynccontextmanager
async def target_behind_nginx(
    folder: Path, listen: str, files: Files | None = None, requests: int = 1000, upstream: int = 9
) -> AsyncIterator[HttpTarget]:
    """A target for an nginx that says in X-Protocol how it was spoken to, and passes /through on to *upstream*."""
    port = free_port()
    (folder / "big").write_bytes(bytes(range(256)) * 40_000)
    keys = f"ssl_certificate {files.certificate}; ssl_certificate_key {files.key};" if files else ""
    server = (
        f"listen 127.0.0.1:{port} {listen}; {keys} keepalive_requests {requests};"
        f"client_max_body_size 0; root {folder};"
        "add_header X-Protocol $server_protocol always; location /ok { return 200 ok; }"
        f"location /through {{ proxy_pass http://127.0.0.1:{upstream}; proxy_request_buffering off; }}"
    )
    async with nginx(folder, port, server):
        tls = TlsSettings(ca_file=Path(files.ca) if files else None)
        target = HttpTarget(f"http{'s' if files else ''}://localhost:{port}", UpstreamSettings(tls=tls))
        yield target
        await target.aclose()


async def taken(response: Response) -> tuple[int, str | None, bytes]:
    """Status, protocol and body."""
    await response.body.buffer(64 * 1024 * 1024)
    return response.status_code, response.headers.first("X-Protocol"), response.body.content


SPOKEN = [
    ("ssl http2", True, TWO, "HTTP/2.0"),
    ("ssl http2", True, EITHER, "HTTP/2.0"),
    ("ssl http2", True, ONE, "HTTP/1.1"),
    ("ssl", True, EITHER, "HTTP/1.1"),
    ("http2", False, TWO, "HTTP/2.0"),
    ("", False, EITHER, "HTTP/1.1"),
]


@pytest.mark.parametrize(("listen", "secure", "options", "protocol"), SPOKEN)
def test_what_is_spoken(
    tmp_path: Path, files: Files, listen: str, secure: bool, options: ForwardOptions, protocol: str
) -> None:
    """The document and the handshake decide: HTTP/2 where both want it, HTTP/1.1 where one of them does."""

    async def scenario() -> None:
        async with target_behind_nginx(tmp_path, listen, files if secure else None) as target:
            for _ in range(3):
                assert await taken(await target.send(Request("GET", "/ok"), options)) == (200, protocol, b"ok")

    asyncio.run(scenario())


@pytest.mark.parametrize("secure", [True, False])
def test_http2_only(tmp_path: Path, files: Files, secure: bool) -> None:
    """A document that wants HTTP/2 gets nothing else: 502 from a backend that does not speak it."""

    async def scenario() -> None:
        async with target_behind_nginx(tmp_path, "ssl" if secure else "", files if secure else None) as target:
            with pytest.raises(UpstreamError) as caught:
                await target.send(Request("POST", "/ok", body=Body(b"a")), TWO)
            assert (caught.value.reason, caught.value.status) == ("BackendConnectionFailure", 502)

    asyncio.run(scenario())


def test_an_unknown_certificate_is_not_accepted(tmp_path: Path, files: Files) -> None:
    """TLS is checked as for HTTP/1.1."""

    async def scenario() -> None:
        async with target_behind_nginx(tmp_path, "ssl http2", files) as known:
            target = HttpTarget(known.url, UpstreamSettings())
            with pytest.raises(UpstreamError, match="certificate not accepted"):
                await target.send(Request("GET", "/ok"), TWO)
            await target.aclose()

    asyncio.run(scenario())


def test_nginx_says_goaway(tmp_path: Path, files: Files) -> None:
    """nginx ends a connection after some requests; no request fails, whether POST or GET, even many at once."""

    async def scenario() -> None:
        async with (
            backend(answer(OK)) as behind,
            target_behind_nginx(tmp_path, "ssl http2", files, requests=7, upstream=behind.port) as target,
        ):
            posts = [target.send(Request("POST", "/through", body=Body(b"%d" % each)), TWO) for each in range(60)]
            for each in await asyncio.gather(*posts):
                assert await taken(each) == (200, "HTTP/2.0", b"ok")
            assert behind.received.count(b"POST /through") == 60

    asyncio.run(scenario())


def test_large_bodies_both_ways(tmp_path: Path, files: Files) -> None:
    """Ten megabytes down and eight up, through a listener, byte for byte."""
    content = bytes(range(256)) * 32_000

    async def scenario() -> None:
        async with (
            backend(answer(OK)) as behind,
            target_behind_nginx(tmp_path, "ssl http2", files, upstream=behind.port) as target,
            serving(Forwarder(target, TWO)) as server,
        ):
            async with client(server.port) as c:
                c.send(b"GET /big HTTP/1.1\r\nHost: h\r\n\r\n")
                assert (await c.reply()).body == bytes(range(256)) * 40_000
            head = b"POST /through HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(
                content
            )
            assert (await ask(server.port, head + content)).status == 200
            assert behind.received.endswith(content)

    asyncio.run(scenario())
