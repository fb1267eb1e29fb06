"""The start step under doubt: what is called, how often, and what the caller is told when it cannot be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.notifications.d365.batch_status import Row
from gateway.notifications.d365.errors import D365Error, FailureKind
from gateway.notifications.d365.start_answer import StartAnswer
from gateway.notifications.settings import D365Settings
from gateway.notifications.store import jobs
from gateway.notifications.store.model import StoredJob, derive_key
from gateway.notifications.store.store import Store
from gateway.notifications.store.tables import jobs as jobs_table
from gateway.notifications.workflow.clock import Clock
from gateway.notifications.workflow.doubt import StartRules
from gateway.notifications.workflow.joining import StatusReading
from gateway.notifications.workflow.outcomes import Outcome, RunVerdict
from gateway.notifications.workflow.permission import Permit
from gateway.notifications.workflow.starting import Starter
from gateway.notifications.workflow.transitions import JobEvent, State
from tests.notifications.conftest import eventually, run

SETTINGS = D365Settings(instance_url="https://a.b", token_url="https://l/x", settle_s=0.0)
IDLE = Row(1, "Finished", 100.0, 200.0)
QUEUED = Row(1, "Waiting", 100.0, 200.0)
RAN = Row(1, "Finished", 300.0, 400.0)
NOW = 1000.0
TIMING = StartRules(SETTINGS.call_limit_s, SETTINGS.settle_s)


class Fast(Clock):
    """A clock that jumps, yet lets others run."""

    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> float:
        """The moment."""
        return self.moment

    async def sleep_until(self, moment: float) -> None:
        """Jump."""
        await asyncio.sleep(0.001)
        self.moment = max(self.moment, moment)


class Environment:
    """F&O for one batch job: a list of readings and a list of answers to start calls; the last ones repeat."""

    def __init__(self, readings: list[Row | None], answers: list[StartAnswer | D365Error]) -> None:
        self.readings = readings
        self.answers = answers
        self.calls = 0

    async def read(self, batch_id: int) -> Row | None:
        """What the poller would give."""
        return self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]

    async def start(self, batch_id: int, permit: Permit, party: str) -> StartAnswer:
        """One start call."""
        await permit.renew()
        permit.check()
        self.calls += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, D365Error):
            raise answer
        return answer


def job(job_id: str = "j", **changes: Any) -> StoredJob:
    """A job just accepted."""
    values: dict[str, Any] = {
        "id": job_id, "caller": "c", "rule": "r", "batch_id": 1, "url": "plain:https://a/", "host": "a",
        "profile": "adf", "state": State.ACCEPTED, "active": 1, "created_at": NOW, "updated_at": NOW,
        "deadline_at": NOW + 500, "callback_deadline_at": NOW + 600,
    }  # fmt: skip
    return StoredJob(**(values | changes))


def start(
    store: Store, environment: Environment, new: StoredJob | None = None, settings: D365Settings = SETTINGS
) -> tuple[RunVerdict | None, State]:
    """The start step of one job: its verdict, and its state afterwards."""

    async def step() -> tuple[RunVerdict | None, State]:
        begun = new or job()
        await _accept(store, begun)
        starter = Starter(store, environment, environment, Fast(), settings)  # type: ignore[arg-type]
        verdict = await _verdict(store, starter.start(begun))
        return verdict, await _state(store, begun.id)

    return run(step())


async def _verdict(store: Store, step: Awaitable[StoredJob | RunVerdict | None]) -> RunVerdict | None:
    """What the step says against a start; a job that it hands on is the row that is in the store."""
    after = await step
    if not isinstance(after, StoredJob):
        return after
    assert after == await store.read(lambda connection: jobs.find(connection, after.id))
    return None


async def _accept(store: Store, new: StoredJob) -> None:
    await store.write(lambda connection: jobs.accept(connection, new, derive_key(1, new.id, None), None, False))


async def _state(store: Store, job_id: str) -> State:
    found = await store.read(lambda connection: jobs.find(connection, job_id))
    assert found is not None
    return found.state


OK = StartAnswer(True)
AMBIGUOUS = D365Error(FailureKind.AMBIGUOUS, "503")
TRANSIENT = D365Error(FailureKind.TRANSIENT, "unreachable")
THROTTLED = D365Error(FailureKind.THROTTLED, "429", 1.0)

STARTS: dict[str, tuple[list[Row | None], list[StartAnswer | D365Error], int]] = {
    "at once": ([IDLE], [OK], 1),
    "doubt, executed": ([IDLE, QUEUED], [AMBIGUOUS], 1),
    "doubt, executed and over": ([IDLE, RAN], [AMBIGUOUS], 1),
    "doubt, not executed": ([IDLE], [AMBIGUOUS, OK], 2),
    "unreachable for a moment": ([IDLE], [TRANSIENT, TRANSIENT, OK], 3),
    "throttled often": ([IDLE], [THROTTLED] * 8 + [OK], 9),
    "withheld": ([Row(1, "Hold")], [OK], 1),
    "last doubt, executed": ([*[IDLE] * 6, QUEUED], [AMBIGUOUS], 6),
}


@pytest.mark.parametrize("case", STARTS)
def test_started(store: Store, case: str) -> None:
    """The job is started, with as many calls as were certainly needed."""
    readings, answers, calls = STARTS[case]
    environment = Environment(list(readings), list(answers))
    assert start(store, environment) == (None, State.WAITING)
    assert environment.calls == calls


REFUSALS: dict[str, tuple[list[Row | None], list[StartAnswer | D365Error], Outcome]] = {
    "no such job": ([None], [OK], Outcome.NOT_FOUND),
    "refused": ([IDLE], [StartAnswer(False)], Outcome.START_FAILED),
    "always in doubt": ([IDLE], [AMBIGUOUS], Outcome.START_FAILED),
    "never reached": ([IDLE], [TRANSIENT], Outcome.START_FAILED),
    "no privilege": ([IDLE], [D365Error(FailureKind.AUTH, "privilege")], Outcome.UPSTREAM_AUTH),
    "no such action": ([IDLE], [D365Error(FailureKind.PERMANENT, "404")], Outcome.START_FAILED),
    "deleted in doubt": ([IDLE, None], [AMBIGUOUS, D365Error(FailureKind.PERMANENT, "404")], Outcome.START_FAILED),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_not_started(store: Store, case: str) -> None:
    """When it cannot be started the verdict says why; retries end after five."""
    readings, answers, outcome = REFUSALS[case]
    environment = Environment(list(readings), list(answers))
    verdict, _ = start(store, environment)
    assert verdict is not None
    assert verdict.outcome is outcome
    assert environment.calls <= 6


def test_attached(store: Store) -> None:
    """A job that is queued already is watched, not started; or refused, if that is the setting."""
    environment = Environment([QUEUED], [OK])
    assert start(store, environment) == (None, State.WAITING)
    verdict, _ = start(store, environment, job("k"), SETTINGS.model_copy(update={"on_running": "reject"}))
    assert verdict is not None
    assert (verdict.outcome, environment.calls) == (Outcome.ALREADY_RUNNING, 0)


@pytest.mark.parametrize(("reading", "calls"), [(QUEUED, 0), (RAN, 0), (IDLE, 1)])
def test_after_a_crash(store: Store, reading: Row, calls: int) -> None:
    """A job found in STARTING is called again only if the batch job shows no trace of a start."""

    async def crashed() -> tuple[RunVerdict | None, State, int]:
        await _accept(store, job())
        await store.write(lambda connection: jobs.begin_start(connection, job(), StatusReading(IDLE, NOW), NOW, TIMING))
        found = await store.read(lambda connection: jobs.find(connection, "j"))
        environment = Environment([reading], [OK])
        starter = Starter(store, environment, environment, Fast(), SETTINGS)  # type: ignore[arg-type]
        assert found is not None
        verdict = await _verdict(store, starter.start(found))
        return verdict, await _state(store, "j"), environment.calls

    assert run(crashed()) == (None, State.WAITING, calls)


@pytest.mark.parametrize("on_running", ["attach", "reject"])
def test_following(store: Store, on_running: Any) -> None:
    """While another job of ours starts the batch job this one waits, and joins its run when a reading shows it."""

    async def follow() -> tuple[RunVerdict | None, StoredJob | None, int]:
        await _accept(store, job("leader"))
        await _accept(store, job("follower"))
        await store.write(
            lambda connection: jobs.begin_start(connection, job("leader"), StatusReading(IDLE, NOW), NOW, TIMING)
        )
        environment = Environment([IDLE], [OK])
        settings = SETTINGS.model_copy(update={"on_running": on_running})
        starter = Starter(store, environment, environment, Fast(), settings)  # type: ignore[arg-type]
        step = asyncio.ensure_future(starter.start(job("follower", deadline_at=NOW + 1e6)))
        await asyncio.sleep(0.02)
        environment.readings = [QUEUED]
        verdict = await _verdict(store, step)
        return verdict, await store.read(lambda c: jobs.find(c, "follower")), environment.calls

    verdict, found, calls = run(follow())
    assert calls == 0
    assert found is not None
    if on_running == "reject":
        assert verdict is not None
        assert verdict.outcome is Outcome.ALREADY_RUNNING
    else:
        assert (verdict, found.state, found.before) == (None, State.WAITING, None)


def _late(store: Store, environment: Environment, created: float, on_running: Any) -> Any:
    """The verdict for a job that is asked for *created* seconds after another's start; both jobs afterwards."""

    async def late() -> tuple[RunVerdict | None, dict[str, StoredJob]]:
        asked = job("late", created_at=NOW + created)
        await _accept(store, job("early"))
        await _accept(store, asked)
        await store.write(lambda c: jobs.begin_start(c, job("early"), StatusReading(IDLE, NOW), NOW, TIMING))
        await store.write(lambda c: jobs.move(c, "early", JobEvent.STARTED, NOW, started_at=NOW - 1, doubt_until=None))
        settings = SETTINGS.model_copy(update={"on_running": on_running})
        starter = Starter(store, environment, environment, Fast(), settings)  # type: ignore[arg-type]
        verdict = await _verdict(store, starter.start(asked))
        everything = await store.read(jobs.search)
        return verdict, {found.id: found for found in everything}

    verdict, found = run(late())
    return verdict, found["early"], found["late"]


@pytest.mark.parametrize(("created", "on_running"), [(5, "attach"), (5, "reject"), (-1, "reject")])
def test_ended_run_is_not_joined(store: Store, created: float, on_running: Any) -> None:
    """
    A request that comes after a run ended, but before the other job's owner has looked, starts the batch job.

    The other job ends by the reading that shows its run's end, which the new run is about to hide.
    """
    environment = Environment([RAN], [OK])
    verdict, early, found = _late(store, environment, created, on_running)
    assert (verdict, environment.calls, found.state, found.before) == (None, 1, State.WAITING, RAN)
    assert (early.state, early.outcome) == (State.DELIVERING, Outcome.SUCCEEDED)


def test_run_is_shared(store: Store) -> None:
    """A run that was started after the request, and is over when its turn comes, is the run for both."""
    environment = Environment([RAN], [OK])
    verdict, early, found = _late(store, environment, -1, "attach")
    assert (verdict, environment.calls, found.state, found.before) == (None, 0, State.WAITING, IDLE)
    assert (early.state, early.outcome) == (State.WAITING, None)


def test_start_not_shown_yet(store: Store) -> None:
    """While an accepted start does not show yet, a reading of the run before it neither joins nor starts anything."""
    settings = SETTINGS.model_copy(update={"settle_s": 60.0})
    environment = Environment([IDLE, IDLE, IDLE, QUEUED], [OK])

    async def late() -> tuple[RunVerdict | None, State]:
        await _accept(store, job("early"))
        await _accept(store, job("late"))
        await store.write(lambda c: jobs.begin_start(c, job("early"), StatusReading(IDLE, NOW), NOW, TIMING))
        await store.write(lambda c: jobs.move(c, "early", JobEvent.STARTED, NOW, started_at=NOW - 1, doubt_until=None))
        starter = Starter(store, environment, environment, Fast(), settings)  # type: ignore[arg-type]
        return await _verdict(store, starter.start(job("late"))), await _state(store, "late")

    assert run(late()) == (None, State.WAITING)
    assert environment.calls == 0


SILENT_S = 130.0


class Silent(Environment):
    """Each call is silent for longer than ``settle``, and takes effect shortly after we have given up on it."""

    def __init__(self, clock: Fast, quiet_calls: int) -> None:
        super().__init__([IDLE], [])
        self.quiet_calls = quiet_calls
        self.clock = clock
        self.effect_at = float("inf")

    async def read(self, batch_id: int) -> Row | None:
        """The row shows the effect once it is there."""
        return QUEUED if self.clock.now() >= self.effect_at else IDLE

    async def start(self, batch_id: int, permit: Permit, party: str) -> StartAnswer:
        """The last of the answers takes effect late."""
        await permit.renew()
        permit.check()
        self.calls += 1
        await self.clock.sleep_until(self.clock.now() + SILENT_S)
        if self.calls == self.quiet_calls:
            self.effect_at = self.clock.now() + 30.0
        raise AMBIGUOUS


@pytest.mark.parametrize("quiet_calls", [1, 2])
def test_settling_counts_from_the_end(store: Store, quiet_calls: int) -> None:
    """Doubt lasts for ``settle`` after the end of the last doubtful call, however long that call was silent."""
    clock = Fast()
    environment = Silent(clock, quiet_calls)
    settings = SETTINGS.model_copy(update={"settle_s": 60.0})

    async def step() -> tuple[RunVerdict | None, State]:
        patient = job(deadline_at=NOW + 1e6)
        await _accept(store, patient)
        starter = Starter(store, environment, environment, clock, settings)  # type: ignore[arg-type]
        return await _verdict(store, starter.start(patient)), await _state(store, "j")

    assert run(step()) == (None, State.WAITING)
    assert environment.calls == quiet_calls


def test_marked_again_after_a_refused_connection(store: Store) -> None:
    """
    Each call has a mark in the store that says until when it may take effect, also one soon after a call that failed.

    Otherwise a replica that takes over during the second call would not wait for its end.
    """
    marks: list[float | None] = []

    class Marking(Environment):
        async def start(self, batch_id: int, permit: Permit, party: str) -> StartAnswer:
            await permit.renew()
            found = await store.read(lambda c: jobs.find(c, "j"))
            assert found is not None
            marks.append(found.doubt_until)
            return await super().start(batch_id, permit, party)

    start(store, Marking([IDLE], [TRANSIENT, OK]))
    first, second = marks
    assert first is not None
    assert second is not None
    assert second > first


def test_doubt_outlives_its_job(store: Store) -> None:
    """A job that ended while its call was in doubt keeps others from starting that batch job meanwhile."""
    clock = Fast()
    environment = Silent(clock, 1)
    settings = SETTINGS.model_copy(update={"settle_s": 60.0})

    async def two() -> tuple[RunVerdict | None, State, int]:
        first, second = job("first"), job("second", deadline_at=NOW + 1e6)
        await _accept(store, first)
        await _accept(store, second)
        starter = Starter(store, environment, environment, clock, settings)  # type: ignore[arg-type]
        marked = await store.write(
            lambda c: jobs.begin_start(c, first, StatusReading(IDLE, NOW), NOW, StartRules(120.0, 60.0))
        )
        assert marked is not None
        await store.write(lambda c: jobs.end(c, marked, RunVerdict(Outcome.UNKNOWN, "deadline"), NOW))
        environment.effect_at = NOW + 150.0
        return await _verdict(store, starter.start(second)), await _state(store, "second"), environment.calls

    assert run(two()) == (None, State.WAITING, 0)


@pytest.mark.parametrize(("capped", "late_s"), [(False, 195.0), (True, 60.0)])
def test_doubt_after_a_crash(store: Store, capped: bool, late_s: float) -> None:
    """
    The call of a process that is gone may still be open, unless it is known that the process has ended.

    Then its effect shows within ``settle`` from now.
    """
    settings = SETTINGS.model_copy(update={"settle_s": 60.0})
    clock = Fast()

    async def resume() -> float:
        left = job(owner="gone", deadline_at=NOW + 1e6)
        await _accept(store, left)
        rules = StartRules(settings.call_limit_s, settings.settle_s)
        await store.write(lambda c: jobs.begin_start(c, left, StatusReading(IDLE, NOW), NOW, rules))
        if capped:
            await store.write(lambda c: jobs.cap_doubt(c, "gone", NOW + settings.settle_s))
        found = await store.read(lambda c: jobs.find(c, "j"))
        assert found is not None
        environment = Environment([IDLE], [OK])
        await Starter(store, environment, environment, clock, settings).start(found)  # type: ignore[arg-type]
        assert environment.calls == 1
        return clock.now() - NOW

    assert run(resume()) == pytest.approx(late_s, abs=1.0)


@pytest.mark.parametrize(("queue_s", "calls", "doubt_s"), [(0.0, 1, 60.0), (20.0, 0, None)])
def test_stopped_during_the_call(store: Store, queue_s: float, calls: int, doubt_s: float | None) -> None:
    """A stop during the call leaves doubt for ``settle`` if the call was sent, and none if it was not."""
    clock, settings = Fast(), SETTINGS.model_copy(update={"settle_s": 60.0})

    class Stopping(Environment):
        async def start(self, batch_id: int, permit: Permit, party: str) -> StartAnswer:
            await store.write(lambda c: jobs.move(c, "j", JobEvent.STOP, NOW))
            clock.moment += queue_s
            return await super().start(batch_id, permit, party)

    environment = Stopping([IDLE], [OK])

    async def step() -> float | None:
        await _accept(store, job())
        await Starter(store, environment, environment, clock, settings).start(job())  # type: ignore[arg-type]
        found = await store.read(lambda c: jobs.find(c, "j"))
        assert found is not None
        return found.doubt_until

    until = run(step())
    assert environment.calls == calls
    assert (until and until - clock.now()) == (doubt_s and pytest.approx(doubt_s, abs=1.0))


def test_few_at_once(store: Store) -> None:
    """However many jobs are to be started, a crash would leave only a few marks whose calls are in doubt."""
    release, called = asyncio.Event(), []

    class Slow(Environment):
        async def start(self, batch_id: int, permit: Permit, party: str) -> StartAnswer:
            called.append(batch_id)
            await release.wait()
            return OK

    async def burst() -> tuple[int, int]:
        environment = Slow([IDLE], [OK])
        starter = Starter(store, environment, environment, Fast(), SETTINGS)  # type: ignore[arg-type]
        many = [job(f"j{number}", batch_id=number, caller=f"c{number % 5}") for number in range(100)]
        for new in many:
            await _accept(store, new)
        steps = [asyncio.ensure_future(starter.start(new)) for new in many]
        await eventually(lambda: len(called) >= 40)
        await asyncio.sleep(0.2)  # for more, if nothing held them back
        marked = len(await store.read(lambda connection: jobs.search(connection, state=State.STARTING)))
        release.set()
        await asyncio.gather(*steps)
        return marked, len(await store.read(lambda connection: jobs.search(connection, state=State.WAITING)))

    assert run(burst()) == (40, 100)


def test_stopped_meanwhile(store: Store) -> None:
    """A job that was stopped before its turn is not started."""
    environment = Environment([IDLE], [OK])
    assert start(store, environment, job(state=State.STOPPED, active=0)) == (None, State.STOPPED)
    assert environment.calls == 0


def test_taken_over_meanwhile(store: Store) -> None:
    """A replica whose job was given to another one before its mark was set starts nothing and reports nothing."""
    environment = Environment([IDLE], [OK])

    async def step() -> tuple[RunVerdict | None, State]:
        await _accept(store, job(owner="other"))
        starter = Starter(store, environment, environment, Fast(), SETTINGS)  # type: ignore[arg-type]
        return await _verdict(store, starter.start(job(owner="me"))), await _state(store, "j")

    assert run(step()) == (None, State.ACCEPTED)
    assert environment.calls == 0


def test_without_a_lease(store: Store) -> None:
    """A replica whose lease has ended starts nothing until it is renewed."""
    environment = Environment([IDLE], [OK])
    permissions = iter([False, False, True])

    async def step() -> None:
        await _accept(store, job())
        may_act = lambda: next(permissions)  # noqa: E731
        starter = Starter(store, environment, environment, Fast(), SETTINGS, may_act)  # type: ignore[arg-type]
        await starter.start(job())

    run(step())
    assert environment.calls == 1
    assert next(permissions, None) is None


@pytest.mark.parametrize("change", [{"owner": "other"}, {"state": State.STOPPED, "active": 0}])
def test_taken_over_while_queueing(store: Store, change: dict[str, object]) -> None:
    """A job that was taken over or stopped while its call waited for a place is not started by its former owner."""
    clock = Fast()

    class Queueing(Environment):
        async def start(self, batch_id: int, permit: Permit, party: str) -> StartAnswer:
            await clock.sleep_until(clock.now() + 20.0)
            await store.write(lambda c: c.execute(sa.update(jobs_table).values(**change)))
            return await super().start(batch_id, permit, party)

    environment = Queueing([IDLE], [OK])

    async def step() -> RunVerdict | None:
        await _accept(store, job(owner="me"))
        starter = Starter(store, environment, environment, clock, SETTINGS)  # type: ignore[arg-type]
        return await _verdict(store, starter.start(job(owner="me")))

    assert run(step()) is None
    assert environment.calls == 0


def test_deadline(store: Store) -> None:
    """A start that does not succeed ends with the caller's time."""
    never = Environment([IDLE], [OK])

    async def hang(batch_id: int) -> Row | None:
        await asyncio.sleep(60)
        return None

    never.read = hang  # type: ignore[method-assign]
    verdict, _ = start(store, never, job(deadline_at=NOW + 0.05))
    assert verdict is not None
    assert verdict.outcome is Outcome.UNKNOWN
