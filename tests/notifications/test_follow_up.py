"""Later news: after a report that a budget was over, a caller that asked for it gets the true end, once."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from gateway.emulators.d365 import D365Emulator
from gateway.emulators.d365.lives import ends
from gateway.emulators.entra import EntraEmulator
from gateway.emulators.faults import Fault
from gateway.notifications.settings import BudgetSettings
from gateway.notifications.store import jobs
from gateway.notifications.store.model import StoredJob
from gateway.notifications.store.store import Store
from gateway.notifications.workflow.outcomes import Outcome, RunVerdict
from gateway.notifications.workflow.transitions import State
from tests.notifications.conftest import Running, d365_settings, fast_settings, run, running
from tests.notifications.receiver import Receiver
from tests.notifications.store.accepting import accept
from tests.notifications.store.accepting import job as stored_job

WANTED: dict[str, Any] = {"followUp": True, "timeoutSeconds": 6}


def told(receiver: Receiver, path: str) -> list[dict[str, Any]]:
    """The data of the callbacks so far."""
    return [json.loads(item.body)["data"] for item in receiver.received(path)]


def test_true_end(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """The second callback says what it follows, has an id of its own and F&O's own times; nothing is started again."""
    d365.script(701, ends("Error", 20, 900))
    job = service.create(receiver.url("/701"), 701, **WANTED).json()
    first = service.until(job["id"], "delivered")
    assert first["outcome"] == "deadline"
    later = first["followUpUri"].rpartition("/")[2]
    second = service.until(later, "delivered")
    assert (second["outcome"], second["followsJobId"], second["followUpUri"]) == ("failed", job["id"], None)
    early, late = told(receiver, "/701")
    assert (early["outcome"], early.get("followUp")) == ("deadline", None)
    assert (late["outcome"], late["followUp"], late["followsJobId"]) == ("failed", True, job["id"])
    assert late["batchJob"]["endedAt"] is not None
    ids = [item.headers["webhook-id"] for item in receiver.received("/701")]
    assert ids == [job["id"], later]
    assert d365.starts(701) == 1


def test_not_asked_for(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """Without ``followUp`` there is only one report."""
    d365.script(702, ends("Error", 20, 800))
    job = service.create(receiver.url("/702"), 702, timeoutSeconds=6).json()
    assert service.until(job["id"], "delivered")["followUpUri"] is None
    _until(lambda: d365.status(702) == "Error")
    time.sleep(1.0)
    assert [each["outcome"] for each in told(receiver, "/702")] == ["deadline"]


def test_in_time(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """A run that ends in time is reported once."""
    d365.script(703, ends("Finished", 10, 10))
    job = service.create(receiver.url("/703"), 703, followUp=True).json()
    assert service.until(job["id"], "delivered")["followUpUri"] is None
    time.sleep(0.5)
    assert [each["outcome"] for each in told(receiver, "/703")] == ["succeeded"]


@pytest.mark.parametrize(
    ("batch_id", "budgets", "life", "first"),
    [
        (704, BudgetSettings(start_s=1.0), ends("Finished", 500, 50), "start_timeout"),
        (705, BudgetSettings(run_s=1.0), ends("Finished", 10, 500), "run_timeout"),
    ],
)
def test_budgets(
    entra: EntraEmulator,
    d365: D365Emulator,
    receiver: Receiver,
    tmp_path: Path,
    batch_id: int,
    budgets: BudgetSettings,
    life: Any,
    first: str,
) -> None:
    """After any budget the end itself is waited for, without budgets."""
    d365.script(batch_id, life)
    settings = fast_settings(f"sqlite:///{tmp_path}/x.db", d365_settings(entra, d365), budgets=budgets)
    with running(settings) as found:
        found.create(receiver.url(f"/{batch_id}"), batch_id, followUp=True)
        _until(lambda: len(told(receiver, f"/{batch_id}")) == 2)
    assert [each["outcome"] for each in told(receiver, f"/{batch_id}")] == [first, "succeeded"]
    assert d365.starts(batch_id) == 1


def test_given_up(entra: EntraEmulator, d365: D365Emulator, receiver: Receiver, tmp_path: Path) -> None:
    """A run that never ends is given up once more, at the end of ``follow-up``, and then for good."""
    d365.script(706, ends("Finished", 10, 10**6))
    settings = fast_settings(
        f"sqlite:///{tmp_path}/x.db", d365_settings(entra, d365), budgets=BudgetSettings(follow_up_s=2.0)
    )
    with running(settings) as found:
        found.create(receiver.url("/706"), 706, **WANTED)
        _until(lambda: len(told(receiver, "/706")) == 2)
        time.sleep(2.5)
        assert found.call("GET", "/jobs?status=running").json()["jobs"] == []
    assert [(each["outcome"], each.get("followUp")) for each in told(receiver, "/706")] == [
        ("deadline", None),
        ("deadline", True),
    ]


def test_restart(entra: EntraEmulator, d365: D365Emulator, receiver: Receiver, tmp_path: Path) -> None:
    """A run that ends while no process is there is reported after the restart, once."""
    d365.script(707, ends("Error", 20, 1000))
    settings = fast_settings(f"sqlite:///{tmp_path}/x.db", d365_settings(entra, d365))
    with running(settings) as first:
        job = first.create(receiver.url("/707"), 707, **WANTED).json()["id"]
        first.until(job, "delivered")
    _until(lambda: d365.status(707) == "Error")
    assert len(told(receiver, "/707")) == 1
    with running(settings) as second:
        _until(lambda: len(told(receiver, "/707")) == 2)
        time.sleep(0.5)
        assert second.call("GET", f"/jobs/{job}").json()["outcome"] == "deadline"
    assert [each["outcome"] for each in told(receiver, "/707")] == ["deadline", "failed"]
    assert d365.starts(707) == 1


def test_stop(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """Deleting the job also ends the follow-up."""
    d365.script(708, ends("Error", 20, 900))
    job = service.create(receiver.url("/708"), 708, **WANTED).json()["id"]
    later = service.until(job, "delivered")["followUpUri"].rpartition("/")[2]
    service.call("DELETE", f"/jobs/{job}")
    assert service.call("GET", f"/jobs/{later}").json()["status"] == "stopped"
    _until(lambda: d365.status(708) == "Error")
    time.sleep(0.5)
    assert len(told(receiver, "/708")) == 1


def test_data_factory(service: Running, receiver: Receiver) -> None:
    """Data Factory's callback URLs accept one callback, so ``followUp`` is refused, not ignored."""
    body = {"batchId": 1, "callBackUri": receiver.url("/x"), "followUp": True}
    answer = service.call("POST", "/jobs", json=body)
    assert (answer.status_code, "Data Factory" in answer.json()["detail"]) == (400, True)


@pytest.mark.parametrize(
    ("batch_id", "effect", "outcomes"),
    [(709, True, ["unknown", "succeeded"]), (710, False, ["unknown", "start_failed"])],
)
def test_doubtful_start(
    entra: EntraEmulator,
    d365: D365Emulator,
    receiver: Receiver,
    tmp_path: Path,
    batch_id: int,
    effect: bool,
    outcomes: list[str],
) -> None:
    """Where the deadline finds a start in doubt, the end of its run is reported later, or that it has not begun."""
    settings = fast_settings(f"sqlite:///{tmp_path}/x.db", d365_settings(entra, d365, settle_s=6.0))
    d365.script(batch_id, ends("Finished", 10, 10))
    d365.start_lag_s = 4.0 if effect else 0.0
    d365.faults.add(Fault("start", 1, 503, after_effect=effect))
    try:
        with running(settings) as found:
            found.create(receiver.url(f"/{batch_id}"), batch_id, followUp=True, timeoutSeconds=2)
            _until(lambda: len(told(receiver, f"/{batch_id}")) == 2)
    finally:
        d365.start_lag_s = 0.0
    assert [each["outcome"] for each in told(receiver, f"/{batch_id}")] == outcomes
    assert d365.starts(batch_id) == int(effect)


def test_not_begun(store: Store) -> None:
    """Where nothing was sent before the deadline there is nothing to follow, whatever the task remembers of the row."""
    accepted = stored_job(1, follow_until=99.0, owner="me")
    verdict = RunVerdict(Outcome.UNKNOWN, "late", is_open=True)

    async def ended() -> list[StoredJob]:
        await accept(store, accepted)
        await store.write(lambda connection: jobs.end(connection, accepted, verdict, 5.0))
        return await store.read(jobs.search)

    (only,) = run(ended())
    assert (only.outcome, only.follow_until) == (Outcome.UNKNOWN, None)


@pytest.mark.parametrize(
    ("started_at", "is_open", "wanted", "follows"),
    [(2.0, True, True, 1), (2.0, False, True, 0), (2.0, True, False, 0), (None, True, True, 0)],
)
def test_one_transaction(store: Store, started_at: float | None, is_open: bool, wanted: bool, follows: int) -> None:
    """A follow-up begins with the report that it follows, whoever repeats that step; else there is none."""
    waiting = stored_job(
        1, state=State.WAITING, started_at=started_at, follow_until=99.0 if wanted else None, owner="me"
    )

    async def twice() -> int:
        await accept(store, waiting)
        verdict = RunVerdict(Outcome.DEADLINE, "late", is_open=is_open)
        for _ in range(2):
            await store.write(lambda connection: jobs.end(connection, waiting, verdict, 5.0))
        return len(await store.read(jobs.search)) - 1

    assert run(twice()) == follows
    found = run(store.read(lambda connection: jobs.find(connection, waiting.follow_up_id)))
    assert (found is None) == (follows == 0)
    if found is not None:
        assert (found.state, found.deadline_at, found.follows, found.owner) == (State.WAITING, 99.0, "j1", None)


def _until(reached: Any, patience_s: float = 30.0) -> None:
    until = time.monotonic() + patience_s
    while not reached():
        assert time.monotonic() < until
        time.sleep(0.05)
