"""
What one evaluation may use: steps, time, memory, depth.

Steps are counted where work can repeat: loop turns, lambda and local-function calls, elements that LINQ makes. Memory is
counted where one call can make much of it (``PadLeft``, ``new byte[n]``, doubling a string). The meter is per thread, so
that an evaluation costs a few attribute writes and never a lock.
"""

from __future__ import annotations

import threading
import time

MAX_STEPS = 1_000_000
MAX_TIME_S = 2.0
MAX_TEXT = 16 * 1024 * 1024  # characters of one string, bytes of one array
MAX_MEMORY = 128 * 1024 * 1024  # sum of all large results of one evaluation
MAX_DEPTH = 60  # calls of local functions and lambdas inside each other
SMALL = 4096  # results up to here are not counted: the steps that make them are
REGEX_TIME_S = 1.0

_CLOCK_MASK = 0x3FF  # look at the clock every 1,024 steps


class LimitExceeded(Exception):
    """An evaluation used too much. It is no .NET exception: no ``catch`` in an expression sees it."""


class Meter(threading.local):
    """What is left of each allowance in this thread's evaluation."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin an evaluation."""
        self.steps = MAX_STEPS
        self.memory = MAX_MEMORY
        self.deadline = 0.0
        self.depth = 0


METER = Meter()


def tick() -> None:
    """Count one step; every so often look at the clock."""
    METER.steps = steps = METER.steps - 1
    if not steps & _CLOCK_MASK or steps < 0:
        check_time()


def tick_many(count: int) -> None:
    """Count *count* steps at once, for a library call that walks that many items."""
    METER.steps -= count
    check_time()


def check_time() -> None:
    """Refuse to go on when steps or time are used up."""
    if METER.steps < 0:
        raise LimitExceeded(f"the expression took more than {MAX_STEPS:,} steps")
    now = time.monotonic()
    if not METER.deadline:
        METER.deadline = now + MAX_TIME_S
    elif now > METER.deadline:
        raise LimitExceeded(f"the expression ran longer than {MAX_TIME_S:g} s")


def charge(size: int) -> None:
    """Account for a result of *size* characters, bytes or items before it is made."""
    if size <= SMALL:
        return
    if size > MAX_TEXT:
        raise LimitExceeded(f"a value of {size:,} characters or items is over the limit of {MAX_TEXT:,}")
    METER.memory -= size
    if METER.memory < 0:
        raise LimitExceeded(f"the expression made more than {MAX_MEMORY:,} characters or items")


def charged(text: str) -> str:
    """*text* itself, once its size is accounted for."""
    if len(text) > SMALL:
        charge(len(text))
    return text


def enter() -> None:
    """A call begins; refuse endless recursion before Python's own stack ends."""
    METER.depth += 1
    if METER.depth > MAX_DEPTH:
        raise LimitExceeded(f"calls are nested more than {MAX_DEPTH} deep")
    tick()


def leave() -> None:
    """The call that :func:`enter` announced is over."""
    METER.depth -= 1
