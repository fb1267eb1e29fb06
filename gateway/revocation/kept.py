"""What is fetched once for everybody, and kept while it holds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from cachetools import LRUCache

from gateway.revocation.evidence import Undecided

MAX_AGE_S = 900.0  # refreshed after a quarter of an hour although the old verdict is valid: a new one may say "revoked"
PAUSE_S = 30.0  # after a failure the source is not asked again for that long


class Lasting(Protocol):
    """A value that states until when it is valid, in seconds since the epoch."""

    @property
    def holds_until(self) -> float: ...


K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=Lasting)


@dataclass(slots=True)
class _KeptValue(Generic[V]):
    """The last good value, or the last failure; *due*: when to ask again."""

    due: float
    value: V | None = None
    failure: str = ""


class Kept(Generic[K, V]):
    """
    A bounded store in front of *fetch*, which may raise Undecided: one fetch at a time for each key.

    A value whose renewal fails serves on while it holds.
    """

    def __init__(self, fetch: Callable[[K], Awaitable[V]], now: Callable[[], float], size: int) -> None:
        self._fetch = fetch
        self._now = now
        self._entries: LRUCache[K, _KeptValue[V]] = LRUCache(size)
        self._flights: dict[K, asyncio.Task[V]] = {}

    def get(self, key: K) -> V | Awaitable[V]:
        """The value, at once where one is kept. Raises Undecided, here or when awaited."""
        entry = self._entries.get(key)
        if entry is not None and self._now() < entry.due:
            if entry.value is None:
                raise Undecided(entry.failure)
            return entry.value
        return asyncio.shield(self._flights.get(key) or self._begin(key))

    async def aclose(self) -> None:
        """Abandon what is being fetched."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    def _begin(self, key: K) -> asyncio.Task[V]:
        flight = self._flights[key] = asyncio.get_running_loop().create_task(self._renew(key))
        flight.add_done_callback(lambda done: self._landed(key, done))
        return flight

    def _landed(self, key: K, flight: asyncio.Task[V]) -> None:
        del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # read here: the caller that asked may have left

    async def _renew(self, key: K) -> V:
        try:
            value = await self._fetch(key)
        except Undecided as error:
            return self._old_value(key, str(error))
        self._entries[key] = _KeptValue(min(value.holds_until, self._now() + MAX_AGE_S), value)
        return value

    def _old_value(self, key: K, failure: str) -> V:
        now, entry = self._now(), self._entries.get(key)
        old = entry.value if entry is not None else None
        if old is None or now >= old.holds_until:
            self._entries[key] = _KeptValue(now + PAUSE_S, None, failure)
            raise Undecided(failure)
        self._entries[key] = _KeptValue(min(old.holds_until, now + PAUSE_S), old)
        return old
