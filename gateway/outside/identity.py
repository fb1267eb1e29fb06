"""
Tokens of the gateway's own identity: kept while they live, refreshed ahead of their end, one fetch at a time.

Source: RFC 6749 §5.1; "Managed identities", token caching (refresh ahead, never per request).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import structlog
from cachetools import LRUCache

from gateway.errors import UpstreamError

log = structlog.get_logger("gateway.identity")

# Resources may be computed by expressions, so what is kept for them is bounded.
MAX_TOKENS = 256
PAUSE_S = 5.0

_Key: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class IdentityToken:
    """
    A bearer token.

    Attributes:
        refresh_at, expires_at: Seconds since the epoch.
    """

    value: str = field(repr=False)
    refresh_at: float
    expires_at: float

    @classmethod
    def lasting(cls, value: str, now: float, life_s: float) -> IdentityToken:
        """A token that lives *life_s* seconds from *now*; due five minutes before that, or a fifth of a short life."""
        return cls(value, now + life_s - min(300.0, life_s / 5), now + life_s)


@dataclass(frozen=True, slots=True)
class _Failure:
    ask_again_at: float
    error: UpstreamError


class TokenSource(Protocol):
    """Where tokens come from."""

    async def fetch(self, resource: str, client_id: str) -> IdentityToken:
        """A new token for *resource*; an empty *client_id* is the default identity. Raises UpstreamError."""

    async def aclose(self) -> None:
        """Release connections."""


class IdentityTokens:
    """
    A CredentialSource over *source*.

    A token that is due is refreshed in the background while it is still valid; after a failed fetch the source is not
    asked again for five seconds.
    """

    def __init__(self, source: TokenSource, clock: Callable[[], float] = time.time) -> None:
        """*clock*: seconds since the epoch."""
        self._source = source
        self._clock = clock
        self._tokens: LRUCache[_Key, IdentityToken] = LRUCache(MAX_TOKENS)
        self._flights: dict[_Key, asyncio.Task[str]] = {}
        self._failures: LRUCache[_Key, _Failure] = LRUCache(MAX_TOKENS)

    def token(self, resource: str, client_id: str | None) -> str | Awaitable[str]:
        """An access token for *resource*, immediately where one is kept. Raises UpstreamError: no token."""
        key, now = (resource, client_id or ""), self._clock()
        token = self._tokens.get(key)
        if token is not None and now < token.expires_at:
            if now >= token.refresh_at and self._recent_failure(key, now) is None:
                self._flight(key)
            return token.value
        failure = self._recent_failure(key, now)
        if failure is not None:
            raise failure.error
        return asyncio.shield(self._flight(key))

    async def aclose(self) -> None:
        """Abandon fetches and close the source's connections."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)
        await self._source.aclose()

    def _recent_failure(self, key: _Key, now: float) -> _Failure | None:
        """The last failure, while it is too early to ask again."""
        failure = self._failures.get(key)
        return failure if failure is not None and now < failure.ask_again_at else None

    def _flight(self, key: _Key) -> asyncio.Task[str]:
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.get_running_loop().create_task(self._fetch(key))
            flight.add_done_callback(lambda done: self._landed(key, done))
        return flight

    def _landed(self, key: _Key, flight: asyncio.Task[str]) -> None:
        del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # retrieved here: a refresh in the background has no other reader

    async def _fetch(self, key: _Key) -> str:
        try:
            token = await self._source.fetch(*key)
        except UpstreamError as error:
            self._failures[key] = _Failure(self._clock() + PAUSE_S, error)
            log.warning("identity_token_missing", resource=key[0], detail=error.message)
            raise
        self._failures.pop(key, None)
        self._tokens[key] = token
        return token.value
