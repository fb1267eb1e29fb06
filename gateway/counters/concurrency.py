"""Slots of limit-concurrency: how many requests run at the same time, in this process."""

from __future__ import annotations


class ConcurrencySlots:
    """
    Counts taken slots by key. A key without taken slots uses no memory.

    Source: Microsoft, "limit-concurrency": over the limit is an immediate refusal, there is no queue
    (https://learn.microsoft.com/azure/api-management/limit-concurrency-policy).
    """

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def acquire(self, key: str, max_count: int) -> bool:
        """Take a slot, unless *max_count* are taken."""
        taken = self._taken.get(key, 0)
        if taken >= max_count:
            return False
        self._taken[key] = taken + 1
        return True

    def release(self, key: str) -> None:
        """Return a slot; exactly once for each that was taken."""
        taken = self._taken[key] - 1
        if taken:
            self._taken[key] = taken
        else:
            del self._taken[key]
