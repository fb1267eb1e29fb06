"""Several replicas: who is dead, who takes over, and how soon."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.emulators.d365 import D365Emulator
from gateway.emulators.d365.lives import ends
from gateway.emulators.entra import EntraEmulator
from gateway.notifications.store.database import FileLock, StoreInUse, open_engine
from gateway.notifications.store.replicas import Replica
from gateway.notifications.store.tables import jobs as jobs_table
from gateway.notifications.store.tables import metadata, replicas
from gateway.notifications.workflow.clock import Clock, steady
from tests.notifications.conftest import Running, d365_settings, fast_settings, running
from tests.notifications.receiver import Receiver
from tests.notifications.store.accepting import job

WATCHES = 20
TAKEN_OVER_S = 30.0


@pytest.fixture
def engine(postgres: str) -> Iterator[sa.Engine]:
    """A database with our tables."""
    found = open_engine(postgres)
    metadata.create_all(found)
    yield found
    found.dispose()


def replica(engine: sa.Engine, lease_s: float = 60.0) -> Replica:
    """A replica that has joined."""
    joined = Replica(engine, Clock(), lease_s)
    joined.join()
    return joined


def job_of(engine: sa.Engine, owner: str | None, number: int = 1) -> None:
    """A job that belongs to *owner*."""
    with engine.begin() as connection:
        connection.execute(sa.insert(jobs_table).values(**job(number, owner=owner).columns()))


def owners(engine: sa.Engine) -> list[str | None]:
    """Who owns the jobs."""
    with engine.connect() as connection:
        return list(connection.execute(sa.select(jobs_table.c.owner)).scalars())


@pytest.mark.needs("postgresql")
def test_lease_holds(engine: sa.Engine) -> None:
    """A replica whose lease has not ended keeps its jobs, however long it does nothing."""
    one, two = replica(engine), replica(engine)
    job_of(engine, one.executor_id)
    assert two.take_over() == 0
    assert one.may_act()
    assert one.renew()
    assert owners(engine) == [one.executor_id]


@pytest.mark.needs("postgresql")
def test_lease_ends(engine: sa.Engine) -> None:
    """
    A replica that hangs, its connections alive, loses its lease and its jobs; it knows before the others do.

    Its id is never valid again: it comes back under another one.
    """
    hung, other = replica(engine, lease_s=0.5), replica(engine)
    job_of(engine, hung.executor_id)
    _until(lambda: not hung.may_act())
    _until(lambda: other.take_over() == 1)
    assert owners(engine) == [None]
    assert not hung.renew()
    assert not hung.may_act()
    former, hung._lease_s = hung.executor_id, 60.0
    hung.join()
    assert hung.executor_id != former
    assert hung.may_act()


@pytest.mark.needs("postgresql")
def test_own_end_comes_first(engine: sa.Engine) -> None:
    """The holder's own end of the lease is earlier than the one that the others see."""
    holder = replica(engine, lease_s=20.0)
    with engine.connect() as connection:
        until = connection.execute(sa.select(replicas.c.lease_until)).scalar_one()
        now = connection.execute(sa.text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one()
    assert holder._ends - steady() < until - float(now) - 1.0


@pytest.mark.needs("postgresql")
def test_orphans(engine: sa.Engine) -> None:
    """Jobs of an owner that is in no list (it leased them in the moment in which it was taken over) become free."""
    job_of(engine, "gone")
    job_of(engine, None, 2)
    assert replica(engine).take_over() == 1
    assert owners(engine) == [None, None]


@pytest.mark.needs("postgresql")
def test_shared_clock(engine: sa.Engine) -> None:
    """Replicas follow the database server's clock, whatever their own shows."""
    clock = Clock()
    clock.follow(1000.0)
    joined = Replica(engine, clock, 60.0)
    joined.join()
    assert clock.now() == pytest.approx(time.time(), abs=30)


def test_embedded_is_alone(tmp_path: Path) -> None:
    """On SQLite there are no peers, and a second process is refused."""
    assert Replica(open_engine(f"sqlite:///{tmp_path}/x.db"), Clock(), 1.0).may_act()
    lock = FileLock(f"{tmp_path}/x.db")
    with pytest.raises(StoreInUse, match="PostgreSQL"):
        FileLock(f"{tmp_path}/x.db")
    lock.release()
    FileLock(f"{tmp_path}/x.db").release()


@pytest.mark.needs("postgresql")
@pytest.mark.slow
def test_taken_over(
    postgres: str, entra: EntraEmulator, d365: D365Emulator, receiver: Receiver, tmp_path: Path
) -> None:
    """All watches of a replica killed -9 are polled again by the other within 30 s, and every caller is told."""
    settings = fast_settings(postgres, d365_settings(entra, d365)).model_copy(update={"takeover_interval_s": 1.0})
    plan = {"store": postgres, "d365": d365.base_url, "watches": WATCHES, "url": receiver.url("/w")}
    plan["token_url"] = settings.all_environments["d365"].token_url
    for batch_id in range(900, 900 + WATCHES):
        d365.script(batch_id, ends("Finished", 1, 1500))
    victim = _victim(plan)
    try:
        assert victim.stdout is not None
        assert b"running\n" in iter(victim.stdout.readline, b"")  # all of its jobs; before that come log lines
        with running(settings) as survivor:
            victim.send_signal(signal.SIGKILL)
            died = time.monotonic()
            _until_watching(survivor, WATCHES)
            took_s = time.monotonic() - died
            assert took_s < TAKEN_OVER_S
            _until(lambda: len(receiver.received("/w")) >= WATCHES)
    finally:
        victim.kill()
        victim.communicate()
    assert [d365.starts(batch_id) for batch_id in range(900, 900 + WATCHES)] == [1] * WATCHES


def _victim(plan: dict[str, object]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.notifications.victim", json.dumps(plan)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def _until_watching(service: Running, count: int) -> None:
    registry = service.engine.metrics.registry
    _until(lambda: registry.get_sample_value("gateway_notifications_watches") == count)


def _until(reached: object, patience_s: float = 60.0) -> None:
    until = time.monotonic() + patience_s
    while not reached():  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.05)
