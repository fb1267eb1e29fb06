"""The bounded collection from which a flood evicts only itself."""

from __future__ import annotations

import random
from collections import Counter

from gateway.telemetry.requests.fair_ring import FairRing
from gateway.telemetry.requests.record import RequestOutcome, RequestRecord


def record(number: int, reason: str) -> RequestRecord:
    """A refusal with that reason."""
    return RequestRecord(str(number), float(number), "GET", "/", RequestOutcome.REFUSED, source="policy", reason=reason)


def test_one_kind_fills_it() -> None:
    """A single cause may use all the room, and then loses its oldest."""
    ring: FairRing[RequestRecord] = FairRing(3)
    for number in range(5):
        ring.add(record(number, "A"))
    assert [kept.id for kept in ring] == ["2", "3", "4"]
    assert (len(ring), ring.evicted) == (3, 2)


def test_a_flood_evicts_itself() -> None:
    """The one interesting refusal outlives any number of others of one kind, before and after it."""
    ring: FairRing[RequestRecord] = FairRing(10)
    for number in range(100):
        ring.add(record(number, "Flood"))
    ring.add(record(100, "Rare"))
    for number in range(101, 1_000):
        ring.add(record(number, "Flood"))
    assert Counter(kept.reason for kept in ring) == {"Flood": 9, "Rare": 1}
    assert max(int(kept.id) for kept in ring) == 999


def test_no_room() -> None:
    """With a capacity of 0 nothing is kept."""
    ring: FairRing[RequestRecord] = FairRing(0)
    ring.add(record(1, "A"))
    assert list(ring) == []


def test_shares_are_fair() -> None:
    """By whatever history: the room is used up, and no kind is evicted while another one has more."""
    for seed in range(20):
        choice = random.Random(seed)
        ring: FairRing[RequestRecord] = FairRing(12)
        for number in range(300):
            reason = choice.choice("AAAAAABBCDEFGHIJKLMNOP")
            offered = Counter(kept.reason for kept in ring) + Counter([reason])
            ring.add(record(number, reason))
            lost = offered - Counter(kept.reason for kept in ring)
            assert len(ring) == min(number + 1, 12)
            assert all(offered[kind] == max(offered.values()) for kind in lost)
