"""A running gateway: tokens of other kinds, encrypted tokens, issuers and origins that are written in other ways."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateway.assembly.app import build
from gateway.config import parse
from gateway.wire.server.serve import start
from tests.acceptance.rig import Product, product
from tests.tokens.decryption import SECRET, wrapped
from tests.tokens.sealing import seal

CONFIG = """
management: 127.0.0.1:0
named-values: {{url: '{metadata}', audience: {audience}}}
apis: [{{id: a, path: a, service-url: 'http://127.0.0.1:{backend}', policy: '{policy}'}}]
"""
POLICY = "<policies><inbound>{0}</inbound></policies>"
JWT = '<validate-jwt header-name="Authorization"><openid-config url="{url}" />{more}</validate-jwt>'
KEY = base64.b64encode(SECRET).decode()


def run(tmp_path: Path, inbound: str, ask: Callable[[Product], Awaitable[None]]) -> None:
    """*ask* a gateway with the policies *inbound*."""

    async def scenario() -> None:
        policy = tmp_path / "policy.xml"
        policy.write_text(POLICY.format(inbound))
        async with product(tmp_path, str(policy), CONFIG) as running:
            await ask(running)

    asyncio.run(scenario())


def test_tokens_of_another_kind(tmp_path: Path) -> None:
    """A logout, security event or proof token of the right issuer is no access token; an access token is."""

    async def ask(running: Product) -> None:
        statuses = {}
        for typ in ("JWT", "at+jwt", "logout+jwt", "dpop+jwt", "application/secevent+jwt"):
            reply = await running.call("/a", token=running.entra.mint(header={"typ": typ}))
            statuses[typ] = reply.status
        assert list(statuses.values()) == [200, 200, 401, 401, 401]

    run(tmp_path, JWT.format(url="{{url}}", more=""), ask)


def test_encrypted_tokens(tmp_path: Path) -> None:
    """A token that was encrypted in a way that its key is not for is refused; the same token encrypted well passes."""

    async def ask(running: Product) -> None:
        inner = running.entra.mint()
        well = await running.call("/a", token=wrapped(inner))
        statuses = [well.status]
        for algorithm in ("A256KW", "RSA1_5", "RSA-OAEP", "none"):
            badly = seal({"alg": algorithm, "enc": "A128GCM"}, b"x" * 24, SECRET, inner)
            statuses.append((await running.call("/a", token=badly)).status)
        assert statuses == [200, 401, 401, 401, 401]

    keys = f"<decryption-keys><key>{KEY}</key></decryption-keys>"
    run(tmp_path, JWT.format(url="{{url}}", more=keys), ask)


@pytest.mark.parametrize(("listed", "status"), [(True, 200), (False, 503)])
def test_an_issuer_behind_another_name(tmp_path: Path, listed: bool, status: int) -> None:
    """An issuer reached by another name passes where the policy lists it; otherwise readiness says what to write."""

    async def ask(running: Product) -> None:
        reply = await running.call("/a", token=running.entra.mint())
        assert reply.status == status
        (state,) = running.gateway.issuers.statuses()
        assert ("list it in the policy's <issuers>" in state.error) is not listed

    more = "<issuers><issuer>{issuer}</issuer></issuers>" if listed else ""

    async def scenario() -> None:
        policy = tmp_path / "policy.xml"
        policy.write_text(POLICY.format(""))
        async with product(tmp_path, str(policy), CONFIG, warm=False) as first:
            url, issuer = first.entra.metadata_url(), first.entra.issuer()  # its own address, 127.0.0.1
            named = JWT.format(url=url.replace("127.0.0.1", "LocalHost"), more=more.format(issuer=issuer))
            policy.write_text(POLICY.format(named))
            text = CONFIG.format(metadata=url, audience="a", backend=first.backend.port, policy=policy)
            gateway = build(parse(text, "config.yaml", tmp_path, {}))
            await gateway.start()
            server = await start(gateway.dispatcher)
            try:
                await ask(Product(server.port, 0, gateway, first.entra, first.backend))
            finally:
                await server.aclose()
                await gateway.aclose()

    asyncio.run(scenario())


def test_origins_as_they_are_meant(tmp_path: Path) -> None:
    """Origins with a slash at their end or their usual port match what browsers send."""
    origins = ("http://localhost:8080/", "https://P.example.com:443")
    listed = "".join(f"<origin>{origin}</origin>" for origin in origins)
    methods = "<allowed-methods><method>GET</method></allowed-methods>"
    cors = f"<cors><allowed-origins>{listed}</allowed-origins>{methods}</cors>"

    async def ask(running: Product) -> None:
        for origin in ("http://localhost:8080", "https://p.example.com"):
            fields = (f"Origin: {origin}", "Access-Control-Request-Method: GET")
            preflight = await running.call("/a", *fields, method="OPTIONS")
            assert preflight.field("Access-Control-Allow-Origin") == origin
            assert (await running.call("/a", f"Origin: {origin}")).field("Access-Control-Allow-Origin") == origin
        other = await running.call("/a", "Origin: https://p.example.com:8443")
        assert other.field("Access-Control-Allow-Origin") is None

    run(tmp_path, cors, ask)
