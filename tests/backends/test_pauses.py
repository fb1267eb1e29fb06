"""pauses.py: what has failed is left alone, and then asked by one."""

from __future__ import annotations

from gateway.backends.pauses import Pauses


def test_a_pause_and_what_follows() -> None:
    """Nothing is asked during a pause; after it one question is, until that is answered, fails or takes too long."""
    now = [100.0]
    pauses = Pauses(5, lambda: now[0])
    assert not pauses.holds("a", 2)
    pauses.failed("a")
    assert [pauses.holds("a", 2), pauses.holds("b", 2)] == [True, False]
    now[0] += 5
    assert [pauses.holds("a", 2) for _ in range(3)] == [False, True, True]
    now[0] += 2  # whoever has asked is gone
    assert [pauses.holds("a", 2) for _ in range(2)] == [False, True]
    pauses.failed("a")
    now[0] += 4
    assert pauses.holds("a", 2)
    pauses.answered("a")
    assert not pauses.holds("a", 2)
