"""
Whose entries a full cache evicts: the least recently used one of whoever has most.

So one caller can fill what nobody else needs, and never evicts another who has less.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from itertools import count
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

# Outdated places in the heap that are left until it is built anew.
_SPARE = 64


@dataclass(slots=True)
class _OwnedKeys(Generic[Key]):
    """What one owner has; the least recently used first."""

    costs: OrderedDict[Key, int] = field(default_factory=OrderedDict)
    total: int = 0


class Shares(Generic[Key]):
    """Keys and what they cost, by owner. Each operation takes logarithmic time, spread over many of them."""

    def __init__(self) -> None:
        self._shares: dict[str, _OwnedKeys[Key]] = {}
        # Each owner has a place that is not behind its own: totals in it may be too large, never too small.
        self._places: list[tuple[int, int, str]] = []
        self._order = count()

    def add(self, owner: str, key: Key, cost: int) -> None:
        """One more key of *owner*, which is not among its keys yet."""
        share = self._shares.setdefault(owner, _OwnedKeys())
        share.costs[key] = cost
        share.total += cost
        if len(self._places) > 2 * len(self._shares) + _SPARE:
            self._places = [(-share.total, next(self._order), owner) for owner, share in self._shares.items()]
            heapq.heapify(self._places)
        else:
            heapq.heappush(self._places, (-share.total, next(self._order), owner))

    def use(self, owner: str, key: Key) -> None:
        """It is the most recently used one of *owner* now."""
        self._shares[owner].costs.move_to_end(key)

    def remove(self, owner: str, key: Key) -> None:
        """It is gone."""
        share = self._shares[owner]
        share.total -= share.costs.pop(key)
        if not share.costs:
            del self._shares[owner]

    def next_evicted(self) -> Key:
        """The least recently used key of the owner that has most. Raises IndexError: there are none."""
        while True:
            total, _, owner = self._places[0]
            share = self._shares.get(owner)
            if share is not None and share.total == -total:
                return next(iter(share.costs))
            heapq.heappop(self._places)
            if share is not None:
                heapq.heappush(self._places, (-share.total, next(self._order), owner))
