"""A store that is locked, hung or read-only: 503 in time, and nothing runs that was not accepted."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.emulators.d365 import D365Emulator
from gateway.emulators.d365.lives import ends
from gateway.emulators.entra import EntraEmulator
from gateway.notifications.store.database import open_engine
from tests.notifications.conftest import Running, d365_settings, fast_settings, run, running
from tests.notifications.receiver import Receiver

LIMIT_S = 10.0  # five on an idle machine


@contextmanager
def _sqlite_locked(path: Path) -> Iterator[None]:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextmanager
def _postgres_locked(url: str) -> Iterator[None]:
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("LOCK TABLE notification_jobs IN ACCESS EXCLUSIVE MODE"))
        yield
    engine.dispose()


def _refused(service: Running, d365: D365Emulator, receiver: Receiver, batch_id: int) -> None:
    """POST is refused in time; the engine says that it is not ready."""
    began = time.monotonic()
    response = service.create(receiver.url("/away"), batch_id)
    assert time.monotonic() - began < LIMIT_S
    assert (response.status_code, response.json()["type"]) == (503, "urn:gateway:problem:store-unavailable")
    assert response.headers["retry-after"] == "5"
    assert not run(service.engine.is_ready())


def _nothing_runs(service: Running, d365: D365Emulator, receiver: Receiver, batch_id: int) -> None:
    """After the trouble the refused job has not been started; the next request is accepted."""
    again = service.create(receiver.url("/back"), batch_id + 1)
    assert again.status_code == 202
    service.until(again.json()["id"], "delivered")
    assert d365.starts(batch_id) == 0
    assert run(service.engine.is_ready())


def test_locked(entra: EntraEmulator, d365: D365Emulator, receiver: Receiver, tmp_path: Path) -> None:
    """Another process holds SQLite's lock."""
    for batch_id in (970, 971):
        d365.script(batch_id, ends("Finished", 1, 1))
    with running(fast_settings(f"sqlite:///{tmp_path}/x.db", d365_settings(entra, d365))) as service:
        with _sqlite_locked(tmp_path / "x.db"):
            _refused(service, d365, receiver, 970)
        _nothing_runs(service, d365, receiver, 970)


def test_steps_share_a_deadline(
    service: Running, d365: D365Emulator, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that asks the store twice, here a stop, has one deadline for both."""
    d365.script(978, ends("Finished", 1, 10**6))
    job_id = service.create(receiver.url("/978"), 978).json()["id"]
    store, given = service.engine.store, list[float]()
    read_by, write_by = store.read_by, store.write_by

    async def slow_read(work: Any, seconds: float) -> Any:
        given.append(seconds)
        await asyncio.sleep(0.05)
        return await read_by(work, seconds)

    async def write(work: Any, seconds: float, undo: Any) -> Any:
        given.append(seconds)
        return await write_by(work, seconds, undo)

    monkeypatch.setattr(store, "read_by", slow_read)
    monkeypatch.setattr(store, "write_by", write)
    assert service.call("DELETE", f"/jobs/{job_id}").status_code == 200
    assert given[0] <= service.settings.intake_deadline_s
    assert given[1] <= given[0] - 0.05


@pytest.mark.needs("postgresql")
def test_hung(entra: EntraEmulator, d365: D365Emulator, receiver: Receiver, postgres: str) -> None:
    """PostgreSQL takes the statement and does not answer."""
    for batch_id in (972, 973):
        d365.script(batch_id, ends("Finished", 1, 1))
    settings = fast_settings(postgres, d365_settings(entra, d365), intake_deadline_s=1.0)
    with running(settings) as service:
        with _postgres_locked(postgres):
            _refused(service, d365, receiver, 972)
        _nothing_runs(service, d365, receiver, 972)


def test_full(entra: EntraEmulator, d365: D365Emulator, receiver: Receiver, tmp_path: Path) -> None:
    """Nothing can be written, as on a full disk: requests get 503, and readiness says so although reading works."""
    for batch_id in (974, 975):
        d365.script(batch_id, ends("Finished", 1, 1))
    with running(fast_settings(f"sqlite:///{tmp_path}/x.db", d365_settings(entra, d365))) as service:
        trouble = [True]

        @sa.event.listens_for(service.engine.store.engine, "checkout")
        def refuse(connection: sqlite3.Connection, *_more: object) -> None:
            connection.execute(f"PRAGMA query_only={'ON' if trouble else 'OFF'}")

        _refused(service, d365, receiver, 974)
        assert service.call("GET", "/jobs").status_code == 200
        trouble.clear()
        _nothing_runs(service, d365, receiver, 974)


def test_stop_and_replay_while_writing_hangs(
    entra: EntraEmulator, d365: D365Emulator, receiver: Receiver, tmp_path: Path
) -> None:
    """They are answered with 503 in time as well, and do nothing later: not even the replay."""
    d365.script(976, ends("Finished", 1, 1))
    settings = fast_settings(f"sqlite:///{tmp_path}/x.db", d365_settings(entra, d365), intake_deadline_s=0.5)
    with running(settings) as service:
        job_id = service.create(receiver.url("/976"), 976).json()["id"]
        service.until(job_id, "delivered")
        begun, goes_on = threading.Event(), threading.Event()

        def hang(_connection: object) -> None:
            begun.set()
            goes_on.wait(60.0)

        writing = threading.Thread(target=lambda: run(service.engine.store.write(hang)))
        writing.start()
        assert begun.wait(20.0)
        began = time.monotonic()
        answers = [
            service.call("DELETE", f"/jobs/{job_id}"),
            service.call("POST", f"/jobs/{job_id}/replay"),
        ]
        took_s = time.monotonic() - began
        goes_on.set()
        writing.join(20.0)
        assert [answer.status_code for answer in answers] == [503, 503]
        assert took_s < 2 * LIMIT_S
        assert service.call("DELETE", f"/jobs/{job_id}").status_code == 200
        assert [got.path for got in receiver.received("/976")] == ["/976"]
