"""
Leases of replicas on PostgreSQL: who may act, and until when.

Each replica has a row with the end of its lease, which a heartbeat of its own moves on. Jobs belong to the replica
whose id is in their row. When a lease has ended, any other replica deletes its row and releases its jobs, in one
transaction; that id never owns anything again, so it is the fencing token: whatever its former holder still wants to
write is conditional on it. The holder knows the end of its lease without asking, by a clock that cannot be set, counted
from before it asked for the renewal; so it stops acting before others may begin.

On SQLite the process is alone, held so by a file lock; its row only records when it last wrote.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable

import sqlalchemy as sa
import structlog

from gateway.notifications.metrics import Metrics
from gateway.notifications.store.jobs import Heartbeat
from gateway.notifications.store.tables import jobs, replicas
from gateway.notifications.workflow.clock import Clock, boot, steady
from gateway.notifications.workflow.leases import has_ended, own_end, recorded_end

log = structlog.get_logger("gateway.notifications")

EMBEDDED = "embedded"
_PROBE = "probe"
_CLOCK_ERROR_S = 2.0
_STORE_NOW = sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Float)
# Replicas that look at the same time take different rows: none waits for a row while it holds others.
_ORPHANS = (
    sa.select(jobs.c.id)
    .where(jobs.c.active == sa.literal_column("1"), jobs.c.owner.is_not(None))
    .where(jobs.c.owner.not_in(sa.select(replicas.c.executor_id)))
    .with_for_update(skip_locked=True)
)
_RELEASE_ORPHANS = sa.update(jobs).where(jobs.c.id.in_(_ORPHANS)).values(owner=None)


class Replica:
    """This process among its peers. All methods but ``may_act`` and ``run`` block."""

    def __init__(self, engine: sa.Engine, clock: Clock, lease_s: float) -> None:
        self._engine = engine
        self._clock = clock
        self._lease_s = lease_s
        self._alone = engine.dialect.name != "postgresql"
        self._boot = boot()
        self._ends = float("-inf")  # by the steady clock
        self.executor_id = EMBEDDED if self._alone else ""

    def may_act(self) -> bool:
        """Whether the lease has not ended: to be asked immediately before anything is done to the outside."""
        return self._alone or steady() < self._ends

    async def run(self, interval_s: float, metrics: Metrics, on_loss: Callable[[str], None]) -> None:
        """
        Renew the lease and take over from replicas without one, every *interval_s* seconds.

        Args:
            on_loss: Called with the new id when the lease was lost; all work under the former id has to end.
        """
        while True:
            try:
                await self._beat(metrics, on_loss)
            except sa.exc.SQLAlchemyError as error:
                log.warning("heartbeat_failed", error=type(error).__name__)
            await asyncio.sleep(interval_s)

    def join(self) -> None:
        """Begin a lease under an id that was never used before; on SQLite, record the heartbeat."""
        if not self._alone:
            self.executor_id = uuid.uuid4().hex
        asked = steady()
        with self._engine.begin() as connection:
            self.enter(connection)
        self._ends = own_end(asked, self._lease_s)

    def enter(self, connection: sa.Connection) -> None:
        """Write the row of this process anew."""
        connection.execute(sa.delete(replicas).where(replicas.c.executor_id == self.executor_id))
        values = {"executor_id": self.executor_id, **self._beaten(connection)}
        connection.execute(sa.insert(replicas).values(started_at=self._clock.now(), **values))

    def renew(self) -> bool:
        """Move the end of the lease on; false when another replica has declared it over."""
        asked = steady()
        with self._engine.begin() as connection:
            statement = sa.update(replicas).where(replicas.c.executor_id == self.executor_id)
            kept = connection.execute(statement.values(**self._beaten(connection))).rowcount == 1
        self._ends = own_end(asked, self._lease_s) if kept else float("-inf")
        return kept

    def take_over(self) -> int:
        """Release the jobs of every replica whose lease has ended; how many jobs."""
        if self._alone:
            return 0
        ended = sa.or_(replicas.c.lease_until.is_(None), has_ended(replicas.c.lease_until, _STORE_NOW))
        others = sa.delete(replicas).where(replicas.c.executor_id != self.executor_id, ended)
        with self._engine.begin() as connection:
            dead = list(connection.execute(others.returning(replicas.c.executor_id)).scalars())
            released = connection.execute(_RELEASE_ORPHANS).rowcount
        for executor_id in dead:
            log.warning("replica_taken_over", dead=executor_id, jobs=released)
        return released

    def leave(self) -> None:
        """End the lease now: the others may take over immediately what was not released."""
        self._ends = float("-inf")
        if not self._alone:
            with self._engine.begin() as connection:
                connection.execute(sa.delete(replicas).where(replicas.c.executor_id == self.executor_id))

    async def _beat(self, metrics: Metrics, on_loss: Callable[[str], None]) -> None:
        if not await asyncio.to_thread(self.renew):
            log.error("lease_lost", executor=self.executor_id)
            await asyncio.to_thread(self.join)
            on_loss(self.executor_id)
        metrics.taken_over.inc(await asyncio.to_thread(self.take_over))

    def _beaten(self, connection: sa.Connection) -> dict[str, object]:
        """What a heartbeat records: the end of the lease, and what each clock shows."""
        until, walls = self._until(self._now(connection)), self._clock.wall()
        return {"lease_until": until, "wall_at": walls, "steady_at": steady(), "boot": self._boot}

    def _now(self, connection: sa.Connection) -> float:
        """The store's clock, which replicas share; on SQLite our own."""
        if self._alone:
            return self._clock.now()
        now = float(connection.execute(sa.select(_STORE_NOW)).scalar_one())
        self._clock.follow(now)
        return now

    def _until(self, now: float) -> float:
        return now if self._alone else recorded_end(now, self._lease_s)


def probe(connection: sa.Connection) -> None:
    """Write something without meaning: a full disk and a store that has become read-only can still be read."""
    connection.execute(sa.insert(replicas).values(executor_id=_PROBE, started_at=0.0))
    connection.execute(sa.delete(replicas).where(replicas.c.executor_id == _PROBE))


def last_heartbeat(connection: sa.Connection, clock: Clock) -> Heartbeat | None:
    """
    When the process before this one last wrote, and by how much its clock was ahead of *clock*, which is this one's.

    It counted on from the wall clock of its start. Where the machine has not been started again since, the steady clock
    tells what that process's clock would show now; so it does not matter when the wall clock was set. Otherwise only
    what was set before the last heartbeat can be seen. None in a store that no such process has used.
    """
    row = connection.execute(sa.select(replicas).where(replicas.c.executor_id == EMBEDDED)).first()
    if row is None or row.wall_at is None or row.lease_until is None:
        return None
    error_s = row.lease_until - row.wall_at
    if _counts_on(row.boot, row.steady_at):
        error_s = row.lease_until + steady() - row.steady_at - clock.now()
    return Heartbeat(row.lease_until, error_s if abs(error_s) >= _CLOCK_ERROR_S else 0.0)


def _counts_on(boot_then: str | None, steady_then: float | None) -> bool:
    return boot_then is not None and boot_then == boot() and steady_then is not None and steady_then <= steady()
