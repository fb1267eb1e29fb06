"""A cache in this process's memory, bounded by number and by bytes."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from gateway.value_cache.seam import MAX_VALUE_BYTES, storage_key

# What an entry costs beside key and value: heads of objects, a place in the dictionary. Measured 253, rounded up.
_ENTRY_BYTES = 300


class MemoryCache:
    """
    Least recently used values go first when there is no room.

    Attributes:
        used_bytes: Estimate of the memory that all entries take.
    """

    def __init__(
        self,
        max_entries: int = 10_000,
        max_bytes: int = 64 * 1024 * 1024,
        max_value_bytes: int = MAX_VALUE_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """*clock*: seconds, never turned back."""
        self.used_bytes = 0
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._max_value_bytes = max_value_bytes
        self._clock = clock
        self._entries: OrderedDict[str, tuple[bytes, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def lookup(self, key: str) -> bytes | None:
        """The value, or None."""
        key = storage_key(key)
        entry = self._entries.get(key)
        if entry is None:
            return None
        value, expires_at = entry
        if expires_at <= self._clock():
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return value

    def store(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep *value* for *ttl_s* seconds; 0 or less forgets it."""
        key = storage_key(key)
        self._drop(key)
        if ttl_s <= 0 or len(value) > self._max_value_bytes:
            return
        self._entries[key] = (value, self._clock() + ttl_s)
        self.used_bytes += _size(key, value)
        while len(self._entries) > self._max_entries or self.used_bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    def remove(self, key: str) -> None:
        """Forget *key*; nothing happens when it is not there."""
        self._drop(storage_key(key))

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.used_bytes -= _size(key, entry[0])


def _size(key: str, value: bytes) -> int:
    return len(key) + len(value) + _ENTRY_BYTES
