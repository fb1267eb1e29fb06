"""
Notification stores of earlier versions are opened, and their jobs go on.

Each file was written by the program of the commit in its name, which ran three jobs against the emulators and stopped
while they were executing.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from gateway.emulators.d365 import D365Emulator, Job
from gateway.emulators.d365.jobs import Snapshot
from gateway.emulators.entra import EntraEmulator
from gateway.emulators.serving import serve
from gateway.notifications.callbacks.classification import CallbackAnswer
from gateway.notifications.callbacks.sending import CallbackSender
from gateway.notifications.engine import Engine, Parts
from gateway.notifications.metrics import Metrics
from gateway.notifications.settings import CallbackSettings, CallerRule
from gateway.notifications.workflow.clock import Clock, steady
from tests.notifications.conftest import Running, d365_settings, eventually, fast_settings, run

ASKED = {
    "batchId": 1,
    "callBackUri": "https://receiver.example.com/callback/1?sig=0123456789",
    "timeoutSeconds": 86_400,
}
STORES = sorted((Path(__file__).parent / "stores").glob("*.sql"))


class _LaterClock(Clock):
    """The clock a minute after the earlier program has stopped, whenever the test runs."""

    def __init__(self, start: float) -> None:
        self._epoch = start - steady()


class _Kept(CallbackSender):
    """Keeps callbacks instead of sending them."""

    def __init__(self, settings: CallbackSettings) -> None:
        super().__init__(settings)
        self.sent: list[tuple[str, dict[str, Any]]] = []

    async def check(self, url: str) -> str:
        return url

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> CallbackAnswer:
        self.sent.append((url, json.loads(body)))
        return CallbackAnswer(200)


@pytest.mark.parametrize("written", STORES, ids=lambda path: path.stem)
def test_jobs_of_an_earlier_version_go_on(written: Path, tmp_path: Path) -> None:
    """Runs that an earlier version started are watched to their end and reported, once, where their callers wanted."""
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.executescript(written.read_text())
        stopped = connection.execute("SELECT max(updated_at) FROM notification_jobs").fetchone()[0]
    connection.close()
    clock = _LaterClock(stopped + 60)
    ended = Snapshot("Finished", stopped, stopped, stopped + 50)
    d365, entra = D365Emulator(jobs=[Job(number, before=ended) for number in (1, 2, 3)]), EntraEmulator()
    with serve(d365), serve(entra):
        settings = fast_settings(f"sqlite:///{tmp_path}/x.db", d365_settings(entra, d365))
        changes = {
            "encryption_key": (SecretStr("bench"),),
            "default_caller": CallerRule(name="everyone", batch_jobs=None),
            "callbacks": settings.callbacks.model_copy(update={"hosts": ("receiver.example.com",)}),
        }
        settings = settings.model_copy(update=changes)
        sender = _Kept(settings.callbacks)
        service = Running(settings, Engine(settings, Metrics(), Parts(clock, sender)))
        service.engine.start()
        try:
            run(eventually(lambda: len(sender.sent) == 3))
            listed = service.call("GET", "/jobs", "caller-one").json()["jobs"]
            again = service.call("POST", "/jobs", "caller-one", json=ASKED, headers={"idempotency-key": "key-1"})
        finally:
            service.engine.stop()
    reported = sorted(url.partition("?")[0] for url, _ in sender.sent)
    assert reported == [f"https://receiver.example.com/callback/{number}" for number in (1, 2, 3)]
    assert [job["outcome"] for job in listed] == ["succeeded"] * 3
    assert [d365.starts(number) for number in (1, 2, 3)] == [0, 0, 0]
    assert again.status_code in (200, 202)
    assert again.json()["id"] in {job["id"] for job in listed}
