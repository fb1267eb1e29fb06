"""
How many traces of one kind are kept in a second.

Keeping a trace takes longer than refusing a request. So a flood of refused requests keeps as many as there is room for,
and from then on a few of each kind in a second, which also cover a longer time than its last moment.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from time import monotonic

PER_SECOND = 20.0  # of one kind
ALL_PER_SECOND = 100.0
_MOST_KINDS = 1_000  # with a bucket each; they start again when there are more


class Throttle:
    """
    Token buckets, one for each kind and one for all.

    Attributes:
        refused: Traces that were not kept for that reason.
    """

    def __init__(self, burst: int, now: Callable[[], float] = monotonic) -> None:
        """*burst*: traces that may be kept at once, of one kind and of all."""
        self.refused = 0
        self._burst = float(burst)
        self._now = now
        self._all = _Bucket(self._burst, ALL_PER_SECOND, now())
        self._kinds: dict[Hashable, _Bucket] = {}

    def allows(self, kind: Hashable) -> bool:
        """Whether one more of *kind* may be kept, which then counts."""
        now = self._now()
        bucket = self._kinds.get(kind)
        if bucket is None:
            if len(self._kinds) >= _MOST_KINDS:
                self._kinds.clear()
            bucket = self._kinds[kind] = _Bucket(self._burst, PER_SECOND, now)
        if bucket.has_one(now) and self._all.has_one(now):
            bucket.left -= 1
            self._all.left -= 1
            return True
        self.refused += 1
        return False


class _Bucket:
    __slots__ = ("_at", "_most", "_per_second", "left")

    def __init__(self, most: float, per_second: float, now: float) -> None:
        self.left = self._most = most
        self._per_second = per_second
        self._at = now

    def has_one(self, now: float) -> bool:
        """Whether there is one left."""
        if self.left < 1:
            self.left = min(self._most, self.left + (now - self._at) * self._per_second)
            self._at = now
        return self.left >= 1
