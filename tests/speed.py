"""How fast the machine is just now, so that a limit of processor time means the same on a slow or loaded one."""

from __future__ import annotations

import time
from statistics import median

# What `_work` takes on the machine that the limits were chosen on, in seconds of processor time.
_REFERENCE_S = 0.00185
_ROUNDS = 5


def _work() -> float:
    began_s = time.thread_time()
    total = 0
    for number in range(50_000):
        total += number & 7
    return time.thread_time() - began_s


def on_this_machine(seconds: float) -> float:
    """
    The limit that *seconds* is on a machine of its own, measured now: never less, four times as much at most.

    Two threads of one core, a host that others use and a hot processor each make the same work take two or three
    times the processor time. A limit that is meant to tell 20 ms from a second keeps its meaning when it grows so.
    """
    slowness = median(_work() for _ in range(_ROUNDS)) / _REFERENCE_S
    return seconds * min(max(slowness, 1.0), 4.0)
