"""``"start": false`` and ``"run": "next"``: whoever starts the batch job, its end is reported, and we start nothing."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from gateway.emulators.d365 import D365Emulator, Job, Life, Step
from gateway.emulators.d365.lives import endless, ends
from gateway.emulators.entra import EntraEmulator
from gateway.notifications.settings import NamedCaller
from gateway.notifications.store import jobs
from tests.notifications.conftest import BOB, Running, d365_settings, fast_settings, run, running
from tests.notifications.killing import CALLER, _free_port
from tests.notifications.receiver import Receiver
from tests.processes import started

SHORT = ends("Finished", 20, 40)
LONG = ends("Error", 20, 300)
WATCH: dict[str, Any] = {"start": False}
NEXT: dict[str, Any] = {"run": "next"}


def recurring(every_s: float, slot_s: float = 0.0) -> Life:
    """Runs for 0.4 s, and waits for its next slot in the very moment of its end. Slots are on the wall clock."""
    return Life((Step(0, "Waiting"), Step(10, "Executing"), Step(50, "Error"), Step(50, "Waiting")), slot_s, every_s)


def told(receiver: Receiver, path: str) -> list[dict[str, Any]]:
    """The data of the callbacks so far."""
    return [json.loads(item.body)["data"] for item in receiver.received(path)]


def test_running(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """A run that somebody else started is reported at its end, with its own outcome; nothing is started."""
    d365.script(601, LONG)
    d365.begin(601)
    job = service.create(receiver.url("/601"), 601, **WATCH).json()
    assert (job["start"], job["run"], job["startedTime"]) == (False, None, None)
    assert service.until(job["id"], "delivered")["outcome"] == "failed"
    assert (d365.starts(601), len(told(receiver, "/601"))) == (0, 1)


@pytest.mark.parametrize(("batch_id", "what"), [(620, WATCH), (621, {})])
def test_already_executing(
    service: Running, d365: D365Emulator, receiver: Receiver, batch_id: int, what: dict[str, Any]
) -> None:
    """A run that is executing when its watch begins is shown as running, and its time counts from then on."""
    d365.script(batch_id, endless(0))
    d365.begin(batch_id)
    job_id = service.create(receiver.url(f"/{batch_id}"), batch_id, **what).json()["id"]
    service.until(job_id, "running")
    stored = run(service.engine.store.read(lambda connection: jobs.find(connection, job_id)))
    assert stored is not None
    assert stored.running_at is not None
    service.call("DELETE", f"/jobs/{job_id}")


def test_lying_date(service: Running, d365: D365Emulator, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Date of F&O that is an hour behind its own rows does not make the run before the request a later one."""
    d365.script(604, ends("Finished", 1, 1))
    d365.begin(604)
    while d365.status(604) != "Finished":
        time.sleep(0.01)
    monkeypatch.setattr(d365, "date_ahead_s", -3600.0)
    job = service.create(receiver.url("/604"), 604, **WATCH).json()
    service.until(job["id"], "waiting", "delivered")
    time.sleep(0.4)  # several readings
    assert told(receiver, "/604") == []
    service.call("DELETE", f"/jobs/{job['id']}")


@pytest.mark.parametrize(("batch_id", "what"), [(602, WATCH), (603, NEXT)])
def test_idle(service: Running, d365: D365Emulator, receiver: Receiver, batch_id: int, what: dict[str, Any]) -> None:
    """The end of a run before the request is never reported; the run that somebody begins later is."""
    d365.script(batch_id, SHORT)
    job = service.create(receiver.url(f"/{batch_id}"), batch_id, **what).json()
    service.until(job["id"], "waiting")
    time.sleep(1.0)  # several readings of the former end
    assert told(receiver, f"/{batch_id}") == []
    d365.begin(batch_id)
    assert service.until(job["id"], "delivered")["outcome"] == "succeeded"
    assert d365.starts(batch_id) == 0


def test_started_by_a_neighbour(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """A run that another request starts is reported to both; watching does not hold that start up."""
    d365.script(604, SHORT)
    watching = service.create(receiver.url("/604/watch"), 604, **WATCH).json()["id"]
    service.until(watching, "waiting")
    starting = service.create(receiver.url("/604/start"), 604).json()["id"]
    for job_id in (watching, starting):
        assert service.until(job_id, "delivered")["outcome"] == "succeeded"
    assert d365.starts(604) == 1


def test_next_of_a_running_one(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """With ``next``, the current run is not reported, but the one after it."""
    d365.script(605, ends("Error", 20, 600), SHORT)
    d365.begin(605)
    _until(lambda: d365.status(605) == "Executing")
    time.sleep(3)  # F&O's times are whole seconds: a run that began this long ago is certainly an earlier one
    job = service.create(receiver.url("/605"), 605, **NEXT).json()
    _until(lambda: d365.status(605) == "Error")
    time.sleep(1.0)
    assert told(receiver, "/605") == []
    d365.begin(605)
    assert service.until(job["id"], "delivered")["outcome"] == "succeeded"
    assert d365.starts(605) == 0


@pytest.mark.parametrize(("batch_id", "what"), [(606, WATCH), (607, NEXT)])
def test_recurring(
    service: Running, d365: D365Emulator, receiver: Receiver, batch_id: int, what: dict[str, Any]
) -> None:
    """A recurring job waits for its slot, however far ahead; its run is reported though it waits again at once."""
    d365.script(batch_id, recurring(86_400, slot_s=8.0))
    d365.begin(batch_id)
    job = service.create(receiver.url(f"/{batch_id}"), batch_id, **what).json()
    found = service.until(job["id"], "delivered")
    assert (found["outcome"], d365.starts(batch_id)) == ("failed", 0)
    assert found["batchJob"]["endedAt"] > job["createdTime"]


def test_never(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """If nothing has run when the caller's time is up, the callback says so."""
    d365.script(608, SHORT)
    job = service.create(receiver.url("/608"), 608, timeoutSeconds=6, **WATCH).json()
    assert service.until(job["id"], "delivered")["outcome"] == "deadline"
    assert d365.starts(608) == 0


def test_unknown_job(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """A batch job that does not exist is reported as such."""
    d365.jobs.pop(609, None)
    job = service.create(receiver.url("/609"), 609, **WATCH).json()
    assert service.until(job["id"], "delivered")["outcome"] == "not_found"


@pytest.mark.parametrize("what", [WATCH, NEXT])
def test_stop(service: Running, d365: D365Emulator, receiver: Receiver, what: dict[str, Any]) -> None:
    """Stopping a watch sends no callback, and the answer says that nothing was started."""
    d365.script(610, SHORT)
    job = service.create(receiver.url("/610"), 610, **what).json()
    answer = service.call("DELETE", f"/jobs/{job['id']}").json()
    assert (answer["status"], "started nothing" in answer["note"]) == ("stopped", True)


def test_permission(entra: EntraEmulator, d365: D365Emulator, receiver: Receiver, tmp_path: Path) -> None:
    """A caller may watch the jobs that it may start; ``watch-jobs`` may be watched but not started."""
    callers = (NamedCaller(object_id=BOB, name="bob", batch_jobs=frozenset({1}), watch_jobs=frozenset({2})),)
    settings = fast_settings(f"sqlite:///{tmp_path}/x.db", d365_settings(entra, d365), callers=callers)
    asked = [(1, {}), (1, WATCH), (2, WATCH), (2, NEXT), (2, {}), (3, WATCH)]
    for batch_id, _ in asked:
        d365.script(batch_id, LONG)
    with running(settings) as found:
        answers = [found.create(receiver.url(f"/p/{n}"), batch, BOB, **what) for n, (batch, what) in enumerate(asked)]
    assert [answer.status_code for answer in answers] == [202, 202, 202, 202, 403, 403]
    assert "watching batch job 3" in answers[5].json()["detail"]


def test_rejecting(entra: EntraEmulator, d365: D365Emulator, receiver: Receiver, tmp_path: Path) -> None:
    """With ``on-running: reject`` a watch is neither refused nor a reason to refuse a start."""
    d365.script(611, ends("Error", 20, 3000))  # all three have to be seen running, by a slow machine too
    environment = d365_settings(entra, d365, on_running="reject")
    with running(fast_settings(f"sqlite:///{tmp_path}/x.db", environment)) as found:
        answers = [found.create(receiver.url(f"/611/{n}"), 611, **what) for n, what in enumerate([WATCH, {}, WATCH])]
        assert [answer.status_code for answer in answers] == [202, 202, 202]
        for answer in answers:
            found.until(answer.json()["id"], "running")
    assert d365.starts(611) == 1


def test_keys(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """A request that starts and one that watches are different requests, with a key and without one."""
    d365.script(612, LONG)
    body, key = {"batchId": 612, "callbackUrl": receiver.url("/612")}, {"idempotency-key": "run-612"}
    asked = [body, body | WATCH, body | NEXT]
    ids = {service.call("POST", "/jobs", json=each).json()["id"] for each in [*asked, *asked]}
    answers = [service.call("POST", "/jobs", json=each, headers=key).status_code for each in asked]
    assert (len(ids), answers) == (3, [202, 422, 422])
    for job_id in ids:
        service.call("DELETE", f"/jobs/{job_id}")


@pytest.mark.parametrize("stop_in", ["accepted", "waiting", "running"])
@pytest.mark.parametrize(("number", "what"), [(1, WATCH), (2, NEXT)])
def test_restart(
    entra: EntraEmulator,
    d365: D365Emulator,
    receiver: Receiver,
    tmp_path: Path,
    stop_in: str,
    number: int,
    what: dict[str, Any],
) -> None:
    """A run that begins and ends while no process is running is reported once after the restart; nothing is started."""
    batch_id = {"accepted": 620, "waiting": 630, "running": 640}[stop_in] + number
    settings = fast_settings(f"sqlite:///{tmp_path}/x.db", d365_settings(entra, d365))
    d365.script(batch_id, ends("Error", 350, 100))  # picked up after 3.5 s: well after the request
    with running(settings) as first:
        if stop_in == "accepted":
            d365.delay(30, 1, "batch-jobs")
        job = first.create(receiver.url(f"/{batch_id}"), batch_id, **what).json()["id"]
        if stop_in != "accepted":
            first.until(job, "waiting")
        d365.begin(batch_id)
        if stop_in == "running":
            first.until(job, "running")
    d365.faults.clear()
    _until(lambda: d365.status(batch_id) == "Error")
    assert told(receiver, f"/{batch_id}") == []
    with running(settings) as second:
        assert second.until(job, "delivered")["outcome"] == "failed"
        time.sleep(0.5)
    assert (d365.starts(batch_id), len(told(receiver, f"/{batch_id}"))) == (0, 1)


@contextlib.contextmanager
def _process(config: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "gateway", "notifications", "serve", "-c", str(config), "--port", str(port)]
    with started(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ)) as process:
        yield process


def _ask(port: int, method: str, path: str, **more: Any) -> httpx.Response:
    headers = {"gateway-secret": "hop", "caller-objectid": CALLER}
    until = time.monotonic() + 60
    while True:
        try:
            return httpx.request(method, f"http://127.0.0.1:{port}{path}", headers=headers, timeout=10, **more)
        except httpx.HTTPError:
            assert time.monotonic() < until
            time.sleep(0.1)


@pytest.mark.slow
def test_kill(entra: EntraEmulator, d365: D365Emulator, receiver: Receiver, tmp_path: Path) -> None:
    """kill -9 right after 202, and again while it watches: the run that ended meanwhile is reported, none started."""
    port = _free_port()
    application = entra.directory.applications[0]
    environment = {
        "instance-url": d365.base_url,
        "token-url": f"{entra.base_url}/{entra.tenants[0]}/oauth2/v2.0/token",
        "client-id": application.client_id,
        "client-secret": application.secrets[0],
    }
    notifications = {
        "store": f"sqlite:///{tmp_path}/x.db",
        "d365": environment,
        "polling": {"interval": "100ms", "max-interval": "300ms", "tick": "50ms"},
        "callbacks": {"hosts": ["127.0.0.1"], "allow-http": True, "allow-private-networks": True},
        "default-caller": {"name": "all", "batch-jobs": "*"},
        "hop": {"shared-secret": "hop"},
    }
    (tmp_path / "config.yaml").write_text(json.dumps({"notifications": notifications}))
    wanted = {650 + n: (WATCH if n % 2 else NEXT) for n in range(10)}
    for batch_id in wanted:
        d365.add(Job(batch_id, lives=(ends("Error", 800, 100),)))
    with _process(tmp_path / "config.yaml", port) as first:
        for batch_id, what in wanted.items():
            body = {"batchId": batch_id, "callbackUrl": receiver.url(f"/{batch_id}"), **what}
            assert _ask(port, "POST", "/jobs", json=body).status_code == 202
        first.send_signal(signal.SIGKILL)
        first.wait()
    with _process(tmp_path / "config.yaml", port) as second:
        _until(lambda: len(_ask(port, "GET", "/jobs?status=waiting").json()["jobs"]) == len(wanted), 60)
        second.send_signal(signal.SIGKILL)
        second.wait()
    for batch_id in wanted:
        d365.begin(batch_id)
    _until(lambda: {d365.status(batch_id) for batch_id in wanted} == {"Error"})
    with _process(tmp_path / "config.yaml", port):
        _until(lambda: all(told(receiver, f"/{batch_id}") for batch_id in wanted), 60)
        time.sleep(0.5)
    assert {len(told(receiver, f"/{batch_id}")) for batch_id in wanted} == {1}
    assert {told(receiver, f"/{batch_id}")[0]["outcome"] for batch_id in wanted} == {"failed"}
    assert {d365.starts(batch_id) for batch_id in wanted} == {0}


def _until(reached: Any, patience_s: float = 30.0) -> None:
    until = time.monotonic() + patience_s
    while not reached():
        assert time.monotonic() < until
        time.sleep(0.05)
