"""One counter in memory: never more than the limit within a period, with bounded memory and exact at first."""

from __future__ import annotations

import random

import pytest

from gateway.counters.cells import EXACT_ENTRIES, FixedCell, SlidingCell
from gateway.counters.windows import FixedWindow


def test_calls_leave_the_window() -> None:
    """Each call counts for exactly one period."""
    cell = SlidingCell(10.0)
    for now in (0.0, 4.0):
        cell.add(now, 1)
    assert [cell.used(now) for now in (4.0, 9.999, 10.0, 13.999, 14.0)] == [2, 2, 1, 1, 0]


@pytest.mark.parametrize(
    ("limit", "now", "wait_s"),
    [(2, 4.0, 6.0), (1, 4.0, 9.0), (2, 10.5, 0.0)],
    ids=["one has to leave", "two have to leave", "over"],
)
def test_how_long_to_wait(limit: int, now: float, wait_s: float) -> None:
    """The wait lasts until enough calls have left the window for the use to be below the limit."""
    cell = SlidingCell(10.0)
    cell.add(0.0, 1)
    cell.add(3.0, 1)
    assert cell.wait_s(now, limit) == pytest.approx(wait_s)


def test_what_is_withdrawn_comes_from_the_newest() -> None:
    """A negative amount is taken from the newest calls, and never below nothing."""
    cell = SlidingCell(10.0)
    cell.add(0.0, 2)
    cell.add(5.0, 2)
    cell.add(6.0, -3)
    assert (cell.used(6.0), cell.used(10.0)) == (1, 0)
    cell.add(11.0, -5)
    assert cell.used(11.0) == 0
    cell.add(12.0, 1)
    assert cell.used(12.0) == 1


@pytest.mark.parametrize("limit", [10, 100, 5_000])
def test_never_more_than_the_limit_within_a_period(limit: int) -> None:
    """However calls arrive, at most the limit is admitted in any period, and few entries are stored for them."""
    chance, cell, admitted = random.Random(1), SlidingCell(60.0), []
    now = 0.0
    for _ in range(20_000):
        now += chance.expovariate(limit / 10)
        if cell.used(now) < limit:
            cell.add(now, 1)
            admitted.append(now)
    first = 0
    for last, moment in enumerate(admitted):
        while moment - admitted[first] >= 60.0:
            first += 1
        assert last - first < limit
    assert len(cell._entries) <= 2 * EXACT_ENTRIES + 1


def test_a_quota_begins_anew_with_its_period() -> None:
    """The count of a period ends with it; waiting lasts until the next."""
    cell = FixedCell(FixedWindow(5, 10.0, 0.0))
    assert cell.used(3.0) == 0
    cell.add(3.0, 4)
    assert (cell.used(9.0), cell.wait_s(9.0, 5), cell.ends_at) == (4, 1.0, 10.0)
    assert (cell.used(10.0), cell.ends_at) == (0, 20.0)


def test_a_ledger_settles() -> None:
    """What the ledger has taken is counted once, together with what other processes reported."""
    cell = FixedCell(FixedWindow(5, 10.0, 0.0))
    cell.used(1.0)
    cell.add(1.0, 3)
    cell.settle(3, 7)
    assert (cell.used(1.0), cell.unsettled) == (7, 0)
    cell.add(2.0, -100)
    assert (cell.used(2.0), cell.unsettled) == (0, -7)
