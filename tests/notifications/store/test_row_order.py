"""Replicas that change the same rows in another order: none of them is left waiting, and no work is lost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest
import sqlalchemy as sa

from gateway.notifications.store import jobs
from gateway.notifications.store.database import open_engine
from gateway.notifications.store.replicas import Replica
from gateway.notifications.store.store import Store
from gateway.notifications.store.tables import jobs as jobs_table
from gateway.notifications.workflow.clock import Clock
from tests.notifications.conftest import run
from tests.notifications.store.accepting import job

pytestmark = pytest.mark.needs("postgresql")


@pytest.fixture
def stores(postgres: str) -> Iterator[list[Store]]:
    """Two replicas' stores on one database, which notices rings quickly and lets nothing hang."""
    name = postgres.partition("?")[0].rpartition("/")[2]
    engine = open_engine(postgres)
    with engine.begin() as connection:
        for setting in ("deadlock_timeout = '100ms'", "statement_timeout = '10s'"):
            connection.execute(sa.text(f"ALTER DATABASE {name} SET {setting}"))
    engine.dispose()
    both = [Store(open_engine(postgres)) for _ in range(2)]
    for store in both:
        store.open()
    yield both
    for store in both:
        store.close()


def insert(store: Store, owner: str | None, *numbers: int) -> None:
    """Jobs of *owner*, of which the last ones are the oldest."""
    with store.engine.begin() as connection:
        for number in numbers:
            connection.execute(
                sa.insert(jobs_table).values(**job(number, owner=owner, created_at=-float(number)).columns())
            )


def rows(store: Store, column: str) -> list[object]:
    """A column of all jobs, by id."""
    with store.engine.connect() as connection:
        return list(connection.execute(sa.select(jobs_table.c[column]).order_by(jobs_table.c.id)).scalars())


def test_groups_in_another_order(stores: list[Store]) -> None:
    """
    Two groups of writes each have a row that the other wants next: the database ends one of them, and all of its
    writes are done again.
    """
    insert(stores[0], None, 1, 2)
    meeting = threading.Barrier(2)
    started, done = [threading.Event() for _ in stores], list[str]()

    def note(connection: sa.Connection, job_id: str, status: str, meets: bool) -> None:
        jobs.note_status(connection, job_id, status, None, 5.0)
        done.append(f"{status}: {job_id}")
        if meets and not meeting.broken:
            meeting.wait(10.0)
            meeting.abort()

    async def scenario() -> None:
        gates = [asyncio.ensure_future(store.write(held(begun))) for store, begun in zip(stores, started, strict=True)]
        await asyncio.sleep(0)
        works = []
        for store, order, status in zip(stores, (("j1", "j2"), ("j2", "j1")), ("a", "b"), strict=True):
            first, second = order
            works.append(store.write(partial(note, job_id=first, status=status, meets=True)))
            works.append(store.write(partial(note, job_id=second, status=status, meets=False)))
        pending = [asyncio.ensure_future(work) for work in works]
        await asyncio.sleep(0)
        for begun in started:
            begun.set()
        async with asyncio.timeout(30):
            await asyncio.gather(*gates, *pending)

    run(scenario())
    assert set(rows(stores[0], "batch_status")) <= {"a", "b"}
    assert set(done) == {"a: j1", "a: j2", "b: j1", "b: j2"}
    assert len(done) > 4, "the groups did not meet"


def held(begun: threading.Event) -> Callable[[sa.Connection], object]:
    """A write that lasts until the others have gathered behind it."""
    return lambda _connection: begun.wait(10.0)


def test_taking_over_waits_for_no_row(stores: list[Store]) -> None:
    """A row that another transaction has is left to the next look; the others are free meanwhile."""
    insert(stores[0], "dead", 1, 2, 3)
    replica = Replica(stores[0].engine, Clock(), 60.0)
    replica.join()
    with stores[1].engine.begin() as other:
        jobs.note_status(other, "j2", "Executing", None, 5.0)
        assert replica.take_over() == 2
    assert replica.take_over() == 1
    assert rows(stores[0], "owner") == [None] * 3


def test_rows_are_locked_in_one_order(stores: list[Store]) -> None:
    """Whoever forgets or releases several rows takes them by their ids, and so waits at the first one that is taken."""
    insert(stores[0], "me", 2, 1, 3)
    with stores[1].engine.begin() as other:
        jobs.note_status(other, "j1", "Executing", None, 5.0)
        waiting = threading.Thread(target=release, args=(stores[0],))
        waiting.start()
        waiting.join(0.1)
        free = sa.select(jobs_table.c.id).order_by(jobs_table.c.id).with_for_update(skip_locked=True)
        assert list(other.execute(free).scalars()) == ["j1", "j2", "j3"]
    waiting.join()
    assert rows(stores[0], "owner") == [None] * 3


def release(store: Store) -> None:
    """As a replica does that stops."""
    with store.engine.begin() as connection:
        jobs.hold_own(connection, "me")
        jobs.release(connection, "me")
