"""Counters in this process's memory. Every answer is immediate."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

from gateway.counters.cells import FixedCell, SlidingCell
from gateway.counters.windows import Admission, Demand, QuotaCount, SlidingWindow, Usage, answer


class MemoryCounters:
    """
    Counters of one process, of bounded number: beyond *max_keys* the least recently used one is forgotten.

    Callers choose keys (an address, a header), so the bound is what keeps a flood of them from filling the memory.
    """

    def __init__(self, clock: Callable[[], float] = time.time, max_keys: int = 100_000) -> None:
        """*clock*: seconds since the epoch."""
        self._clock = clock
        self._max_keys = max_keys
        self._cells: OrderedDict[str, SlidingCell | FixedCell] = OrderedDict()
        self._earlier: dict[str, QuotaCount] = {}

    def admit(self, demands: Sequence[Demand]) -> Admission:
        """Count all *demands*, or none of them when any counter is exhausted."""
        now = self._clock()
        drawn = [(self._cell(demand), demand) for demand in demands]
        admitted = True
        for cell, demand in drawn:
            if demand.exceeds(cell.used(now)):
                admitted = False
        return answer([_draw(cell, demand, now, admitted) for cell, demand in drawn], admitted, now)

    def add(self, demands: Sequence[Demand]) -> None:
        """Count *demands* whatever the limits; a negative amount is withdrawn."""
        now = self._clock()
        for demand in demands:
            cell = self._cell(demand)
            cell.used(now)  # drops what has expired
            cell.add(now, demand.amount, demand.counted_at)

    def _cell(self, demand: Demand) -> SlidingCell | FixedCell:
        key = demand.storage_key
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = self._new_cell(key, demand)
            if len(self._cells) > self._max_keys:
                self._cells.popitem(last=False)
        else:
            self._cells.move_to_end(key)
        return cell

    def _new_cell(self, key: str, demand: Demand) -> SlidingCell | FixedCell:
        if isinstance(demand.window, SlidingWindow):
            return SlidingCell(demand.window.period_s)
        cell = FixedCell(demand.window)
        cell.used(self._clock())
        earlier = self._earlier.pop(key, None)
        if earlier is not None and earlier.number == cell.number:
            cell.settle(0, earlier.amount)
        return cell

    # -- what a ledger keeps
    def changes(self) -> list[QuotaCount]:
        """What was counted on quotas and not settled yet."""
        return [
            QuotaCount(key, cell.number, cell.ends_at, cell.unsettled)
            for key, cell in self._cells.items()
            if isinstance(cell, FixedCell) and cell.unsettled
        ]

    def settle(self, changes: Iterable[QuotaCount], totals: Iterable[QuotaCount]) -> None:
        """The ledger has taken *changes*; *totals* are the counts after that, in the same order."""
        for change, total in zip(changes, totals, strict=True):
            cell = self._cells.get(change.key)
            if isinstance(cell, FixedCell) and cell.number == change.number:
                cell.settle(change.amount, total.amount)

    def restore(self, counts: Iterable[QuotaCount]) -> None:
        """Start from the counts in the ledger."""
        self._earlier = {count.key: count for count in counts}


def _draw(cell: SlidingCell | FixedCell, demand: Demand, now: float, admitted: bool) -> Usage:
    if admitted:
        cell.add(now, demand.amount)
    used, limit = cell.used(now), demand.window.limit
    if used < limit and (admitted or not demand.exceeds(used)):
        return Usage(used, limit - used, 0.0)
    threshold = limit if admitted else demand.threshold
    return Usage(used, max(0, limit - used), cell.wait_s(now, threshold) or demand.window.period_s)
