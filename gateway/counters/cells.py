"""One counter in memory: a sliding log, or the count of a fixed period."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from gateway.counters.windows import FixedWindow

# Beyond this many entries, calls close together share one: memory per counter is bounded, whatever its limit.
EXACT_ENTRIES = 64


@dataclass(slots=True)
class _Burst:
    """Calls that expire together: the moments of the first and the last, and what they counted."""

    first: float
    last: float
    amount: int


class SlidingCell:
    """
    A log of calls, exact for the first 64 within a period.

    After that, calls less than 1/64 of a period apart expire together, with the last of them: there are never more than
    the limit within any period.
    """

    __slots__ = ("_entries", "_period_s", "_used")

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._used = 0
        self._entries: deque[_Burst] = deque()

    def used(self, now: float) -> int:
        """What was counted within the period before *now*."""
        entries, horizon = self._entries, now - self._period_s
        while entries and entries[0].last <= horizon:
            self._used -= entries.popleft().amount
        return self._used

    def add(self, now: float, amount: int) -> None:
        """Count *amount*; a negative one is taken from the newest calls."""
        self._used = max(0, self._used + amount)
        if amount < 0:
            self._withdraw(-amount)
        elif self._entries and self._joins_last(now):
            self._entries[-1].last = now
            self._entries[-1].amount += amount
        elif amount:
            self._entries.append(_Burst(now, now, amount))

    def wait_s(self, now: float, limit: int) -> float:
        """Seconds until an exhausted counter has less than *limit* used again."""
        excess = self._used - limit
        for entry in self._entries:
            excess -= entry.amount
            if excess < 0:
                return max(0.0, entry.last + self._period_s - now)
        return 0.0

    def _joins_last(self, now: float) -> bool:
        entry = self._entries[-1]
        is_close = now - entry.first < self._period_s / EXACT_ENTRIES
        return now <= entry.last or (len(self._entries) >= EXACT_ENTRIES and is_close)

    def _withdraw(self, amount: int) -> None:
        while amount > 0 and self._entries:
            newest = self._entries[-1]
            withdrawn = min(amount, newest.amount)
            newest.amount -= withdrawn
            amount -= withdrawn
            if not newest.amount:
                self._entries.pop()


class FixedCell:
    """
    The count of the current period of a quota.

    Attributes:
        number: Which period it is.
        unsettled: What was counted since the ledger last took it.
    """

    __slots__ = ("_settled", "_window", "number", "unsettled")

    def __init__(self, window: FixedWindow) -> None:
        self._window = window
        self._settled = 0
        self.number = 0
        self.unsettled = 0

    @property
    def ends_at(self) -> float:
        """When the period ends."""
        return self._window.ends_at(self.number)

    def used(self, now: float) -> int:
        """What was counted in the period of *now*."""
        number = self._window.number(now)
        if number != self.number:
            self.number, self._settled, self.unsettled = number, 0, 0
        return self._settled + self.unsettled

    def add(self, now: float, amount: int) -> None:
        """Count *amount*; never below 0."""
        self.unsettled = max(-self._settled, self.unsettled + amount)

    def wait_s(self, now: float, limit: int) -> float:
        """Seconds until the next period."""
        return max(0.0, self.ends_at - now)

    def settle(self, amount: int, total: int) -> None:
        """The ledger has taken *amount* and reports *total*, other processes included."""
        self.unsettled -= amount
        self._settled = total
