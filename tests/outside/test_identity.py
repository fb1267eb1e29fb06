"""identity.py: tokens are kept, refreshed ahead, and fetched once for everybody."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from gateway.errors import UpstreamError
from gateway.outside.identity import MAX_TOKENS, IdentityToken, IdentityTokens


@dataclass
class Source:
    """Gives token 1, 2, …; fails while *broken*."""

    now: float = 1000.0
    broken: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)
    closed: bool = False
    hold: asyncio.Event | None = None

    async def fetch(self, resource: str, client_id: str) -> IdentityToken:
        """See TokenSource."""
        self.asked.append((resource, client_id))
        await (self.hold.wait() if self.hold else asyncio.sleep(0))
        if self.broken:
            raise UpstreamError("BackendConnectionFailure", "no token", 500)
        return IdentityToken.lasting(f"token-{len(self.asked)}", self.now, 3600)

    async def aclose(self) -> None:
        """See TokenSource."""
        self.closed = True


async def ask(tokens: IdentityTokens, resource: str = "r", client_id: str | None = None) -> str:
    """The token, waited for where it has to be."""
    token = tokens.token(resource, client_id)
    return token if isinstance(token, str) else await token


def test_one_fetch_for_everybody() -> None:
    """A hundred callers at once cause one fetch, later ones none; each resource and identity has its own."""

    async def scenario() -> None:
        source = Source()
        tokens = IdentityTokens(source, lambda: source.now)
        assert set(await asyncio.gather(*(ask(tokens) for _ in range(100)))) == {"token-1"}
        assert tokens.token("r", None) == "token-1"
        assert await ask(tokens, "r", "me") == "token-2"
        assert await ask(tokens, "other") == "token-3"
        assert source.asked == [("r", ""), ("r", "me"), ("other", "")]
        await tokens.aclose()
        assert source.closed

    asyncio.run(scenario())


def test_refresh_ahead() -> None:
    """A token that is due for renewal is used while its successor is fetched; an expired one never is."""

    async def scenario() -> None:
        source = Source()
        tokens = IdentityTokens(source, lambda: source.now)
        await ask(tokens)
        source.now += 3400
        assert tokens.token("r", None) == "token-1"
        await asyncio.sleep(0.01)
        assert tokens.token("r", None) == "token-2"
        source.now += 3601
        assert await ask(tokens) == "token-3"

    asyncio.run(scenario())


def test_failures() -> None:
    """While the source fails a valid token is still used, and the source is not asked again for five seconds."""

    async def scenario() -> None:
        source = Source(broken=True)
        tokens = IdentityTokens(source, lambda: source.now)
        with pytest.raises(UpstreamError, match="no token"):
            await ask(tokens)
        with pytest.raises(UpstreamError):
            tokens.token("r", None)
        assert len(source.asked) == 1
        source.now, source.broken = source.now + 6, False
        assert await ask(tokens) == "token-2"
        source.now, source.broken = source.now + 3400, True
        assert tokens.token("r", None) == "token-2"
        await asyncio.sleep(0.01)
        assert [tokens.token("r", None) for _ in range(3)] == ["token-2"] * 3
        assert len(source.asked) == 3

    asyncio.run(scenario())


def test_caller_that_leaves() -> None:
    """A caller that gives up does not end the fetch for the others; closing does."""

    async def scenario() -> None:
        source = Source(hold=asyncio.Event())
        tokens = IdentityTokens(source, lambda: source.now)
        leaving, staying = asyncio.create_task(ask(tokens)), asyncio.create_task(ask(tokens))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.sleep(0)
        assert source.hold is not None
        source.hold.set()
        assert await staying == "token-1"
        source.hold = asyncio.Event()
        waiting = asyncio.create_task(ask(tokens, "other"))
        await asyncio.sleep(0)
        await tokens.aclose()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(scenario())


def test_bounded() -> None:
    """Resources that expressions compute cannot fill the memory."""

    async def scenario() -> None:
        source = Source()
        tokens = IdentityTokens(source, lambda: source.now)
        for number in range(MAX_TOKENS + 1):
            await ask(tokens, f"r{number}")
        await ask(tokens, "r0")
        assert len(source.asked) == MAX_TOKENS + 2

    asyncio.run(scenario())


def test_secret_stays_out_of_repr() -> None:
    """A token's value is not printed with it."""
    assert "hidden" not in repr(IdentityToken("hidden", 0, 0))
