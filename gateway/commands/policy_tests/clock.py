"""
An event loop whose time passes only when nothing is runnable: waits of minutes take no time, and always the same.

The loop's clock is moved to the next timer instead of sleeping until then.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Jumping(selectors.DefaultSelector):
    """A selector that never sleeps: what it would have waited is added to *elapsed_s*."""

    def __init__(self) -> None:
        super().__init__()
        self.elapsed_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready now; without anything, time jumps. Without a timer either, a thread has work: then it waits."""
        if timeout is None:
            return super().select(None)
        ready = super().select(0)
        if not ready:
            self.elapsed_s += max(0.0, timeout)
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop that starts at second 0."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Seconds that waits have taken so far."""
        return self._jumping.elapsed_s


class TestClock:
    """
    Seconds since the epoch, as a test sees them.

    Args:
        start: When the test begins.
        loop: Whose waits move the clock on.
    """

    __test__ = False  # not a class of pytest's

    def __init__(self, start: float, loop: asyncio.AbstractEventLoop) -> None:
        self._start = start
        self._loop = loop

    def __call__(self) -> float:
        return self._start + self._loop.time()


def run(work: Coroutine[Any, Any, T], loop: JumpingLoop) -> T:
    """The result of *work* in *loop*, which is closed then."""
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(work)
