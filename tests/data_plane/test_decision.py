"""The decision endpoint: nginx, Traefik and Envoy ask, the same policies answer."""

from __future__ import annotations

import asyncio
import ipaddress
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.data_plane.decision import DecisionEndpoint
from gateway.emulators.entra.directory import SERVICE_PRINCIPAL
from gateway.reading.values import LOOPBACK_NETWORKS
from gateway.wire.server.serve import start
from gateway.wire.settings import ServerSettings
from tests import tools
from tests.acceptance.rig import CONFIG, Product, product
from tests.nginx import free_port, listening
from tests.wire.rig import Reply, ask

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "nginx-auth-request.conf"


@asynccontextmanager
async def deciding(directory: Path, config: str = CONFIG) -> AsyncIterator[tuple[Product, int]]:
    async with product(directory, config=config) as running:
        endpoint = DecisionEndpoint(running.gateway.dispatcher, LOOPBACK_NETWORKS)
        server = await start(endpoint, settings=ServerSettings(trusted_proxies=LOOPBACK_NETWORKS))
        try:
            yield running, server.port
        finally:
            await server.aclose()


def decide(directory: Path, scenario: Callable[[Product, int], Awaitable[None]], config: str = CONFIG) -> None:
    async def run() -> None:
        async with deciding(directory, config) as (running, port):
            await scenario(running, port)

    asyncio.run(run())


async def put(port: int, line: str, *fields: str, client: str = "X-Forwarded-For: 203.0.113.9") -> Reply:
    """An answer to a question; *client*: how the proxy names the client."""
    fields = (*fields, client) if client else fields
    return await ask(port, "\r\n".join([f"{line} HTTP/1.1", "Host: api.example", *fields, "", ""]).encode())


ASK = {
    "envoy": ("GET /authz/orders/items/7?x=1", ()),
    "nginx": ("GET /authz", ("X-Original-URI: /orders/items/7?x=1", "X-Original-Method: GET")),
    "traefik": ("GET /authz", ("X-Forwarded-Uri: /orders/items/7?x=1", "X-Forwarded-Method: GET")),
}


@pytest.mark.parametrize("proxy", ASK)
def test_a_good_token_passes(tmp_path: Path, proxy: str) -> None:
    """The answer is 200 with the header that the policy set, and the backend is not contacted."""

    async def scenario(running: Product, port: int) -> None:
        line, fields = ASK[proxy]
        token = f"Authorization: Bearer {running.entra.mint()}"
        reply = await put(port, line, *fields, token, "Caller-ObjectId: evil")
        assert reply.status == 200
        assert reply.field("caller-objectid") == SERVICE_PRINCIPAL
        assert b"evil" not in reply.head
        assert running.backend.connections == 0

    decide(tmp_path, scenario)


@pytest.mark.parametrize("proxy", ASK)
def test_a_bad_token_is_refused(tmp_path: Path, proxy: str) -> None:
    """The refusal is the policy's own."""

    async def scenario(running: Product, port: int) -> None:
        line, fields = ASK[proxy]
        reply = await put(port, line, *fields, f"Authorization: Bearer {running.entra.mint(lifetime_s=-9)}")
        assert (reply.status, reply.body) == (401, b'{ "statusCode": 401, "message": "Token is invalid" }')

    decide(tmp_path, scenario)


@pytest.mark.parametrize(
    ("proxy", "target", "status", "true"),
    [
        ("envoy", "/nowhere", 404, None),
        ("nginx", "/nowhere", 403, "404"),
        ("traefik", "/nowhere", 404, None),
        ("nginx", "/orders/%2e%2e/open", 403, "400"),
        ("traefik", "/orders/../open", 400, None),
    ],
)
def test_other_refusals(tmp_path: Path, proxy: str, target: str, status: int, true: str | None) -> None:
    """nginx accepts only 401 and 403; the true status is in another field."""

    async def scenario(running: Product, port: int) -> None:
        line, fields = ASK[proxy]
        line = line.replace("/orders/items/7?x=1", target)
        reply = await put(port, line, *(field.replace("/orders/items/7?x=1", target) for field in fields))
        assert (reply.status, reply.field("x-gateway-status")) == (status, true)

    decide(tmp_path, scenario)


@pytest.mark.parametrize(
    ("proxy", "added"),
    [
        ("traefik", ("X-Original-URI: /orders/open", "X-Original-Method: GET")),
        ("traefik", ("X-Original-Method: GET",)),
        ("nginx", ("X-Forwarded-Uri: /orders/open",)),
        ("nginx", ("X-Original-URI: /orders/open",)),
        ("traefik", ("X-Forwarded-Method: GET",)),
    ],
)
def test_a_client_cannot_ask_another_question(tmp_path: Path, proxy: str, added: tuple[str, ...]) -> None:
    """Fields of the other form, which proxies pass on, or repeated ones cannot have an open route judged instead."""

    async def scenario(running: Product, port: int) -> None:
        line, fields = ASK[proxy]
        assert (await put(port, line, *fields, *added)).status == 403
        assert (await put(port, line, *added, *fields)).status == 403

    decide(tmp_path, scenario)


@pytest.mark.parametrize("proxy", ASK)
def test_a_misspelt_question_does_not_count(tmp_path: Path, proxy: str) -> None:
    """A field that only looks like the proxy's, with underscores, is not read: the proxy's own question is judged."""

    async def scenario(running: Product, port: int) -> None:
        line, fields = ASK[proxy]
        misspelt = ("X_Original_URI: /orders/open", "X_Forwarded_Uri: /orders/open", "X_Forwarded_For: 192.0.2.1")
        assert (await put(port, line, *fields, *misspelt)).status == 401

    decide(tmp_path, scenario)


@pytest.mark.parametrize("fields", [(), ("X-Original-URI: /orders/open",), ("X-Forwarded-Uri: /orders/open",)])
def test_half_a_question_is_refused(tmp_path: Path, fields: tuple[str, ...]) -> None:
    """Without target and method nothing passes: nginx asks with GET whatever the client's method is."""

    async def scenario(running: Product, port: int) -> None:
        assert (await put(port, "GET /authz", *fields)).status == 403

    decide(tmp_path, scenario)


def test_envoy_is_told_what_to_remove(tmp_path: Path) -> None:
    """On a route that sets no caller, the client's copy is named for removal, as it was spelled and as we read it."""

    async def scenario(running: Product, port: int) -> None:
        reply = await put(port, "GET /authz/orders/open", "Caller_ObjectId: evil")
        assert reply.status == 200
        assert reply.field("x-envoy-auth-headers-to-remove") == "caller-objectid,caller_objectid"
        good = f"Authorization: Bearer {running.entra.mint()}"
        reply = await put(port, "GET /authz/orders/items/7", good, "Caller_ObjectId: evil")
        assert reply.field("caller-objectid") == SERVICE_PRINCIPAL
        assert reply.field("x-envoy-auth-headers-to-remove") == "caller_objectid"

    decide(tmp_path, scenario)


def test_only_the_endpoint_answers(tmp_path: Path) -> None:
    """The decision listener proxies nothing."""

    async def scenario(running: Product, port: int) -> None:
        assert (await put(port, "GET /orders/open")).status == 404
        assert running.backend.connections == 0

    decide(tmp_path, scenario)


@pytest.mark.needs("nginx")
def test_real_nginx(tmp_path: Path) -> None:
    """deploy/nginx-auth-request.conf works with nginx: token in, verified caller out, forged copies gone."""

    async def scenario(running: Product, port: int) -> None:
        front = free_port()
        text = CONFIGURATION.read_text().replace("127.0.0.1:8082", f"127.0.0.1:{port}")
        text = text.replace("127.0.0.1:8090", f"127.0.0.1:{running.backend.port}")
        text = text.replace("127.0.0.1:8000", f"127.0.0.1:{front}")
        (tmp_path / "nginx.conf").write_text(
            f"pid {tmp_path}/pid; daemon off; master_process off; error_log {tmp_path}/error.log;"
            f"events {{}} http {{ access_log off; client_body_temp_path {tmp_path}/body;"
            f"proxy_temp_path {tmp_path}/proxy; fastcgi_temp_path {tmp_path}/f; uwsgi_temp_path {tmp_path}/u;"
            f"scgi_temp_path {tmp_path}/s; {text} }}"
        )
        nginx = subprocess.Popen([tools.need("nginx"), "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path)])
        try:
            await listening(front)
            good = f"Authorization: Bearer {running.entra.mint()}"
            assert (await put(front, "GET /orders/items/7", good, "Caller-ObjectId: evil")).status == 200
            assert running.received("caller-objectid") == [SERVICE_PRINCIPAL]
            assert (await put(front, "GET /orders/items/7")).status == 401
            running.backend.received = b""
            assert (await put(front, "GET /orders/open", "caller-objectid: evil")).status == 200
            assert running.received("caller-objectid") == []
        finally:
            nginx.terminate()
            nginx.wait()

    decide(tmp_path, scenario)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ((), "names no X-Forwarded-Uri"),
        (("X-Forwarded-Uri: /orders/open",), "names no X-Forwarded-Method"),
        (("X-Original-URI: /orders/open",), "names no X-Original-Method"),
        (("X-Original-Method: GET",), "names no X-Original-URI"),
        (("X-Forwarded-Uri: /a", "X-Forwarded-Uri: /b", "X-Forwarded-Method: GET"), "X-Forwarded-Uri appears 2 times"),
    ],
)
def test_the_missing_field_is_named(tmp_path: Path, fields: tuple[str, ...], named: str) -> None:
    """The answer tells the operator of the proxy which field the question lacks."""

    async def scenario(running: Product, port: int) -> None:
        reply = await put(port, "GET /authz", *fields)
        assert reply.status == 403
        assert named in reply.body.decode()

    decide(tmp_path, scenario)


@pytest.mark.parametrize("method", ["get", "Get", "gET"])
def test_a_method_in_lower_case_is_refused(tmp_path: Path, method: str) -> None:
    """It would be judged as a different method from the one that a case-insensitive backend runs."""

    async def scenario(running: Product, port: int) -> None:
        fields = ("X-Forwarded-Uri: /orders/open", f"X-Forwarded-Method: {method}")
        assert (await put(port, "GET /authz", *fields)).status == 403

    decide(tmp_path, scenario)


@pytest.mark.parametrize("proxy", ASK)
@pytest.mark.parametrize("client", ["", "X-Forwarded-For: unknown", "X-Forwarded-For: 203.0.113.9, _hidden"])
def test_a_question_without_the_client_is_refused(tmp_path: Path, proxy: str, client: str) -> None:
    """No address is judged in place of the client's: a forbid list would let everyone pass."""

    async def scenario(running: Product, port: int) -> None:
        line, fields = ASK[proxy]
        good = f"Authorization: Bearer {running.entra.mint()}"
        assert (await put(port, line, *fields, good, client=client)).status in (400, 403)

    decide(tmp_path, scenario)


def test_others_may_not_ask(tmp_path: Path) -> None:
    """An address that is not among the callers gets no decision, whatever it says about the client."""

    async def scenario(running: Product, port: int) -> None:
        elsewhere = (ipaddress.ip_network("192.0.2.0/24"),)
        endpoint = DecisionEndpoint(running.gateway.dispatcher, elsewhere)
        server = await start(endpoint, settings=ServerSettings(trusted_proxies=elsewhere))
        reply = await put(server.port, "GET /authz/orders/open")
        assert reply.status == 403
        assert "decision-callers" in reply.body.decode()
        await server.aclose()

    decide(tmp_path, scenario)


CORS = """
<policies><inbound><cors><allowed-origins><origin>https://app.example</origin></allowed-origins>
<allowed-methods><method>PUT</method></allowed-methods></cors></inbound><backend><base /></backend>
<outbound /><on-error /></policies>
"""


@pytest.mark.parametrize(("origin", "status"), [("https://app.example", 200), ("https://evil.example", 403)])
def test_a_preflight_passes_with_its_answer(tmp_path: Path, origin: str, status: int) -> None:
    """What the cors policy allows passes with the fields that the browser needs; a refusal could not carry them."""
    (tmp_path / "cors.xml").write_text(CORS)

    async def scenario(running: Product, port: int) -> None:
        fields = (f"Origin: {origin}", "Access-Control-Request-Method: PUT")
        reply = await put(port, "OPTIONS /authz/app/x", *fields)
        assert reply.status == status
        allowed = origin if status == 200 else None
        assert reply.field("access-control-allow-origin") == allowed

    api = CONFIG + '  - {{id: app, path: app, service-url: "http://127.0.0.1:{backend}", policy: cors.xml}}\n'
    decide(tmp_path, scenario, api)


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("GET /authz/people?query=%7Busers%7Bid%7D%7D", ()),
        ("GET /authz/people?query=%7B__typename%7D", ("Upgrade: websocket", "Sec-WebSocket-Protocol: graphql-ws")),
        ("POST /authz/people", ("Content-Type: application/json",)),
        ("GET /authz", ("X-Original-URI: /people?query=%7Busers%7Bid%7D%7D", "X-Original-Method: GET")),
    ],
    ids="get websocket post nginx".split(),
)
def test_graphql_is_not_decided_on(tmp_path: Path, line: str, fields: tuple[str, ...]) -> None:
    """The proxy would carry a GraphQL request as it was written, not as it was judged: none passes."""
    (tmp_path / "s.graphql").write_text("type Query { users: [User] } type User { id: ID }")
    people = "\n  - {{id: people, path: people, type: graphql, graphql: {{schema-file: s.graphql}}}}\n"

    async def scenario(running: Product, port: int) -> None:
        answer = await put(port, line, *fields)
        assert answer.status == 403
        (record, *_) = running.gateway.dispatcher.requests.recent()
        assert record.reason == "GraphQLNotDecidable"

    decide(tmp_path, scenario, config=CONFIG + people)
