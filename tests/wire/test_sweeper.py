"""One timer for all time-outs of an event loop: it runs while something is watched, and one failure harms no other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest

from gateway.wire.sweeper import Sweeper, sweeper


class Watched:
    """Notes when it was looked at, and may fail."""

    def __init__(self, then: Callable[[], None] = lambda: None) -> None:
        self.seen: list[float] = []
        self.then = then

    def sweep(self, now: float) -> None:
        self.seen.append(now)
        self.then()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for *condition*; the test's own time-out bounds it."""
    while not condition():
        await asyncio.sleep(0.01)


def test_looks_while_something_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Watched objects are checked repeatedly, forgotten ones no longer; in the end no timer is left."""
    monkeypatch.setattr(Sweeper, "interval_s", 0.01)

    async def scenario() -> None:
        ours = sweeper()
        assert ours is sweeper()
        one, other = Watched(), Watched()
        ours.watch(one)
        ours.watch(other)
        await until(lambda: len(one.seen) >= 2 and len(other.seen) >= 2)
        ours.forget(one)
        ours.forget(one)
        seen = len(one.seen)
        more = len(other.seen) + 2
        await until(lambda: len(other.seen) >= more)
        assert len(one.seen) == seen
        ours.forget(other)
        await until(lambda: ours._timer is None)

    asyncio.run(scenario())


def test_a_failure_harms_no_other(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """What fails in its turn is logged by its type, and the others have theirs."""
    monkeypatch.setattr(Sweeper, "interval_s", 0.01)

    def fail() -> None:
        raise ZeroDivisionError

    async def scenario() -> None:
        bad, good = Watched(fail), Watched()
        for each in (bad, good):
            sweeper().watch(each)
        await until(lambda: len(bad.seen) >= 2 and len(good.seen) >= 2)
        for each in (bad, good):
            sweeper().forget(each)

    with caplog.at_level(logging.ERROR):
        asyncio.run(scenario())
    assert "time-out of Watched failed" in caplog.text


def test_deadlines_are_never_early() -> None:
    """A deadline lies at least its time-out ahead of the moment at which it is asked for."""

    async def scenario() -> None:
        loop, ours = asyncio.get_running_loop(), sweeper()
        watched = Watched()
        ours.watch(watched)
        for _ in range(10):
            asked = loop.time()
            assert ours.deadline(1.0) >= asked + 1.0
            await asyncio.sleep(0.02)
        ours.forget(watched)

    asyncio.run(scenario())


def test_each_loop_has_its_own() -> None:
    """Each event loop has its own sweeper."""

    async def ours() -> Sweeper:
        return sweeper()

    assert asyncio.run(ours()) is not asyncio.run(ours())
