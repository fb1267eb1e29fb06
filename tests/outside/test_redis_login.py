"""redis_login.py: a token in place of a password, with a real server and the tokens of the Entra emulator."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from gateway.emulators.entra import EntraEmulator
from gateway.emulators.entra.directory import API, CLIENT, SECRET, TENANT
from gateway.emulators.serving import serve
from gateway.outside.identity import IdentityToken, IdentityTokens
from gateway.outside.redis_clients import connect
from gateway.outside.redis_link import RedisLink
from gateway.outside.redis_login import EntraCredentials, object_id
from gateway.outside.redis_settings import RedisLogin
from gateway.outside.settings import IdentitySettings
from gateway.outside.token_endpoints import StaticTokens, TokenEndpoint
from tests.redis_server import RedisServer, running_redis, settings_for


class Accepted:
    """Tokens of the emulator, each of them made a password of its user in Redis."""

    def __init__(self, server: RedisServer, endpoint: TokenEndpoint) -> None:
        self._server = server
        self._endpoint = endpoint

    async def fetch(self, resource: str, client_id: str) -> IdentityToken:
        """See TokenSource."""
        token = await self._endpoint.fetch(resource, client_id)
        words = ("ACL", "SETUSER", object_id(token.value), f">{token.value}", "on", "~*", "+@all")
        await asyncio.to_thread(self._server.ask, *words)
        return token

    async def aclose(self) -> None:
        """See TokenSource."""
        await self._endpoint.aclose()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server that knows no user of ours yet."""
    with running_redis(tmp_path_factory.mktemp("redis")) as found:
        yield found


def endpoint(entra: EntraEmulator) -> TokenEndpoint:
    """The emulator's token endpoint, as the gateway's identity asks it."""
    settings = IdentitySettings.model_validate(
        {
            "source": "client-credentials",
            "token-url": f"{entra.base_url}/{TENANT}/oauth2/v2.0/token",
            "client-id": CLIENT,
            "client-secret": SECRET,
        }
    )
    return TokenEndpoint(settings, {})


@pytest.mark.needs("redis-server")
def test_open_connections_are_authenticated_again(server: RedisServer) -> None:
    """A newer token goes to connections that are open; each new one has it from the start. No token is logged."""
    shift_s = 0.0

    async def scenario(entra: EntraEmulator) -> None:
        nonlocal shift_s
        tokens = IdentityTokens(Accepted(server, endpoint(entra)), clock=lambda: time.time() + shift_s)
        credentials = EntraCredentials(RedisLogin(resource=API), tokens)
        client = connect(settings_for(server.url), timeout_s=10, credentials=credentials)
        link = RedisLink(client, credentials=credentials)
        await asyncio.gather(*(link.ask(client.ping) for _ in range(5)))
        await link.check()
        before, user = (
            server.ask("INFO", "commandstats"),
            await link.ask(lambda: client.execute_command("ACL WHOAMI")),
        )
        opened = open_connections(server, user)
        assert len(opened) == 5
        shift_s = 3_500.0
        async with asyncio.timeout(20):
            while authentications(server.ask("INFO", "commandstats")) == authentications(before):
                await link.check()
                await asyncio.sleep(0.005)
        assert authentications(server.ask("INFO", "commandstats")) - authentications(before) == 5
        assert open_connections(server, user) == opened
        server.ask("CLIENT", "KILL", "USER", user)
        assert await link.ask(client.ping)
        assert link.away is None
        await link.aclose()

    entra = EntraEmulator()
    with serve(entra), structlog.testing.capture_logs() as logs:
        asyncio.run(scenario(entra))
    assert "eyJ" not in str(logs)


def authentications(stats: dict[str, dict[str, int]]) -> int:
    """How many times AUTH was run."""
    return stats.get("cmdstat_auth", {"calls": 0})["calls"]


def open_connections(server: RedisServer, user: str) -> set[str]:
    """Their numbers."""
    return {client["id"] for client in server.ask("CLIENT LIST") if client["user"] == user}


def test_without_a_token(tmp_path: Path) -> None:
    """Without a token Redis is unavailable, for a reason that names the identity."""

    async def scenario() -> None:
        credentials = EntraCredentials(RedisLogin(), IdentityTokens(StaticTokens({})))
        link = RedisLink(connect(settings_for("redis://127.0.0.1:1"), credentials=credentials), credentials=credentials)
        await link.check()
        await link.aclose()

    with structlog.testing.capture_logs() as logs:
        asyncio.run(scenario())
    (line,) = (line for line in logs if line["event"] == "redis_authentication")
    assert line["reason"] == "the gateway's identity has no token"


@pytest.mark.parametrize(
    ("token", "user"),
    [
        ("h.eyJvaWQiOiJhIn0.s", "a"),
        ("h.eyJvaWQiOjF9.s", ""),
        ("h.W10.s", ""),
        ("h.!.s", ""),
        ("opaque", ""),
        ("h.\udc80.s", ""),
    ],
)
def test_object_id(token: str, user: str) -> None:
    """The user's name is the token's ``oid``; a token without one, or of another form, has none."""
    assert object_id(token) == user
