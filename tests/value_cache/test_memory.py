"""The cache in memory keeps what it should, for as long as it should, and no more than it may."""

from __future__ import annotations

import random

import pytest

from gateway.value_cache import MemoryCache


def test_values_last_their_time() -> None:
    """A value is there until its time is over, and gone from then on."""
    now = 100.0
    cache = MemoryCache(clock=lambda: now)
    cache.store("a", b"1", 10)
    now = 109.9
    assert cache.lookup("a") == b"1"
    now = 110.0
    assert cache.lookup("a") is None
    assert (len(cache), cache.used_bytes) == (0, 0)


def test_storing_again_replaces() -> None:
    """A second value for a key takes the place and the time of the first."""
    now = 0.0
    cache = MemoryCache(clock=lambda: now)
    cache.store("a", b"1", 1_000)
    cache.store("a", b"22", 10)
    assert cache.lookup("a") == b"22"
    now = 10.0
    assert cache.lookup("a") is None


@pytest.mark.parametrize("ttl_s", [0, -1])
def test_no_time_means_forget(ttl_s: float) -> None:
    """A duration of nothing removes what was there."""
    cache = MemoryCache()
    cache.store("a", b"1", 10)
    cache.store("a", b"2", ttl_s)
    assert cache.lookup("a") is None


def test_removing() -> None:
    """A removed value is gone; removing what is not there is no error."""
    cache = MemoryCache()
    cache.store("a", b"1", 10)
    cache.remove("a")
    cache.remove("a")
    assert cache.lookup("a") is None


def test_least_recently_used_goes_first() -> None:
    """When there is no room, the value that was not read is evicted."""
    one = MemoryCache()
    one.store("a", b"1", 10)
    cache = MemoryCache(max_bytes=2 * one.used_bytes)
    cache.store("a", b"1", 10)
    cache.store("b", b"2", 10)
    cache.lookup("a")
    cache.store("c", b"3", 10)
    assert [cache.lookup(key) for key in "abc"] == [b"1", None, b"3"]


def test_bytes_are_bounded() -> None:
    """Whatever is stored, the memory stays within its bound and the books stay right."""
    random.seed(1)
    now = 0.0
    cache = MemoryCache(max_bytes=100_000, max_value_bytes=50_000, clock=lambda: now)
    for _ in range(3_000):
        now += 1
        key = str(random.randrange(200)) * random.randrange(1, 300)
        random.choice([cache.lookup, cache.remove])(key)
        cache.store(key, b"x" * random.randrange(60_000), random.randrange(-5, 50))
        assert cache.used_bytes <= 100_000
    for number in range(200):
        for repeats in range(1, 300):
            cache.remove(str(number) * repeats)
    assert (len(cache), cache.used_bytes) == (0, 0)


def test_too_large_values_are_not_kept() -> None:
    """A value over the limit is not stored, and the value that it would have replaced is no longer returned."""
    cache = MemoryCache(max_value_bytes=3)
    cache.store("a", b"123", 10)
    cache.store("a", b"1234", 10)
    assert cache.lookup("a") is None


@pytest.mark.parametrize("key", ["", "\u00e9\n", "x" * 10_000, "\udc80"])
def test_any_text_is_a_key(key: str) -> None:
    """Long and odd keys work, and take little room."""
    cache = MemoryCache()
    cache.store(key, b"1", 10)
    assert cache.lookup(key) == b"1"
    assert cache.lookup(key + "x") is None
    assert cache.used_bytes < 1_000
    cache.remove(key)
    assert len(cache) == 0
