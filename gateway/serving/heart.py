"""
The heart of a serving process: its loop leaves a sign of life, and a thread beside it notices when that stops.

A loop that is stuck cannot say so. The thread can, as long as what holds the loop is not a library that keeps the
interpreter; it names the place, looks after descriptors and memory, and ends the process if its supervisor is gone and
the loop does not see that.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from gateway.serving.exit_codes import ExitCode
from gateway.serving.pulses import STUCK_S, Pulse
from gateway.serving.signals import ignore
from gateway.telemetry import logs
from gateway.telemetry.loop_watch import LoopHolder

log = structlog.get_logger("gateway.loop")

BEAT_S = 0.5
LOOK_S = 1.0
LOOKS_AT_RESOURCES = 10  # every so many looks
_ORPHAN_S = 1.0  # for a loop that turns to see that its supervisor is gone


@contextmanager
def beating(
    pulse: Pulse,
    feed: Callable[[], None] = ignore,
    look: Callable[[], None] = ignore,
    beat_s: float = BEAT_S,
    supervisor: int | None = None,
) -> Iterator[None]:
    """
    While the context lasts the running loop leaves its *pulse*.

    Args:
        feed: Called by the loop at each beat.
        look: Called by the thread now and then.
        beat_s: Seconds between two beats.
        supervisor: Its process, without which this one must end.
    """
    beats = _Beats(pulse, feed, beat_s)
    beats.beat()
    watch = _Watch(pulse, look, supervisor)
    threading.Thread(target=watch.run, name="heart", daemon=True).start()
    try:
        yield
    finally:
        beats.end()
        watch.done.set()


@dataclass(slots=True)
class _Beats:
    """What the loop does."""

    pulse: Pulse
    feed: Callable[[], None]
    every_s: float
    _timer: asyncio.TimerHandle | None = None

    def beat(self) -> None:
        """A turn of the loop."""
        self.pulse.beat()
        self.feed()
        self._timer = asyncio.get_running_loop().call_later(self.every_s, self.beat)

    def end(self) -> None:
        """No more of them."""
        if self._timer is not None:
            self._timer.cancel()


@dataclass(slots=True)
class _Watch:
    """The thread beside the loop of the main thread."""

    pulse: Pulse
    look: Callable[[], None]
    supervisor: int | None
    done: threading.Event = field(default_factory=threading.Event)
    _reported: bool = False

    def run(self) -> None:
        """Look until it is *done*."""
        looks = 0
        while not self.done.wait(LOOK_S):
            self.look_at_loop()
            if looks % LOOKS_AT_RESOURCES == 0:
                self.look()
            looks += 1

    def look_at_loop(self) -> None:
        """Log a loop that is stuck, once, and when it turns again."""
        age_s = self.pulse.age_s
        if age_s > _ORPHAN_S and self.supervisor not in (None, os.getppid()):
            log.error("stuck_without_supervisor", process=os.getpid())
            logs.flush()
            os._exit(ExitCode.INTERNAL)
        if (age_s > STUCK_S) == self._reported:
            return
        self._reported = not self._reported
        if not self._reported:
            log.warning("loop_turns_again", process=os.getpid())
            return
        holder = LoopHolder(sys._current_frames().get(threading.main_thread().ident or 0))
        log.error("loop_stuck", seconds=round(age_s), holder=holder.kind, where=holder.place, process=os.getpid())
