"""Whole jobs: every way a batch job can live becomes one callback, started exactly once."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa
import structlog
from standardwebhooks import Webhook

from gateway.emulators.d365 import D365Emulator, Job, Life, Step
from gateway.emulators.d365.jobs import Snapshot
from gateway.emulators.d365.lives import canceled, deleted, ends, scheduled, stays
from gateway.emulators.faults import Fault
from gateway.notifications.d365.batch_status import parse_time
from gateway.notifications.metrics import Metrics
from gateway.notifications.store import jobs
from gateway.notifications.store.model import StoredJob
from gateway.notifications.store.store import Store
from gateway.notifications.workflow import watching, workflow
from gateway.notifications.workflow.clock import Clock
from gateway.notifications.workflow.outcomes import Outcome, RunVerdict
from gateway.notifications.workflow.starting import Starter
from gateway.notifications.workflow.transitions import JobEvent, State
from gateway.notifications.workflow.workflow import Workflow
from tests.notifications.conftest import ALICE, SECRET, Running, run
from tests.notifications.receiver import Received, Receiver, answer
from tests.notifications.store.accepting import accept
from tests.notifications.store.accepting import job as stored_job

# Times are those of the emulator, which is a hundred times faster than a clock.
RUN = ends("Finished", 20, 40)
AGAIN = Life((*RUN.steps, Step(200, "Waiting")), every_s=86_400)


def flips(status: str) -> Life:
    """Recurring: in the very moment in which its run ends it waits for tomorrow's."""
    run = ends(status, 20, 40)
    return Life((*run.steps, Step(run.steps[-1].after_s, "Waiting")), every_s=86_400)


LIVES = {
    101: (RUN, "succeeded", "200"),
    102: (ends("Error", 20, 40), "failed", "500"),
    103: (canceled(20, 40), "cancelled", "500"),
    104: (ends("NotRun", 20, 0), "not_run", "500"),
    105: (deleted(20), "not_found", "404"),
    106: (scheduled(), "scheduled_not_run", "409"),
    107: (AGAIN, "succeeded", "200"),
    108: (ends("Finished", 0, 0), "succeeded", "200"),
    109: (flips("Error"), "failed", "500"),
    130: (flips("Finished"), "succeeded", "200"),
}


@pytest.fixture(scope="module")
def told(service: Running, d365: D365Emulator, receiver: Receiver) -> dict[int, tuple[dict[str, Any], list[Received]]]:
    """What each of the LIVES came to, for the caller and for the receiver."""
    jobs = {}
    for batch_id, (life, _, _) in LIVES.items():
        d365.script(batch_id, life)
        body = {"batchId": batch_id, "callBackUri": receiver.url(f"/{batch_id}")}
        jobs[batch_id] = service.call("POST", "/jobs", json=body).json()["id"]
    found = {batch_id: service.until(job_id, "delivered") for batch_id, job_id in jobs.items()}
    return {batch_id: (shown, receiver.received(f"/{batch_id}")) for batch_id, shown in found.items()}


@pytest.mark.parametrize("batch_id", LIVES, ids=lambda batch_id: LIVES[batch_id][1])
def test_lives(told: dict[int, tuple[dict[str, Any], list[Received]]], d365: D365Emulator, batch_id: int) -> None:
    """Each end of a batch job is reported with its own outcome, in ADF's shape, and the job was started once."""
    _, outcome, code = LIVES[batch_id]
    found, [callback] = told[batch_id]
    body = json.loads(callback.body)
    assert (found["outcome"], body["Output"]["outcome"], body["StatusCode"]) == (outcome, outcome, code)
    assert ("Error" in body) == (outcome != "succeeded")
    assert d365.starts(batch_id) == 1


@pytest.mark.parametrize(("times", "outcome"), [(1, "failed"), (None, "unknown")])
def test_history_away(
    service: Running, d365: D365Emulator, receiver: Receiver, times: int | None, outcome: str
) -> None:
    """A history query that fails once is repeated; without a history the outcome is unknown, never successful."""
    batch_id = 131 if times else 132
    d365.script(batch_id, flips("Error"))
    d365.fail(times, 503 if times else 404, "histories")
    job = service.create(receiver.url(f"/{batch_id}"), batch_id).json()
    assert service.until(job["id"], "delivered")["outcome"] == outcome


@pytest.mark.parametrize(("batch_id", "from_history"), [(134, False), (135, True)])
def test_times_of_the_run(
    service: Running, d365: D365Emulator, receiver: Receiver, batch_id: int, from_history: bool
) -> None:
    """A callback carries F&O's description, times and address of the run, also when they come from the history."""
    life = flips("Finished") if from_history else RUN
    d365.add(Job(batch_id, "Nightly export", (life,)))
    job = service.create(receiver.url(f"/{batch_id}"), batch_id).json()
    shown = service.until(job["id"], "delivered")["batchJob"]
    (got,) = receiver.received(f"/{batch_id}")
    assert json.loads(got.body)["data"]["batchJob"] == shown
    run_of_it = d365.jobs[batch_id].ended_runs(d365.clock(), d365.speed)[-1]
    assert parse_time(shown["startedAt"]) == pytest.approx(run_of_it.started, abs=0.01)
    assert parse_time(shown["endedAt"]) == pytest.approx(run_of_it.ended, abs=0.01)
    assert shown["description"] == "Nightly export"
    assert shown["link"] == f"{d365.base_url}/data/BatchJobs({batch_id})"


def test_history_without_a_field(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """An environment whose history lacks a selected field is asked for all of them."""
    d365.script(136, flips("Error"))
    d365.faults.add(Fault("histories", 1, 400, body="Could not find a property named 'JobDescription'"))
    job = service.create(receiver.url("/136"), 136).json()
    assert service.until(job["id"], "delivered")["outcome"] == "failed"


def test_history_slow(
    service: Running, d365: D365Emulator, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A history that does not answer delays the report by seconds, not by F&O's long read time-out."""
    monkeypatch.setattr(watching, "_HISTORY_S", 0.2)
    d365.script(133, flips("Finished"))
    d365.delay(10.0, 1, "histories")
    job = service.create(receiver.url("/133"), 133).json()
    assert service.until(job["id"], "delivered", patience_s=8.0)["outcome"] == "unknown"


def test_signed(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """A standard callback verifies with the Standard Webhooks library."""
    d365.script(110, RUN)
    job = service.create(receiver.url("/110"), 110).json()
    service.until(job["id"], "delivered")
    [callback] = receiver.received("/110")
    payload = Webhook(SECRET).verify(callback.body, callback.headers)
    assert (payload["type"], payload["data"]["batchId"]) == ("batch_job.succeeded", 110)
    assert callback.headers["webhook-id"] == job["id"]


def test_stale_end(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """The end of the previous run, still shown after the start, is not taken for the end of this one."""
    d365.add(Job(111, lives=(ends("Error", 20, 40),), before=Snapshot("Finished", 1e9, 1e9, 1e9)))
    d365.start_lag_s = 1.0
    try:
        job = service.create(receiver.url("/111"), 111).json()
        assert service.until(job["id"], "delivered")["outcome"] == "failed"
    finally:
        d365.start_lag_s = 0.0


def test_unknown_job(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """A batch job that F&O does not have is reported as such."""
    job = service.create(receiver.url("/112"), 112).json()
    assert service.until(job["id"], "delivered")["outcome"] == "not_found"


def test_refused_start(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """F&O's own words reach the caller when it refuses to start."""
    d365.add(Job(113, lives=(RUN,), refusal="The job is locked."))
    job = service.create(receiver.url("/113"), 113).json()
    found = service.until(job["id"], "delivered")
    assert found["outcome"] == "start_failed"
    assert "The job is locked." in found["message"]


@pytest.mark.parametrize("after_effect", [False, True], ids=["not executed", "executed"])
def test_doubtful_start(service: Running, d365: D365Emulator, receiver: Receiver, after_effect: bool) -> None:
    """A start call whose answer is lost is repeated only if it had no effect."""
    batch_id = 114 + after_effect
    d365.script(batch_id, RUN)
    d365.drop(endpoint="start", after_effect=after_effect)
    job = service.create(receiver.url(f"/{batch_id}"), batch_id).json()
    assert service.until(job["id"], "delivered")["outcome"] == "succeeded"
    assert d365.starts(batch_id) == 1


def test_attach(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """Two requests for one batch job watch one run, and both get a callback."""
    d365.script(116, RUN)
    first = service.create(receiver.url("/116a"), 116).json()
    second = service.create(receiver.url("/116b"), 116).json()
    for job in (first, second):
        assert service.until(job["id"], "delivered")["outcome"] == "succeeded"
    assert d365.starts(116) == 1
    assert len(receiver.received("/116a")) == len(receiver.received("/116b")) == 1


def test_held(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """A job that was withheld keeps being polled, until the caller's time is over."""
    d365.script(117, stays("Hold"))
    job = service.create(receiver.url("/117"), 117, timeoutSeconds=2).json()
    found = service.until(job["id"], "delivered")
    assert (found["outcome"], found["batchStatus"]) == ("deadline", "Hold")


def test_unknown_status(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """An unknown status is not an end; the report at the deadline names it."""
    d365.script(118, stays("Pondering"))
    job = service.create(receiver.url("/118"), 118, timeoutSeconds=2).json()
    found = service.until(job["id"], "delivered")
    assert found["outcome"] == "deadline"
    assert "Pondering" in found["message"]


def test_f_and_o_away(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """F&O that answers nothing useful until the deadline gives "unknown", never "failed"."""
    d365.script(119, ends(pick_up_s=20, run_s=10**6))
    job = service.create(receiver.url("/119"), 119, timeoutSeconds=3).json()
    service.until(job["id"], "running")
    d365.fail(None)
    assert service.until(job["id"], "delivered")["outcome"] == "unknown"


def test_throttled(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """A 429 pauses the environment and nothing else."""
    d365.script(120, RUN)
    d365.throttle(2, retry_after_s=1)
    job = service.create(receiver.url("/120"), 120).json()
    assert service.until(job["id"], "delivered")["outcome"] == "succeeded"


def test_revoked_token(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """One 401 costs one new token and nothing else."""
    d365.script(121, RUN)
    d365.unauthorized(1)
    job = service.create(receiver.url("/121"), 121).json()
    assert service.until(job["id"], "delivered")["outcome"] == "succeeded"


def test_refused_token(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """If a new token does not help against a 401, the message names F&O's list of applications."""
    d365.script(122, RUN)
    d365.unauthorized(None)
    job = service.create(receiver.url("/122"), 122).json()
    found = service.until(job["id"], "delivered")
    assert found["outcome"] == "upstream_auth"
    assert "applications" in found["message"]


def test_stop(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """A stopped job is no longer watched and sends no callback; the answer says that the batch job continues."""
    d365.script(123, ends(pick_up_s=20, run_s=10**6))
    job = service.create(receiver.url("/123"), 123).json()
    service.until(job["id"], "running")
    stopped = service.call("DELETE", f"/jobs/{job['id']}").json()
    assert (stopped["status"], stopped["runtimeStatus"]) == ("stopped", "Terminated")
    assert "itself continues" in stopped["note"]
    assert service.call("DELETE", f"/jobs/{job['id']}").json()["status"] == "stopped"
    assert receiver.received("/123") == []


def test_dead_letter_and_replay(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """A refused callback is a dead letter; its replay carries the same id and does not start the job again."""
    d365.script(124, RUN)
    receiver.script("/124", answer(403), answer(200))
    job = service.create(receiver.url("/124"), 124).json()
    assert service.until(job["id"], "dead")["callback"]["attempts"] == 1
    replayed = service.call("POST", f"/jobs/{job['id']}/replay")
    assert (replayed.status_code, replayed.json()["status"]) == (202, "delivering")
    found = service.until(job["id"], "delivered")
    ids = {callback.headers["webhook-id"] for callback in receiver.received("/124")}
    assert (ids, d365.starts(124)) == ({job["id"]}, 1)
    assert [attempt["decision"] for attempt in found["attempts"]] == ["permanent", "delivered"]


def test_retry(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """A receiver that is temporarily out of order gets its callback later, with the same body."""
    d365.script(125, RUN)
    receiver.script("/125", answer(503), answer(200))
    job = service.create(receiver.url("/125"), 125).json()
    service.until(job["id"], "delivered")
    first, second = receiver.received("/125")
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


def test_metrics(service: Running, told: dict[int, object]) -> None:
    """Every job is counted, and its end, without any caller, job or host in a label."""
    registry = service.engine.metrics.registry
    assert (registry.get_sample_value("gateway_notifications_accepted_total") or 0) >= len(told)
    succeeded = registry.get_sample_value("gateway_notifications_outcomes_total", {"outcome": "succeeded"})
    assert (succeeded or 0) > 3
    labels = {value for family in registry.collect() for sample in family.samples for value in sample.labels.values()}
    assert not {ALICE, "127.0.0.1", "124"} & labels


class Failing(Starter):
    """A start step that fails twice on our own side, and then finds that there is no such job."""

    def __init__(self) -> None:
        self.failures: list[Exception] = [ConnectionError(), ConnectionError()]

    async def start(self, job: StoredJob) -> RunVerdict | None:
        """The step."""
        if self.failures:
            raise self.failures.pop()
        return RunVerdict(Outcome.NOT_FOUND, "gone")


def test_steps_go_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that fails on our side (the store away) is repeated until it succeeds; the job is not lost."""
    monkeypatch.setattr(workflow, "_FIRST_PAUSE_S", 0.01)

    async def one() -> StoredJob | None:
        await accept(store, stored_job(1))
        steps = Workflow(store, Failing(), None, None, Clock(), Metrics())  # type: ignore[arg-type]
        return await steps._persevere(stored_job(1))

    found = run(one())
    assert found is not None
    assert (found.state, found.outcome) == (State.DELIVERING, Outcome.NOT_FOUND)


def test_an_outage_is_one_line_per_step(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that is away makes each step log one line without a traceback; our own mistake shows where it is."""
    monkeypatch.setattr(workflow, "_FIRST_PAUSE_S", 0.01)

    async def one(number: int, failure: Exception) -> None:
        await accept(store, stored_job(number))
        starter = Failing()
        starter.failures = [failure]
        steps = Workflow(store, starter, None, None, Clock(), Metrics())  # type: ignore[arg-type]
        await steps._persevere(stored_job(number))

    failures = [(sa.exc.OperationalError("", {}, Exception()), False), (KeyError("x"), True)]
    for number, (failure, shown) in enumerate(failures, 1):
        with structlog.testing.capture_logs() as lines:
            run(one(number, failure))
        failed = [line for line in lines if line["event"] == "step_failed"]
        assert [("exc_info" in line) for line in failed] == [shown]


def test_not_ours(store: Store) -> None:
    """A job that was purged, or given to another replica, is left alone after the step that notices."""

    class Stolen(Starter):
        def __init__(self) -> None:
            self.calls = 0

        async def start(self, job: StoredJob) -> RunVerdict | None:
            self.calls += 1
            return None

    async def both() -> int:
        await accept(store, stored_job(1, owner="other"))
        starter = Stolen()
        steps = Workflow(store, starter, None, None, Clock(), Metrics())  # type: ignore[arg-type]
        await steps.run(stored_job(1, owner="me"))
        await steps.run(stored_job(2, owner="me"))
        return starter.calls

    assert run(both()) == 2


class EndedElsewhere:
    """A wait whose outcome is recorded beside it: by another job's start, or by a write whose answer is lost."""

    def __init__(self, store: Store, failure: Exception | None) -> None:
        self._store = store
        self._failure = failure

    async def wait(self, job: StoredJob) -> RunVerdict | None:
        """The step."""
        values = {"outcome": Outcome.FAILED, "message": "over", "ended_at": 9.0, "next_attempt_at": 0.0}
        await self._store.write(lambda connection: jobs.move(connection, job.id, JobEvent.ENDED, 9.0, **values))
        if self._failure is not None:
            raise self._failure
        return None

    async def attempt(self, job: StoredJob) -> StoredJob | None:
        """The callback is refused."""
        return await self._store.write(lambda connection: jobs.move(connection, job.id, JobEvent.GAVE_UP, 9.0))


@pytest.mark.parametrize("failure", [None, sa.exc.OperationalError("", {}, Exception())])
def test_ended_elsewhere(store: Store, monkeypatch: pytest.MonkeyPatch, failure: Exception | None) -> None:
    """An outcome is counted and logged once by the job's owner, whoever recorded it."""
    monkeypatch.setattr(workflow, "_FIRST_PAUSE_S", 0.01)
    waiting, metrics = stored_job(1, state=State.WAITING, started_at=2.0, owner="me"), Metrics()
    outside = EndedElsewhere(store, failure)

    async def whole() -> None:
        await accept(store, waiting)
        steps = Workflow(store, None, outside, outside, Clock(), metrics)  # type: ignore[arg-type]
        await steps.run(waiting)

    with structlog.testing.capture_logs() as lines:
        run(whole())
    told = [(line["outcome"], line["took_s"]) for line in lines if line["event"] == "job_ended"]
    assert told == [("failed", pytest.approx(9.0 - waiting.created_at))]
    counted = metrics.registry.get_sample_value("gateway_notifications_outcomes_total", {"outcome": "failed"})
    assert counted == 1
