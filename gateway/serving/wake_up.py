"""
How signals wake the supervisor: handlers only note them, and its loop does what they ask for.

Source: Python, ``signal.set_wakeup_fd``.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from gateway.interruption import interrupted

_STOPS = (signal.SIGINT, signal.SIGTERM)


class WakeUp:
    """
    Waits until a signal comes.

    Attributes:
        stops: Signals to stop that have not been taken.
    """

    def __init__(self) -> None:
        self.stops = 0
        self._hang_up = False
        self._ends: tuple[int, int] | None = None

    @contextmanager
    def listening(self, tick: Callable[[], None] | None = None, every_s: float = 0.0) -> Iterator[None]:
        """
        Note signals while the context lasts; in the main thread only.

        *tick* is called every *every_s* seconds, whatever the main thread does meanwhile, as long as that is Python.
        """
        handlers: dict[int, Any] = dict.fromkeys(_STOPS, self._stop)
        handlers |= {signal.SIGHUP: self._hung_up, signal.SIGCHLD: _noted}
        if tick is not None:
            handlers[signal.SIGALRM] = lambda *_: tick()
        self._ends = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        self.stops += interrupted()
        woken = signal.set_wakeup_fd(self._ends[1], warn_on_full_buffer=False)
        if tick is not None:
            signal.setitimer(signal.ITIMER_REAL, every_s, every_s)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.set_wakeup_fd(woken)
            for number, handler in before.items():
                signal.signal(number, handler)
            for end in self._ends:
                os.close(end)

    def wait(self, seconds: float) -> None:
        """Return when a signal has come, or after *seconds*."""
        if self._ends is None:
            return
        poll = select.poll()
        poll.register(self._ends[0], select.POLLIN)
        poll.poll(seconds * 1_000)
        with suppress(BlockingIOError):
            os.read(self._ends[0], 4_096)

    def take_stops(self) -> int:
        """How many signals to stop have come since the last time."""
        stops, self.stops = self.stops, 0
        return stops

    def take_hang_up(self) -> bool:
        """Whether SIGHUP has come since the last time."""
        hang_up, self._hang_up = self._hang_up, False
        return hang_up

    def leave(self) -> None:
        """In a forked process: the signals are the supervisor's."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        for end in self._ends or ():
            os.close(end)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stops += 1

    def _hung_up(self, _number: int, _frame: FrameType | None) -> None:
        self._hang_up = True


def _noted(_number: int, _frame: FrameType | None) -> None:
    """A child has ended: the loop wakes, because the handler exists."""
