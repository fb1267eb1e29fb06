"""
Time as a replaceable part: every deadline is a recorded time, never a count of seconds in memory.

Recorded moments must not move when the wall clock is set. So the clock is read once, at the start, and then advanced by
the machine's steady clock; replicas follow the database server's clock instead, which they share.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

# CLOCK_BOOTTIME also counts the time that a machine was suspended. Linux only.
_BOOT_TIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_OFFSETS = Path("/proc/self/timens_offsets")
_NOTICED_S = 0.25


def steady() -> float:
    """Seconds on a clock that cannot be set; only differences mean anything."""
    return time.monotonic() if _BOOT_TIME is None else time.clock_gettime(_BOOT_TIME)


def boot() -> str | None:
    """
    What names this start of the machine, within which ``steady`` counts on from process to process.

    None where that is not known. A container may see a steady clock of its own (a time namespace).

    Source: Linux, random(4) and time_namespaces(7).
    """
    if _BOOT_TIME is None:
        return None
    try:
        offsets = _OFFSETS.read_text("utf-8").split() if _OFFSETS.exists() else []
        return " ".join([_BOOT_ID.read_text("utf-8").strip(), *offsets])
    except OSError:
        return None


class Clock:
    """The real clock, in seconds since the epoch (UTC)."""

    def __init__(self) -> None:
        self._epoch = time.time() - steady()

    def now(self) -> float:
        """Seconds since the epoch; unaffected by changes of the wall clock while the process runs."""
        return steady() + self._epoch

    def wall(self) -> float:
        """What the wall clock shows now, for receivers that compare it with theirs."""
        return time.time()

    def follow(self, shared_now: float) -> None:
        """Adopt a clock that is shared with other processes; small differences come from the delay of its answer."""
        if abs(shared_now - self.now()) > _NOTICED_S:
            self._epoch = shared_now - steady()

    async def sleep_until(self, moment: float) -> None:
        """Return at *moment*, epoch seconds; immediately if it has passed."""
        await asyncio.sleep(max(0.0, moment - self.now()))
