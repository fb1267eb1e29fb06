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
from gateway.notifications.store.tables import metadata, replicas
from tests.notifications.conftest import Running, d365_settings, fast_settings, running
from tests.notifications.receiver import Receiver

WATCHES = 20
TAKEN_OVER_S = 30.0


@pytest.fixture
def engine(postgres: str) -> Iterator[sa.Engine]:
    """A database with our tables."""
    found = open_engine(postgres)
    metadata.create_all(found)
    yield found
    found.dispose()


@pytest.mark.needs("postgresql")
def test_alive(engine: sa.Engine) -> None:
    """A replica that holds its lock is left alone; nobody else can have its name."""
    one, two = Replica(engine, "one"), Replica(engine, "two")
    assert two.take_over() == 0
    with pytest.raises(RuntimeError, match="executor id"):
        Replica(engine, "one")
    assert one.holds_lock()
    one.close()
    two.close()
    assert not one.holds_lock()


@pytest.mark.needs("postgresql")
def test_lost_session(engine: sa.Engine) -> None:
    """A replica whose session the server ended may start nothing until it has its lock back."""
    replica = Replica(engine, "one")
    with engine.connect() as connection:
        connection.execute(
            sa.text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
        )
    replica._keep()
    assert replica.holds_lock()
    with engine.connect() as connection:
        assert connection.execute(sa.select(replicas.c.executor_id)).scalars().all() == ["one"]
    replica.close()


def test_embedded_is_alone(tmp_path: Path) -> None:
    """On SQLite there are no peers, and a second process is refused."""
    assert Replica(open_engine(f"sqlite:///{tmp_path}/x.db"), "x").holds_lock()
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
    plan["token_url"] = settings.d365.token_url
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
