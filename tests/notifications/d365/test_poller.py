"""Many watches, few queries; no reading from before somebody asked; failures that end nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import pytest

from gateway.notifications.d365.batch_status import Row
from gateway.notifications.d365.client import Rows
from gateway.notifications.d365.errors import D365Error, FailureKind
from gateway.notifications.d365.poller import Poller, PollSubscription
from gateway.notifications.metrics import Metrics
from gateway.notifications.settings import PollingSettings
from gateway.notifications.workflow.clock import Clock
from tests.notifications.conftest import run


class Environment:
    """F&O as the poller sees it: records queries, answers by a function."""

    def __init__(self, answer: Callable[[list[int]], dict[int, Row]]) -> None:
        self.queries: list[list[int]] = []
        self.delay_s = 0.0
        self.complete = True
        self._answer = answer

    async def read(self, batch_ids: Iterable[int]) -> Rows:
        """One query."""
        ids = list(batch_ids)
        self.queries.append(ids)
        await asyncio.sleep(self.delay_s)
        return Rows(self._answer(ids), self.complete)


def executing(ids: list[int]) -> dict[int, Row]:
    """All jobs are executing."""
    return {batch_id: Row(batch_id, "Executing") for batch_id in ids}


def polling(
    environment: Environment, work: Callable[[Poller], Awaitable[Any]], interval_s: float = 0.1, chunk: int = 40
) -> Any:
    """Run *work* beside a poller."""

    async def both() -> Any:
        settings = PollingSettings(interval_s=interval_s, max_interval_s=interval_s, tick_s=0.02, chunk=chunk, jitter=0)
        poller = Poller(environment, settings, Clock(), Metrics())  # type: ignore[arg-type]
        task = asyncio.create_task(poller.run())
        try:
            return await work(poller)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    return run(both())


def test_coalesced() -> None:
    """A thousand watches that began at different moments share queries of forty."""
    environment = Environment(executing)

    async def work(poller: Poller) -> int:
        for batch_id in range(1000):
            poller.subscribe(batch_id, lambda row: None)
            if batch_id % 50 == 0:
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.3)
        environment.queries.clear()
        await asyncio.sleep(1.0)
        return len(environment.queries)

    queries = polling(environment, work, interval_s=0.5)
    assert max(len(query) for query in environment.queries) == 40
    assert queries <= 2.5 * 1000 / 20  # in a little over two intervals


def test_readings_gather() -> None:
    """Readings that are asked for one after the other share queries, and fetch no watch that is not due."""
    environment = Environment(executing)

    async def work(poller: Poller) -> None:
        for watched in range(100, 130):
            poller.subscribe(watched, lambda row: None, delay_s=50)
        tasks = []
        for batch_id in range(50):
            tasks.append(asyncio.create_task(poller.read(batch_id)))
            await asyncio.sleep(0.005)
        await asyncio.gather(*tasks)

    polling(environment, work, interval_s=60)
    assert len(environment.queries) <= 25  # one for each of them before
    assert all(batch_id < 100 for query in environment.queries for batch_id in query)


def test_incomplete_answer() -> None:
    """In an answer with rows that cannot be read a missing job is not missing: it is asked for again."""
    environment = Environment(lambda ids: {1: Row(1, "Executing")} if len(environment.queries) == 1 else executing(ids))
    environment.complete = False

    async def work(poller: Poller) -> list[Row | None]:
        seen: list[Row | None] = []

        def note(row: Row | None) -> Row | None:
            seen.append(row)
            return row

        done = [poller.subscribe(number, note).done for number in (1, 2)]
        await asyncio.gather(*done)
        return seen

    assert None not in polling(environment, work)


def test_one_job_many_watchers() -> None:
    """Watchers of one batch job share its reading."""
    environment = Environment(executing)

    async def work(poller: Poller) -> list[str]:
        readings = [poller.subscribe(1, lambda row: row.status if row else "") for _ in range(5)]
        return [await reading.done for reading in readings]

    assert polling(environment, work) == ["Executing"] * 5
    assert environment.queries == [[1]]


def test_reading_is_new() -> None:
    """A watch that asks while a query is under way gets the result of the next one."""
    statuses = iter(["Finished", "Waiting", "Waiting"])
    environment = Environment(lambda ids: {1: Row(1, next(statuses))})
    environment.delay_s = 0.1

    async def work(poller: Poller) -> tuple[str, str]:
        first = asyncio.create_task(poller.read(1))
        await asyncio.sleep(0.05)
        second = asyncio.create_task(poller.read(1))
        rows = await asyncio.gather(first, second)
        return rows[0].status, rows[1].status  # type: ignore[union-attr]

    assert polling(environment, work, interval_s=5) == ("Finished", "Waiting")


def test_missing() -> None:
    """A job that F&O does not have reads as None."""
    assert polling(Environment(lambda ids: {}), lambda poller: poller.read(5)) is None


@pytest.mark.parametrize("kind", [FailureKind.AUTH, FailureKind.PERMANENT])
def test_reading_fails(kind: FailureKind) -> None:
    """A single reading fails when waiting cannot help."""

    def fail(ids: list[int]) -> dict[int, Row]:
        raise D365Error(kind, "no")

    with pytest.raises(D365Error):
        polling(Environment(fail), lambda poller: poller.read(1))


def test_failures_pass() -> None:
    """A watch survives every failure and keeps the last one."""
    answers = iter([D365Error(FailureKind.AUTH, "a"), D365Error(FailureKind.THROTTLED, "b"), None])

    def answer(ids: list[int]) -> dict[int, Row]:
        error = next(answers)
        if error is not None:
            raise error
        return executing(ids)

    async def work(poller: Poller) -> tuple[object, object]:
        subscription = poller.subscribe(1, lambda row: row)
        await asyncio.sleep(0.05)
        noted = subscription.error
        row = await subscription.done
        return noted, row

    noted, row = polling(Environment(answer), work)
    assert (noted, row) == ("a", Row(1, "Executing"))


def test_mistaken_judge() -> None:
    """A judge that fails ends its own watch only."""

    def mistaken(row: Row | None) -> None:
        raise ZeroDivisionError

    async def work(poller: Poller) -> Row | None:
        bad: PollSubscription[Row] = poller.subscribe(1, mistaken)
        good = poller.subscribe(1, lambda row: row)
        with pytest.raises(ZeroDivisionError):
            await bad.done
        return await good.done

    assert polling(Environment(executing), work) == Row(1, "Executing")


def test_forgotten() -> None:
    """A watch that is given up is polled no more."""
    environment = Environment(executing)

    async def work(poller: Poller) -> int:
        subscription: PollSubscription[Row] = poller.subscribe(1, lambda row: None)
        await asyncio.sleep(0.15)
        subscription.done.cancel()
        await asyncio.sleep(0.02)
        count = len(environment.queries)
        await asyncio.sleep(0.3)
        return len(environment.queries) - count

    assert polling(environment, work) == 0
