"""token_password.py: a token as a password, fetched only when it has to be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from gateway.errors import UpstreamError
from gateway.outside.identity import IdentityToken, TokenSource
from gateway.outside.token_endpoints import no_token
from gateway.outside.token_password import TokenPassword


class Numbered:
    """A source whose tokens are numbered and live 1,000 s; it can be without one."""

    def __init__(self) -> None:
        self.now = 0.0
        self.number = 0
        self.fails = False

    async def fetch(self, resource: str, client_id: str) -> IdentityToken:
        """See TokenSource."""
        if self.fails:
            raise no_token("not now")
        self.number += 1
        return IdentityToken.lasting(f"{resource} {client_id} {self.number}", self.now, 1000.0)

    async def aclose(self) -> None:
        """See TokenSource."""


def password(source: Numbered) -> TokenPassword:
    """Of a database."""
    make: Callable[[], TokenSource | None] = lambda: source  # noqa: E731 (its type is what is meant)
    return TokenPassword(make, "db", "me", clock=lambda: source.now)


def test_renewed_before_its_end() -> None:
    """One token serves until it is due for another; while there is none, the old one serves until its end."""
    source = Numbered()
    found = password(source)
    assert [found(), found()] == ["db me 1"] * 2
    source.now = 801.0
    assert found() == "db me 2"
    source.now, source.fails = 1_700.0, True
    assert found() == "db me 2"
    source.now = 1_802.0
    with pytest.raises(UpstreamError, match="not now"):
        found()


def test_in_a_thread_with_a_loop() -> None:
    """It may be asked where an event loop runs."""

    async def ask() -> str:
        return password(Numbered())()

    assert asyncio.run(ask()) == "db me 1"


def test_without_an_identity() -> None:
    """A gateway without an identity says what is missing."""
    with pytest.raises(UpstreamError, match="add managed-identity"):
        TokenPassword(lambda: None, "db")()
