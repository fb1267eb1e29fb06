"""A clock that is set does not move what was due."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.emulators.d365 import D365Emulator
from gateway.emulators.d365.lives import ends
from gateway.emulators.entra import EntraEmulator
from gateway.notifications.store import jobs
from gateway.notifications.store.jobs import Heartbeat
from gateway.notifications.store.model import StoredJob
from gateway.notifications.store.replicas import Replica, last_heartbeat
from gateway.notifications.store.store import Store
from gateway.notifications.store.tables import replicas
from gateway.notifications.workflow.clock import Clock
from gateway.notifications.workflow.doubt import doubt_after_restart
from tests.notifications.conftest import d365_settings, fast_settings, run, running
from tests.notifications.receiver import Receiver
from tests.notifications.store.accepting import accept, job

HOUR_S = 3600.0


@pytest.mark.parametrize("jump_s", [-HOUR_S, HOUR_S])
def test_steady(monkeypatch: pytest.MonkeyPatch, jump_s: float) -> None:
    """Due times continue from the start of the process; only times that receivers compare follow the new clock."""
    clock, real = Clock(), time.time
    before = clock.now()
    monkeypatch.setattr(time, "time", lambda: real() + jump_s)
    assert clock.now() == pytest.approx(before, abs=60)
    assert clock.wall() == pytest.approx(before + jump_s, abs=60)


def test_watched_after_a_jump(
    entra: EntraEmulator, d365: D365Emulator, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that is set back by an hour while a job is watched delays neither polls nor the callback."""
    d365.script(940, ends("Finished", 10, 300))
    settings = fast_settings(f"sqlite:///{tmp_path}/x.db", d365_settings(entra, d365))
    real = time.time
    d365_clock, d365.clock = d365.clock, real
    try:
        with running(settings) as service:
            job_id = service.create(receiver.url("/jump"), 940).json()["id"]
            service.until(job_id, "waiting", "running")
            monkeypatch.setattr(time, "time", lambda: real() - HOUR_S)
            assert service.until(job_id, "delivered")["outcome"] == "succeeded"
    finally:
        d365.clock = d365_clock


class Set(Clock):
    """A clock whose wall clock was set one hour back."""

    def wall(self) -> float:
        """What it shows."""
        return self.now() - HOUR_S


class Later(Clock):
    """The clock of a process that was started after the wall clock was set one hour back."""

    def now(self) -> float:
        """An hour less than the former process counts."""
        return super().now() - HOUR_S


def _caught_up(store: Store, doubt_s: float) -> tuple[Heartbeat, StoredJob]:
    """A job with *doubt_s* of doubt beyond the last heartbeat, as the next process finds it."""
    Replica(store.engine, Set(), 1.0).join()
    heartbeat = run(store.read(lambda connection: last_heartbeat(connection, Later())))
    assert heartbeat is not None
    run(accept(store, job(1, deadline_at=5000.0, doubt_until=heartbeat.at + doubt_s)))
    assert run(store.write(lambda connection: jobs.catch_up(connection, heartbeat, 77.0))) == 1
    moved = run(store.read(lambda connection: jobs.find(connection, "j1")))
    assert moved is not None
    return heartbeat, moved


def test_shifted(store: Store) -> None:
    """After a restart the rows of a process whose clock was set meanwhile follow the new time."""
    heartbeat, moved = _caught_up(store, -1.0)
    assert heartbeat.error_s == pytest.approx(HOUR_S, abs=1)
    assert moved.deadline_at == pytest.approx(5000.0 - HOUR_S, abs=1)
    assert moved.next_attempt_at is None


@pytest.mark.parametrize("doubt_s", [-1.0, 1.0, 200.0])
def test_doubt_after_a_restart(store: Store, doubt_s: float) -> None:
    """A start that was in doubt at the last heartbeat settles from now on, however the clock was set."""
    heartbeat, moved = _caught_up(store, doubt_s)
    expected = doubt_after_restart(heartbeat.at + doubt_s, heartbeat.at, heartbeat.error_s, 77.0)
    assert moved.doubt_until == pytest.approx(expected, abs=0.01)
    assert (moved.doubt_until == 77.0) == (doubt_s > 0)


def test_no_clock_error(store: Store) -> None:
    """A store without a heartbeat, or whose clock was never set, is left alone."""
    assert _heartbeat(store, Clock()) is None
    replica = Replica(store.engine, Clock(), 1.0)
    replica.join()
    assert replica.renew()
    heartbeat = _heartbeat(store, Clock())
    assert heartbeat is not None
    assert heartbeat.error_s == 0.0


def _heartbeat(store: Store, clock: Clock) -> Heartbeat | None:
    return run(store.read(lambda connection: last_heartbeat(connection, clock)))


# How the former process's row differs from what it wrote, the clocks then and now, and what the next one sees.
SET: dict[str, tuple[dict[str, object], type[Clock], type[Clock], float]] = {
    "after the last heartbeat": ({}, Clock, Later, HOUR_S),
    "before it": ({}, Set, Later, HOUR_S),
    "before it, and back again after it": ({}, Set, Clock, 0.0),
    "before it, and the machine was started again": ({"boot": "another"}, Set, Clock, HOUR_S),
    "before it, by a version that knew no boots": ({"boot": None, "steady_at": None}, Set, Clock, HOUR_S),
    "after it, and the machine was started again": ({"boot": "another"}, Clock, Later, 0.0),
    "before it, and the steady clock goes back": ({"steady_at": 1e12}, Set, Clock, HOUR_S),
}


@pytest.mark.parametrize("case", SET)
def test_when_it_was_set(store: Store, case: str) -> None:
    """Within one start of the machine it does not matter when the clock was set; else its last heartbeat shows it."""
    changes, then, now, error_s = SET[case]
    Replica(store.engine, then(), 1.0).join()
    if changes:
        run(store.write(lambda connection: connection.execute(sa.update(replicas).values(**changes))))
    heartbeat = _heartbeat(store, now())
    assert heartbeat is not None
    assert heartbeat.error_s == pytest.approx(error_s, abs=1)


def test_set_between_two_lives(
    entra: EntraEmulator, d365: D365Emulator, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that goes an hour ahead between two processes ends no watch: the second one's rows follow, and once."""
    d365.script(941, ends("Finished", 10, 600))
    settings = fast_settings(f"sqlite:///{tmp_path}/x.db", d365_settings(entra, d365))
    real, d365_clock = time.time, d365.clock
    d365.clock = real
    try:
        with running(settings) as service:
            job_id = service.create(receiver.url("/lives"), 941).json()["id"]
            service.until(job_id, "waiting", "running")
        monkeypatch.setattr(time, "time", lambda: real() + HOUR_S)
        for _ in range(2):
            with running(settings) as service:
                service.until(job_id, "waiting", "running", "delivered")
        with running(settings) as service:
            assert service.until(job_id, "delivered")["outcome"] == "succeeded"
    finally:
        d365.clock = d365_clock
