"""A backend that wants a token: it gets one in place of the client's, or nothing is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field

import pytest

from gateway.backends import Backend, BackendIdentity, CircuitBreaker, Credentials
from gateway.errors import UpstreamError
from gateway.wire.messages import Response
from gateway.wire.pending import Pending
from tests.backends.rules import breaking
from tests.backends.scripted import OPTIONS, REFUSED, ScriptedTarget, get


@dataclass
class Tokens:
    """Gives tokens at once, later, or not at all; *asked* is what they were for."""

    outcome: str | Exception | None = "t"
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    waiting: asyncio.Future[str] | None = None

    def token(self, resource: str, client_id: str | None) -> str | Awaitable[str]:
        self.asked.append((resource, client_id))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        if self.outcome is None:
            self.waiting = asyncio.get_running_loop().create_future()
            return self.waiting
        return self.outcome


def _backend(tokens: Tokens | None, target: ScriptedTarget) -> Backend:
    identity = BackendIdentity("https://r", "c1", tokens)
    return Backend("b", target, Credentials(identity=identity), CircuitBreaker(breaking(60, 10, count=1)))


def test_at_once() -> None:
    """A token at hand is sent without waiting, in place of the client's own."""
    tokens, target = Tokens(), ScriptedTarget()
    _backend(tokens, target).send(get(("Authorization", "Bearer client")), OPTIONS).result()
    assert target.received[0].headers.values("Authorization") == ("Bearer t",)
    assert tokens.asked == [("https://r", "c1")]


@pytest.mark.parametrize("tokens", [None, Tokens(REFUSED)], ids=["no identity", "refused"])
def test_without_a_token(tokens: Tokens | None) -> None:
    """Nothing is sent, and the circuit stays closed: it is not the backend's failure."""
    target = ScriptedTarget()
    backend = _backend(tokens, target)
    with pytest.raises(UpstreamError):
        backend.send(get(), OPTIONS).result()
    assert (target.received, backend.available) == ([], True)


@pytest.mark.parametrize("outcome", [200, 503, REFUSED, "no token"], ids=str)
def test_later(outcome: int | Exception | str) -> None:
    """A request waits for its token; then it is the backend's answer that counts for the circuit."""

    async def scenario() -> None:
        tokens = Tokens(None)
        target = ScriptedTarget(outcomes=[] if isinstance(outcome, str) else [outcome])
        backend = _backend(tokens, target)
        sent = backend.send(get(), OPTIONS)
        assert (target.received, sent.done) == ([], False)
        assert tokens.waiting
        if isinstance(outcome, str):
            tokens.waiting.set_exception(REFUSED)
        else:
            tokens.waiting.set_result("t")
        if isinstance(outcome, int):
            assert (await sent).status_code == outcome
        else:
            with pytest.raises(UpstreamError):
                await sent
        assert backend.available is (outcome in (200, "no token"))

    asyncio.run(scenario())


def test_a_client_that_leaves() -> None:
    """Cancelling while the token is awaited sends nothing; afterwards it reaches the upstream."""

    async def scenario() -> None:
        tokens, target = Tokens(None), ScriptedTarget()
        target.held, ended = True, []
        backend = _backend(tokens, target)
        backend.send(get(), OPTIONS).cancel()
        await asyncio.sleep(0)
        assert tokens.waiting
        assert tokens.waiting.cancelled()
        later: Pending[Response] = backend.send(get(), OPTIONS)
        tokens.waiting.set_result("t")
        await asyncio.sleep(0)
        target.pendings[0].on_cancel = lambda: ended.append(True)
        later.cancel()
        assert (len(target.received), ended) == (1, [True])

    asyncio.run(scenario())
