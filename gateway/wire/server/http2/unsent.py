"""
What clients have not read yet, of the answers of all connections together.

A connection that reads nothing can have as many answers waiting as it has streams. Each connection may have a little
of that; what it has beyond counts, and where all connections together have too much of it, the one with most ends.
Connections that read are spared for as long as possible.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.wire.memory import trim

if TYPE_CHECKING:
    from gateway.wire.sweeper import Sweeper

FREE_BYTES = 512 * 1024
"""Of each connection; they do not count."""
MAX_BYTES = 32 * 1024 * 1024
"""Of all connections together, beyond that: a connection that has read nothing for a while ends …"""
MAX_ALL_BYTES = 128 * 1024 * 1024
"""… and here the largest one, whether it reads or not."""
STILL_S = 0.5
TRIM_S = 1.0


class Unsent:
    """
    What waits in one connection.

    Attributes:
        size: Bytes of it.
        excess: Those that count.
        moved_at: When the client last took something; a time of the event loop's clock.
    """

    __slots__ = ("_evict", "_of_all", "_sweeper", "excess", "moved_at", "size")

    def __init__(self, of_all: UnsentBytes, sweeper: Sweeper, evict: Callable[[], None]) -> None:
        """*evict* is called once where the connection has to end; it must not do so immediately."""
        self._of_all = of_all
        self._sweeper = sweeper
        self._evict: Callable[[], None] | None = evict
        self.size = self.excess = 0
        self.moved_at = sweeper.now

    def grow(self, size: int) -> None:
        """*size* bytes more wait."""
        self.size += size
        if self.size > FREE_BYTES and self._evict is not None:
            self._of_all.change(self, self.size - FREE_BYTES, self._sweeper.now)

    def shrink(self, size: int) -> None:
        """The client takes *size* of them."""
        self.moved_at = self._sweeper.now
        self.drop(size)

    def drop(self, size: int) -> None:
        """*size* of them will not be sent."""
        self.size -= size
        if self.excess:
            self._of_all.change(self, max(0, self.size - FREE_BYTES), self._sweeper.now)

    def end(self) -> None:
        """The connection is gone."""
        self._of_all.forget(self)
        self._evict = None  # break the reference cycle

    def evict(self) -> None:
        """There is too much of it."""
        evict, self._evict = self._evict, None
        if evict is not None:
            evict()


class UnsentBytes:
    """Those of one listener."""

    __slots__ = ("_debtors", "_is_large", "total")

    def __init__(self) -> None:
        self._debtors: set[Unsent] = set()
        self._is_large = False
        self.total = 0

    def change(self, debtor: Unsent, excess: int, now: float) -> None:
        """*debtor* has now that many bytes beyond the free ones."""
        self.total += excess - debtor.excess
        debtor.excess = excess
        if excess:
            self._debtors.add(debtor)
        else:
            self._debtors.discard(debtor)
            self._settle()
        if self.total > MAX_BYTES:
            self._is_large = True
            self._evict(now)

    def _evict(self, now: float) -> None:
        still = [debtor for debtor in self._debtors if now - debtor.moved_at >= STILL_S]
        candidates = still or (self._debtors if self.total > MAX_ALL_BYTES else ())
        largest = max(candidates, key=lambda debtor: debtor.excess, default=None)
        if largest is not None:
            self.forget(largest)
            largest.evict()

    def forget(self, debtor: Unsent) -> None:
        """*debtor* ends."""
        self._debtors.discard(debtor)
        self.total -= debtor.excess
        debtor.excess = 0
        self._settle()

    def _settle(self) -> None:
        """Give memory back after a peak, a moment after its answers have been freed."""
        if self._is_large and not self.total:
            self._is_large = False
            loop = asyncio.get_running_loop()
            loop.call_later(TRIM_S, loop.run_in_executor, None, trim)
