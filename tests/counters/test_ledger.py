"""Quotas survive a restart and are shared by the workers of a machine."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
import structlog

from gateway.counters import Demand, FixedWindow, MemoryCounters, SlidingWindow
from gateway.counters.ledger import QuotaLedger, keep_quotas

QUOTA = Demand("a", FixedWindow(100, 1_000))
FOREVER = Demand("b", FixedWindow(100, 0))


class Worker:
    """A process: counters and its own connection to the file."""

    def __init__(self, path: Path, now: float = 5_000.0) -> None:
        self.now = now
        self.counters = MemoryCounters(lambda: self.now)
        self.ledger = QuotaLedger(path)
        self.counters.restore(self.ledger.load(now))

    def save(self) -> None:
        """What ``keep_quotas`` does once a second."""
        told = self.counters.changes()
        self.counters.settle(told, self.ledger.add(told))

    def used(self, demand: Demand) -> int:
        """How much of the quota is used."""
        return self.counters.admit([demand._replace(amount=0)]).usages[0].used


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The ledger's file."""
    return tmp_path / "quotas.db"


def test_quotas_survive_a_restart(path: Path) -> None:
    """A new process continues from the last saved state; rate limits start again."""
    before = Worker(path)
    before.counters.add([QUOTA._replace(amount=30), FOREVER, Demand("a", SlidingWindow(5, 60))])
    before.save()
    before.ledger.close()
    after = Worker(path)
    assert [after.used(QUOTA), after.used(FOREVER)] == [30, 1]
    after.counters.admit([QUOTA])
    after.save()
    assert Worker(path).used(QUOTA) == 31


def test_ended_periods_are_forgotten(path: Path) -> None:
    """A restart in the next period starts from nothing, and the file does not grow."""
    before = Worker(path)
    before.counters.add([QUOTA, FOREVER])
    before.save()
    after = Worker(path, now=6_000.0)
    assert [after.used(QUOTA), after.used(FOREVER)] == [0, 1]
    assert len(after.ledger.load(6_000.0)) == 1


def test_period_that_ends_after_loading_is_not_taken_over(path: Path) -> None:
    """A count loaded at the end of a period does not reach the next one."""
    before = Worker(path)
    before.counters.add([QUOTA])
    before.save()
    after = Worker(path)
    after.now = 6_500.0
    assert after.used(QUOTA) == 0


def test_workers_see_each_other(path: Path) -> None:
    """Two processes on one file agree on the sum once both have saved."""
    one, two = Worker(path), Worker(path)
    one.counters.add([QUOTA._replace(amount=10)])
    two.counters.add([QUOTA._replace(amount=5)])
    one.save()
    two.save()
    assert two.used(QUOTA) == 15
    two.counters.add([QUOTA._replace(amount=-3)])
    two.save()
    one.counters.add([QUOTA])
    one.save()
    assert one.used(QUOTA) == 13


def test_counting_goes_on_while_saving(path: Path) -> None:
    """What is counted between telling and settling is kept for the next time."""
    worker = Worker(path)
    worker.counters.add([QUOTA])
    told = worker.counters.changes()
    worker.counters.add([QUOTA])
    worker.counters.settle(told, worker.ledger.add(told))
    assert (worker.used(QUOTA), worker.counters.changes()[0].amount) == (2, 1)


def test_a_failed_write_saves_nothing(path: Path) -> None:
    """Either all changes are in the file or none is."""
    worker = Worker(path)
    worker.counters.add([QUOTA])
    (good,) = worker.counters.changes()
    with pytest.raises(OverflowError):
        worker.ledger.add([good, good._replace(number=2**70)])
    assert worker.ledger.load(5_000.0) == []


def test_task_saves_and_survives_errors(path: Path) -> None:
    """The task saves at every interval, logs a failed write and tries again, and saves once more at the end."""
    worker = Worker(path)

    async def scenario() -> None:
        task = asyncio.create_task(keep_quotas(worker.counters, worker.ledger, interval_s=0.02))
        await asyncio.sleep(0.05)
        worker.counters.add([QUOTA])
        await _until(lambda: not worker.counters.changes())
        lock = sqlite3.connect(path, isolation_level=None)
        worker.ledger._database.execute("PRAGMA busy_timeout = 1")
        lock.execute("BEGIN EXCLUSIVE")
        worker.counters.add([QUOTA])
        await _until(lambda: bool(logs))
        lock.execute("ROLLBACK")
        lock.close()
        await _until(lambda: not worker.counters.changes())
        worker.counters.add([QUOTA])
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with structlog.testing.capture_logs() as logs:
        asyncio.run(scenario())
    assert logs[0]["event"] == "quotas_not_saved"
    assert Worker(path).used(QUOTA) == 3


async def _until(condition: object) -> None:
    assert callable(condition)
    for _ in range(200):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("never happened")
