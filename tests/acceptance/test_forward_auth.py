"""Traefik and Caddy with forward-auth, as clients see it: browsers, methods, bodies, WebSockets, HTTP/2, forgeries."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias, TypeVar

import pytest

from gateway.data_plane.decision import DecisionEndpoint
from gateway.emulators.entra.directory import SERVICE_PRINCIPAL
from gateway.reading.values import LOOPBACK_NETWORKS
from gateway.wire.server.serve import start
from gateway.wire.settings import ServerSettings
from tests import tools
from tests.acceptance.rig import CONFIG, Product, product
from tests.acceptance.test_decision_proxies import GUARDED, POLICY, PROXIES, Ports, ready
from tests.nginx import free_port, running
from tests.wire.rig import Backend, client

DOCS = Path(__file__).parents[2] / "docs" / "scale-out.md"
APP = '  - {{id: app, path: app, service-url: "http://127.0.0.1:{backend}", policy: app.xml}}\n'
CORS = """
<policies><inbound><base /><cors><allowed-origins><origin>https://app.example</origin></allowed-origins>
<allowed-methods><method>GET</method><method>PUT</method></allowed-methods>
<allowed-headers><header>content-type</header></allowed-headers></cors></inbound>
<backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>
"""
NAMES = [
    pytest.param(name, marks=[pytest.mark.needs(PROXIES[name][0]), pytest.mark.needs("curl")])
    for name in ("traefik", "caddy")
]
FIELD = "caller-objectid"
T = TypeVar("T")
pytestmark = pytest.mark.xdist_group("forward-auth")  # its tests share two proxies


def with_browsers(name: str, text: str) -> str:
    """The configuration *text* with the lines that docs/scale-out.md adds for browsers; with HTTP/2 for clients."""
    lines = re.findall(rf"<!-- browsers: {name} -->\n```\w*\n(.*?)```", DOCS.read_text(), re.DOTALL)[0]
    if name == "traefik":
        return text.replace("[without-copies, decide]", "[without-copies, decide, browsers]").replace(
            "  services:\n", f"{lines}  services:\n"
        )
    text = text.replace("auto_https off\n", "auto_https off\n\tservers {\n\t\tprotocols h1 h2c\n\t}\n")
    return text.replace("\t\treverse_proxy", f"{lines}\t\treverse_proxy")


async def site(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, backend: Backend) -> None:
    """A backend that counts bodies, answers them with their size, and echoes what comes behind an upgrade."""
    while True:
        head = await backend.head(reader)
        if b"upgrade: websocket" in head.lower():
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            while data := await reader.read(1024):
                writer.write(data)
            return
        before = len(backend.received)
        await backend.body(reader, head)
        size = str(len(backend.received) - before).encode()
        body = b"" if head.startswith(b"HEAD") else size
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(size), body))


@asynccontextmanager
async def fronted(name: str, folder: Path) -> AsyncIterator[tuple[Product, int]]:
    """A proxy in front of such a backend, and the gateway that it asks; the proxy's port."""
    (folder / "guarded.xml").write_text(POLICY)
    (folder / "app.xml").write_text(CORS)
    async with product(folder, config=CONFIG + GUARDED + APP, script=site) as whole:
        endpoint = DecisionEndpoint(whole.gateway.dispatcher, LOOPBACK_NETWORKS)
        decisions = await start(endpoint, settings=ServerSettings(trusted_proxies=LOOPBACK_NETWORKS))
        ports = Ports(free_port(), decisions.port, whole.backend.port)
        command = PROXIES[name][1](folder, ports)
        file = folder / {"traefik": "dynamic.yaml", "caddy": "Caddyfile"}[name]
        file.write_text(with_browsers(name, file.read_text()))
        async with running(command, folder):
            await ready(ports.front)
            whole.backend.received = b""
            yield whole, ports.front
        await decisions.aclose()


Scenario: TypeAlias = Callable[[Product, int], Awaitable[None]]
Play: TypeAlias = Callable[[Scenario], None]


@pytest.fixture(scope="module", params=NAMES)
def play(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """Runs a scenario with a proxy, the gateway and a backend, which are started once for all of them."""
    with asyncio.Runner() as runner:
        whole = fronted(request.param, tmp_path_factory.mktemp(request.param))
        running_product, front = runner.run(_awaited(whole.__aenter__()))

        def run(scenario: Scenario) -> None:
            running_product.backend.received = b""
            runner.run(_awaited(scenario(running_product, front)))

        yield run
        runner.run(_awaited(whole.__aexit__(None, None, None)))


async def _awaited(work: Awaitable[T]) -> T:
    return await work


async def curl(port: int, path: str, *arguments: str) -> str:
    """What curl prints: the answer's head and body, then version and status."""
    call = await asyncio.create_subprocess_exec(
        tools.need("curl"), "-si", "-m", "5", "--path-as-is", "-w", "\n%{http_version} %{http_code}", *arguments,
        f"http://127.0.0.1:{port}{path}",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    printed, _ = await call.communicate()
    return printed.decode("latin-1")


def fields(printed: str, name: str) -> list[str]:
    """The values of one field in what curl printed."""
    return re.findall(rf"(?im)^{name}: ([^\r\n]*)", printed)


FORGED = {
    "as it is": [FIELD],
    "capitals": [FIELD.upper()],
    "underscore": [FIELD.replace("-", "_")],
    "mixed": ["Caller_ObjectId", "caller-OBJECTID"],
    "twice": [FIELD, FIELD],
}


def test_headers(play: Play) -> None:
    """Exactly the policy's value arrives, over HTTP/1.1 and HTTP/2, whatever a client writes; on open routes none."""

    async def scenario(whole: Product, front: int) -> None:
        token = f"Authorization: Bearer {whole.entra.mint()}"
        for version in ("--http1.1", "--http2-prior-knowledge"):
            for spelling, forged in FORGED.items():
                own = [part for field in forged for part in ("-H", f"{field}: evil")]
                for path, expected in (("/orders/items/7", [SERVICE_PRINCIPAL]), ("/orders/open", [])):
                    whole.backend.received = b""
                    printed = await curl(front, path, version, "-H", token, *own)
                    arrived = [value for value in whole.received(FIELD) if value]
                    assert (version, spelling, printed[-3:], arrived) == (version, spelling, "200", expected)
            whole.backend.received = b""
            nominated = await curl(
                front, "/orders/items/7", "-H", token, "-H", f"Connection: {FIELD}", "-H", f"{FIELD}: evil"
            )
            assert (nominated[-3:], b"evil" in whole.backend.received) == ("200", False)

    play(scenario)


def test_requests(play: Play, tmp_path: Path) -> None:
    """Method, target with its query and body are judged and arrive as the client sent them; refused ones never do."""

    async def scenario(whole: Product, front: int) -> None:
        token = f"Authorization: Bearer {whole.entra.mint()}"
        for method in ("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"):
            whole.backend.received = b""
            target = "/app/a%20b/c?x=1&x=2&y=%2F%26&empty=&z"
            assert (await curl(front, target, "-X", method))[-3:] == "200"
            assert whole.backend.received.startswith(f"{method} {target} HTTP/1.1\r\n".encode())
        assert (await curl(front, "/app/x", "-I"))[-3:] == "200"
        body = tmp_path / "body"
        body.write_bytes(b"x" * 300_000)
        for framing in ((), ("-H", "Transfer-Encoding: chunked")):
            printed = await curl(
                front, "/orders/items", "-H", token, "-H", "Expect:", "-T", str(body), "-X", "POST", *framing
            )
            assert printed[-3:] == "200"
            assert whole.backend.received.count(b"x") >= 300_000
            whole.backend.received = b""
        for path, method, status in (
            ("/orders/items", "POST", "401"),
            ("/orders/items", "GET", "404"),
            ("/x", "GET", "404"),
        ):
            assert (await curl(front, path, "-X", method))[-3:] == status
        assert whole.backend.received == b""

    play(scenario)


def test_browsers(play: Play) -> None:
    """A page of an allowed origin may call: preflight and answer have what a browser needs. Another one may not."""

    async def scenario(whole: Product, front: int) -> None:
        def preflight(origin: str) -> list[str]:
            asked = ("Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: content-type")
            return ["-X", "OPTIONS", *(part for field in (f"Origin: {origin}", *asked) for part in ("-H", field))]

        for version in ("--http1.1", "--http2-prior-knowledge"):
            allowed = await curl(front, "/app/x", version, *preflight("https://app.example"))
            assert allowed[-3:] in ("200", "204")
            assert fields(allowed, "access-control-allow-origin") == ["https://app.example"]
            assert "PUT" in fields(allowed, "access-control-allow-methods")[0]
            assert "content-type" in fields(allowed, "access-control-allow-headers")[0].lower()
            answer = await curl(front, "/app/x", version, "-X", "PUT", "-H", "Origin: https://app.example")
            assert (answer[-3:], fields(answer, "access-control-allow-origin")) == ("200", ["https://app.example"])
            whole.backend.received = b""
            other = await curl(front, "/app/x", version, *preflight("https://evil.example"))
            assert (other[-3:], fields(other, "access-control-allow-origin")) == ("403", [])
            assert whole.backend.received == b""

    play(scenario)


def test_websockets(play: Play) -> None:
    """The upgrade is judged as a request; the tunnel behind it belongs to proxy and backend."""

    async def scenario(whole: Product, front: int) -> None:
        upgrade = (
            "Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        )
        async with client(front) as refused:
            refused.send(f"GET /orders/items/7 HTTP/1.1\r\n{upgrade}\r\n".encode())
            assert (await refused.reply()).status == 401
        assert whole.backend.received == b""
        async with client(front) as browser:
            token = f"Authorization: Bearer {whole.entra.mint()}"
            browser.send(f"GET /orders/items/7 HTTP/1.1\r\n{upgrade}{token}\r\n\r\n".encode())
            assert (await browser.reply()).status == 101
            browser.send(b"\x81\x85abcd\x09\x07\x0f\x08\x0e")
            assert await asyncio.wait_for(browser.reader.readexactly(11), 2) == b"\x81\x85abcd\x09\x07\x0f\x08\x0e"
        assert whole.received(FIELD) == [SERVICE_PRINCIPAL]

    play(scenario)
