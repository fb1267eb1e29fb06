"""
Fair shares of a bounded number of turns: no caller and no host can occupy all of them.

A waiter belongs to one or more parties (its caller, the host that it calls). A quarter of the turns is out of reach for
any one party, and of the waiters the one whose parties hold the fewest turns is next; of equals, each in turn.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

Party = str | tuple[str, str] | tuple[str, str, int]
Parties = tuple[Party, ...]


class FairTurns:
    """
    At most *limit* holders at the same time, shared fairly. For one event loop.

    Args:
        is_limited: Whether a party may hold one turn only at the moment.

    Attributes:
        share: How many turns one party may hold.
    """

    def __init__(self, limit: int, is_limited: Callable[[Party], bool] = lambda _party: False) -> None:
        self.limit = limit
        self._is_limited = is_limited
        self.share = max(1, limit - max(1, limit // 4))
        self._held: Counter[Party] = Counter()
        self._taken = 0
        self._waiting: dict[Parties, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def turn(self, *parties: Party) -> AsyncIterator[None]:
        """Wait for a turn, hold it, and return it."""
        await self._enter(parties)
        try:
            yield
        finally:
            self._return(parties)

    async def _enter(self, parties: Parties) -> None:
        if not self._waiting.get(parties) and self._has_room(parties):
            self._take(parties)
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(parties, deque()).append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():  # it was given the turn in the same moment
                self._return(parties)
            raise

    def _has_room(self, parties: Parties) -> bool:
        return self._taken < self.limit and all(self._held[party] < self._share_of(party) for party in parties)

    def _share_of(self, party: Party) -> int:
        return 1 if self._is_limited(party) else self.share

    def _take(self, parties: Parties) -> None:
        self._taken += 1
        self._held.update(parties)

    def _return(self, parties: Parties) -> None:
        self._taken -= 1
        self._held.subtract(parties)
        self._held += Counter()  # forget parties that hold nothing
        self._hand_on()

    def _hand_on(self) -> None:
        while (parties := self._next()) is not None:
            waiters = self._waiting.pop(parties)
            waiter = waiters.popleft()
            if waiters:
                self._waiting[parties] = waiters  # now the last among its equals
            if not waiter.done():
                self._take(parties)
                waiter.set_result(None)

    def _next(self) -> Parties | None:
        candidates = [parties for parties in self._waiting if self._has_room(parties)]
        return min(candidates, key=self._burden, default=None)

    def _burden(self, parties: Parties) -> int:
        return sum(self._held[party] for party in parties)
