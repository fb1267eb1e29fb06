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
# Of processor time, so that a busy machine changes nothing. An endless loop must end soon, but a large document takes
# its time to be read and walked, and is given it.
TIME_S = 0.25
DOCUMENT_TIME_S = 1e-6  # more for each character of JSON or XML that is read
MAX_TIME_S = 2.0  # with that
NODE_S = 1e-6  # a value, element or attribute that is read
CHARACTER_S = 1e-8  # a character of a document that is read
MAX_TEXT = 16 * 1024 * 1024  # characters of one string, bytes of one array
MAX_MEMORY = 128 * 1024 * 1024  # sum of all large results of one evaluation
MAX_DEPTH = 60  # calls of local functions and lambdas inside each other
SMALL = 4096  # what is not larger is not counted: the steps that make it are
ITEM = 64  # bytes of a small object: what an item of a list weighs beside a character
REGEX_TIME_S = 0.5
QUICK_S = 0.001  # an evaluation that is shorter does not ask whether the loop should have its turn

R = TypeVar("R", bound=Tree)
T = TypeVar("T")

_CLOCK_MASK = 0x7F  # look at the clock every 128 steps: between two of them even the largest values take little time


class LimitExceeded(Exception):
    """An evaluation used too much. It is not a .NET exception: no ``catch`` in an expression sees it."""


class Budgeted(Protocol):
    """A context, as far as the meter is concerned."""

    @property
    def work(self) -> Work: ...


class Allowance:
    """
    What is left for one evaluation.

    Attributes:
        began, seen: Processor time of this thread, at the start and when it was last looked at.
        work: What is left for the request.
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
        Look at the clock: refuse to go on when the time is used up, or would be by work that takes *price_s*; let the
        loop have its turn when that is due.
        """
        now = time.thread_time()
        spent, self.seen = now - self.seen, now
        self.work.draw(spent)
        if now - self.began + price_s > self.time_s:
            raise LimitExceeded(f"the expression ran longer than {self.time_s:.3g} s")
        if now - self.began + price_s > QUICK_S:
            self._rest(now, price_s)

    def _rest(self, now: float, price_s: float) -> None:
        """Let the loop have its turn where that is due; what others do meanwhile is not this evaluation's."""
        call = METER.call
        forget()  # others work meanwhile
        try:
            others_s = rest(now, price_s)
        finally:
            METER.left, METER.call = self, call
        self.began += others_s
        self.seen += others_s

    def moved_here(self) -> None:
        """Count by this thread's clock from now on, with what has been spent by another's."""
        spent_s, self.seen = self.seen - self.began, time.thread_time()
        self.began = self.seen - spent_s

    def elsewhere(
        self, budget: tuple[float, Budgeted | None], call: Callable[..., T], arguments: Sequence[object]
    ) -> T:
        """``call(*arguments)`` on account of this evaluation, in whatever thread this is."""
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
        call: What the evaluation may take in seconds, before it reads a document, and the request's context, whose
            budget it draws from.
    """

    left: Allowance | None = None
    call: tuple[float, Budgeted | None] = (TIME_S, None)


METER = Meter()
NOBODY: tuple[float, Budgeted | None] = (TIME_S, None)


def forget() -> None:
    """What is counted next on this thread belongs to none of the requests so far, until an evaluation begins."""
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
    Refuse to go on when steps or time are used up, or would be by work that takes *price_s*.

    Raises:
        LimitExceeded: This evaluation has used what it may.
        WorkExceeded: The request has used what it may.
    """
    left = METER.left or _begin()
    if left.steps < 0:
        raise LimitExceeded(f"the expression took more than {MAX_STEPS:,} steps")
    left.look(price_s)


def time_left(at_most_s: float) -> float:
    """Seconds that work which can be stopped may still take, *at_most_s* at the most and never none at all."""
    left = METER.left or _begin()
    left.look(0.0)
    return max(min(at_most_s, left.time_s - (left.seen - left.began)), 1e-3)


def spend(size: int, unit_s: float) -> None:
    """Work on *size* characters, bytes or items is about to begin, each of which takes *unit_s*."""
    if size > SMALL:
        check_time(size * unit_s)


def worked(price_s: float, call: Callable[..., T], *arguments: object) -> T:
    """
    ``call(*arguments)``, which takes *price_s* and does not count its steps; beside the loop where that is long.

    Raises:
        LimitExceeded, WorkExceeded: As ``check_time`` does, before the call begins.
    """
    check_time(price_s)
    return away(price_s, call, *arguments)


def away(price_s: float, call: Callable[..., T], *arguments: object) -> T:
    """The same for a call that ends in time by itself: nothing is refused before it."""
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
    """*root*, a tree that was made for the request and ends with it; what is made at load stays."""
    context = METER.call[1]
    if context is not None:
        context.work.note_tree(root, nodes)
    return root


def read_tree(nodes: int, read: Callable[..., R], text: str, *arguments: object) -> R:
    """
    ``read(text, *arguments)``, the tree of a document: accounted for, read beside the loop where that is long, and
    taken apart when the request is over.

    Args:
        nodes: How many nodes it has at most. Each becomes an object, and they cost more than characters do.

    Raises:
        LimitExceeded, WorkExceeded: As ``check_time`` does, before anything is read.
    """
    reading(len(text), nodes)
    return noted(away(nodes * NODE_S + len(text) * CHARACTER_S, read, text, *arguments), nodes)


def reading(size: int, nodes: int) -> None:
    """
    A document of *size* characters is about to be read: account for it, and give the time that this takes.

    Args:
        nodes: How many nodes it has at most. Each becomes an object, and they cost more than characters do.
    """
    charge(size)
    charge_items(nodes)
    left = METER.left or _begin()
    left.time_s = max(left.time_s, min(left.time_s + size * DOCUMENT_TIME_S, MAX_TIME_S))
    left.steps -= size // 64
    check_time(nodes * NODE_S)


def charge(size: int) -> None:
    """Account for a result of *size* characters or bytes before it is made."""
    if size <= SMALL:
        return
    if size > MAX_TEXT:
        raise LimitExceeded(f"a value of {size:,} characters or items is over the limit of {MAX_TEXT:,}")
    _keep(size)


def charge_items(count: int) -> None:
    """Account for a list of *count* small objects before it is made."""
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
