"""
Reading and writing the store without blocking an event loop, with group commit.

Writes go to one thread, which runs whatever has gathered in *one* transaction: a durable commit costs the same for one
job as for fifty, and SQLite has one writer anyway. Any event loop may await the result.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa

from gateway.notifications.store.database import unusable
from gateway.notifications.store.locks import LockHeld, lock, share
from gateway.notifications.store.queueing import WriteQueue
from gateway.notifications.store.schema import prepare

T = TypeVar("T")
Work = Callable[[sa.Connection], Any]

_MAX_GROUP = 64
# A transaction takes in no more work after this time, so that on a busy machine, too, what is in it ends in time.
_GROUP_S = 0.5


class StoreSlow(Exception):
    """The store has not answered in time; nothing of what was asked for will be done."""


@dataclass(frozen=True, slots=True, eq=False)
class _Write:
    """
    Work for the writer.

    Attributes:
        future: What becomes of it; it can be cancelled until it has begun.
        until: When it is too late to begin, by the monotonic clock.
        waiting: Of the event loop that waits for it.
    """

    work: Work
    future: Future[Any]
    until: float = math.inf
    waiting: asyncio.Future[Any] | None = None

    @property
    def is_late(self) -> bool:
        return time.monotonic() >= self.until


class Store:
    """The database. ``open`` before use, ``close`` after; both block for a moment."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self._queue: WriteQueue[_Write] = WriteQueue(_MAX_GROUP)
        self._writer = threading.Thread(target=self._run, name="notifications-writer", daemon=True)
        self._readers = ThreadPoolExecutor(2, thread_name_prefix="notifications-reader")

    def open(self) -> None:
        """
        Create or upgrade the tables and start the writer.

        Raises:
            GatewayError: There is no database, it does not let us in, or its tables are of a version that is too old or
                too new.
        """
        try:
            with self.engine.begin() as connection:
                lock(connection, "schema")  # replicas that start together must not create a table twice
                prepare(connection)
        except sa.exc.DBAPIError as error:
            raise unusable(error) from error
        self._writer.start()

    def close(self) -> None:
        """Finish the writes that are queued, then stop."""
        if self._writer.is_alive():
            self._queue.close()
            self._writer.join()
        self._readers.shutdown()
        self.engine.dispose()

    async def write(self, work: Callable[[sa.Connection], T]) -> T:
        """Run *work* in a transaction that may be shared with other work; return after the commit."""
        future: Future[T] = Future()
        waiting: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.put(_Write(work, future, waiting=waiting))
        try:
            return await waiting
        except asyncio.CancelledError:
            future.cancel()  # what has not begun is not done
            raise

    async def write_by(self, work: Callable[[sa.Connection], T], seconds: float, undo: Work) -> T:
        """
        As ``write``, within *seconds*, and before the work that has no such limit.

        Work that has not begun by then is not done; work that is still committed is followed by *undo*.

        Raises: StoreSlow: Time ran out.
        """
        until = time.monotonic() + seconds
        future: Future[T] = Future()
        waiting: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.put(_Write(work, future, until, waiting), request=True)
        try:
            async with asyncio.timeout(seconds):
                return await waiting
        except TimeoutError:
            if not future.cancel():
                future.add_done_callback(functools.partial(self._undo, undo))
            raise StoreSlow from None

    def _undo(self, undo: Work, done: Future[Any]) -> None:
        if not done.cancelled() and done.exception() is None:
            self._queue.put(_Write(undo, Future()), request=True)

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        """Run *work* on a connection of its own."""
        return await asyncio.wrap_future(self._readers.submit(self._read, work))

    async def read_by(self, work: Callable[[sa.Connection], T], seconds: float) -> T:
        """
        As ``read``, within *seconds*.

        Raises: StoreSlow: Time ran out.
        """
        try:
            async with asyncio.timeout(seconds):
                return await self.read(work)
        except TimeoutError:
            raise StoreSlow from None

    def _read(self, work: Callable[[sa.Connection], T]) -> T:
        with self.engine.connect() as connection:
            return work(connection)

    def _run(self) -> None:
        while group := self._queue.take():
            self._write([item for item in group if item.future.set_running_or_notify_cancel()])

    def _write(self, group: list[_Write]) -> None:
        """In as few transactions as time allows. Late work is not done, and holds nothing else up."""
        while group := _in_time(group):
            group = self._commit(group)

    def _commit(self, group: list[_Write]) -> list[_Write]:
        """One transaction; returns what is still to be done."""
        try:
            with self.engine.begin() as connection:
                results = _work_through(connection, group)
        except StoreSlow:
            return group
        except Exception as error:  # handed to the caller, below
            self._write_halves(group, error)
            return []
        for item, result in zip(group, results, strict=False):
            item.future.set_result(result)
        _tell(group[: len(results)])
        return group[len(results) :]

    def _write_halves(self, group: list[_Write], error: Exception) -> None:
        """One failure rolled everything back: find it by halves, so that the others still share transactions."""
        if len(group) == 1:
            group[0].future.set_exception(error)
            _tell(group)
            return
        half = len(group) // 2
        self._write(group[:half])
        self._write(group[half:])


def _in_time(group: list[_Write]) -> list[_Write]:
    """Without what is late, whose callers are told so."""
    late = [item for item in group if item.is_late]
    for item in late:
        item.future.set_exception(StoreSlow())
    _tell(late)
    return [item for item in group if not item.future.done()]


def _work_through(connection: sa.Connection, group: list[_Write]) -> list[Any]:
    """
    The results of as much work as fits into a transaction.

    Raises: StoreSlow: Some of it has become late by waiting, for a lock or for a slow server, and has to be undone.
    """
    until, results = time.monotonic() + _GROUP_S, list[Any]()
    for item in group:
        if results and time.monotonic() >= until:
            break
        try:
            results.append(item.work(connection))
        except LockHeld:
            break
        if len(results) == 1:
            share(connection)
    if any(item.is_late for item in group[: len(results)]):
        raise StoreSlow
    return results


def _tell(done: list[_Write]) -> None:
    """Wake those that wait, with one call for each event loop: one for each write costs as much as the write."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Write]] = {}
    for item in done:
        if item.waiting is not None:
            by_loop.setdefault(item.waiting.get_loop(), []).append(item)
    for loop, items in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop has ended: nothing waits any more
            loop.call_soon_threadsafe(_deliver, items)


def _deliver(items: list[_Write]) -> None:
    """In the event loop that waits for them."""
    for item in items:
        if item.waiting is None or item.waiting.done():
            continue
        error = item.future.exception()
        if error is None:
            item.waiting.set_result(item.future.result())
        else:
            item.waiting.set_exception(error)
