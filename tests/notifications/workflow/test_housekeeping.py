"""Chores: gauges, retention, stops that came in elsewhere."""

from __future__ import annotations

import asyncio
import time

import pytest

from gateway.emulators.d365 import D365Emulator
from gateway.emulators.d365.lives import ends
from gateway.notifications.settings import RetentionSettings
from gateway.notifications.store import jobs
from gateway.notifications.workflow import housekeeping
from gateway.notifications.workflow.clock import Clock
from gateway.notifications.workflow.housekeeping import Housekeeping
from gateway.notifications.workflow.transitions import JobEvent
from tests.notifications.conftest import Running, run
from tests.notifications.receiver import Receiver


def housekeeping_of(service: Running, keep_s: float = 1e6) -> Housekeeping:
    """The housekeeping of a running service."""
    engine = service.engine
    assert engine._environments is not None
    return Housekeeping(engine.store, engine._environments, Clock(), engine.metrics, RetentionSettings(keep_s=keep_s))


def test_sweep(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """After the retention a finished job is gone; unfinished ones stay."""
    d365.script(401, ends("Finished", 1, 1))
    d365.script(402, ends("Finished", 1, 10**6))
    old = service.create(receiver.url("/401"), 401).json()["id"]
    young = service.create(receiver.url("/402"), 402).json()["id"]
    service.until(old, "delivered")
    assert run(housekeeping_of(service, keep_s=0.001).sweep_once()) == 1
    assert [service.call("GET", f"/jobs/{found}").status_code for found in (old, young)] == [404, 202]


def test_stop_elsewhere(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """A job that another replica was asked to stop is watched no longer here."""
    d365.script(403, ends("Finished", 1, 10**6))
    found = service.create(receiver.url("/403"), 403).json()["id"]
    service.until(found, "running")

    async def stop() -> None:
        store = service.engine.store
        now = Clock().now()
        await store.write(lambda connection: jobs.move(connection, found, JobEvent.STOP, now))

    run(stop())
    assert service.engine._environments is not None
    waiting = service.engine._environments._members["d365"].watcher._waiting
    _until(lambda: found not in waiting)
    assert receiver.received("/403") == []


def test_gauges(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """Unfinished jobs are counted by state, and the oldest has an age."""
    d365.script(404, ends("Finished", 1, 10**6))
    found = service.create(receiver.url("/404"), 404).json()["id"]
    service.until(found, "running")
    run(housekeeping_of(service).measure_once())
    registry = service.engine.metrics.registry
    assert (registry.get_sample_value("gateway_notifications_jobs", {"state": "running"}) or 0) >= 1
    assert (registry.get_sample_value("gateway_notifications_oldest_pending_seconds") or 0) > 0


def test_background_tasks_go_on() -> None:
    """A background task that fails is tried again."""
    calls = 0

    class Enough(BaseException): ...

    async def failing() -> None:
        nonlocal calls
        calls += 1
        raise Enough if calls > 2 else ZeroDivisionError

    with pytest.raises(Enough):
        run(asyncio.wait_for(housekeeping._forever("test", failing, 0.01), 60))


def _until(reached: object) -> None:
    until = time.monotonic() + 15
    while not reached():  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.05)
