"""
Whether the event loops of several processes turn: each writes the time of its last turn into memory that all share.

The supervisor makes the memory before it forks, so no process has to answer for another one to know.

Source: mmap(2), MAP_SHARED and MAP_ANONYMOUS; clock_gettime(2): CLOCK_MONOTONIC is the same for every process.
"""

from __future__ import annotations

import mmap
import time
from collections.abc import Iterable, Iterator

from gateway.serving.bell import Bell

STUCK_S = 5.0  # without a turn: the health check fails, and the watchdog is not fed
HUNG_S = 30.0  # without a turn: the supervisor kills the process, and starts it again
_NUMBER = 8  # bytes of a number, which is written at once where it is aligned
_NEVER = 1 << 62  # nanoseconds


class Pulse:
    """One process's part of the memory: the time of its last turn, and whether it has been ready."""

    __slots__ = ("_bell", "_first", "_numbers")

    def __init__(self, numbers: memoryview[int], place: int, bell: Bell) -> None:
        self._numbers, self._first, self._bell = numbers, 2 * place, bell

    def begin(self) -> None:
        """The process is about to start."""
        self._numbers[self._first + 1] = 0
        self.beat()

    def rest(self) -> None:
        """The process has ended; until it is started again nothing is expected of it."""
        self._numbers[self._first] = _NEVER

    def beat(self) -> None:
        """The loop turns."""
        self._numbers[self._first] = time.monotonic_ns()

    def report_ready(self) -> None:
        """The process serves."""
        self._numbers[self._first + 1] = 1
        self._bell.ring()

    @property
    def is_ready(self) -> bool:
        """Whether the process has reported that it serves, since it was last started."""
        return self._numbers[self._first + 1] != 0

    @property
    def age_s(self) -> float:
        """Seconds since the last turn."""
        return (time.monotonic_ns() - self._numbers[self._first]) / 1e9

    @property
    def is_stuck(self) -> bool:
        """Whether the loop has not turned for longer than any request may hold it."""
        return self.age_s > STUCK_S


class Pulses:
    """
    The pulses of the processes *names*.

    Attributes:
        bell: Rings when one of them is ready.
    """

    def __init__(self, names: Iterable[str]) -> None:
        places = {name: place for place, name in enumerate(names)}
        numbers = memoryview(mmap.mmap(-1, max(1, len(places)) * 2 * _NUMBER)).cast("q")
        self.bell = Bell()
        self._pulses = {name: Pulse(numbers, place, self.bell) for name, place in places.items()}
        for pulse in self:
            pulse.begin()

    def __getitem__(self, name: str) -> Pulse:
        return self._pulses[name]

    def __iter__(self) -> Iterator[Pulse]:
        return iter(self._pulses.values())

    def stuck(self) -> list[str]:
        """The names of those that do not turn."""
        return [name for name, pulse in self._pulses.items() if pulse.is_stuck]


def lone_pulse() -> Pulse:
    """That of a process without a supervisor."""
    return Pulses(["gateway"])["gateway"]
