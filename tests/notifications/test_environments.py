"""Several F&O environments behind one service: nothing of one is felt in another, and no job changes its own."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from gateway.emulators.d365 import D365Emulator
from gateway.emulators.d365.lives import ends
from gateway.emulators.entra import EntraEmulator
from gateway.emulators.serving import serve
from gateway.management.notifications import engine_statuses
from gateway.notifications.settings import D365Settings, NamedCaller, NotificationSettings
from tests.notifications.conftest import ALICE, BOB, Running, d365_settings, fast_settings, run, running
from tests.notifications.receiver import Receiver

CAROL = "33333333-3333-3333-3333-333333333333"
SHORT = ends("Finished", 1, 1)
LONG = ends("Finished", 1, 10**6)
CALLERS = (
    NamedCaller(object_id=ALICE, name="alice", batch_jobs=None, environments=("*",)),
    NamedCaller(object_id=BOB, name="bob", batch_jobs=None, environments=("test", "d365")),
    NamedCaller(object_id=CAROL, name="carol", batch_jobs=None),
)


@pytest.fixture(scope="module")
def other() -> Iterator[D365Emulator]:
    """A second environment."""
    emulator = D365Emulator(jobs=[], speed=100)
    with serve(emulator):
        yield emulator


@pytest.fixture(autouse=True)
def _healthy(other: D365Emulator) -> Iterator[None]:
    yield
    other.faults.clear()


def settings_of(store: str, entra: EntraEmulator, d365: D365Emulator, **others: D365Emulator) -> NotificationSettings:
    """Settings with further environments."""
    environments = {name: d365_settings(entra, emulator) for name, emulator in others.items()}
    return fast_settings(store, d365_settings(entra, d365), environments=environments, callers=CALLERS)


@pytest.fixture(scope="module")
def service(
    entra: EntraEmulator, d365: D365Emulator, other: D365Emulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """A service with two environments."""
    path = tmp_path_factory.mktemp("store") / "x.db"
    with running(settings_of(f"sqlite:///{path}", entra, d365, test=other)) as found:
        yield found


def test_named(service: Running, d365: D365Emulator, other: D365Emulator, receiver: Receiver) -> None:
    """A request that names an environment starts its batch job there and nowhere else, and says where it was."""
    for emulator in (d365, other):
        emulator.script(501, SHORT)
    job = service.create(receiver.url("/501"), 501, environment="test").json()
    assert service.until(job["id"], "delivered")["environment"] == "test"
    assert (d365.starts(501), other.starts(501)) == (0, 1)
    (got,) = receiver.received("/501")
    assert json.loads(got.body)["data"]["batchJob"]["link"] == f"{other.base_url}/data/BatchJobs(501)"


@pytest.mark.parametrize(
    ("caller", "asked", "status", "used"),
    [
        (ALICE, None, 202, "d365"),
        (ALICE, "test", 202, "test"),
        (BOB, None, 202, "test"),
        (BOB, "d365", 202, "d365"),
        (CAROL, None, 202, "d365"),
        (CAROL, "d365", 202, "d365"),
        (CAROL, "test", 403, None),
        (ALICE, "nowhere", 403, None),
        (ALICE, "", 400, None),
        (ALICE, 5, 400, None),
    ],
)
def test_whose(
    service: Running,
    d365: D365Emulator,
    other: D365Emulator,
    receiver: Receiver,
    caller: str,
    asked: object,
    status: int,
    used: str | None,
) -> None:
    """The caller's rule says which environments it may name, and which is used if it names none."""
    for emulator in (d365, other):
        emulator.script(502, LONG)
    answer = service.create(receiver.url(f"/502/{caller}/{asked}"), 502, caller, environment=asked)
    assert (answer.status_code, answer.json().get("environment")) == (status, used)
    if status == 202:
        service.call("DELETE", f"/jobs/{answer.json()['id']}", caller)


def test_same_id(service: Running, d365: D365Emulator, other: D365Emulator, receiver: Receiver) -> None:
    """One id in two environments is two batch jobs: neither request joins, blocks or repeats the other."""
    for emulator in (d365, other):
        emulator.script(503, SHORT)
    found = [service.create(receiver.url("/503"), 503, environment=name).json()["id"] for name in ("d365", "test")]
    assert len(set(found)) == 2
    for job_id in found:
        service.until(job_id, "delivered")
    assert (d365.starts(503), other.starts(503)) == (1, 1)


def test_key(service: Running, d365: D365Emulator, other: D365Emulator, receiver: Receiver) -> None:
    """An Idempotency-Key that was used for one environment is refused for another."""
    for emulator in (d365, other):
        emulator.script(504, LONG)
    body, key = {"batchId": 504, "callbackUrl": receiver.url("/504")}, {"idempotency-key": "run-504"}
    named = [body, body | {"environment": "test"}, body | {"environment": "d365"}]
    answers = [service.call("POST", "/jobs", json=asked, headers=key) for asked in named]
    assert [answer.status_code for answer in answers] == [202, 422, 202]


def test_throttled_neighbour(service: Running, d365: D365Emulator, other: D365Emulator, receiver: Receiver) -> None:
    """An environment that throttles, or hangs, delays its own jobs only; readiness and metrics name it."""
    d365.script(505, SHORT)
    other.throttle(None, 300)
    other.script(505, SHORT)
    slow = service.create(receiver.url("/505/slow"), 505, environment="test").json()["id"]
    _until(lambda: service.engine.d365_pauses["test"] > 0)
    began = time.monotonic()
    quick = service.create(receiver.url("/505/quick"), 505).json()["id"]
    service.until(quick, "delivered")
    assert time.monotonic() - began < 10
    statuses = run(engine_statuses(service.engine))
    assert (statuses["d365"].detail, "throttled" in statuses["d365 test"].detail) == ("", True)
    value = service.engine.metrics.registry.get_sample_value
    paused = [value("gateway_notifications_d365_paused_seconds", {"environment": name}) for name in ("d365", "test")]
    assert paused[0] == 0
    assert (paused[1] or 0) > 0
    service.call("DELETE", f"/jobs/{slow}")


def test_removed(
    entra: EntraEmulator, d365: D365Emulator, other: D365Emulator, receiver: Receiver, tmp_path: Path
) -> None:
    """A job whose environment is temporarily not configured is kept, and continues later; none is started."""
    store = f"sqlite:///{tmp_path}/x.db"
    other.script(506, ends("Finished", 1, 300))
    with running(settings_of(store, entra, d365, test=other)) as first:
        job = first.create(receiver.url("/506"), 506, environment="test").json()["id"]
        first.until(job, "running")
    without = settings_of(store, entra, d365).model_copy(update={"callers": CALLERS[2:] + (_any(),)})
    with running(without) as second:
        assert second.call("GET", f"/jobs/{job}").json()["status"] == "running"
        assert receiver.received("/506") == []
    with running(settings_of(store, entra, d365, test=other)) as third:
        assert third.until(job, "delivered")["outcome"] == "succeeded"
    assert (other.starts(506), len(receiver.received("/506"))) == (1, 1)


def test_removed_for_good(
    entra: EntraEmulator, d365: D365Emulator, other: D365Emulator, receiver: Receiver, tmp_path: Path
) -> None:
    """At its deadline a job without its environment is reported as unknown, never as ended."""
    store = f"sqlite:///{tmp_path}/x.db"
    other.script(507, LONG)
    with running(settings_of(store, entra, d365, test=other)) as first:
        job = first.create(receiver.url("/507"), 507, environment="test", timeoutSeconds=12).json()["id"]
        first.until(job, "running")
    with running(settings_of(store, entra, d365).model_copy(update={"callers": (_any(),)})) as second:
        found = second.until(job, "delivered")
    assert (found["outcome"], "not configured" in found["message"]) == ("unknown", True)


def _any() -> NamedCaller:
    return NamedCaller(object_id=ALICE, name="alice", batch_jobs=None)


ONE = {"instance-url": "https://one.example", "token-url": "https://l.example/t/oauth2/v2.0/token"}
TWO = ONE | {"instance-url": "https://two.example"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "d365 is missing"),
        ({"d365": ONE, "environments": {"d365": TWO}}, "given twice"),
        ({"d365": ONE, "environments": {"test": ONE | {"instance-url": "https://ONE.example/"}}}, "one instance-url"),
        (
            {"d365": ONE, "environments": {"test": ONE | {"instance-url": "https://one.example:443"}}},
            "one instance-url",
        ),
        ({"d365": ONE, "environments": {"test": ONE | {"instance-url": "https://one.example."}}}, "one instance-url"),
        ({"d365": ONE, "default-caller": {"environments": ["tset"]}}, "not configured: 'tset'"),
        ({"d365": ONE, "environments": {"a b": TWO}}, "a b"),
    ],
)
def test_bad_settings(more: dict[str, Any], said: str) -> None:
    """Settings that could not work, or could start a job twice, are refused at load."""
    with pytest.raises(ValidationError, match=said):
        NotificationSettings.model_validate({"store": "sqlite:///jobs.db", **more})


@pytest.mark.parametrize(
    ("more", "default"),
    [
        ({"d365": ONE}, "d365"),
        ({"d365": ONE, "environments": {"test": TWO}}, "d365"),
        ({"environments": {"test": TWO}}, "test"),
        ({"environments": {"test": TWO, "d365": ONE}}, "d365"),
        ({"environments": {"test": TWO, "prod": ONE}}, None),
    ],
)
def test_default(more: dict[str, Any], default: str | None) -> None:
    """Without a name `d365` is meant, or the only environment that there is."""
    assert NotificationSettings.model_validate({"store": "sqlite:///jobs.db", **more}).default_environment == default


def test_settle() -> None:
    """Doubt lasts as long as in the slowest environment, whatever else a process knows of its end."""
    environments = {"a": D365Settings.model_validate(ONE | {"settle": "9s"}), "b": D365Settings.model_validate(TWO)}
    settings = NotificationSettings(store=SecretStr("sqlite:///jobs.db"), environments=environments)
    assert settings.settle_s == 60.0


def _until(reached: Any) -> None:
    until = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < until
        time.sleep(0.05)
