"""Group commit, refusal of bad apples, and writes that take too long: what the store promises."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.notifications.store import jobs
from gateway.notifications.store import store as store_module
from gateway.notifications.store.model import StoredJob
from gateway.notifications.store.store import Store, StoreSlow
from gateway.notifications.workflow.transitions import JobEvent, State
from tests.notifications.conftest import run
from tests.notifications.store.accepting import accept, job, key_of


def test_group_commit(store: Store) -> None:
    """A thousand writes at once need far fewer commits, and all are there."""
    commits = 0

    def count(connection: object) -> None:
        nonlocal commits
        commits += 1

    sa.event.listen(store.engine, "commit", count)

    async def many() -> int:
        await asyncio.gather(*(accept(store, job(number)) for number in range(1000)))
        return len(await store.read(lambda connection: jobs.search(connection, limit=2000)))

    assert run(many()) == 1000
    assert commits < 200


def test_one_call_for_a_group(store: Store) -> None:
    """A group of writes wakes the event loop once, and a write that is cancelled before it begins is not done."""
    begun, gate, done, calls = threading.Event(), threading.Event(), list[int](), 0

    def hold(_: sa.Connection) -> None:
        begun.set()
        gate.wait(5)

    async def many() -> int:
        loop = asyncio.get_running_loop()
        held = asyncio.ensure_future(store.write(hold))
        await asyncio.to_thread(begun.wait, 5)
        writes = [asyncio.ensure_future(store.write(lambda _, n=n: done.append(n))) for n in range(20)]  # type: ignore[misc]
        await asyncio.sleep(0)
        writes.pop(7).cancel()
        await asyncio.sleep(0)
        original = loop.call_soon_threadsafe

        def count(callback: Callable[..., Any], *arguments: Any, **more: Any) -> asyncio.Handle:
            nonlocal calls
            calls += 1
            return original(callback, *arguments, **more)

        loop.call_soon_threadsafe = count  # type: ignore[method-assign, assignment]
        gate.set()
        await asyncio.gather(held, *writes)
        return calls

    assert run(many()) == 2
    assert done == [n for n in range(20) if n != 7]


def test_bad_apple(store: Store) -> None:
    """A write that fails does not affect the others in its transaction."""

    def fail(connection: sa.Connection) -> None:
        raise ZeroDivisionError

    async def mixed() -> list[Any]:
        works: list[Any] = [accept(store, job(1)), store.write(fail), accept(store, job(2)), accept(store, job(1))]
        return await asyncio.gather(*works, return_exceptions=True)

    first, failed, second, repeated = run(mixed())
    assert isinstance(failed, ZeroDivisionError)
    assert (first.created, second.created, repeated.created) == (True, True, False)


def test_few_commits_around_a_bad_apple(store: Store) -> None:
    """One write that fails does not make the rest of its group pay for a transaction each."""
    begun = threading.Event()
    commits = 0

    def count(connection: object) -> None:
        nonlocal commits
        commits += 1

    def fail(connection: sa.Connection) -> None:
        raise ZeroDivisionError

    async def crowd() -> list[Any]:
        holding = store.write(lambda connection: begun.wait(20))
        works = [holding, *(accept(store, job(number)) for number in range(60)), store.write(fail)]
        tasks = [asyncio.ensure_future(work) for work in works]
        await asyncio.sleep(0.05)
        begun.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    sa.event.listen(store.engine, "commit", count)
    *_, failed = run(crowd())
    assert isinstance(failed, ZeroDivisionError)
    assert commits < 16


def test_long_groups_are_split(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction ends when it has taken long enough: a slow machine does not make all of its writes late at once."""
    monkeypatch.setattr(store_module, "_GROUP_S", 0.02)
    commits = 0

    def count(connection: object) -> None:
        nonlocal commits
        commits += 1

    sa.event.listen(store.engine, "commit", count)

    async def crowd() -> list[int]:
        async def slow(number: int) -> int:
            return await store.write(lambda _: time.sleep(0.015) or number)  # type: ignore[func-returns-value]

        return await asyncio.gather(*(slow(number) for number in range(8)))

    assert run(crowd()) == list(range(8))
    assert commits >= 4


def test_late_work_is_undone_alone(store: Store) -> None:
    """Work that became late in a transaction is not done; what shares the transaction is."""
    release = threading.Event()

    async def crowd() -> list[Any]:
        held = asyncio.ensure_future(store.write(lambda _: release.wait(20)))
        late = asyncio.ensure_future(store.write_by(_sleepy(job(1), 0.2), 0.15, undo=lambda _: None))
        others = [asyncio.ensure_future(accept(store, job(number))) for number in (2, 3)]
        await asyncio.sleep(0)
        release.set()
        found = await asyncio.gather(late, *others, held, return_exceptions=True)
        return [found[0], *(await store.read(jobs.search))]

    failed, *stored = run(crowd())
    assert isinstance(failed, StoreSlow)
    assert sorted(item.id for item in stored) == ["j2", "j3"]


def _sleepy(new: StoredJob, seconds: float) -> Callable[[sa.Connection], object]:
    def work(connection: sa.Connection) -> object:
        time.sleep(seconds)
        return jobs.accept(connection, new, key_of(new), None, False)

    return work


def test_request_before_own_work(store: Store) -> None:
    """A request that must be answered soon is not behind hundreds of writes of the service's own."""
    done: list[str] = []
    asked = threading.Event()

    def note(what: str) -> bool:
        done.append(what)
        return True

    async def crowd() -> None:
        own = [asyncio.ensure_future(store.write(lambda _: asked.wait(20)))]
        own += [asyncio.ensure_future(store.write(lambda _: note("own"))) for _ in range(500)]
        request = asyncio.ensure_future(store.write_by(lambda _: note("request"), 20, undo=lambda _: None))
        await asyncio.sleep(0.02)
        asked.set()
        await asyncio.gather(request, *own)

    run(crowd())
    assert done.index("request") < 200


def test_cancelled_write(store: Store) -> None:
    """A write whose caller has left may be skipped and does no harm."""

    async def cancel() -> int:
        task = asyncio.ensure_future(accept(store, job(1)))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await accept(store, job(2))
        return len(await store.read(jobs.search))

    assert run(cancel()) in (1, 2)


def test_too_slow(store: Store) -> None:
    """Work that misses its deadline is not done, whether it waited for its turn or was slow itself."""
    release = threading.Event()
    done: list[str] = []

    async def crowd() -> None:
        blocking = asyncio.ensure_future(store.write(lambda connection: release.wait(20)))
        await asyncio.sleep(0.05)
        with pytest.raises(StoreSlow):
            await store.write_by(lambda connection: done.append("queued"), 0.1, done.append)  # type: ignore[arg-type]
        release.set()
        await blocking
        with pytest.raises(StoreSlow):
            await store.write_by(lambda connection: time.sleep(0.3), 0.1, done.append)  # type: ignore[arg-type]
        await store.write(lambda connection: None)

    run(crowd())
    assert done == []


def test_committed_too_late(store: Store) -> None:
    """A write that was committed after its caller had been told that it failed is undone."""
    armed, told = threading.Event(), threading.Event()

    @sa.event.listens_for(store.engine, "commit")
    def hold(_connection: sa.Connection) -> None:
        if armed.is_set():
            armed.clear()
            told.wait(20)

    async def state() -> State | None:
        found = await store.read(lambda connection: jobs.find(connection, "j1"))
        return found.state if found else None

    async def late() -> None:
        armed.set()
        with pytest.raises(StoreSlow):
            await store.write_by(
                lambda connection: jobs.accept(connection, job(1), key_of(job(1)), None, False),
                1.0,
                undo=lambda connection: jobs.move(connection, "j1", JobEvent.STOP, 5.0),
            )
        assert await state() is None
        told.set()
        async with asyncio.timeout(20):
            while await state() is not State.STOPPED:
                await asyncio.sleep(0.01)

    run(late())
