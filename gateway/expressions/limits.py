"""
What one evaluation may use: steps, time, memory, depth; and what all evaluations of one request may use together.

Steps are counted where work can repeat: loop turns, lambda and local-function calls, elements that LINQ makes. Memory
is counted where one call can make much of it (``PadLeft``, ``new byte[n]``, doubling a string). Time is looked at every
a number of steps, and before each call whose cost grows with its input: such a call has a price (see ``prices``), and
is refused when the time that is left does not pay for it. All of it also draws from the request's budget
(``gateway.wire.work``). The allowance is per thread and made on first use, so that most evaluations cost two attribute
writes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from gateway.wire.slices import SLICE_S, elsewhere, rest
from gateway.wire.trees import Tree
from gateway.wire.work import Work

MAX_STEPS = 1_000_000
# Processor time, so that a busy machine makes no difference. An endless loop must end soon, but a large document takes
# time to be read and walked, and gets it.
TIME_S = 0.25
DOCUMENT_TIME_S = 1e-6  # additional time for each character of JSON or XML that is read
MAX_TIME_S = 2.0  # including that
NODE_S = 1e-6  # for each value, element or attribute that is read
CHARACTER_S = 1e-8  # for each character of a document that is read
MAX_TEXT = 16 * 1024 * 1024  # characters of one string, bytes of one array
MAX_MEMORY = 128 * 1024 * 1024  # sum of all large results of one evaluation
MAX_DEPTH = 60  # nested calls of local functions and lambdas
SMALL = 4096  # smaller results are not counted, because the steps that make them are
ITEM = 64  # bytes of a small object: the weight of a list item compared with a character
REGEX_TIME_S = 0.5
QUICK_S = 0.001  # a shorter evaluation does not check whether to yield to the event loop

R = TypeVar("R", bound=Tree)
T = TypeVar("T")

_CLOCK_MASK = 0x7F  # look at the clock every 128 steps: between two of them even the largest values take little time


class LimitExceeded(Exception):
    """An evaluation used too much. It is not a .NET exception, so no ``catch`` in an expression sees it."""


class Budgeted(Protocol):
    """The part of a context that the meter uses."""

    @property
    def work(self) -> Work: ...


class Allowance:
    """
    What is left for one evaluation.

    Attributes:
        began, seen: Processor time of this thread, at the start and when it was last read.
        work: The rest of the request's budget.
    """

    __slots__ = ("began", "depth", "memory", "seen", "steps", "time_s", "work")

    def __init__(self, time_s: float, work: Work) -> None:
        self.steps = MAX_STEPS
        self.memory = MAX_MEMORY
        self.began = self.seen = time.thread_time()
        self.time_s = time_s
        self.depth = 0
        self.work = work

    def look(self, price_s: float) -> None:
        """
        Look at the clock: refuse to continue if the time is used up, or would be by work that takes *price_s*; yield to
        the event loop when that is due.
        """
        now = time.thread_time()
        spent, self.seen = now - self.seen, now
        self.work.draw(spent)
        if now - self.began + price_s > self.time_s:
            raise LimitExceeded(f"the expression ran longer than {self.time_s:.3g} s")
        if now - self.began + price_s > QUICK_S:
            self._rest(now, price_s)

    def _rest(self, now: float, price_s: float) -> None:
        """Yield to the event loop if that is due; the work of others meanwhile is not charged to this evaluation."""
        call = METER.call
        forget()  # others work meanwhile
        try:
            others_s = rest(now, price_s)
        finally:
            METER.left, METER.call = self, call
        self.began += others_s
        self.seen += others_s

    def moved_here(self) -> None:
        """Count by this thread's clock from now on, including what has been spent by another thread's."""
        spent_s, self.seen = self.seen - self.began, time.thread_time()
        self.began = self.seen - spent_s

    def elsewhere(
        self, budget: tuple[float, Budgeted | None], call: Callable[..., T], arguments: Sequence[object]
    ) -> T:
        """``call(*arguments)``, charged to this evaluation, in whichever thread this is."""
        METER.left, METER.call = self, budget
        self.moved_here()
        try:
            return call(*arguments)
        finally:
            now = time.thread_time()
            self.work.used(now - self.seen)
            self.seen = now
            forget()


class Meter(threading.local):
    """
    This thread's evaluation.

    Attributes:
        left: None until something is first counted, so that most evaluations cost nothing.
        call: Seconds that the evaluation may take, before it reads a document, and the request's context, from whose
            budget it draws from.
    """

    left: Allowance | None = None
    call: tuple[float, Budgeted | None] = (TIME_S, None)


METER = Meter()
NOBODY: tuple[float, Budgeted | None] = (TIME_S, None)


def forget() -> None:
    """From now on nothing on this thread is charged to an earlier request, until an evaluation begins."""
    METER.left, METER.call = None, NOBODY


def _begin() -> Allowance:
    time_s, context = METER.call
    METER.left = left = Allowance(time_s, Work() if context is None else context.work)
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


def check_time(price_s: float = 0.0) -> None:
    """
    Refuse to continue if steps or time are used up, or would be by work that takes *price_s*.

    Raises:
        LimitExceeded: The evaluation's budget is used up.
        WorkExceeded: The request's budget is used up.
    """
    left = METER.left or _begin()
    if left.steps < 0:
        raise LimitExceeded(f"the expression took more than {MAX_STEPS:,} steps")
    left.look(price_s)


def time_left(at_most_s: float) -> float:
    """Seconds that interruptible work may still take: more than zero, and at most *at_most_s*."""
    left = METER.left or _begin()
    left.look(0.0)
    return max(min(at_most_s, left.time_s - (left.seen - left.began)), 1e-3)


def spend(size: int, unit_s: float) -> None:
    """Charge work on *size* characters, bytes or items, *unit_s* each, before it begins."""
    if size > SMALL:
        check_time(size * unit_s)


def worked(price_s: float, call: Callable[..., T], *arguments: object) -> T:
    """
    ``call(*arguments)``, which takes *price_s* and does not count its steps; off the event loop if that is long.

    Raises:
        LimitExceeded, WorkExceeded: As ``check_time`` does, before the call begins.
    """
    check_time(price_s)
    return away(price_s, call, *arguments)


def away(price_s: float, call: Callable[..., T], *arguments: object) -> T:
    """The same for a call that has its own time limit: nothing is refused before it."""
    if price_s < SLICE_S:
        return call(*arguments)
    left, budget = METER.left or _begin(), METER.call
    forget()
    try:
        return elsewhere(lambda: left.elsewhere(budget, call, arguments), price_s)
    finally:
        METER.left, METER.call = left, budget
        left.moved_here()


def noted(root: R, nodes: int) -> R:
    """*root*, a tree that belongs to the request and is freed with it; trees made at load are kept."""
    context = METER.call[1]
    if context is not None:
        context.work.note_tree(root, nodes)
    return root


def read_tree(nodes: int, read: Callable[..., R], text: str, *arguments: object) -> R:
    """
    ``read(text, *arguments)``, the tree of a document: charged, read off the event loop if that is long, and
    taken apart when the request is over.

    Args:
        nodes: The greatest number of its nodes. Each becomes an object, which costs more than a character.

    Raises:
        LimitExceeded, WorkExceeded: As ``check_time`` does, before anything is read.
    """
    reading(len(text), nodes)
    return noted(away(nodes * NODE_S + len(text) * CHARACTER_S, read, text, *arguments), nodes)


def reading(size: int, nodes: int) -> None:
    """
    Charge a document of *size* characters that is about to be read; returns the time that this takes.

    Args:
        nodes: The greatest number of its nodes. Each becomes an object, which costs more than a character.
    """
    charge(size)
    charge_items(nodes)
    left = METER.left or _begin()
    left.time_s = max(left.time_s, min(left.time_s + size * DOCUMENT_TIME_S, MAX_TIME_S))
    left.steps -= size // 64
    check_time(nodes * NODE_S)


def charge(size: int) -> None:
    """Charge a result of *size* characters or bytes before it is made."""
    if size <= SMALL:
        return
    if size > MAX_TEXT:
        raise LimitExceeded(f"a value of {size:,} characters or items is over the limit of {MAX_TEXT:,}")
    _keep(size)


def charge_items(count: int) -> None:
    """Charge a list of *count* small objects before it is made."""
    charge(count)
    if count > SMALL:
        _keep(count * (ITEM - 1))


def _keep(size: int) -> None:
    left = METER.left or _begin()
    left.memory -= size
    if left.memory < 0:
        raise LimitExceeded(f"the expression made more than {MAX_MEMORY:,} characters or items")
    left.work.draw(0.0, size)


def charged(text: str) -> str:
    """*text* itself, after its size has been charged."""
    if len(text) > SMALL:
        charge(len(text))
    return text


def enter() -> None:
    """A call begins; refuse endless recursion before it exhausts Python's stack."""
    left = METER.left or _begin()
    left.depth += 1
    if left.depth > MAX_DEPTH:
        raise LimitExceeded(f"calls are nested more than {MAX_DEPTH} deep")
    left.steps = steps = left.steps - 1
    if not steps & _CLOCK_MASK or steps < 0:
        check_time()


def leave() -> None:
    """The call announced by :func:`enter` has ended."""
    left = METER.left or _begin()
    left.depth -= 1
