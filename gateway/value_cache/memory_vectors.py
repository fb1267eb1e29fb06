"""
Vectors in this process's memory: every vector of the partition is compared, exactly.

NumPy does it, 20,000 vectors of 1,536 dimensions in a few milliseconds; Python alone takes a second. Bounded by entries
and bytes, so that no scan holds the event loop for long. When it is full, whoever has most makes room. Source:
docs/adr/0094.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from gateway.value_cache.shares import Shares
from gateway.value_cache.vectors import MAX_VALUE_BYTES, ROUNDING, Unready, dimensions

if TYPE_CHECKING:
    import numpy

    Numbers = numpy.ndarray[tuple[int, ...], numpy.dtype[numpy.float32]]

MAX_ENTRIES = 20_000
MAX_BYTES = 192 * 1024 * 1024

# Rows of a block: it never grows, so that storing never copies what is there; the first ones of a partition are small.
_FIRST_ROWS = 4
_MOST_ROWS = 1024

# What an entry costs beside vector and value: heads of objects, places in two dictionaries and a list.
_ENTRY_BYTES = 600


@dataclass(slots=True)
class _KeptVector:
    """A value, and the place of its vector."""

    key: tuple[str, bytes]
    owner: str
    shelf: _Shelf
    value: bytes
    expires_at: float
    size: int
    row: int = 0


class _Block:
    """Rows of one partition, from its row *start*, and when each expires."""

    __slots__ = ("expiries", "rows", "start")

    def __init__(self, start: int, rows: int, dimensions: int) -> None:
        import numpy

        self.start = start
        self.rows = numpy.zeros((rows, dimensions), dtype=numpy.float32)
        self.expiries = numpy.zeros(rows, dtype=numpy.float64)

    def put(self, row: int, vector: Numbers, expires_at: float) -> None:
        """Fill one row, counted over the whole partition."""
        self.rows[row - self.start] = vector
        self.expiries[row - self.start] = expires_at

    def nearest(self, vector: Numbers, filled: int, now: float) -> tuple[float, int]:
        """The cosine of the nearest of the first *filled* rows, -2 if all have expired, and its row."""
        cosines = self.rows[:filled] @ vector
        cosines[self.expiries[:filled] <= now] = -2
        row = int(cosines.argmax())
        return float(cosines[row]), self.start + row


@dataclass(slots=True)
class _Shelf:
    """The vectors of one partition: blocks of rows, all of them filled but the last."""

    name: tuple[str, int]
    blocks: list[_Block] = field(default_factory=list)
    entries: list[_KeptVector] = field(default_factory=list)

    def add(self, vector: Numbers, entry: _KeptVector) -> None:
        """One more row."""
        entry.row = len(self.entries)
        last = self.blocks[-1] if self.blocks else None
        if last is None or entry.row == last.start + len(last.rows):
            rows = _FIRST_ROWS if last is None else min(_MOST_ROWS, 2 * len(last.rows))
            last = _Block(entry.row, rows, self.name[1])
            self.blocks.append(last)
        last.put(entry.row, vector, entry.expires_at)
        self.entries.append(entry)

    def remove(self, entry: _KeptVector) -> None:
        """The last row takes the place of *entry*."""
        moved, last = self.entries.pop(), self.blocks[-1]
        if moved is not entry:
            block = next(block for block in reversed(self.blocks) if block.start <= entry.row)
            block.put(entry.row, last.rows[moved.row - last.start], moved.expires_at)
            moved.row = entry.row
            self.entries[entry.row] = moved
        if len(self.entries) == last.start:
            self.blocks.pop()

    def nearest(self, vector: Numbers, now: float) -> tuple[float, _KeptVector]:
        """The cosine and the entry of the nearest vector."""
        count = len(self.entries)
        cosine, row = max(block.nearest(vector, count - block.start, now) for block in self.blocks)
        return cosine, self.entries[row]


class MemoryVectors:
    """See ``VectorCache``; see ``Shares`` for what is evicted."""

    def __init__(
        self,
        max_entries: int = MAX_ENTRIES,
        max_bytes: int = MAX_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """*max_bytes*: memory of all entries, estimated; *clock*: seconds, monotonic."""
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._clock = clock
        self._shelves: dict[tuple[str, int], _Shelf] = {}
        self._entries: dict[tuple[str, bytes], _KeptVector] = {}
        self._shares: Shares[tuple[str, bytes]] = Shares()
        self.used_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def prepare(self) -> Unready | None:
        """NumPy is an extra."""
        if find_spec("numpy") is not None:
            # One vector at a time gains nothing by threads, which wait for each other where processors are busy.
            os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
            import_module("numpy")
            return None
        message = "vectors are compared in memory, and NumPy is not installed"
        return Unready("missing-extra", message, "pip install 'apim-policy-gateway[ai]', or configure redis")

    def nearest(self, partition: str, vector: bytes, distance: float) -> bytes | None:
        """The value of the nearest vector, or None."""
        import numpy

        shelf = self._shelves.get((partition, dimensions(vector)))
        if shelf is None:
            return None
        cosine, entry = shelf.nearest(numpy.frombuffer(vector, dtype=numpy.float32), self._clock())
        if 1 - cosine > distance + ROUNDING:
            return None
        self._shares.use(entry.owner, entry.key)
        return entry.value

    def store(self, partition: str, vector: bytes, value: bytes, ttl_s: float, owner: str = "") -> None:
        """Keep *value* at the expense of *owner*; the same vector has one value only."""
        key = (partition, sha256(vector).digest())
        self._remove(key)
        size = len(vector) + len(partition) + len(value) + _ENTRY_BYTES
        if ttl_s <= 0 or len(value) > MAX_VALUE_BYTES or size > self._max_bytes:
            return
        self._shrink(self._max_entries - 1, self._max_bytes - size)
        name = (partition, dimensions(vector))
        shelf = self._shelves.setdefault(name, _Shelf(name))
        self._add(_KeptVector(key, owner, shelf, value, self._clock() + ttl_s, size), vector)

    def resize(self, max_entries: int, max_bytes: int) -> None:
        """Other bounds, from now on."""
        self._max_entries, self._max_bytes = max_entries, max_bytes
        self._shrink(max_entries, max_bytes)

    def _shrink(self, entries: int, size: int) -> None:
        while len(self) > entries or self.used_bytes > size:
            self._remove(self._shares.next_evicted())

    def _add(self, entry: _KeptVector, vector: bytes) -> None:
        import numpy

        entry.shelf.add(numpy.frombuffer(vector, dtype=numpy.float32), entry)
        self._entries[entry.key] = entry
        # Both bounds count: an entry takes its bytes, and its place among the entries.
        self._shares.add(entry.owner, entry.key, entry.size + self._max_bytes // self._max_entries)
        self.used_bytes += entry.size

    def _remove(self, key: tuple[str, bytes]) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        entry.shelf.remove(entry)
        self._shares.remove(entry.owner, key)
        self.used_bytes -= entry.size
        if not entry.shelf.entries:
            del self._shelves[entry.shelf.name]
