"""The HTTP API: shapes that ADF, Logic Apps and Durable Functions clients understand, and nothing for strangers."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import structlog
from pydantic import SecretStr
from starlette.requests import Request

from gateway.emulators.d365 import D365Emulator
from gateway.emulators.d365.lives import ends
from gateway.errors import GatewayError
from gateway.notifications.api.app import create_app, warn
from gateway.notifications.api.problems import MEDIA_TYPE, HttpProblem
from gateway.notifications.api.routes import parse_key
from gateway.notifications.settings import CallbackSettings, D365Settings
from gateway.notifications.store.database import FileLock, StoreInUse
from gateway.notifications.store.store import StoreSlow
from tests.notifications.conftest import ALICE, BOB, Running, fast_settings, run
from tests.notifications.receiver import Receiver

LONG = ends("Finished", 20, 10**6)
SHORT = ends("Finished", 1, 1)
LOOPBACK = D365Settings(instance_url="http://127.0.0.1:9", token_url="http://127.0.0.1:9/t/oauth2/v2.0/token")


def test_accepted(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """202 says where and when to ask, and has both ids; the callback URL's secret is not repeated."""
    d365.script(201, LONG)
    response = service.create(receiver.url("/201"), 201)
    body = response.json()
    assert (response.status_code, body["status"], body["runtimeStatus"]) == (202, "accepted", "Pending")
    assert response.headers["location"] == body["statusQueryGetUri"] == f"/batch/jobs/{body['id']}"
    assert int(response.headers["retry-after"]) >= 1
    assert body["batchId"] == 201
    assert "bearer-secret" not in response.text


def test_status(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """A status question is 202 with Location while the outcome is open, 200 once it is known."""
    d365.script(202, LONG)
    job = service.create(receiver.url("/202"), 202).json()
    response = service.call("GET", f"/jobs/{job['id']}")
    assert (response.status_code, "location" in response.headers) == (202, True)
    d365.script(203, SHORT)
    job = service.create(receiver.url("/203"), 203).json()
    found = service.until(job["id"], "delivered")
    response = service.call("GET", f"/jobs/{job['id']}")
    assert (response.status_code, found["runtimeStatus"]) == (200, "Completed")
    assert found["attempts"][0]["decision"] == "delivered"
    assert "bearer-secret" not in response.text


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/jobs"), ("GET", "/jobs"), ("GET", "/jobs/x"), ("DELETE", "/jobs/x"), ("POST", "/jobs/x/replay")],
)
def test_no_caller(service: Running, method: str, path: str) -> None:
    """Without a verified caller everything is 401, also with a caller's name in a header."""
    response = service.call(method, path, None, json={}, headers={"caller-objectid": ALICE})
    assert (response.status_code, response.headers["content-type"]) == (401, MEDIA_TYPE)


@pytest.mark.parametrize(("method", "path"), [("GET", "/jobs/{}"), ("DELETE", "/jobs/{}"), ("POST", "/jobs/{}/replay")])
def test_others_jobs(service: Running, d365: D365Emulator, receiver: Receiver, method: str, path: str) -> None:
    """Another caller's job does not exist."""
    d365.script(204, LONG)
    job = service.create(receiver.url("/204"), 204).json()
    response = service.call(method, path.format(job["id"]), BOB)
    assert (response.status_code, response.json()["type"]) == (404, "urn:gateway:problem:job-unknown")


def test_unruled_caller(service: Running, receiver: Receiver) -> None:
    """A caller without a rule gets 403 on every route."""
    assert service.create(receiver.url("/x"), 1, "nobody").status_code == 403
    assert service.call("GET", "/jobs", "nobody").status_code == 403
    assert service.call("GET", "/jobs/x", "nobody").status_code == 403


def test_rules(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """Bob's rule allows one batch job, one host and one job at a time, and each refusal names it."""
    d365.script(7, LONG)
    other_job = service.create(receiver.url("/7"), 8, BOB)
    other_host = service.create("http://localhost:1/x", 7, BOB)
    first, second = (service.create(receiver.url(f"/7{n}"), 7, BOB) for n in "ab")
    assert [r.status_code for r in (other_job, other_host, first, second)] == [403, 403, 202, 429]
    assert {r.json()["rule"] for r in (other_job, other_host, second)} == {"bob"}
    service.call("DELETE", f"/jobs/{first.json()['id']}", BOB)
    assert service.create(receiver.url("/7c"), 7, BOB).status_code == 202


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/metadata",
        "http://[::ffff:169.254.169.254]/",
        "http://168.63.129.16/",
        "ftp://127.0.0.1/",
        "http://user@127.0.0.1/",
        "http://a.b.example/",
    ],
)
def test_refused_url(service: Running, url: str) -> None:
    """A callback URL that may not be called is refused at once, before anything is started."""
    response = service.create(url, 1)
    assert (response.status_code, response.json()["type"]) == (422, "urn:gateway:problem:callback-refused")


def test_unresolved(service: Running, d365: D365Emulator) -> None:
    """A name that does not resolve now may do so when the callback is due."""
    d365.script(205, LONG)
    assert service.create("http://nowhere.test/x", 205).status_code == 202


def test_idempotency(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """The same key and request give the same job, also after its end; the same key for something else is 422."""
    d365.script(206, SHORT)
    key = {"idempotency-key": '"run-206"'}
    body = {"batchId": 206, "callbackUrl": receiver.url("/206")}
    first = service.call("POST", "/jobs", json=body, headers=key).json()
    service.until(first["id"], "delivered")
    again = service.call("POST", "/jobs", json=body, headers={"idempotency-key": "run-206"})
    assert (again.status_code, again.json()["id"]) == (202, first["id"])
    other = service.call("POST", "/jobs", json={**body, "batchId": 207}, headers=key)
    assert (other.status_code, other.json()["type"]) == (422, "urn:gateway:problem:key-reused")
    assert d365.starts(206) == 1


def test_derived_key(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """Without a key the same request joins the unfinished job, and starts a new one after its end."""
    d365.script(208, ends("Finished", 1, 50))
    first = service.create(receiver.url("/208"), 208).json()["id"]
    assert service.create(receiver.url("/208"), 208).json()["id"] == first
    service.until(first, "delivered")
    second = service.create(receiver.url("/208"), 208).json()["id"]
    assert second != first
    service.until(second, "delivered")
    assert d365.starts(208) == 2


@pytest.mark.parametrize("key", ["", " ", '"', '"a', 'a"b', "caf\xe9", "x" * 256])
def test_bad_key(service: Running, receiver: Receiver, key: str) -> None:
    """A malformed key is 400."""
    body = {"batchId": 1, "callbackUrl": receiver.url("/x")}
    response = service.call("POST", "/jobs", json=body, headers=[(b"idempotency-key", key.encode("latin-1"))])
    assert response.status_code == 400


def test_two_keys() -> None:
    """Two keys are refused."""
    headers = [(b"idempotency-key", b"a"), (b"idempotency-key", b"b")]
    with pytest.raises(HttpProblem):
        parse_key(Request({"type": "http", "headers": headers}))


def test_list(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """A list has the caller's own jobs, newest first, by state if wanted."""
    d365.script(209, LONG)
    job = service.create(receiver.url("/209"), 209).json()
    found = service.call("GET", "/jobs", params={"limit": 1}).json()["jobs"]
    assert [entry["id"] for entry in found] == [job["id"]]
    assert service.call("GET", "/jobs", BOB, params={"status": "dead"}).json() == {"jobs": []}
    earlier = service.call("GET", "/jobs", params={"before": 5}).json()
    assert earlier == {"jobs": []}


@pytest.mark.parametrize("query", [{"status": "nice"}, {"limit": 0}, {"limit": "x"}, {"limit": 1001}, {"before": "y"}])
def test_bad_query(service: Running, query: dict[str, Any]) -> None:
    """An unknown filter is 400."""
    assert service.call("GET", "/jobs", params=query).status_code == 400


def test_replay_unfinished(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """A job whose callback is still to come cannot be replayed."""
    d365.script(210, LONG)
    job = service.create(receiver.url("/210"), 210).json()
    assert service.call("POST", f"/jobs/{job['id']}/replay").status_code == 409


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [(b"{}", "text/plain", 415), (b"x" * 70_000, "application/json", 413), (b"{", "application/cloudevents+json", 400)],
)
def test_bad_body(service: Running, content: bytes, media_type: str, status: int) -> None:
    """Wrong type, too large, broken: each has its status."""
    response = service.call("POST", "/jobs", content=content, headers={"content-type": media_type})
    assert (response.status_code, response.headers["content-type"]) == (status, MEDIA_TYPE)


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("PUT", "/jobs", 405)])
def test_unknown_path(service: Running, method: str, path: str, status: int) -> None:
    """Starlette's own refusals have the same shape."""
    response = service.call(method, path)
    assert (response.status_code, response.headers["content-type"]) == (status, MEDIA_TYPE)


def test_bug(service: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own mistakes are 500 and reveal nothing."""
    monkeypatch.setattr(service.engine.store, "read", None)
    response = service.call("GET", "/jobs")
    assert (response.status_code, response.json()["title"]) == (500, "Internal Server Error")


@pytest.mark.parametrize(
    ("public", "send", "expected"),
    [
        ("https://gw.example/batch/", True, "https://gw.example/batch/jobs/"),
        (None, True, "/batch/jobs/"),
        (None, False, ""),
    ],
)
def test_location(
    service: Running, d365: D365Emulator, receiver: Receiver, public: str | None, send: bool, expected: str
) -> None:
    """Location is absolute if a public URL is configured, and absent if it is switched off; never made from Host."""
    d365.script(211, LONG)
    settings = service.settings.model_copy(update={"public_url": public, "send_location": send})
    response = Running(settings, service.engine).create(receiver.url("/211"), 211)
    assert response.headers.get("location", "").startswith(expected)
    assert ("location" in response.headers) == send


def test_not_ready(receiver: Receiver) -> None:
    """Before its start the service answers 503."""
    settings = fast_settings("sqlite:////nonexistent/x.db", LOOPBACK)
    response = Running(settings).create(receiver.url("/x"), 1)
    assert (response.status_code, "retry-after" in response.headers) == (503, True)


def test_warnings() -> None:
    """Development switches are named in the log at every start."""
    with structlog.testing.capture_logs() as lines:
        settings = fast_settings("sqlite:///jobs.db", LOOPBACK)
        warn(settings)
        warn(settings.model_copy(update={"callbacks": CallbackSettings()}))
    switches = [line.get("setting") for line in lines]
    assert {"callbacks.allow-http", "callbacks.allow-private-networks", "d365.instance-url"} <= set(switches)
    assert "callbacks_unsigned" in [line["event"] for line in lines]


def test_lifespan(service: Running, tmp_path: Path) -> None:
    """The lifespan of a mounted application starts and stops the engine."""

    async def cycle() -> None:
        app = create_app(service.settings.model_copy(update={"store": SecretStr(f"sqlite:///{tmp_path}/x.db")}))
        calls: list[str] = []
        app.state.engine.start, app.state.engine.stop = lambda: calls.append("start"), lambda: calls.append("stop")
        async with app.router.lifespan_context(app):
            assert calls == ["start"]
        assert calls == ["start", "stop"]

    run(cycle())


def test_second_engine(service: Running) -> None:
    """A second service on the same file does not start, and leaves the first one alone."""
    with pytest.raises(StoreInUse):
        Running(service.settings).engine.start()
    assert service.call("GET", "/jobs").status_code == 200


def test_other_request_with_the_same_key(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """A key stands for everything that was asked: profile and time-out, too."""
    d365.script(220, LONG)
    key = {"idempotency-key": "run-220"}
    body = {"batchId": 220, "callbackUrl": receiver.url("/220")}
    assert service.call("POST", "/jobs", json=body, headers=key).status_code == 202
    for more in ({"profile": "plain"}, {"timeoutSeconds": 60}):
        assert service.call("POST", "/jobs", json={**body, **more}, headers=key).status_code == 422


def test_replay_counts(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """A replay does not pass the caller's limit of active jobs."""
    d365.script(7, SHORT)
    for job in service.call("GET", "/jobs", BOB).json()["jobs"]:
        service.call("DELETE", f"/jobs/{job['id']}", BOB)
    done = service.create(receiver.url("/7r"), 7, BOB).json()
    service.until(done["id"], "delivered", caller=BOB)
    d365.script(7, LONG)
    active = service.create(receiver.url("/7s"), 7, BOB).json()
    assert service.call("POST", f"/jobs/{done['id']}/replay", BOB).status_code == 429
    service.call("DELETE", f"/jobs/{active['id']}", BOB)
    assert service.call("POST", f"/jobs/{done['id']}/replay", BOB).status_code == 202


def test_pages(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """A full page links to the next one; ``before`` takes the times that answers show."""
    for batch_id in (221, 222):
        d365.script(batch_id, LONG)
        service.create(receiver.url(f"/{batch_id}"), batch_id)
    page = service.call("GET", "/jobs", params={"limit": 1}).json()
    following = service.call("GET", page["next"].removeprefix("/batch")).json()
    assert (page["jobs"][0]["batchId"], following["jobs"][0]["batchId"]) == (222, 221)
    shown = page["jobs"][0]["createdTime"]
    assert 222 not in [job["batchId"] for job in service.call("GET", "/jobs", params={"before": shown}).json()["jobs"]]


def test_trailing_slash(service: Running) -> None:
    """A path with a trailing slash is unknown: no redirect is made from the request's Host."""
    response = service.call("GET", "/jobs/", headers={"host": "evil.example"})
    assert (response.status_code, response.headers.get("location")) == (404, None)


def test_compressed_body(service: Running) -> None:
    """A compressed body is refused with 415."""
    response = service.call("POST", "/jobs", content=b"x", headers={"content-encoding": "gzip"})
    assert (response.status_code, response.headers["accept-encoding"]) == (415, "identity")


def test_refusals_are_counted(service: Running) -> None:
    """Each refusal counts by its reason."""
    registry, name = service.engine.metrics.registry, "gateway_notifications_refused_total"
    before = registry.get_sample_value(name, {"reason": "job-unknown"}) or 0.0
    service.call("GET", "/jobs/nothing")
    assert registry.get_sample_value(name, {"reason": "job-unknown"}) == before + 1


def test_ready(service: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine is ready while it runs and its store can be written."""
    assert run(service.engine.is_ready())
    assert not run(Running(service.settings).engine.is_ready())

    async def fail(*_: object, **__: object) -> None:
        raise StoreSlow

    monkeypatch.setattr(service.engine.store, "write_by", fail)
    assert not run(service.engine.is_ready())


def test_failed_start(service: Running, tmp_path: Path) -> None:
    """A start that fails says why, and leaves neither lock nor thread behind."""
    path = tmp_path / "text.db"
    path.write_text("no database\n" * 100)
    broken = Running(service.settings.model_copy(update={"store": SecretStr(f"sqlite:///{path}")}))
    with pytest.raises(GatewayError, match="not a database"):
        broken.engine.start()
    assert [thread.name for thread in threading.enumerate()].count("notifications") == 1  # the service of this file
    FileLock(str(path)).release()
