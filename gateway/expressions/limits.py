"""
What one evaluation may use: steps, time, memory, depth.

Steps are counted where work can repeat: loop turns, lambda and local-function calls, elements that LINQ makes. Memory
is counted where one call can make much of it (``PadLeft``, ``new byte[n]``, doubling a string). The allowance is per
thread and made on first use, so that most evaluations cost one attribute write.
"""

from __future__ import annotations

import threading
import time

MAX_STEPS = 1_000_000
# Of processor time, so that a busy machine changes nothing. No other request is served meanwhile: an endless loop must
# end soon, but a large document takes its time to be read and walked, and is given it.
TIME_S = 0.25
DOCUMENT_TIME_S = 1e-6  # more for each character of JSON or XML that is read
MAX_TIME_S = 2.0  # with that
MAX_TEXT = 16 * 1024 * 1024  # characters of one string, bytes of one array
MAX_MEMORY = 128 * 1024 * 1024  # sum of all large results of one evaluation
MAX_DEPTH = 60  # calls of local functions and lambdas inside each other
SMALL = 4096  # results up to here are not counted: the steps that make them are
REGEX_TIME_S = 0.5

_CLOCK_MASK = 0x3FF  # look at the clock every 1,024 steps


class LimitExceeded(Exception):
    """An evaluation used too much. It is not a .NET exception: no ``catch`` in an expression sees it."""


class Allowance:
    """What is left for one evaluation."""

    __slots__ = ("began", "depth", "memory", "steps", "time_s")

    def __init__(self, time_s: float) -> None:
        self.steps = MAX_STEPS
        self.memory = MAX_MEMORY
        self.began = time.thread_time()
        self.time_s = time_s
        self.depth = 0


class Meter(threading.local):
    """
    This thread's evaluation.

    Attributes:
        left: None until something is first counted, so that most evaluations cost nothing.
        time_s: What the evaluation may take, before it reads a document.
    """

    left: Allowance | None = None
    time_s: float = TIME_S


METER = Meter()


def _begin() -> Allowance:
    METER.left = left = Allowance(METER.time_s)
    return left


def tick() -> None:
    """Count one step; every so often look at the clock."""
    left = METER.left or _begin()
    left.steps = steps = left.steps - 1
    if not steps & _CLOCK_MASK or steps < 0:
        check_time()


def tick_many(count: int) -> None:
    """Count *count* steps at once, for a library call that walks that many items."""
    left = METER.left or _begin()
    left.steps -= count
    check_time()


def check_time() -> None:
    """Refuse to go on when steps or time are used up."""
    left = METER.left or _begin()
    if left.steps < 0:
        raise LimitExceeded(f"the expression took more than {MAX_STEPS:,} steps")
    if time.thread_time() - left.began > left.time_s:
        raise LimitExceeded(f"the expression ran longer than {left.time_s:.3g} s")


def reading(size: int) -> None:
    """A document of *size* characters is about to be read: account for it, and give the time that this takes."""
    charge(size)
    left = METER.left or _begin()
    left.time_s = max(left.time_s, min(left.time_s + size * DOCUMENT_TIME_S, MAX_TIME_S))
    tick_many(size // 64)


def charge(size: int) -> None:
    """Account for a result of *size* characters, bytes or items before it is made."""
    if size <= SMALL:
        return
    if size > MAX_TEXT:
        raise LimitExceeded(f"a value of {size:,} characters or items is over the limit of {MAX_TEXT:,}")
    left = METER.left or _begin()
    left.memory -= size
    if left.memory < 0:
        raise LimitExceeded(f"the expression made more than {MAX_MEMORY:,} characters or items")


def charged(text: str) -> str:
    """*text* itself, once its size is accounted for."""
    if len(text) > SMALL:
        charge(len(text))
    return text


def enter() -> None:
    """A call begins; refuse endless recursion before Python's own stack ends."""
    left = METER.left or _begin()
    left.depth += 1
    if left.depth > MAX_DEPTH:
        raise LimitExceeded(f"calls are nested more than {MAX_DEPTH} deep")
    left.steps = steps = left.steps - 1
    if not steps & _CLOCK_MASK or steps < 0:
        check_time()


def leave() -> None:
    """The call that :func:`enter` announced is over."""
    left = METER.left or _begin()
    left.depth -= 1
