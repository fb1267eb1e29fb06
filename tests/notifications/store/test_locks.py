"""Locks across replicas: what one transaction holds no other can, and whose work waits for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from functools import partial

import pytest
import sqlalchemy as sa

from gateway.notifications.store.database import open_engine
from gateway.notifications.store.locks import LockHeld, lock, share
from gateway.notifications.store.store import Store
from tests.notifications.conftest import run

TRY = sa.text("SELECT pg_try_advisory_xact_lock(hashtext(:name))")


@pytest.fixture
def engine(postgres: str) -> Iterator[sa.Engine]:
    """An empty database."""
    found = open_engine(postgres)
    yield found
    found.dispose()


@pytest.mark.needs("postgresql")
def test_a_lock_holds_across_replicas(engine: sa.Engine) -> None:
    """What one transaction has locked no other can, until it ends; other names are free."""
    with engine.connect() as other:
        with engine.begin() as one:
            lock(one, "a")
            assert [other.execute(TRY, {"name": name}).scalar() for name in ("a", "b")] == [False, True]
        assert other.execute(TRY, {"name": "a"}).scalar()


@pytest.mark.needs("postgresql")
def test_finished_work_does_not_wait(engine: sa.Engine) -> None:
    """A transaction that holds finished work takes locks that are free, and waits for none."""
    with engine.begin() as other, engine.begin() as one:
        lock(other, "b")
        lock(one, "a")
        share(one)
        lock(one, "a")
        lock(one, "c")
        with pytest.raises(LockHeld):
            lock(one, "b")


@pytest.mark.needs("postgresql")
def test_group_is_committed_without_what_has_to_wait(postgres: str, engine: sa.Engine) -> None:
    """Of works that gathered, those before one that has to wait are done at once: two replicas never wait in a ring."""
    store = Store(open_engine(postgres))
    store.open()
    gathered = threading.Event()

    async def scenario() -> None:
        with engine.begin() as other:
            lock(other, "b")
            first = asyncio.ensure_future(store.write(lambda _: gathered.wait(10.0)))
            await asyncio.sleep(0)
            works = [asyncio.ensure_future(store.write(partial(lock, name=name))) for name in "aba"]
            await asyncio.sleep(0)
            gathered.set()
            async with asyncio.timeout(10.0):
                await asyncio.gather(first, works[0])
            assert not works[1].done()
        await asyncio.gather(*works)

    run(scenario())
    store.close()
