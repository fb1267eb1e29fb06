"""
A bounded collection of records from which a flood of one kind evicts only itself.

When it is full, the kind that has the most records loses its oldest. So a cause that turns up once stays visible for as
long as it has fewer records than the flood, and a single cause may still fill the whole collection.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator
from itertools import chain
from typing import Generic, Protocol, TypeVar


class Kinded(Protocol):
    """What belongs to a kind."""

    @property
    def kind(self) -> Hashable: ...


T = TypeVar("T", bound=Kinded)


class FairRing(Generic[T]):
    """
    Records by kind; adding one takes constant time.

    Attributes:
        capacity: The most records that are kept.
        evicted: Records that are no longer kept.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.evicted = 0
        self._kinds: dict[Hashable, deque[T]] = {}
        self._by_size: dict[int, dict[Hashable, None]] = {}  # the kinds that have so many records
        self._largest = 0
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[T]:
        """Every record, in no particular order."""
        return chain.from_iterable(self._kinds.values())

    def add(self, record: T) -> None:
        """Keep *record*, and evict one if there is no room."""
        if not self.capacity:
            return
        kind = record.kind
        records = self._kinds.get(kind)
        if records is None:
            records = self._kinds[kind] = deque()
        elif self._count >= self.capacity and len(records) == self._largest:  # a flood: nothing else changes
            records.popleft()
            records.append(record)
            self.evicted += 1
            return
        records.append(record)
        self._count += 1
        self._moved(kind, len(records) - 1, len(records))
        if self._count > self.capacity:
            self._evict()

    def _evict(self) -> None:
        """Remove the oldest record of a kind that has the most."""
        kind = next(iter(self._by_size[self._largest]))
        records = self._kinds[kind]
        records.popleft()
        self._count -= 1
        self.evicted += 1
        if not records:
            del self._kinds[kind]
        self._moved(kind, len(records) + 1, len(records))

    def _moved(self, kind: Hashable, before: int, after: int) -> None:
        """*kind* has *after* records instead of *before*."""
        if before:
            same = self._by_size[before]
            del same[kind]
            if not same:
                del self._by_size[before]
        if after:
            self._by_size.setdefault(after, {})[kind] = None
        if after > self._largest or (before == self._largest and before not in self._by_size):
            self._largest = after
