"""Counters in memory stay small."""

from __future__ import annotations

from gateway.counters import Demand, FixedWindow, MemoryCounters, SlidingWindow


def test_number_of_keys_is_bounded() -> None:
    """A flood of keys evicts those used longest ago, not those in use."""
    counters = MemoryCounters(max_keys=10)
    window = SlidingWindow(1, 60)
    counters.admit([Demand("mine", window)])
    for index in range(1_000):
        counters.admit([Demand(f"flood-{index}", window)])
        assert counters.admit([Demand("mine", window)]).exceeded == 0
    assert len(counters._cells) == 10


def test_calls_of_one_key_are_bounded() -> None:
    """However many calls a limit allows, a counter keeps at most twice 64 entries."""
    now = 0.0
    counters = MemoryCounters(lambda: now)
    demand = Demand("a", SlidingWindow(10**9, 60))
    for _ in range(20_000):
        now += 0.01
        counters.admit([demand])
    (cell,) = counters._cells.values()
    assert len(cell._entries) <= 128  # type: ignore[union-attr]
    assert 6_000 <= counters.admit([demand]).usages[0].used <= 6_200


def test_changes_of_ended_periods_are_dropped() -> None:
    """A count that the ledger took for a period that has ended since does not touch the new one."""
    now = 0.0
    counters = MemoryCounters(lambda: now)
    demand = Demand("a", FixedWindow(5, 100))
    counters.admit([demand])
    told = counters.changes()
    now = 100.0
    counters.admit([demand])
    counters.settle(told, [told[0]._replace(amount=9)])
    counters.settle([told[0]._replace(key="gone")], told)
    assert counters.admit([demand]).usages[0].used == 2
