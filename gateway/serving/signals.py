"""What ends a process: SIGTERM, Ctrl-C, or the end of its supervisor; and SIGHUP, which asks it to reload."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
from collections.abc import Callable
from contextlib import suppress

import structlog

from gateway.interruption import interrupted

_PR_SET_PDEATHSIG = 1

log = structlog.get_logger("gateway")

RETIRE = signal.SIGUSR2
"""Another generation of processes has taken over: end with the requests that run, and take no more connections."""


def ignore(*_: object) -> None:
    """SIGHUP ends nothing: while a process starts, and where another one reloads."""


class Lifeline:
    """
    A pipe from which processes know whether their supervisor lives.

    Only the supervisor holds its writing end, so the reading end reaches its end when the supervisor is gone, however
    it went: SIGKILL included.

    Attributes:
        owner: The supervisor's process.
    """

    def __init__(self) -> None:
        self.reading_end, self._writing_end = os.pipe()
        self.owner = os.getpid()

    def follow(self) -> None:
        """
        In a forked process: leave the writing end to the supervisor.

        Linux also sends SIGTERM when the supervisor is gone: a process that is only starting, and whose loop sees no
        pipe yet, then ends instead of holding addresses until it has started. Source: prctl(2), PR_SET_PDEATHSIG.
        """
        os.close(self._writing_end)
        with suppress(OSError, AttributeError):  # another system
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    def report(self) -> None:
        """Wake the supervisor, which then looks at its processes; the signal tells a program that it is not nothing."""
        if os.getppid() == self.owner:
            os.kill(self.owner, signal.SIGCHLD)


class StopSignals:
    """
    The reasons to stop this process.

    A second Ctrl-C, and the end of the supervisor, also end the drain delay: another gateway may want the address.
    """

    def __init__(
        self, lifeline: Lifeline | None = None, stop_s: float = 0.0, on_hang_up: Callable[[], None] = ignore
    ) -> None:
        """*stop_s*: how long stopping may take without a supervisor that would put an end to it."""
        self._stop, self._hurry = asyncio.Event(), asyncio.Event()
        self._lifeline = lifeline
        self._stop_s = stop_s
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        loop.add_signal_handler(signal.SIGINT, self._interrupt)
        loop.add_signal_handler(signal.SIGHUP, on_hang_up)
        loop.add_signal_handler(RETIRE, self._retire)
        if interrupted():
            self._stop.set()
        if lifeline is not None:
            loop.add_reader(lifeline.reading_end, self._supervisor_gone)

    async def wait(self) -> None:
        """Return at the first reason."""
        await self._stop.wait()

    @property
    def stopping(self) -> bool:
        """Whether there has been a reason."""
        return self._stop.is_set()

    async def delay(self, seconds: float) -> None:
        """Let *seconds* pass unless there is a reason to hurry."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), seconds)

    def _interrupt(self) -> None:
        (self._hurry if self._stop.is_set() else self._stop).set()

    def _retire(self) -> None:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, self._stop_s)
        self._stop.set()
        self._hurry.set()

    def _supervisor_gone(self) -> None:
        if self._lifeline is not None:
            asyncio.get_running_loop().remove_reader(self._lifeline.reading_end)
        log.error("supervisor_gone", process=os.getpid())
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, self._stop_s)
        self._stop.set()
        self._hurry.set()
