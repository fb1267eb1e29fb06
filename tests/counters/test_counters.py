"""What every kind of counters promises, in memory and in Redis."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime

import pytest

from gateway.counters import CalendarWindow, Demand, FixedWindow, SlidingWindow
from gateway.counters.windows import Window
from tests.counters.conftest import Bench

RATE = SlidingWindow(3, 10)
QUOTA = FixedWindow(3, 100, start_s=50)


def test_rate_slides(bench: Bench) -> None:
    """A call is forgotten exactly one period after it was made."""
    for second in (0, 4, 8):
        bench.now = 1_000 + second
        assert bench.allowed(Demand("a", RATE)) == 1
    assert bench.allowed(Demand("a", RATE), times=5) == 0
    bench.now = 1_009.999
    assert bench.allowed(Demand("a", RATE)) == 0
    bench.now = 1_010
    assert bench.allowed(Demand("a", RATE), times=2) == 1
    bench.now = 1_014
    assert bench.allowed(Demand("a", RATE), times=2) == 1


def test_rate_tells_what_is_left_and_how_long_to_wait(bench: Bench) -> None:
    """Each answer has the use, the rest, and the seconds until the next call is admitted."""
    found = []
    for second in (0, 4, 5, 7):
        bench.now = 1_000 + second
        found.append(bench.admit(Demand("a", RATE)))
    assert [(answer.exceeded, answer.usages[0]) for answer in found] == [
        (None, (1, 2, 0)),
        (None, (2, 1, 0)),
        (None, (3, 0, 5)),
        (0, (3, 0, 3)),
    ]


def test_wait_is_long_enough(bench: Bench) -> None:
    """After the reported wait a call is admitted; just before, it is not."""
    random.seed(7)
    window = SlidingWindow(100, 60)
    for _ in range(250):
        bench.now += random.random()
        wait_s = bench.admit(Demand("a", window)).usages[0].wait_s
        if wait_s > 0.01:
            bench.now += wait_s - 0.005
            assert bench.allowed(Demand("a", window, 0)) == 0
            bench.now += 0.01
            assert bench.allowed(Demand("a", window)) == 1


def test_wait_covers_all_that_is_too_much(bench: Bench) -> None:
    """Past the limit the wait lasts until enough calls have been forgotten, not only the first."""
    for second in (0, 1, 2):
        bench.now = 1_000 + second
        bench.add(Demand("a", SlidingWindow(2, 10)))
    assert bench.admit(Demand("a", SlidingWindow(2, 10))).usages[0] == (3, 0, 9)


@pytest.mark.parametrize("limit", [20, 100, 250])
def test_rate_is_never_exceeded_in_any_period(bench: Bench, limit: int) -> None:
    """Whatever the pattern of calls, no span of one period ever has more than the limit."""
    random.seed(limit)
    window, admitted = SlidingWindow(limit, 10), []
    for _ in range(limit * 2 + 100):
        bench.now += random.choice([0, 0, 0.001, 0.01, 15 / limit])
        if bench.allowed(Demand("a", window)):
            admitted.append(bench.now)
    for index in range(limit, len(admitted)):
        assert admitted[index] - admitted[index - limit] >= 10
    assert len(admitted) >= limit


def test_quota_starts_anew_with_each_period(bench: Bench) -> None:
    """Periods are counted from the first start, not from the first call."""
    bench.now = 1_040
    assert bench.allowed(Demand("a", QUOTA), times=5) == 3
    assert bench.admit(Demand("a", QUOTA)).usages[0] == (3, 0, 10)
    bench.now = 1_049.9
    assert bench.allowed(Demand("a", QUOTA)) == 0
    bench.now = 1_050
    assert bench.admit(Demand("a", QUOTA)).usages[0] == (1, 2, 0)


def test_quota_of_period_zero_never_renews(bench: Bench) -> None:
    """A quota without renewal is used up for good."""
    window = FixedWindow(2, 0)
    assert bench.allowed(Demand("a", window), times=3) == 2
    bench.now += 10**9
    answer = bench.admit(Demand("a", window))
    assert (answer.exceeded, answer.usages[0]) == (0, (2, 0, math.inf))


def test_quota_is_aligned_to_year_one(bench: Bench) -> None:
    """Without a start of its own a daily quota renews at midnight UTC, as APIM's does."""
    bench.now = 1_700_000_000.0  # 22:13:20 UTC
    window = FixedWindow(1, 86_400)
    bench.admit(Demand("a", window))
    assert bench.admit(Demand("a", window)).usages[0].wait_s == 6_400


def test_all_or_none_is_counted(bench: Bench) -> None:
    """A call that one limit refuses is not counted on any other."""
    outer, inner = Demand("outer", SlidingWindow(10, 60)), Demand("inner", SlidingWindow(2, 60))
    assert bench.allowed(outer, inner, times=5) == 2
    answer = bench.admit(outer, inner)
    assert answer.exceeded == 1
    assert [usage.used for usage in answer.usages] == [2, 2]


def test_longest_wait_is_told(bench: Bench) -> None:
    """Of several exhausted limits, the one with the longest wait is reported."""
    demands = [Demand("a", SlidingWindow(1, period)) for period in (5, 60, 20)]
    bench.admit(*demands)
    answer = bench.admit(*demands)
    assert (answer.exceeded, [usage.wait_s for usage in answer.usages]) == (1, [5, 60, 20])


def test_asking_does_not_count(bench: Bench) -> None:
    """An amount of 0 shows whether a call would be admitted."""
    for window in (SlidingWindow(1, 60), FixedWindow(1, 60)):
        assert bench.allowed(Demand("a", window, 0), times=3) == 3
        assert bench.allowed(Demand("a", window)) == 1
        assert bench.allowed(Demand("a", window, 0)) == 0


def test_large_amounts_go_past_the_limit_once(bench: Bench) -> None:
    """What a call costs is known only afterwards, so the last one may exceed; the next one is refused."""
    for window in (SlidingWindow(100, 60), FixedWindow(100, 60)):
        answers = [bench.admit(Demand("a", window, 70)) for _ in range(3)]
        assert [(answer.exceeded, answer.usages[0].used) for answer in answers] == [(None, 70), (None, 140), (0, 140)]


def test_add_counts_whatever_the_limit(bench: Bench) -> None:
    """What is known after the response is counted even on an exhausted counter."""
    for window in (RATE, QUOTA):
        bench.add(Demand("a", window, 5), Demand("a", window, 2))
        assert bench.admit(Demand("a", window)).usages[0].used == 7


@pytest.mark.parametrize(("taken", "left"), [(1, 4), (2, 3), (3, 2), (5, 0), (9, 0)])
def test_counts_can_be_taken_back(bench: Bench, taken: int, left: int) -> None:
    """A negative amount undoes the newest calls, down to nothing."""
    for window in (SlidingWindow(10, 60), FixedWindow(10, 60)):
        for amount in (2, 2, 1):
            bench.now += 0.1
            bench.add(Demand("a", window, amount))
        bench.add(Demand("a", window, -taken))
        assert bench.admit(Demand("a", window, 0)).usages[0].used == left


def test_taking_back_too_much_leaves_no_credit(bench: Bench) -> None:
    """Below nothing there is no credit for later."""
    bench.add(Demand("a", QUOTA, -5), Demand("a", RATE, -5))
    assert bench.allowed(Demand("a", QUOTA), times=5) == 3
    assert bench.allowed(Demand("a", RATE), times=5) == 3


def test_keys_are_apart(bench: Bench) -> None:
    """Keys, kinds and periods are counters of their own; limits are not."""
    assert bench.allowed(Demand("a", RATE), times=5) == 3
    assert bench.allowed(Demand("A", RATE)) == 1
    assert bench.allowed(Demand("a", SlidingWindow(3, 11))) == 1
    assert bench.allowed(Demand("a", FixedWindow(3, 10))) == 1
    assert bench.allowed(Demand("a", SlidingWindow(4, 10)), times=2) == 1


@pytest.mark.parametrize("key", ["", "a b\r\nc", "\u00e9\U0001f600", "x" * 100_000, "rate/10/a", "\udc80" * 200])
def test_any_text_is_a_key(bench: Bench, key: str) -> None:
    """Keys come from callers: any text works, and a long one takes no more memory than a short one."""
    demand = Demand(key, RATE)
    assert len(demand.storage_key) < 200
    assert bench.allowed(demand, times=4) == 3


def test_same_counter_twice_counts_twice(bench: Bench) -> None:
    """Two demands on one counter in one call both count."""
    answer = bench.admit(Demand("a", SlidingWindow(5, 60)), Demand("a", SlidingWindow(9, 60), 2))
    assert answer.usages[1].used == 3


def test_limit_of_nothing_admits_nothing(bench: Bench) -> None:
    """A limit of 0 is always exhausted."""
    assert bench.admit(Demand("a", SlidingWindow(0, 60))).exceeded == 0


def test_clock_that_goes_back_does_no_harm(bench: Bench) -> None:
    """When the clock is set back, limits still hold and nothing is counted twice."""
    assert bench.allowed(Demand("a", RATE), times=2) == 2
    bench.now -= 5
    assert bench.allowed(Demand("a", RATE), times=3) == 1


@pytest.mark.parametrize("window", [SlidingWindow(10, 60), FixedWindow(10, 60), CalendarWindow(10, 1)])
def test_a_whole_amount_never_goes_past_the_limit(bench: Bench, window: Window) -> None:
    """A demand that is whole is admitted only while all of it is left; the wait is for as much as it needs."""
    ask = Demand("a", window, 4, whole=True)
    assert bench.allowed(ask, times=5) == 2
    refused = bench.admit(ask)
    assert (refused.exceeded, refused.usages[0].used, refused.usages[0].remaining) == (0, 8, 2)
    assert refused.usages[0].wait_s > 0
    assert bench.allowed(Demand("a", window, 2, whole=True)) == 1


def test_an_amount_beyond_the_limit_waits_for_a_whole_period(bench: Bench) -> None:
    """What never fits is refused even by an unused counter, with the period as the wait."""
    refused = bench.admit(Demand("a", SlidingWindow(10, 60), 11, whole=True))
    assert (refused.exceeded, refused.usages[0]) == (0, (0, 10, 60))


def test_the_wait_of_a_whole_amount_is_long_enough(bench: Bench) -> None:
    """After the reported wait it is admitted; just before, it is not."""
    for amount in (3, 3, 3):
        bench.add(Demand("a", SlidingWindow(10, 60), amount))
        bench.now += 10
    ask = Demand("a", SlidingWindow(10, 60), 6, whole=True)
    wait_s = bench.admit(ask).usages[0].wait_s
    assert wait_s == 40
    bench.now += wait_s - 0.5
    assert bench.allowed(ask) == 0
    bench.now += 0.5
    assert bench.allowed(ask) == 1


@pytest.mark.parametrize(
    ("months", "moment", "number", "ends"),
    [
        (1, "2024-02-29T12:00:00+00:00", 2024 * 12 + 1, "2024-03-01T00:00:00+00:00"),
        (1, "2026-12-31T23:59:59+00:00", 2026 * 12 + 11, "2027-01-01T00:00:00+00:00"),
        (1, "2027-01-01T00:00:00+00:00", 2027 * 12, "2027-02-01T00:00:00+00:00"),
        (1, "2100-02-28T23:00:00+00:00", 2100 * 12 + 1, "2100-03-01T00:00:00+00:00"),
        (12, "2028-02-29T00:00:00+00:00", 2028, "2029-01-01T00:00:00+00:00"),
    ],
)
def test_periods_of_the_calendar(bench: Bench, months: int, moment: str, number: int, ends: str) -> None:
    """A quota of a month or a year renews with the calendar, in UTC; both kinds of counters agree on when."""
    window = CalendarWindow(1, months)
    bench.now = datetime.fromisoformat(moment).timestamp()
    end = datetime.fromisoformat(ends).timestamp()
    assert (window.number(bench.now), window.ends_at(number)) == (number, end)
    assert bench.allowed(Demand("a", window), times=2) == 1
    assert bench.admit(Demand("a", window)).usages[0].wait_s == end - bench.now
    bench.now = end - 0.5
    assert bench.allowed(Demand("a", window)) == 0
    bench.now = end
    assert bench.allowed(Demand("a", window)) == 1


@pytest.mark.parametrize("window", [SlidingWindow(100, 60), FixedWindow(100, 60), CalendarWindow(100, 1)])
def test_a_correction_withdraws_what_was_counted_then(bench: Bench, window: Window) -> None:
    """Within the period an amount is withdrawn; after it nothing is, because others have used what there is now."""
    bench.now = datetime(2026, 5, 31, 23, 59, tzinfo=UTC).timestamp()
    counted = bench.admit(Demand("a", window, 30)).at
    bench.now += 1
    bench.add(Demand("a", window, 5))
    bench.add(Demand("a", window, -10, counted_at=counted))
    assert bench.admit(Demand("a", window, 0)).usages[0].used == 25
    bench.now += 3600
    bench.add(Demand("a", window, 5))
    bench.add(Demand("a", window, -20, counted_at=counted))
    assert bench.admit(Demand("a", window, 0)).usages[0].used == 5


def test_a_correction_leaves_later_calls_their_time(bench: Bench) -> None:
    """The oldest entry is corrected, not the newest, so that no later minute has more than the limit."""
    window = SlidingWindow(100, 60)
    counted = bench.admit(Demand("a", window, 40)).at
    bench.now += 30
    bench.add(Demand("a", window, 40), Demand("a", window, -40, counted_at=counted))
    bench.now += 31
    assert bench.admit(Demand("a", window, 0)).usages[0].used == 40
