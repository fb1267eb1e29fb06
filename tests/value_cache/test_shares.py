"""shares.py: whose entries a full cache evicts."""

from __future__ import annotations

import random

from gateway.value_cache.shares import Shares


def test_the_least_recently_used_of_whoever_has_most() -> None:
    """Its share decides, then its use; who has less keeps everything."""
    shares: Shares[int] = Shares()
    for owner, key, cost in (("a", 1, 10), ("b", 2, 15), ("a", 3, 10), ("c", 4, 1)):
        shares.add(owner, key, cost)
    shares.use("a", 1)
    order = []
    for _ in range(4):
        key = shares.next_evicted()
        order.append(key)
        shares.remove({1: "a", 2: "b", 3: "a", 4: "c"}[key], key)
    assert order == [3, 2, 1, 4]


def test_as_if_every_share_were_compared() -> None:
    """After any sequence the owner that has most is found, and the places do not pile up."""
    chance, shares = random.Random(7), Shares[int]()
    held: dict[str, list[tuple[int, int]]] = {}
    for key in range(3000):
        owner, cost = f"o{chance.randrange(40)}", chance.randrange(1, 50)
        shares.add(owner, key, cost)
        held.setdefault(owner, []).append((key, cost))
        while chance.random() < 0.5 and held:
            evicted = shares.next_evicted()
            most = max(sum(cost for _, cost in kept) for kept in held.values())
            loser = next(name for name, kept in held.items() if kept[0][0] == evicted)
            assert sum(cost for _, cost in held[loser]) == most
            shares.remove(loser, evicted)
            held[loser].pop(0)
            held = {name: kept for name, kept in held.items() if kept}
    assert len(shares._places) <= 2 * 40 + 65
