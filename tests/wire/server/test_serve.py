"""Listeners and TLS on both sides."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Literal

import pytest
import trustme

from gateway.backends import Backend, Credentials
from gateway.errors import UpstreamError
from gateway.wire.memory import settle
from gateway.wire.messages import ForwardOptions, Request, Response
from gateway.wire.server.listener import Listener
from gateway.wire.server.serve import bind, configure, start
from gateway.wire.settings import ClientTimeouts, ListenerTls, ServerSettings, TlsSettings, UpstreamSettings
from gateway.wire.upstream.http_target import HttpTarget
from gateway.wire.upstream.way import StoredCertificate, Way
from tests.wire.rig import Answerer, Forwarder, serving

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class Files:
    """Certificates on disk."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        server, client = authority.issue_cert("localhost", "127.0.0.1"), authority.issue_cert("client.example")
        self.ca = str(folder / "ca.pem")
        self.certificate = str(folder / "server.pem")
        self.key = str(folder / "server.key")
        self.client = str(folder / "client.pem")
        authority.cert_pem.write_to_path(self.ca)
        server.private_key_pem.write_to_path(self.key)
        for blob in server.cert_chain_pems:
            blob.write_to_path(self.certificate, append=True)
        client.private_key_and_cert_chain_pem.write_to_path(self.client)
        self.listener = ListenerTls(certificate=Path(self.certificate), key=Path(self.key))

    def demanding(self, required: bool = True) -> ListenerTls:
        """A listener that asks for the client's certificate."""
        wanted: Literal["request", "require"] = "require" if required else "request"
        return self.listener.model_copy(update={"client_ca": Path(self.ca), "client_certificate": wanted})


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Certificates of one authority."""
    return Files(tmp_path_factory.mktemp("tls"))


def test_serves_and_calls_over_tls(files: Files) -> None:
    """TLS towards clients and towards the backend, both verified; the original scheme is https."""

    async def scenario() -> None:
        inner = Answerer(lambda request: Response(200 if request.scheme == "https" else 500))
        async with serving(inner, tls=files.listener) as backend:
            target = HttpTarget(f"https://localhost:{backend.port}", _tls(ca_file=files.ca))
            async with serving(Forwarder(target), tls=files.listener) as server:
                context = ssl.create_default_context(cafile=files.ca)
                reader, writer = await asyncio.open_connection("localhost", server.port, ssl=context)
                writer.write(GET)
                assert (await reader.read()).startswith(b"HTTP/1.1 200 OK")
                writer.close()
            await target.aclose()

    asyncio.run(scenario())


def _tls(**settings: object) -> UpstreamSettings:
    return UpstreamSettings(tls=TlsSettings(**settings))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("host", "settings", "accepted"),
    [
        pytest.param("localhost", {}, False, id="unknown authority"),
        pytest.param("localhost", {"ca_file": "ca"}, True, id="known authority"),
        pytest.param("127.0.0.2", {"ca_file": "ca"}, False, id="another name"),
        pytest.param("127.0.0.2", {"ca_file": "ca", "verify_name": False}, True, id="name not checked"),
        pytest.param("127.0.0.2", {"ca_file": "ca", "server_name": "localhost"}, True, id="name given"),
        pytest.param("localhost", {"verify_chain": False}, True, id="chain not checked"),
    ],
)
def test_verifies_the_backends_certificate(
    files: Files, host: str, settings: dict[str, object], accepted: bool
) -> None:
    """Chain and name are checked unless the settings say otherwise."""
    if settings.get("ca_file"):
        settings = {**settings, "ca_file": files.ca}

    async def scenario() -> None:
        server = await start(Answerer(lambda _: Response(204)), "0.0.0.0", tls=files.listener)
        target = HttpTarget(f"https://{host}:{server.port}", _tls(**settings))
        pending = target.send(Request("GET", "/"), ForwardOptions())
        if accepted:
            assert (await pending).status_code == 204
        else:
            with pytest.raises(Exception, match="certificate not accepted"):
                await pending
        await target.aclose()
        await server.aclose()

    asyncio.run(scenario())


@pytest.mark.parametrize("required", [False, True])
@pytest.mark.parametrize("presented", [False, True])
def test_knows_the_clients_certificate(files: Files, required: bool, presented: bool) -> None:
    """A client certificate reaches the request; where one is required no request comes without."""

    async def scenario() -> None:
        tls = files.demanding(required)
        app = Answerer(lambda _: Response(204))
        async with serving(app, tls=tls) as server:
            own = {"certificate_file": files.client} if presented else {}
            target = HttpTarget(f"https://localhost:{server.port}", _tls(ca_file=files.ca, **own))
            if required and not presented:
                with pytest.raises(Exception, match="backend"):
                    await target.send(Request("GET", "/"), ForwardOptions())
                assert not app.seen
            else:
                await target.send(Request("GET", "/"), ForwardOptions())
                assert (app.seen[0].certificate is not None) is presented
            await target.aclose()

    asyncio.run(scenario())


@pytest.mark.parametrize("version", ["1", "2or1"])
def test_a_policys_certificate_is_shown(files: Files, version: str) -> None:
    """The backend's own TLS settings and credentials stay in force; without the certificate there is no answer."""

    async def scenario() -> None:
        tls = files.demanding()
        app = Answerer(lambda _: Response(204))
        stored = StoredCertificate(Path(files.client).read_bytes(), None)
        async with serving(app, tls=tls) as server:
            upstream = HttpTarget(f"https://localhost:{server.port}", _tls(ca_file=files.ca))
            target = Backend("orders", upstream, Credentials(headers=(("X-Key", ("k",)),)))
            for _ in range(2):
                options = ForwardOptions(5.0, http_version=version, way=Way(stored))
                assert (await target.send(Request("GET", "/"), options)).status_code == 204
            assert [each.headers.first("X-Key") for each in app.seen] == ["k", "k"]
            assert all(each.certificate is not None for each in app.seen)
            with pytest.raises(Exception, match="backend"):
                await target.send(Request("GET", "/"), ForwardOptions(5.0, http_version=version))
            await upstream.aclose()

    asyncio.run(scenario())


def test_a_certificate_that_cannot_be_used(files: Files) -> None:
    """A certificate whose key is another's fails the request, with the backend's reason."""

    async def scenario() -> None:
        target = HttpTarget("https://localhost:9")
        way = Way(StoredCertificate(Path(files.certificate).read_bytes(), Path(files.client).read_bytes()))
        broken = Way(StoredCertificate(b"no certificate", b""))
        for each in (way, broken):
            with pytest.raises(UpstreamError, match="cannot be reached") as caught:
                await target.send(Request("GET", "/"), ForwardOptions(way=each))
            assert caught.value.status == 500
        await target.aclose()

    asyncio.run(scenario())


def test_refuses_an_address_that_is_taken() -> None:
    """An address in use is an error at once."""

    async def scenario() -> None:
        async with serving(Answerer(lambda _: Response())) as server:
            with pytest.raises(OSError, match="in use"):
                await start(Answerer(lambda _: Response()), port=server.port)

    asyncio.run(scenario())


def test_binds_ipv6() -> None:
    """An IPv6 address is bound as such."""
    with bind("::1", 0) as listening:
        assert listening.getsockname()[0] == "::1"


def test_leaves_no_trace_of_uvicorn() -> None:
    """No server header of uvicorn's own, and no ASGI application behind it."""
    listener = Listener(Answerer(lambda _: Response()))
    config = configure(listener, "127.0.0.1", 0)
    assert not config.server_header
    with pytest.raises(NotImplementedError):
        asyncio.run(listener({}, None, None))


def test_settles_the_memory() -> None:
    """Settling may be called on any platform, more than once."""
    settle()
    settle()


def test_an_address_that_cannot_be_used_is_named() -> None:
    """Whoever listens on several addresses learns which of them is taken."""
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use") as refused:
            bind("127.0.0.1", port)
    assert refused.value.filename == f"127.0.0.1:{port}"


def test_a_renewal_that_fails_changes_nothing(tmp_path: Path) -> None:
    """A certificate whose key has not come yet is not presented: the one before is; and both are, once they fit."""
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
    first, second = map(Files, folders)

    async def presented(port: int, authority: str) -> bool:
        context = ssl.create_default_context(cafile=authority)
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        except ssl.SSLError:
            return False
        writer.close()
        return True

    async def scenario() -> None:
        server = await start(Answerer(lambda _: Response(200)), tls=first.listener)
        with pytest.raises(ssl.SSLError):
            server.renew_certificate(first.listener.model_copy(update={"certificate": Path(second.certificate)}))
        assert await presented(server.port, first.ca)
        server.renew_certificate(second.listener)
        assert not await presented(server.port, first.ca)
        assert await presented(server.port, second.ca)
        await server.aclose()

    asyncio.run(scenario())


def test_a_new_application_brings_its_drain_time() -> None:
    """How long running exchanges have when the server stops is what the newest settings say."""

    async def scenario() -> None:
        server = await start(Answerer(lambda _: Response(200)))
        settings = ServerSettings(timeouts=ClientTimeouts(drain_s=7.0))
        server.serve_with(Answerer(lambda _: Response(200)), settings)
        assert server.server.config.timeout_graceful_shutdown == 7
        await server.aclose()

    asyncio.run(scenario())
