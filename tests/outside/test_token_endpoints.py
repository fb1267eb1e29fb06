"""token_endpoints.py: every source against the Entra emulator, and answers that are no good."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.emulators.entra import EntraEmulator
from gateway.emulators.entra.directory import API, CLIENT, SECRET, TENANT
from gateway.emulators.serving import serve_here
from gateway.errors import UpstreamError
from gateway.outside.settings import IdentitySettings
from gateway.outside.token_endpoints import ASSUMED_LIFE_S, AzureIdentity, read_token, token_source


def settings(**given: Any) -> IdentitySettings:
    """As the configuration says it."""
    return IdentitySettings.model_validate({name.replace("_", "-"): value for name, value in given.items()})


async def fetched(source_settings: IdentitySettings | None, environ: dict[str, str], resource: str = API) -> str:
    """One token."""
    source = token_source(source_settings, environ)
    assert source is not None
    try:
        return (await source.fetch(resource, "")).value
    finally:
        await source.aclose()


def test_emulated_sources() -> None:
    """App Service's endpoint, announced or configured, and client credentials of both versions give tokens."""

    async def scenario() -> None:
        entra = EntraEmulator()
        async with serve_here(entra):
            base = entra.base_url
            environ = {"IDENTITY_ENDPOINT": f"{base}/msi/token", "IDENTITY_HEADER": "emulated-identity"}
            client = {"client_id": CLIENT, "client_secret": SECRET, "source": "client-credentials"}
            tokens = [
                await fetched(None, environ),
                await fetched(settings(source="app-service"), environ),
                await fetched(
                    settings(source="app-service", endpoint=f"{base}/msi/token", endpoint_header="emulated-identity"),
                    {},
                ),
                await fetched(settings(token_url=f"{base}/{TENANT}/oauth2/v2.0/token", **client), {}),
                await fetched(settings(token_url=f"{base}/{TENANT}/oauth2/token", **client), {}),
            ]
            assert all(token.count(".") == 2 for token in tokens)
            with pytest.raises(UpstreamError) as caught:
                await fetched(settings(token_url=f"{base}/x/oauth2/v2.0/token", **client), {})
            assert SECRET not in caught.value.message

    asyncio.run(scenario())


def test_requests(tmp_path: Path) -> None:
    """IMDS gets its header, workload identity its assertion, read anew each time."""
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json={"access_token": "t", "expires_in": "3600"})

    async def ask(source_settings: IdentitySettings | None, environ: dict[str, str]) -> None:
        source: Any = token_source(source_settings, environ)
        source._client = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
        assert (await source.fetch("https://vault", "me")).value == "t"
        await source.aclose()

    file = tmp_path / "token"
    file.write_text("assertion-1\n")
    announced = {"AZURE_FEDERATED_TOKEN_FILE": str(file), "AZURE_TENANT_ID": "ten", "AZURE_CLIENT_ID": "cli"}
    asyncio.run(ask(settings(source="imds"), {}))
    asyncio.run(ask(None, announced))
    assert seen[0].headers["metadata"] == "true"
    assert dict(seen[0].url.params) == {"api-version": "2018-02-01", "resource": "https://vault", "client_id": "me"}
    assert str(seen[1].url) == "https://login.microsoftonline.com/ten/oauth2/v2.0/token"
    body = seen[1].content.decode()
    assert "client_assertion=assertion-1" in body
    assert "scope=https%3A%2F%2Fvault%2F.default" in body


def test_static() -> None:
    """Fixed tokens by resource; any other resource has none."""
    given = settings(source="static", tokens={"https://vault": "fixed"})
    assert asyncio.run(fetched(given, {}, "https://vault")) == "fixed"
    with pytest.raises(UpstreamError, match="no token is configured"):
        asyncio.run(fetched(given, {}, "https://other"))


def test_nothing_announced() -> None:
    """Outside Azure, and without settings, there is no identity."""
    assert token_source(None, {}) is None
    assert token_source(None, {"AZURE_FEDERATED_TOKEN_FILE": "/x"}) is None


def test_endpoint_away() -> None:
    """An endpoint that cannot be reached is an UpstreamError, in time."""
    given = settings(source="imds", endpoint="http://127.0.0.1:9/x", timeout="1s")
    with pytest.raises(UpstreamError, match="could not be reached"):
        asyncio.run(fetched(given, {}))


BAD = {
    "status": httpx2.Response(400, json={"error": "invalid_client", "error_description": "secret"}),
    "strange error": httpx2.Response(400, json={"error": "<script>"}),
    "no token": httpx2.Response(200, json={}),
    "token of another type": httpx2.Response(200, json={"access_token": 5}),
    "no object": httpx2.Response(200, json=[1]),
    "no json": httpx2.Response(200, text="<html>"),
    "endless": httpx2.Response(200, content=b" " * 300_000),
    "redirect": httpx2.Response(302, headers={"Location": "http://elsewhere"}),
}


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD)
def test_answers_without_a_token(answer: httpx2.Response) -> None:
    """An answer without a token is refused by status and error code, nothing else of it."""
    with pytest.raises(UpstreamError) as caught:
        read_token(answer, 0)
    assert "secret" not in caught.value.message
    assert "<" not in caught.value.message


LIVES = {
    "number": ({"expires_in": 3600}, 3600),
    "text": ({"expires_in": "3600"}, 3600),
    "moment": ({"expires_on": "4600"}, 3600),
    "none": ({}, ASSUMED_LIFE_S),
    "negative": ({"expires_in": -1}, ASSUMED_LIFE_S),
    "absurd": ({"expires_in": 1e12}, ASSUMED_LIFE_S),
    "words": ({"expires_in": "soon"}, ASSUMED_LIFE_S),
    "null": ({"expires_in": None}, ASSUMED_LIFE_S),
}


@pytest.mark.parametrize(("members", "life_s"), LIVES.values(), ids=LIVES)
def test_lives(members: dict[str, object], life_s: float) -> None:
    """A missing or absurd lifetime counts as five minutes."""
    token = read_token(httpx2.Response(200, json={"access_token": "t", **members}), 1000)
    assert token.expires_at == 1000 + life_s
    assert 1000 < token.refresh_at < token.expires_at


@dataclass
class Credential:
    """azure-identity's interface."""

    fails: bool = False
    closed: bool = False

    async def get_token(self, scope: str) -> Any:
        """A token that says what it is for."""
        if self.fails:
            raise RuntimeError("secret")
        return type("Token", (), {"token": scope, "expires_on": time.time() + 600})

    async def close(self) -> None:
        """The session ends."""
        self.closed = True


def test_azure_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """azure-identity's credential gives tokens, its errors are ours, and without the extra it cannot be named."""

    async def scenario() -> None:
        credential = Credential()
        source = AzureIdentity("", credential)
        assert (await source.fetch("https://vault", "")).value == "https://vault/.default"
        credential.fails = True
        with pytest.raises(UpstreamError, match="RuntimeError"):
            await source.fetch("https://vault", "")
        await source.aclose()
        assert credential.closed

    asyncio.run(scenario())
    monkeypatch.setitem(sys.modules, "azure.identity.aio", None)
    with pytest.raises(ImportError):
        token_source(settings(source="azure-identity"), {})


INCOMPLETE = ["workload-identity", "client-credentials", "static"]


@pytest.mark.parametrize("source", INCOMPLETE)
def test_incomplete_settings(source: str) -> None:
    """A source without what it needs does not load."""
    with pytest.raises(ValueError, match=f"source {source} needs"):
        settings(source=source)
