"""Rows become tasks: leased in batches, adopted after a crash, one task at a time for a job."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from gateway.notifications.store import jobs
from gateway.notifications.store.model import StoredJob
from gateway.notifications.store.store import Store
from gateway.notifications.workflow import dispatch
from gateway.notifications.workflow.dispatch import JobDispatcher
from gateway.notifications.workflow.transitions import JobEvent, State
from tests.notifications.conftest import eventually, run
from tests.notifications.store.accepting import accept, job


class Work:
    """What a dispatcher has done: the jobs that it began, and those whose turn has ended."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.may_end = asyncio.Event()

    async def do(self, found: StoredJob) -> None:
        """Work until it may end."""
        self.begun.append(found.id)
        await self.may_end.wait()
        self.ended.append(found.id)


def test_leases(store: Store) -> None:
    """Each job is leased once, the oldest first, and only those that are unfinished."""
    one, two = Work(), Work()

    async def both() -> list[int]:
        await accept(store, job(3))
        await accept(store, job(1))
        await accept(store, job(2))
        await accept(store, job(4, state=State.STOPPED, active=0))
        dispatchers = [JobDispatcher(store, "one", one.do), JobDispatcher(store, "two", two.do)]
        counts = [await dispatchers[0].dispatch(2), await dispatchers[1].dispatch(), await dispatchers[0].dispatch()]
        await eventually(lambda: len(one.begun + two.begun) == 3)
        return counts

    assert run(both()) == [2, 1, 0]
    assert (one.begun, two.begun) == (["j1", "j2"], ["j3"])


def test_adopts(store: Store) -> None:
    """After a crash all our jobs continue, from one query, and none is worked on twice."""
    work, queries = Work(), 0

    def count(*_: object) -> None:
        nonlocal queries
        queries += 1

    async def crash_and_return() -> tuple[int, int]:
        for number in range(50):
            await accept(store, job(number, owner="one"))
        await accept(store, job(51, owner="two"))
        dispatcher = JobDispatcher(store, "one", work.do)
        sa.event.listen(store.engine, "before_cursor_execute", count)
        return await dispatcher.adopt(), await dispatcher.adopt()

    assert run(crash_and_return()) == (50, 0)
    assert queries == 2


def test_one_task_per_job(store: Store) -> None:
    """A replay that is leased while the first delivery's task is ending waits for that end."""
    work = Work()

    async def replay_early() -> None:
        await accept(store, job(1, state=State.DEAD))
        dispatcher = JobDispatcher(store, "one", work.do)
        await dispatcher.dispatch()
        await eventually(lambda: work.begun == ["j1"])
        await store.write(lambda connection: jobs.reopen(connection, "j1", 1.0, 9.0))
        await dispatcher.dispatch()
        await asyncio.sleep(0.05)
        assert (work.begun, work.ended) == (["j1"], [])
        work.may_end.set()
        await eventually(lambda: work.ended == ["j1", "j1"])

    run(replay_early())


def test_nothing_stale(store: Store) -> None:
    """A job that is leased again while its task still runs (its replica was cut off) and ends then is left alone."""
    work = Work()

    async def lease_again() -> None:
        await accept(store, job(1))
        dispatcher = JobDispatcher(store, "one", work.do)
        await dispatcher.dispatch()
        await eventually(lambda: work.begun == ["j1"])
        await store.write(lambda connection: jobs.release(connection, "one"))
        await dispatcher.dispatch()
        await store.write(lambda connection: jobs.move(connection, "j1", JobEvent.STOP, 1.0))
        work.may_end.set()
        await eventually(lambda: work.ended == ["j1"])
        await asyncio.sleep(0.1)  # for another, if the stale row were worked on

    run(lease_again())
    assert work.ended == ["j1"]


def test_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease whose commit was never confirmed is found again; rows of another process are found without a signal."""
    work = Work()
    monkeypatch.setattr(dispatch, "_IDLE_S", 0.05)
    monkeypatch.setattr(dispatch, "_ADOPT_S", 0.1)
    lease, losses = jobs.lease, [ConnectionError()]

    def lease_and_lose(connection: sa.Connection, owner: str, limit: int) -> list[StoredJob]:
        found = lease(connection, owner, limit)
        if found and losses:
            connection.commit()
            raise losses.pop()
        return found

    monkeypatch.setattr(jobs, "lease", lease_and_lose)

    async def a_while() -> None:
        task = asyncio.create_task(JobDispatcher(store, "one", work.do).run())
        await accept(store, job(1))
        await eventually(lambda: work.begun == ["j1"])
        await accept(store, job(2))
        await eventually(lambda: work.begun == ["j1", "j2"])
        task.cancel()

    run(a_while())
    assert not losses


def test_polite(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """While requests come in only few jobs are leased at a time."""
    asked: list[int] = []
    monkeypatch.setattr(dispatch, "_PAUSE_S", 0.01)

    class Counting(JobDispatcher):
        async def dispatch(self, limit: int = 100) -> int:
            asked.append(limit)
            if len(asked) < 3:
                self.wake()
            return await super().dispatch(limit)

    async def a_while() -> None:
        for number in range(150):
            await accept(store, job(number))
        task = asyncio.create_task(Counting(store, "one", Work().do).run())
        await eventually(lambda: len(asked) >= 4)
        task.cancel()

    run(a_while())
    assert asked[:4] == [100, 10, 10, 100]


def test_ends_with_its_work(store: Store) -> None:
    """A dispatcher that stops leaves no task behind."""
    work = Work()

    async def stop() -> set[str]:
        await accept(store, job(1))
        task = asyncio.create_task(JobDispatcher(store, "one", work.do).run())
        await eventually(lambda: work.begun == ["j1"])
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return {found.get_name() for found in asyncio.all_tasks()} - {asyncio.current_task().get_name()}  # type: ignore[union-attr]

    assert run(stop()) == set()
    assert work.ended == []


def test_ends_in_spite_of_a_lost_cancellation(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in which a cancellation is lost (because a library swallowed it) is cancelled again."""
    monkeypatch.setattr(dispatch, "_CANCEL_AGAIN_S", 0.05)
    lost: list[str] = []

    async def lose_one(found: StoredJob) -> None:
        try:
            await asyncio.sleep(60.0)
        except asyncio.CancelledError:
            lost.append(found.id)
        await asyncio.sleep(60.0)

    async def stop() -> None:
        await accept(store, job(1))
        dispatcher = JobDispatcher(store, "one", lose_one)
        await dispatcher.dispatch()
        await asyncio.sleep(0)
        task = asyncio.create_task(dispatcher.run())
        await asyncio.sleep(0.05)
        task.cancel()
        async with asyncio.timeout(20.0):
            await asyncio.wait([task])

    run(stop())
    assert lost == ["j1"]


def test_release(store: Store) -> None:
    """One statement frees the unfinished jobs of a dead owner, and no others."""

    async def die() -> tuple[int, list[str]]:
        await accept(store, job(1, owner="dead"))
        await accept(store, job(2, owner="dead", state=State.DELIVERED, active=0))
        await accept(store, job(3, owner="alive"))
        await store.write(lambda connection: jobs.move(connection, "j3", JobEvent.STOP, 1.0))
        released = await store.write(lambda connection: jobs.release(connection, "dead"))
        return released, [found.id for found in await store.write(lambda c: jobs.lease(c, "heir", 10))]

    assert run(die()) == (1, ["j1"])
