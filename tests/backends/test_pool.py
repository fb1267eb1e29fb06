"""A pool spreads requests as it is told, around members that are down."""

from __future__ import annotations

from collections import Counter

import pytest

from gateway.backends import (
    Backend,
    BackendInfo,
    BackendPool,
    CircuitBreaker,
    PoolMember,
    SessionAffinity,
)
from gateway.backends.pool import PoolTarget
from gateway.errors import CircuitOpen
from tests.backends.rules import breaking
from tests.backends.scripted import OPTIONS, REFUSED, Clock, ScriptedTarget, get


def member(target: PoolTarget, weight: int = 1, priority: int = 1) -> PoolMember:
    """A member with the configuration's own weight and priority."""
    return PoolMember(target, weight, priority)


class Farm:
    """Backends by letter, each with a breaker that trips at the first failure for 10 s."""

    def __init__(self, letters: str) -> None:
        self.clock = Clock()
        self.targets = {letter: ScriptedTarget(f"{letter}.example") for letter in letters}
        self.backends = {
            letter: Backend(letter, target, None, CircuitBreaker(breaking(60, 10, count=1)), self.clock)
            for letter, target in self.targets.items()
        }

    def stop(self, letter: str) -> None:
        """Let *letter* fail once."""
        self.targets[letter]._outcomes.append(REFUSED)
        self.backends[letter].send(get(), OPTIONS)
        self.targets[letter].received.clear()

    def served(self, pool: BackendPool, count: int) -> str:
        """Which members answer *count* requests."""
        letters = ""
        for _ in range(count):
            before = {letter: len(target.received) for letter, target in self.targets.items()}
            pool.send(get(), OPTIONS).result()
            letters += next(each for each, target in self.targets.items() if len(target.received) > before[each])
        return letters


def test_equal_members_take_turns() -> None:
    """Equal weights are plain round-robin, in the order written."""
    farm = Farm("abc")
    pool = BackendPool("p", [member(farm.backends[letter]) for letter in "abc"])
    assert farm.served(pool, 7) == "abcabca"


def test_weights_share_evenly_in_time() -> None:
    """Weights 5, 1, 1 give five sevenths to the first, never in one block; weight 0 gets nothing."""
    farm = Farm("abcd")
    weights = {"a": 5, "b": 1, "c": 1, "d": 0}
    pool = BackendPool("p", [member(farm.backends[letter], weight) for letter, weight in weights.items()])
    served = farm.served(pool, 70)
    assert Counter(served) == {"a": 50, "b": 10, "c": 10}
    assert "aaaaaa" not in served


def test_lower_priority_waits_for_all_above() -> None:
    """Group 2 serves only while every member of group 1 is down, and hands back immediately."""
    farm = Farm("abc")
    members = [member(farm.backends["c"], priority=2), *(member(farm.backends[each]) for each in "ab")]
    pool = BackendPool("p", members)
    assert farm.served(pool, 2) == "ab"
    farm.stop("a")
    assert farm.served(pool, 2) == "bb"
    farm.stop("b")
    assert farm.served(pool, 2) == "cc"
    farm.clock.now += 10
    assert set(farm.served(pool, 4)) == {"a", "b"}


@pytest.mark.parametrize("affinity", [None, SessionAffinity()], ids=["plain", "sticky"])
def test_pool_without_members_is_503(affinity: SessionAffinity | None) -> None:
    """With every breaker open the answer is 503 and no backend is called."""
    farm = Farm("a")
    pool = BackendPool("p", [member(farm.backends["a"])], affinity)
    assert pool.available
    farm.stop("a")
    farm.clock.now += 4
    with pytest.raises(CircuitOpen, match="pool 'p' is temporarily unavailable") as caught:
        pool.send(get(), OPTIONS).result()
    assert caught.value.for_s == pool.open_for_s == 6
    assert (caught.value.status, pool.available, farm.targets["a"].received) == (503, False, [])


def test_session_comes_back_to_its_member() -> None:
    """The first answer sets a cookie; with it a caller keeps its member, and gets a new one when that is out."""
    farm = Farm("abc")
    pool = BackendPool("p", [member(farm.backends[each]) for each in "abc"], SessionAffinity("Sticky"))
    first = pool.send(get(scheme="https"), OPTIONS).result().headers.first("Set-Cookie") or ""
    cookie = first.partition(";")[0]
    assert first == f"{cookie}; Path=/; HttpOnly; Secure"
    for _ in range(3):
        again = pool.send(get(("Cookie", "x=1"), ("Cookie", f"y; {cookie}")), OPTIONS).result()
        assert "Set-Cookie" not in again.headers
    assert len(farm.targets["a"].received) == 4
    farm.stop("a")
    moved = pool.send(get(("Cookie", cookie)), OPTIONS).result().headers.first("Set-Cookie")
    assert moved not in (None, first)
    assert len(farm.targets["a"].received) == 0


@pytest.mark.parametrize("cookie", ["Other=1", "SessionId=forged", "SessionId", ""])
def test_unknown_cookie_gets_a_member(cookie: str) -> None:
    """A cookie that names no member is replaced, whatever it says."""
    farm = Farm("a")
    pool = BackendPool("p", [member(farm.backends["a"])], SessionAffinity())
    sent = pool.send(get(("Cookie", cookie)), OPTIONS).result().headers.first("Set-Cookie") or ""
    assert sent.startswith("SessionId=")
    assert sent.endswith("; Path=/; HttpOnly")


def test_pool_names_itself() -> None:
    """Expressions see a pool, and the URL of its first member by priority."""
    farm = Farm("ab")
    pool = BackendPool("p", [member(farm.backends["a"], priority=2), member(farm.backends["b"])])
    assert (pool.info, pool.url.host) == (BackendInfo("p", "Pool"), "b.example")


def test_pools_nest() -> None:
    """A pool can be a member of a pool."""
    farm = Farm("ab")
    inner = BackendPool("inner", [member(farm.backends["a"])])
    outer = BackendPool("outer", [member(inner), member(farm.backends["b"])])
    assert farm.served(outer, 4) == "abab"


@pytest.mark.parametrize("weights", [[], [0, 0]], ids=["empty", "weightless"])
def test_pool_needs_a_member(weights: list[int]) -> None:
    """A pool that could never send is refused when it is made."""
    farm = Farm("a")
    with pytest.raises(ValueError, match="pool 'p'"):
        BackendPool("p", [member(farm.backends["a"], weight) for weight in weights])
