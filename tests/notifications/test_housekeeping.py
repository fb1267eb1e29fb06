"""Chores, and steps that outlive the failures of our own side."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest
from dbos import DBOS

from gateway.emulators.d365 import D365Emulator
from gateway.emulators.d365.lives import ends
from gateway.notifications import dispatch, housekeeping, jobs, service
from gateway.notifications.clock import Clock
from gateway.notifications.database import open_engine
from gateway.notifications.dispatch import Dispatcher, workflow_id
from gateway.notifications.housekeeping import Housekeeping
from gateway.notifications.metrics import Metrics
from gateway.notifications.service import Service, current
from gateway.notifications.settings import NotificationSettings, RetentionSettings
from gateway.notifications.store import Store
from gateway.notifications.transitions import Event, State
from gateway.notifications.watching import Watcher
from tests.notifications.conftest import Running, run
from tests.notifications.receiver import Receiver
from tests.notifications.test_store import accept, job


def test_sweep(service: Running, d365: D365Emulator, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the retention a finished job is gone from our tables and from DBOS's; unfinished ones stay."""
    d365.script(401, ends("Finished", 1, 1))
    d365.script(402, ends("Finished", 1, 10**6))
    old = service.create(receiver.url("/401"), 401).json()["id"]
    young = service.create(receiver.url("/402"), 402).json()["id"]
    service.until(old, "delivered")
    time.sleep(0.3)  # the workflow ends a moment after its last step
    settings = replace(service.settings, retention=RetentionSettings(keep_s=0.0))
    assert run(Housekeeping(current(), settings).sweep_once()) == 1
    assert [service.call("GET", f"/jobs/{found}").status_code for found in (old, young)] == [404, 202]
    assert DBOS.get_workflow_status(old) is None
    assert DBOS.get_workflow_status(young) is not None


def test_stop_elsewhere(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """A job that another replica was asked to stop is watched no longer here."""
    d365.script(403, ends("Finished", 1, 10**6))
    found = service.create(receiver.url("/403"), 403).json()["id"]
    service.until(found, "running")

    async def stop() -> None:
        store = service.engine.store
        now = Clock().now()
        await store.write(lambda connection: jobs.move(connection, found, Event.STOP, now))

    run(stop())
    _until(lambda: DBOS.get_workflow_status(found).status == "SUCCESS")  # type: ignore[union-attr]
    assert receiver.received("/403") == []


def test_gauges(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """Unfinished jobs are counted by state, and the oldest has an age."""
    d365.script(404, ends("Finished", 1, 10**6))
    found = service.create(receiver.url("/404"), 404).json()["id"]
    service.until(found, "running")
    run(Housekeeping(current(), service.settings).measure_once())
    registry = service.engine.metrics.registry
    assert (registry.get_sample_value("gateway_notifications_jobs", {"state": "running"}) or 0) >= 1
    assert (registry.get_sample_value("gateway_notifications_oldest_pending_seconds") or 0) > 0


def test_chores_go_on() -> None:
    """A chore that fails is tried again."""
    calls = 0

    async def chore() -> None:
        nonlocal calls
        calls += 1
        raise ZeroDivisionError

    async def a_while() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(housekeeping._forever(chore, 0.01), 1.0)

    run(a_while())
    assert calls > 2


def test_steps_go_on(service: Running) -> None:
    """A step that fails on our side (the store away) is repeated until it succeeds; the job is not lost."""
    running = current()
    outcomes = iter([ConnectionError(), ConnectionError(), None])

    async def step() -> str:
        error = next(outcomes)
        if error is not None:
            raise error
        return "done"

    began = time.monotonic()
    assert run(running._persevere(step)) == "done"
    assert 1.4 < time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("state", "after"),
    [
        (State.WAITING, State.WAITING),
        (State.RUNNING, State.WAITING),
        (State.DELIVERING, State.DELIVERING),
        (State.STOPPED, State.STOPPED),
    ],
)
def test_repeated_start(state: State, after: State) -> None:
    """A start step whose record was lost goes on where the job is."""
    assert service._resumed(state) is after


def test_unknown_job(service: Running) -> None:
    """Steps of a job that was purged do nothing."""
    running = current()
    assert run(running.start("nonsense")) is State.STOPPED
    assert run(running.wait("nonsense")) is State.STOPPED
    assert run(running.attempt("nonsense", 0, 1)) is None


def test_dispatch_once(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """A row that is dispatched twice is one workflow."""
    d365.script(405, ends("Finished", 1, 1))
    found = service.create(receiver.url("/405"), 405).json()["id"]
    service.until(found, "delivered")

    async def again() -> None:
        seen = await service.engine.store.read(lambda connection: jobs.find(connection, found))
        assert seen is not None
        loop = service.engine._loop
        assert loop is not None
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(dispatch.start(seen), loop))

    run(again())
    assert (len(receiver.received("/405")), d365.starts(405)) == (1, 1)


def test_workflow_ids() -> None:
    """A replay has a workflow of its own."""
    assert workflow_id(job(1)) == "j1"
    assert workflow_id(job(1, series=2)) == "j1.2"


def test_dispatcher_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dispatcher that fails tries again; rows of another process need no bell."""
    store = Store(open_engine(f"sqlite:///{tmp_path}/x.db"))
    store.open()
    started: list[str] = []

    async def start(found: object) -> None:
        started.append(found.id)  # type: ignore[attr-defined]
        if len(started) == 1:
            raise ConnectionError

    monkeypatch.setattr(dispatch, "start", start)
    monkeypatch.setattr(dispatch, "_IDLE_S", 0.05)

    async def a_while() -> int:
        task = asyncio.create_task(Dispatcher(store).run())
        await accept(store, job(1))
        await asyncio.sleep(0.5)
        task.cancel()
        return len(await store.read(lambda connection: jobs.undispatched(connection, 5)))

    assert run(a_while()) == 0
    store.close()
    assert started == ["j1", "j1"]


def test_late_stop(service: Running) -> None:
    """Stopping what is not watched here is nothing."""
    watcher: Watcher = current().watcher
    watcher.stop("nonsense")
    assert isinstance(current(), Service)
    assert isinstance(service.settings, NotificationSettings)
    assert Metrics().registry is not Metrics().registry


def _until(reached: object) -> None:
    until = time.monotonic() + 15
    while not reached():  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.05)
