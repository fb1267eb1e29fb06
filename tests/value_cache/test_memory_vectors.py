"""memory_vectors.py: the nearest vector of a partition, exactly, within bounds."""

from __future__ import annotations

import random

import pytest

from gateway.value_cache.memory_vectors import MemoryVectors
from gateway.value_cache.vectors import unit_vector


def vector(*numbers: float) -> bytes:
    made = unit_vector(list(numbers))
    assert made is not None
    return made


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_nearest_within_the_distance_answers() -> None:
    """1 less the cosine is the distance; the same vector has one value, the last."""
    cache = MemoryVectors()
    assert cache.prepare() is None
    assert cache.nearest("p", vector(1, 0), 2) is None
    cache.store("p", vector(1, 0), b"east", 10)
    cache.store("p", vector(0, 1), b"north", 10)
    assert cache.nearest("p", vector(1, 0.1), 0.01) == b"east"
    assert cache.nearest("p", vector(1, 0), 0) == b"east"
    assert cache.nearest("p", vector(1, 1), 0.2) is None
    cache.store("p", vector(1, 0), b"again", 10)
    assert cache.nearest("p", vector(1, 0), 0) == b"again"
    assert len(cache) == 2


def test_partitions_and_dimensions_are_apart() -> None:
    """Nothing of one partition, or of another size, is ever compared."""
    cache = MemoryVectors()
    cache.store("p", vector(1, 0), b"two", 10)
    cache.store("p", vector(1, 0, 0), b"three", 10)
    assert cache.nearest("q", vector(1, 0), 2) is None
    assert cache.nearest("p", vector(1, 0), 2) == b"two"
    assert cache.nearest("p", vector(0, 1, 0), 2) == b"three"


def test_values_expire() -> None:
    """An expired neighbour does not hide one further away, and no time at all keeps nothing."""
    clock = Clock()
    cache = MemoryVectors(clock=clock)
    cache.store("p", vector(1, 0), b"short", 5)
    cache.store("p", vector(1, 0.1), b"long", 50)
    clock.now += 6
    assert cache.nearest("p", vector(1, 0), 1) == b"long"
    clock.now += 50
    assert cache.nearest("p", vector(1, 0), 1) is None
    cache.store("p", vector(1, 0), b"never", 0)
    assert cache.nearest("p", vector(1, 0), 1) is None


@pytest.mark.parametrize(("entries", "size"), [(3, 10**6), (10**6, 2100)])
def test_the_least_recently_used_are_evicted(entries: int, size: int) -> None:
    """Entries and bytes are bounded; what has answered stays longer."""
    cache = MemoryVectors(entries, size)
    directions = {name: vector(*(float(index == place) for index in range(5))) for place, name in enumerate("abcde")}
    for name in "abc":
        cache.store("p", directions[name], name.encode(), 10)
    assert cache.nearest("p", directions["a"], 0) == b"a"
    cache.store("p", directions["d"], b"d", 10)
    kept = [name for name in "abcd" if cache.nearest("p", directions[name], 0)]
    assert kept == ["a", "c", "d"]


def test_any_order_of_changes_leaves_what_a_plain_search_gives() -> None:
    """Rows move when others go; the answers are those of a scan over all that is kept."""
    rng, cache, kept = random.Random(1), MemoryVectors(max_entries=50), {}
    for number in range(600):
        numbers = [rng.gauss(0, 1) for _ in range(8)]
        made = vector(*numbers)
        cache.store(f"p{number % 3}", made, str(number).encode(), 10)
        kept[number] = (f"p{number % 3}", made)
        if number >= 50:
            del kept[number - 50]
    for number, (partition, made) in kept.items():
        assert cache.nearest(partition, made, 0) == str(number).encode()
    assert len(cache) == 50


def test_without_numpy_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named where it is missing."""
    monkeypatch.setattr("gateway.value_cache.memory_vectors.find_spec", lambda name: None)
    unready = MemoryVectors().prepare()
    assert unready is not None
    assert unready.code == "missing-extra"
    assert "[ai]" in unready.remedy


def test_one_caller_evicts_its_own() -> None:
    """Whoever stores more than all others together loses its own entries, by number as by bytes."""
    for cache in (MemoryVectors(max_entries=20), MemoryVectors(max_bytes=20 * 700)):
        for number in range(3):
            cache.store(f"quiet{number}", vector(1, 0), b"kept", 10, owner="quiet")
        for number in range(100):
            cache.store(f"loud{number}", vector(1, 0), b"flood", 10, owner="loud")
        assert [cache.nearest(f"quiet{number}", vector(1, 0), 0) for number in range(3)] == [b"kept"] * 3
        assert cache.nearest("loud99", vector(1, 0), 0) == b"flood"
        assert cache.nearest("loud0", vector(1, 0), 0) is None
        cache.resize(5, 1_000_000)
        assert len(cache) == 5
