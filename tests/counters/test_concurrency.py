"""Concurrency slots are given and taken exactly."""

from __future__ import annotations

import pytest

from gateway.counters import ConcurrencySlots


def test_slots_are_limited_by_key() -> None:
    """No more than the limit are inside at once, key by key."""
    slots = ConcurrencySlots()
    assert [slots.acquire("a", 2) for _ in range(3)] == [True, True, False]
    assert slots.acquire("b", 2)
    slots.release("a")
    assert slots.acquire("a", 2)


def test_free_keys_take_no_memory() -> None:
    """When no caller is left, nothing is kept."""
    slots = ConcurrencySlots()
    for index in range(100):
        slots.acquire(str(index), 1)
        slots.release(str(index))
    assert not slots._taken


def test_releasing_twice_is_a_bug() -> None:
    """A slot that was never taken cannot be released."""
    with pytest.raises(KeyError):
        ConcurrencySlots().release("a")
