"""One counter in memory: a sliding log, or the count of a fixed period."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from gateway.counters.windows import CalendarWindow, FixedWindow

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

    def add(self, now: float, amount: int, counted_at: float | None = None) -> None:
        """Count *amount*; a negative one is taken from the newest calls, or from that of *counted_at*."""
        if amount < 0:
            self._used -= self._withdraw(-amount) if counted_at is None else self._correct(-amount, counted_at, now)
            return
        self._used += amount
        if self._entries and self._joins_last(now):
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

    def _withdraw(self, amount: int) -> int:
        left = amount
        while left > 0 and self._entries:
            newest = self._entries[-1]
            left -= _taken(newest, left)
            if not newest.amount:
                self._entries.pop()
        return amount - left

    def _correct(self, amount: int, counted_at: float, now: float) -> int:
        is_counted = counted_at > now - self._period_s
        for entry in self._entries:
            if is_counted and entry.last >= counted_at:
                return _taken(entry, amount)
        return 0


def _taken(entry: _Burst, amount: int) -> int:
    """How much of *amount* the entry had, which it has no more."""
    taken = min(amount, entry.amount)
    entry.amount -= taken
    return taken


class FixedCell:
    """
    The count of the current period of a quota.

    Attributes:
        number: Which period it is.
        unsettled: What was counted since the ledger last took it.
    """

    __slots__ = ("_settled", "_window", "number", "unsettled")

    def __init__(self, window: FixedWindow | CalendarWindow) -> None:
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

    def add(self, now: float, amount: int, counted_at: float | None = None) -> None:
        """Count *amount*; never below 0, and nothing is withdrawn that was counted in another period."""
        if amount < 0 and counted_at is not None and self._window.number(counted_at) != self.number:
            return
        self.unsettled = max(-self._settled, self.unsettled + amount)

    def wait_s(self, now: float, limit: int) -> float:
        """Seconds until the next period."""
        return max(0.0, self.ends_at - now)

    def settle(self, amount: int, total: int) -> None:
        """The ledger has taken *amount* and reports *total*, other processes included."""
        self.unsettled -= amount
        self._settled = total
