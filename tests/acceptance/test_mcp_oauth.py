"""The OAuth flow of the official SDK's client: from the refusal to the metadata, the issuer, a token, and the tools."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from mcp import Client
from mcp.client.auth import TokenStorage
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

from gateway.emulators.entra.directory import API, CLIENT, SECRET
from tests.acceptance.mcp_rig import Behind, behind_gateways, mcp_front


@pytest.fixture(scope="module")
def behind() -> Iterator[Behind]:
    """What is behind the gateways."""
    with behind_gateways() as running:
        yield running


class Memory(TokenStorage):
    """What the client keeps."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


_VALIDATE = """<validate-jwt header-name="Authorization" require-scheme="Bearer">
  <openid-config url="{metadata}"/><audiences><audience>{audience}</audience></audiences>
</validate-jwt>"""
_PROTECTED = ("    path: tools\n", f"    path: tools\n    protected-resource: {{scopes: ['{API}/.default']}}\n")


def test_a_client_finds_its_token_by_itself(behind: Behind, tmp_path: Path) -> None:
    """It knows the server's URL and its own credentials: the gateway's challenge and metadata lead to all the rest."""

    async def scenario() -> None:
        async with mcp_front(behind, tmp_path, {"tools": _VALIDATE}, replaced=[_PROTECTED]) as front:
            memory = Memory()
            provider = ClientCredentialsOAuthProvider(
                front.url(),
                memory,
                CLIENT,
                SECRET,
                "client_secret_post",
                issuer=behind.entra.metadata_url().removesuffix("/.well-known/openid-configuration"),
            )
            async with (
                httpx2.AsyncClient(auth=provider, timeout=20) as http,
                Client(streamable_http_client(front.url(), http_client=http)) as client,
            ):
                result = await client.call_tool("get_item", {"id": "1"})
                assert result.structured_content["path"] == "/items/1"
            assert memory.tokens is not None  # it has asked for one itself

    asyncio.run(scenario())
