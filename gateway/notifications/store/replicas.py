"""
Who is alive, on PostgreSQL: each replica holds a session-level advisory lock named after its executor id.

The server drops the lock with the connection, so a lock that can be taken belongs to a dead replica, and whoever takes
it lets go of that replica's jobs, for anybody to lease. A slow replica is not dead: its connection lives. Losing the
connection is losing the right to start anything (``holds_lock``) until the lock is held again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
import structlog

from gateway.notifications.metrics import Metrics
from gateway.notifications.store import jobs
from gateway.notifications.store.tables import replicas

log = structlog.get_logger("gateway.notifications")

# First key of every lock, so that other users of the same database are not in the way. Any constant would do.
_CLASS = 0x4E4F5449


class Replica:
    """This process among its peers. Without PostgreSQL there are none and the lock is always held."""

    def __init__(self, engine: sa.Engine, executor_id: str) -> None:
        self._engine = engine
        self._executor_id = executor_id
        self._session: sa.Connection | None = None
        self._alone = engine.dialect.name != "postgresql"
        if not self._alone:
            self._join()

    def holds_lock(self) -> bool:
        """Whether this replica may start batch jobs."""
        return self._alone or self._session is not None

    async def run(self, interval_s: float, metrics: Metrics) -> None:
        """Prove to be alive and look for the dead, every *interval_s* seconds."""
        while True:
            try:
                await asyncio.to_thread(self._keep)
                metrics.taken_over.inc(await asyncio.to_thread(self.take_over))
            except Exception:
                log.exception("takeover_failed")
            await asyncio.sleep(interval_s)

    def take_over(self) -> int:
        """Let go of the jobs of every dead replica; how many."""
        with self._engine.connect() as connection:
            others = connection.execute(
                sa.select(replicas.c.executor_id).where(replicas.c.executor_id != self._executor_id)
            ).scalars()
            return sum(self._inherit(executor_id) for executor_id in list(others))

    def close(self) -> None:
        """Leave; the others may take over what is unfinished at once."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _join(self) -> None:
        """Take our own lock first, then be listed: who is listed without a lock is dead."""
        session = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        session.detach()  # the pool must neither reuse nor recycle it
        if not _try_lock(session, self._executor_id):
            session.close()
            raise RuntimeError("another process has this executor id")
        present = sa.select(replicas.c.executor_id).where(replicas.c.executor_id == self._executor_id)
        if session.execute(present).first() is None:
            session.execute(sa.insert(replicas).values(executor_id=self._executor_id, started_at=time.time()))
        self._session = session

    def _keep(self) -> None:
        """Notice the loss of our session, and join again."""
        try:
            if self._session is not None:
                self._session.execute(sa.text("SELECT 1"))
                return
        except sa.exc.DBAPIError:
            log.exception("replica_lock_lost")
            self._session = None
        self._join()

    def _inherit(self, executor_id: str) -> int:
        with _locked(self._engine, executor_id) as locked:
            if not locked:
                return 0
            with self._engine.begin() as connection:
                released = jobs.release(connection, executor_id)
                connection.execute(sa.delete(replicas).where(replicas.c.executor_id == executor_id))
        log.warning("replica_taken_over", dead=executor_id, jobs=released)
        return released


@contextmanager
def _locked(engine: sa.Engine, executor_id: str) -> Iterator[bool]:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        locked = _try_lock(connection, executor_id)
        try:
            yield locked
        finally:  # False, and a warning in the server's log, where the lock was not ours
            connection.execute(sa.select(sa.func.pg_advisory_unlock(*_key(executor_id))))


def _try_lock(connection: sa.Connection, executor_id: str) -> bool:
    return bool(connection.execute(sa.select(sa.func.pg_try_advisory_lock(*_key(executor_id)))).scalar())


def _key(executor_id: str) -> tuple[sa.ColumnElement[int], sa.ColumnElement[int]]:
    return sa.cast(_CLASS, sa.Integer), sa.func.hashtext(executor_id)
