"""Microsoft's client library gets a token over TLS and calls an API through the gateway's TLS listener."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import msal
import pytest

from gateway.assembly.app import build
from gateway.config import parse
from gateway.emulators.certificates import ServerTls, throw_away
from gateway.emulators.echo import EchoBackend
from gateway.emulators.entra import EntraEmulator
from gateway.emulators.entra.directory import API, CLIENT, SECRET, SERVICE_PRINCIPAL
from gateway.emulators.serving import Binding, serve
from gateway.serving.live import LiveGateway
from gateway.serving.running import Sockets, serving_gateway
from gateway.wire.server.serve import bind
from tests.wire.rig import settled

SCOPES = ["api://batch/.default"]

CONFIG = """
management: 127.0.0.1:0
tls: {{certificate: "{server}", key: "{server}"}}
named-values:
  tenant: {entra}/{tenant}
  audience: {audience}
  client: {client}
issuers:
  {entra}/{tenant}/.well-known/openid-configuration: {{ca-file: "{ca}"}}
  {entra}/{tenant}/v2.0/.well-known/openid-configuration: {{ca-file: "{ca}"}}
apis:
  - {{id: jwt, path: jwt, service-url: "{backend}", policy: validate-jwt.xml}}
  - {{id: azure, path: azure, service-url: "{backend}", policy: validate-azure-ad-token.xml}}
"""

CHECKS = {
    "validate-jwt": """
        <validate-jwt header-name="Authorization" require-scheme="Bearer" output-token-variable-name="jwt">
            <openid-config url="{{tenant}}/v2.0/.well-known/openid-configuration" />
            <audiences><audience>{{audience}}</audience></audiences>
            <required-claims><claim name="roles" match="any"><value>Batch.Start</value></claim></required-claims>
        </validate-jwt>""",
    "validate-azure-ad-token": """
        <validate-azure-ad-token tenant-id="{{tenant}}" output-token-variable-name="jwt">
            <client-application-ids><application-id>{{client}}</application-id></client-application-ids>
            <audiences><audience>{{audience}}</audience></audiences>
        </validate-azure-ad-token>""",
}
POLICY = """
<policies>
    <inbound>
        <base />{check}
        <set-header name="x-caller" exists-action="override">
            <value>@(((Jwt)context.Variables["jwt"]).Subject)</value>
        </set-header>
    </inbound>
    <backend><base /></backend>
    <outbound><base /></outbound>
    <on-error><base /></on-error>
</policies>
"""


@dataclass(frozen=True)
class World:
    """What runs beside the gateway."""

    entra: EntraEmulator
    backend: EchoBackend
    tls: ServerTls
    directory: Path

    def config(self) -> str:
        """The gateway's configuration, with the documents that it names written beside it."""
        for name, check in CHECKS.items():
            (self.directory / f"{name}.xml").write_text(POLICY.format(check=check))
        return CONFIG.format(
            server=self.tls.ca_file.with_name("server.pem"),
            ca=self.tls.ca_file,
            entra=self.entra.base_url,
            tenant=self.entra.tenants[0],
            audience=API,
            client=CLIENT,
            backend=self.backend.base_url,
        )

    def token(self) -> str:
        """An access token, got as any application gets it."""
        authority = f"{self.entra.base_url}/{self.entra.tenants[0]}"
        client = msal.ConfidentialClientApplication(CLIENT, SECRET, authority, instance_discovery=False)
        answered: dict[str, Any] = client.acquire_token_for_client(SCOPES)
        assert "access_token" in answered, answered
        return str(answered["access_token"])

    def call(self, port: int, path: str, token: str) -> httpx2.Response:
        """One call to the gateway, whose certificate is checked."""
        with httpx2.Client(verify=ssl.create_default_context(cafile=self.tls.ca_file)) as client:
            return client.get(f"https://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {token}"})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The emulator over TLS, trusted through REQUESTS_CA_BUNDLE, and a backend that tells what it received."""
    directory = tmp_path_factory.mktemp("msal")
    tls, entra, backend = throw_away(directory), EntraEmulator(), EchoBackend()
    with (
        serve(entra, Binding(tls=tls.context)),
        serve(backend),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("REQUESTS_CA_BUNDLE", str(tls.ca_file))
        yield World(entra, backend, tls, directory)


def _in_gateway(world: World, scenario: Callable[[int], None]) -> None:
    """Run *scenario* in a thread while the gateway serves; it gets the gateway's port."""

    async def run() -> None:
        gateway = build(parse(world.config(), "config.yaml", world.directory, os.environ))
        sockets = Sockets(bind("127.0.0.1", 0), bind("127.0.0.1", 0))
        async with serving_gateway(LiveGateway(gateway), sockets) as server:
            assert await settled(lambda: all(issuer.ready for issuer in gateway.issuers.statuses()), 10)
            await asyncio.to_thread(scenario, server.port)

    asyncio.run(run())


@pytest.mark.parametrize("path", ["/jwt/orders", "/azure/orders"], ids=CHECKS)
def test_a_token_from_msal_passes(world: World, path: str) -> None:
    """The token that msal got is good for both policies, and the backend reads who calls."""

    def scenario(port: int) -> None:
        answer = world.call(port, path, world.token())
        assert answer.status_code == 200, answer.text
        headers = dict(json.loads(answer.text)["headers"])
        assert headers["x-caller"] == SERVICE_PRINCIPAL

    _in_gateway(world, scenario)


@pytest.mark.parametrize("path", ["/jwt/orders", "/azure/orders"], ids=CHECKS)
@pytest.mark.parametrize("change", [{"aud": "api://other"}, {"lifetime_s": -60}], ids=["audience", "expired"])
def test_other_tokens_of_the_same_issuer_do_not(world: World, path: str, change: dict[str, Any]) -> None:
    """A token for another API, or an expired one, is refused with 401 on the same route."""

    def scenario(port: int) -> None:
        assert world.call(port, path, world.entra.mint(**change)).status_code == 401

    _in_gateway(world, scenario)
