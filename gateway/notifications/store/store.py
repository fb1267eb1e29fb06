"""
Reading and writing the store without blocking an event loop, with group commit.

Writes go to one thread, which runs whatever has gathered in *one* transaction: a durable commit costs the same for one
job as for fifty, and SQLite has one writer anyway. Any event loop may await the result.
"""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import sqlalchemy as sa

from gateway.notifications.store.database import unusable
from gateway.notifications.store.jobs import lock
from gateway.notifications.store.queueing import WriteQueue
from gateway.notifications.store.schema import prepare

T = TypeVar("T")
Work = Callable[[sa.Connection], Any]

_MAX_GROUP = 64


class StoreSlow(Exception):
    """The store has not answered in time; nothing of what was asked for will be done."""


class Store:
    """The database. ``open`` before use, ``close`` after; both block for a moment."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self._queue: WriteQueue[tuple[Work, Future[Any]]] = WriteQueue(_MAX_GROUP)
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
        self._queue.put((work, future))
        return await asyncio.wrap_future(future)

    async def write_by(self, work: Callable[[sa.Connection], T], seconds: float, undo: Work) -> T:
        """
        As ``write``, within *seconds*, and before the work that has no such limit.

        Work that has not begun by then is not done; work that is still committed is followed by *undo*.

        Raises: StoreSlow: Time ran out.
        """
        until = time.monotonic() + seconds
        future: Future[T] = Future()
        self._queue.put((functools.partial(_unless_late, work, until), future), request=True)
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(asyncio.wrap_future(future))
        except TimeoutError:
            if not future.cancel():
                future.add_done_callback(functools.partial(self._undo, undo))
            raise StoreSlow from None

    def _undo(self, undo: Work, done: Future[Any]) -> None:
        if not done.cancelled() and done.exception() is None:
            self._queue.put((undo, Future()), request=True)

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
            self._commit([item for item in group if item[1].set_running_or_notify_cancel()])

    def _commit(self, group: list[tuple[Work, Future[Any]]]) -> None:
        try:
            with self.engine.begin() as connection:
                results = [work(connection) for work, _ in group]
        except Exception as error:  # handed to the caller, below
            self._commit_halves(group, error)
            return
        for (_, future), result in zip(group, results, strict=True):
            future.set_result(result)

    def _commit_halves(self, group: list[tuple[Work, Future[Any]]], error: Exception) -> None:
        """One failure rolled everything back: find it by halves, so that the others still share transactions."""
        if len(group) == 1:
            group[0][1].set_exception(error)
            return
        half = len(group) // 2
        self._commit(group[:half])
        self._commit(group[half:])


def _unless_late(work: Callable[[sa.Connection], T], until: float, connection: sa.Connection) -> T:
    """Late work is undone by the exception, whether it waited before or during it (a lock, a slow server)."""
    if time.monotonic() >= until:
        raise StoreSlow
    result = work(connection)
    if time.monotonic() >= until:
        raise StoreSlow
    return result
