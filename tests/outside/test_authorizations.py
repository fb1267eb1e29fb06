"""Authorizations: client credentials at a provider's token endpoint, through the real client, against the emulator."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.emulators.entra import EntraEmulator
from gateway.emulators.entra.directory import API, CLIENT, SECRET, TENANT
from gateway.emulators.serving import serve_here
from gateway.errors import UpstreamError
from gateway.outside.authorizations import AuthorizationTokens
from gateway.outside.identity import IdentityTokens
from gateway.outside.settings import KeptAuthorization
from gateway.reading.settings import Surroundings


def settings(url: str, **more: Any) -> KeptAuthorization:
    """An authorization at the emulator."""
    given: dict[str, Any] = {
        "token-url": f"{url}/{TENANT}/oauth2/v2.0/token",
        "client-id": CLIENT,
        "client-secret": SECRET,
        "scopes": [f"{API}/.default"],
    }
    return KeptAuthorization.from_file({**given, **more}, Surroundings(Path(), {}))


@pytest.mark.parametrize("authentication", ["body", "header"])
def test_a_token_of_an_authorization(authentication: str) -> None:
    """The secret goes where the endpoint reads it; a hundred that ask at once share one request."""

    async def scenario() -> set[str]:
        entra = EntraEmulator()
        async with serve_here(entra) as url:
            own = settings(url, **{"authentication": authentication})
            tokens = IdentityTokens(AuthorizationTokens({"entra/bot": own}, None))
            answers = [tokens.token("entra/bot", None) for _ in range(100)]
            values = {value if isinstance(value, str) else await value for value in answers}
            again = tokens.token("entra/bot", None)
            assert isinstance(again, str)
            await tokens.aclose()
            return {*values, again}

    assert len(asyncio.run(scenario())) == 1


def test_no_token() -> None:
    """A wrong secret and an unknown name are errors without the secret in them."""

    async def scenario() -> list[str]:
        messages = []
        async with serve_here(EntraEmulator()) as url:
            wrong = settings(url, **{"client-secret": "hunter2-wrong"})
            tokens = IdentityTokens(AuthorizationTokens({"entra/bot": wrong}, None))
            for name in ("entra/bot", "entra/other"):
                with pytest.raises(UpstreamError) as refused:
                    await tokens.token(name, None)  # type: ignore[misc]
                messages.append(str(refused.value))
            await tokens.aclose()
        return messages

    wrong, unknown = asyncio.run(scenario())
    assert "401" in wrong
    assert "hunter2" not in wrong
    assert "entra/other" in unknown
