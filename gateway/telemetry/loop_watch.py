"""
Turns of the event loop that take too long, seen from inside: how many, how long, and which policy or connection.

A timer of the kernel counts the process's own processor time, so nothing happens while the process is idle, and nothing
is added to a request. At each tick the loop is asked to leave a mark in its next turn. A tick that does not find the
mark of the tick before it has interrupted a turn that is taking too long, and the interrupted frames say whose it is.

Source: setitimer(2), ITIMER_PROF.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from types import FrameType

import structlog

log = structlog.get_logger("gateway.loop")

LIMIT_S = 0.02  # of processor time in one turn
_TICK_S = 0.01
_PACKAGE = f"{Path(__file__).parents[1]}/"
_POLICIES = f"{_PACKAGE}policies/"


class LoopWatch:
    """
    Watches the running event loop.

    Attributes:
        held: Turns above the limit, by holder: a policy's module, ``connection`` or ``other``.
        longest_s: Processor time of the longest of them.
    """

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self._limit_s = limit_s
        self.held: Counter[str] = Counter()
        self.longest_s = 0.0
        self._asked_s: float | None = None  # when a mark was asked for, in the thread's processor time
        self._holder: LoopHolder | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Watch while the context lasts; only in the main thread, which gets the signals."""
        loop = asyncio.get_running_loop()
        before = signal.signal(signal.SIGPROF, lambda _, frame: self._tick(loop, frame))
        signal.setitimer(signal.ITIMER_PROF, _TICK_S, _TICK_S)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)

    def _tick(self, loop: asyncio.AbstractEventLoop, frame: FrameType | None) -> None:
        if self._asked_s is None:
            self._asked_s = time.thread_time()
            loop.call_soon(self._mark)
        elif self._holder is None and time.thread_time() - self._asked_s >= self._limit_s - _TICK_S:
            self._holder = LoopHolder(frame)

    def _mark(self) -> None:
        """The loop has come to its next turn."""
        asked_s, self._asked_s = self._asked_s, None
        holder, self._holder = self._holder, None
        if asked_s is None or holder is None:
            return
        held_s = time.thread_time() - asked_s
        if held_s < self._limit_s:
            return
        self.longest_s = max(self.longest_s, held_s)
        self.held[holder.kind] += 1
        log.warning("loop_held", ms=round(held_s * 1000), holder=holder.kind, where=holder.place, client=holder.client)


class LoopHolder:
    """
    What a turn was doing when it was interrupted.

    Attributes:
        kind: A policy's module, ``connection`` or ``other``.
        place: The innermost function of the gateway, ``file:line function``.
        client: Address of the client whose bytes were being read, if any were.
    """

    __slots__ = ("client", "kind", "place")

    def __init__(self, frame: FrameType | None) -> None:
        self.kind, self.place, self.client = "other", "", ""
        while frame is not None:
            self._look_at(frame)
            frame = frame.f_back

    def _look_at(self, frame: FrameType) -> None:
        path = frame.f_code.co_filename
        if not self.place and path.startswith(_PACKAGE):
            self.place = f"{path.removeprefix(_PACKAGE)}:{frame.f_lineno} {frame.f_code.co_name}"
        if self.kind == "other" and path.startswith(_POLICIES):
            self.kind = PurePath(path).stem
        if frame.f_code.co_qualname.startswith(("ServerConnection.", "Http2ServerConnection.")):
            # What a signal handler raises would be raised in the code that it has interrupted. A connection that is
            # being made has no address yet, and a comprehension within a method has no ``self``.
            with suppress(KeyError, AttributeError):
                self.client = frame.f_locals["self"].address
            self.kind = "connection" if self.kind == "other" else self.kind
