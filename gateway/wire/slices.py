"""
Long work in slices: a function that runs on the event loop's thread and lets the loop have its turns in between.

What a stranger has sent decides how long an expression, a decoding or a replacement takes. Such work runs in a greenlet
and calls ``rest`` every so often. As long as the turn of the loop is short nothing happens, and the work is an ordinary
call. When the turn's slice is used up the greenlet is left where it stands, its caller gets an awaitable, and one of
those that wait goes on in each of the next turns. So a turn has one slice, however many clients ask for long work. A
single step that is longer than a slice is made in a thread (``elsewhere``).

Source: https://greenlet.readthedocs.io
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache
from types import CoroutineType
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

SLICE_S = 0.005  # processor time of the work in one turn of the loop
MOST_THREADS = 2
MOST_IDLE = 64  # greenlets that wait for work; a peak leaves no more behind
SWITCH_S = 0.0005  # how soon a thread with a long step leaves Python's lock to the loop that waits for it

A = TypeVar("A")
T = TypeVar("T")


class _Turns(threading.local):
    """
    The turns of this thread's event loop.

    Attributes:
        began_s: When the work of the running turn began, in the thread's processor time; None: none has yet.
        idle: Greenlets without work.
    """

    began_s: float | None = None

    def __init__(self) -> None:
        self.idle: list[_Strand] = []
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_watched = False  # the end of its present turn

    def begin(self, now_s: float) -> None:
        """The first work of a turn; without a loop there are no turns."""
        loop = _running_loop()
        if loop is not None:
            self._watch_end(loop)
            self.began_s = now_s

    def next(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[None]:
        """Done when the work that waits for it may go on."""
        turn = loop.create_future()
        self._watch_end(loop)
        self._waiting.append(turn)
        return turn

    def leave(self, worker: _Strand) -> None:
        """*worker* has ended its work, and takes the next, whoever's that is. What it has of a request goes now."""
        if worker.function is not None:
            raise RuntimeError("a greenlet in the middle of one piece of work must not be given another")
        worker.gr_context = None
        if len(self.idle) < MOST_IDLE:
            self.idle.append(worker)

    def _watch_end(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._loop is not loop:  # what waits in a loop that has ended waits for ever
            self._loop = loop
            self._waiting.clear()
            self._is_watched = False
        if not self._is_watched:
            self._is_watched = True
            loop.call_soon(self._end, loop)

    def _end(self, loop: asyncio.AbstractEventLoop) -> None:
        """The turn is over: wake one that waits, which then has the next."""
        self.began_s = None
        self._is_watched = False
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                break
        if self._waiting:
            self._watch_end(loop)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


_TURNS = _Turns()


class _Waiting:
    """Instead of a result: the work continues when *until* is done."""

    __slots__ = ("until",)

    def __init__(self, until: Awaitable[Any]) -> None:
        self.until = until


class _Strand(greenlet):
    """
    A greenlet that does one piece of work after another, because making a new one takes longer.

    Attributes:
        others_s: Processor time that others have used while this one waited.
    """

    def __init__(self) -> None:
        super().__init__()
        self.others_s = 0.0
        self.function: Callable[[Any], Any] | None = None
        self.argument: object = None
        self.result: object = None

    def run(self) -> None:
        """Do one piece of work after the other; an error ends the greenlet and reaches the caller of that work."""
        leave = _parent(self).switch
        while self.function is not None:
            self.result = self.function(self.argument)
            self.function = self.argument = None  # nothing of a request stays behind
            leave()

    def taken(self) -> object:
        """The result, which is kept no longer."""
        result, self.result = self.result, None
        return result


def _parent(current: greenlet) -> greenlet:
    parent = current.parent
    if parent is None:
        raise RuntimeError("this is not work in slices")
    return parent


def in_slices(function: Callable[[A], T], argument: A) -> T | Awaitable[T]:
    """
    ``function(argument)``: its result, or an ``Unfinished`` of it when it has not ended within its slice.

    Raises:
        Exception: What *function* raises within its first slice; later whoever waits gets it.
    """
    if getcurrent().parent is not None:
        return function(argument)
    idle = _TURNS.idle
    worker = idle.pop() if idle else _Strand()
    worker.gr_context = copy_context()
    worker.function, worker.argument = function, argument
    worker.switch()
    result = worker.taken()
    if result.__class__ is _Waiting:
        return Unfinished(worker, result)
    _TURNS.leave(worker)
    return result  # type: ignore[return-value]


class Unfinished(Awaitable[T]):
    """Work that has used up its first slice; whoever waits for it gets its result."""

    __slots__ = ("_waiting", "_worker")

    def __init__(self, worker: _Strand, waiting: _Waiting) -> None:
        self._worker = worker
        self._waiting = waiting

    def __await__(self) -> Generator[Any, None, T]:
        return _continued(self._worker, self._waiting).__await__()


async def _continued(worker: _Strand, waiting: _Waiting) -> Any:
    """What is left of the work that *worker* has begun."""
    result: object = waiting
    while isinstance(result, _Waiting):
        if getcurrent().parent is not None:  # the worker returns to the loop's greenlet, whichever has gone on with it
            raise RuntimeError("work in slices cannot wait for other work in slices")
        try:
            value = await result.until
        except BaseException as error:
            worker.throw(error)
        else:
            worker.switch(value)
        result = worker.taken()
    _TURNS.leave(worker)
    return result


def wait_for(until: Awaitable[T]) -> T:
    """The result of *until*, for which only the work waits and not the loop. To be called within ``in_slices``."""
    worker = getcurrent()
    if not isinstance(worker, _Strand):
        raise RuntimeError("this is not work in slices")
    worker.result = _Waiting(until)
    left_s = time.thread_time()
    try:
        return _parent(worker).switch()  # type: ignore[no-any-return]
    finally:
        worker.others_s += time.thread_time() - left_s


def work_time() -> float:
    """Processor time of the running work, in seconds from some beginning; what others use while it waits is not in."""
    worker = getcurrent()
    return time.thread_time() - (worker.others_s if isinstance(worker, _Strand) else 0.0)


@cache
def _threads() -> ThreadPoolExecutor:
    sys.setswitchinterval(SWITCH_S)
    return ThreadPoolExecutor(MOST_THREADS, "long-step")


def elsewhere(step: Callable[[], T], price_s: float) -> T:
    """
    The result of *step*, which takes *price_s* and never rests: beyond a slice it runs in a thread, for which only the
    work waits. That is for calls that leave Python's lock to others, as Python code does; a call that keeps it for long
    has to be cut into pieces.
    """
    if price_s < SLICE_S or getcurrent().parent is None:
        return step()
    loop = _running_loop()
    if loop is None:
        return step()
    return wait_for(loop.run_in_executor(_threads(), step))


def rest(now_s: float | None = None, price_s: float = 0.0) -> float:
    """
    Let the loop have its turn if the work of this one has used up its slice, or would with a step of *price_s*.

    Args:
        now_s: The thread's processor time, where the caller has just looked at it.

    Returns:
        The processor time that others have used meanwhile; 0 if nobody had a turn.
    """
    now_s = time.thread_time() if now_s is None else now_s
    began_s = _TURNS.began_s
    if began_s is None:
        _TURNS.begin(now_s)
        return 0.0
    if now_s - began_s + price_s < SLICE_S or getcurrent().parent is None:
        return 0.0
    loop = _running_loop()
    if loop is None:  # it has ended in the middle of a turn
        _TURNS.began_s = None
        return 0.0
    wait_for(_TURNS.next(loop))
    resumed_s = time.thread_time()
    if _TURNS.began_s is None:
        _TURNS.begin(resumed_s)
    return resumed_s - now_s


def sliced(apply: Callable[[A], Any]) -> Callable[[A], Any]:
    """*apply*, whose work is in slices: what it does at once, and what a coroutine that it returns does later."""

    def run(argument: A) -> Any:
        result = in_slices(apply, argument) if getcurrent().parent is None else apply(argument)
        if result.__class__ is Unfinished:
            return _ended(result)
        return _Driven(result) if result.__class__ is CoroutineType else result

    return run


def driven(coroutine: Coroutine[Any, Any, T]) -> Awaitable[T]:
    """*coroutine*, each step of which is work in slices."""
    return _Driven(coroutine)


async def _ended(unfinished: Unfinished[Any]) -> Any:
    """The result of *unfinished*, or of what it has returned to be waited for."""
    result = await unfinished
    if result.__class__ is CoroutineType:
        return await _Driven(result)
    return await result if isinstance(result, Awaitable) else result


class _Driven(Awaitable[T]):
    """A coroutine, each step of which is work in slices."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._step: Callable[[Any], Any] = coroutine.send
        self._coroutine = coroutine
        self._over = False

    def __await__(self) -> Generator[Any, Any, T]:
        value: Any = None
        while True:
            waited = in_slices(self._advance, value)
            if waited.__class__ is Unfinished:
                waited = yield from waited.__await__()
            if self._over:
                return waited  # type: ignore[return-value]
            try:
                value = yield waited
                self._step = self._coroutine.send
            except BaseException as error:
                value, self._step = error, self._coroutine.throw

    def _advance(self, value: Any) -> Any:
        """What the coroutine waits for next, or its result."""
        try:
            return self._step(value)
        except StopIteration as end:
            self._over = True
            return end.value
