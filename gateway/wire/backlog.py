"""
What connections have left for later turns of the event loop: a little of it in each, whoever has left it.

A connection that has more to do than one turn allows leaves the rest here: requests sent ahead, chunks of a body,
frames, records without data. All connections together get a slice of each turn, one after the other; so a hundred of
them delay a client whose first request has just arrived no more than one does.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context
from weakref import WeakKeyDictionary

SLICE_S = 0.001  # processor time of all this work in one turn


class Backlog:
    """The work that waits in one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[tuple[Context, Callable[..., None], tuple[object, ...], float]] = deque()
        self._is_scheduled = False

    def add(self, work: Callable[..., None], *arguments: object, price_s: float = 0.0) -> None:
        """Do *work* in a later turn; *price_s*: processor time that it leads to when it has returned."""
        self._waiting.append((copy_context(), work, arguments, price_s))
        if not self._is_scheduled:
            self._schedule()

    def _schedule(self) -> None:
        self._is_scheduled = True
        self._loop.call_soon(self._work)

    def _work(self) -> None:
        """Do what fits into this turn, and nothing that it leaves behind again."""
        self._is_scheduled = False
        try:
            self._work_until(time.thread_time() + SLICE_S)
        finally:
            if self._waiting and not self._is_scheduled:
                self._schedule()

    def _work_until(self, end_s: float) -> None:
        for _ in range(len(self._waiting)):
            context, work, arguments, price_s = self._waiting.popleft()
            end_s -= price_s
            context.run(work, *arguments)
            if time.thread_time() >= end_s:
                break


_backlogs: WeakKeyDictionary[asyncio.AbstractEventLoop, Backlog] = WeakKeyDictionary()


def backlog() -> Backlog:
    """The running event loop's."""
    loop = asyncio.get_running_loop()
    of_loop = _backlogs.get(loop)
    if of_loop is None:
        of_loop = _backlogs[loop] = Backlog(loop)
    return of_loop
