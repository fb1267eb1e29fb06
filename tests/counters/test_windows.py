"""What counters are asked: periods, the names of counters, and who is refused when several are exhausted."""

from __future__ import annotations

import math

import pytest

from gateway.counters.windows import Demand, FixedWindow, SlidingWindow, Usage, answer

HOUR_S = 3600.0


@pytest.mark.parametrize(
    ("window", "now", "number", "ends_at"),
    [
        (FixedWindow(1, HOUR_S, 0.0), 0.0, 0, HOUR_S),
        (FixedWindow(1, HOUR_S, 0.0), HOUR_S - 0.001, 0, HOUR_S),
        (FixedWindow(1, HOUR_S, 0.0), HOUR_S, 1, 2 * HOUR_S),
        (FixedWindow(1, HOUR_S, 0.0), -1.0, -1, 0.0),
        (FixedWindow(1, HOUR_S, 100.0), 100.0 + 5 * HOUR_S, 5, 100.0 + 6 * HOUR_S),
        (FixedWindow(1, 0.0), 1e9, 0, math.inf),
    ],
    ids=["start", "just before", "renewed", "before the start", "another start", "never renews"],
)
def test_periods_of_a_quota(window: FixedWindow, now: float, number: int, ends_at: float) -> None:
    """A moment lies in one period, which ends where the next begins."""
    assert window.number(now) == number
    assert window.ends_at(number) == ends_at


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Demand("k", SlidingWindow(5, 60)), Demand("k", SlidingWindow(9, 60)), True),
        (Demand("k", SlidingWindow(5, 60)), Demand("k", SlidingWindow(5, 61)), False),
        (Demand("k", SlidingWindow(5, 60)), Demand("k", FixedWindow(5, 60)), False),
        (Demand("k", FixedWindow(5, 60, 0)), Demand("k", FixedWindow(5, 60, 1)), False),
        (Demand("a", SlidingWindow(5, 60)), Demand("b", SlidingWindow(5, 60)), False),
        (Demand("x" * 200 + "a", SlidingWindow(5, 60)), Demand("x" * 200 + "b", SlidingWindow(5, 60)), False),
    ],
    ids=["other limit", "other period", "other kind", "other start", "other key", "other long key"],
)
def test_which_counter(one: Demand, other: Demand, same: bool) -> None:
    """The same key with the same period is the same counter, whatever the limits."""
    assert (one.storage_key == other.storage_key) is same


@pytest.mark.parametrize("key", ["k" * 129, "\ud800" * 200, "\u20ac" * 10_000])
def test_a_long_key_is_stored_by_its_hash(key: str) -> None:
    """Keys come from callers: what is stored of them has a bound."""
    assert len(Demand(key, SlidingWindow(1, 60)).storage_key) < 128


@pytest.mark.parametrize(
    ("usages", "exceeded"),
    [
        ([Usage(1, 0, 5.0), Usage(1, 1, 0.0)], 0),
        ([Usage(1, 0, 5.0), Usage(9, 0, 60.0)], 1),
        ([Usage(1, 3, 90.0), Usage(1, 0, math.inf), Usage(1, 0, 1.0)], 1),
    ],
    ids=["the only one", "the longest wait", "one that never renews"],
)
def test_who_is_told_to_wait(usages: list[Usage], exceeded: int) -> None:
    """The exhausted counter with the longest wait is named; a counter with something left refuses nothing."""
    assert answer(usages, admitted=False).exceeded == exceeded
    assert answer(usages, admitted=True).exceeded is None
