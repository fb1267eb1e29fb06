"""One timer per event loop for all time-outs of the wire: a timer for each request would cost more than its request."""

from __future__ import annotations

import asyncio
import logging
from email.utils import formatdate
from typing import Protocol
from weakref import WeakKeyDictionary

_log = logging.getLogger(__name__)


class Watched(Protocol):
    """Something with deadlines."""

    def sweep(self, now: float) -> None:
        """Look whether a deadline has passed; *now* is the event loop's time."""


class Sweeper:
    """
    Looks at everything that is watched, four times a second.

    Attributes:
        now: The event loop's time at the last tick; at most one interval old while anything is watched.
        date_line: The Date field of answers made here.
    """

    interval_s = 0.25

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._watched: set[Watched] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.now = loop.time()
        self.date_line = _date_line()

    def deadline(self, timeout_s: float) -> float:
        """The moment *timeout_s* from now; up to two intervals late, never early."""
        return self.now + self.interval_s + timeout_s

    def watch(self, watched: Watched) -> None:
        """Begin to look at *watched*."""
        self._watched.add(watched)
        if self._timer is None:
            self.now = self._loop.time()
            self.date_line = _date_line()
            self._timer = self._loop.call_later(self.interval_s, self._tick)

    def forget(self, watched: Watched) -> None:
        """Look at *watched* no more; nothing happens when it was not watched."""
        self._watched.discard(watched)

    def _tick(self) -> None:
        self._timer = None
        self.now = self._loop.time()
        self.date_line = _date_line()
        for watched in tuple(self._watched):
            try:
                watched.sweep(self.now)
            except Exception:
                _log.exception("time-out of %s failed", type(watched).__name__)
        if self._watched:
            self._timer = self._loop.call_later(self.interval_s, self._tick)


_sweepers: WeakKeyDictionary[asyncio.AbstractEventLoop, Sweeper] = WeakKeyDictionary()


def sweeper() -> Sweeper:
    """The running event loop's sweeper."""
    loop = asyncio.get_running_loop()
    of_loop = _sweepers.get(loop)
    if of_loop is None:
        of_loop = _sweepers[loop] = Sweeper(loop)
    return of_loop


def _date_line() -> str:
    return f"Date: {formatdate(usegmt=True)}"
