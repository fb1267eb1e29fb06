"""The verified-token cache is bounded by count and bytes, and counts hits and misses."""

from __future__ import annotations

from gateway.tokens.cache import TokenCache, Verdict, estimated_size
from gateway.tokens.jwt import Jwt
from gateway.tokens.keyset import InlineKeys, KeySet

KEYS = KeySet(None, ())


def verdict(size: int = 1) -> Verdict:
    """Any verdict."""
    return Verdict(Jwt.of({}, {}), 0, 1, InlineKeys(KEYS), KEYS, size)


def key(number: int) -> bytes:
    """A cache key."""
    return number.to_bytes(4, "big")


def test_find() -> None:
    """What was kept is found, and both answers are counted."""
    cache, kept = TokenCache(), verdict()
    cache.keep(key(1), kept)
    assert cache.find(key(1)) is kept
    assert cache.find(key(2)) is None
    assert (cache.hits, cache.misses, len(cache)) == (1, 1, 1)


def test_bounded_by_count() -> None:
    """However many tokens come, no more than the limit are kept, and the newest are among them."""
    cache = TokenCache(max_entries=10)
    for number in range(100):
        cache.keep(key(number), verdict())
        assert len(cache) <= 10
    assert all(cache.find(key(number)) for number in range(95, 100))


def test_bounded_by_bytes() -> None:
    """Large tokens count for more; one that is too large is not kept at all."""
    cache = TokenCache(max_bytes=1_000)
    for number in range(100):
        cache.keep(key(number), verdict(100))
        assert len(cache) <= 10
    cache.keep(key(999), verdict(501))
    assert cache.find(key(999)) is None


def test_used_verdicts_survive() -> None:
    """A token in use stays, however many others come and go."""
    cache = TokenCache(max_entries=4)
    for number in range(20):
        cache.keep(key(number), verdict())
        assert number == 0 or cache.find(key(0)) is not None


def test_switched_off() -> None:
    """No entries, no cache."""
    cache = TokenCache(max_entries=0)
    cache.keep(key(1), verdict())
    assert len(cache) == 0


def test_clear() -> None:
    """Everything is forgotten, the counters stay."""
    cache = TokenCache()
    cache.keep(key(1), verdict())
    cache.clear()
    assert cache.find(key(1)) is None
    assert cache.misses == 1


def test_estimate() -> None:
    """The estimate grows with the token."""
    assert estimated_size(2_000) - estimated_size(1_000) == 4_000


def test_configurations_that_never_served_leave_nothing() -> None:
    """Equal rules continue each other's verdicts; those of a failed reload are forgotten by the next."""
    cache = TokenCache()
    own = cache.identity_of("rules", "keys")
    for number in range(5):
        cache.expect_successors()
        cache.identity_of("rules", f"keys {number}")
    cache.expect_successors()
    assert len(cache._former) + len(cache._identities) == 1
    assert cache.identity_of("rules", "keys") == own
    cache.forget_predecessors()
    cache.expect_successors()
    assert cache.identity_of("rules", "keys") == own
