"""A receiver that is out of order for an hour, by a clock that jumps: what becomes of the callback."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.notifications.callbacks import delivery
from gateway.notifications.callbacks.circuits import group_of
from gateway.notifications.callbacks.classification import CallbackAnswer, Doubt
from gateway.notifications.callbacks.delivery import Deliverer
from gateway.notifications.callbacks.sending import CallbackSender
from gateway.notifications.metrics import Metrics
from gateway.notifications.settings import CallbackSettings
from gateway.notifications.store import attempts, jobs
from gateway.notifications.store.attempts import Attempt
from gateway.notifications.store.model import StoredJob, derive_key
from gateway.notifications.store.sealing import Sealer
from gateway.notifications.store.store import Store
from gateway.notifications.workflow.clock import Clock
from gateway.notifications.workflow.outcomes import Outcome
from gateway.notifications.workflow.transitions import JobEvent, State
from tests.notifications.conftest import run

HOUR_S = 3600.0
BEGIN = 1_000_000.0


class Jumping(Clock):
    """A clock that is wherever somebody sleeps to."""

    def __init__(self) -> None:
        self.moment = BEGIN

    def now(self) -> float:
        """The moment."""
        return self.moment

    async def sleep_until(self, moment: float) -> None:
        """Jump."""
        self.moment = max(self.moment, moment)


@dataclass
class Scripted(CallbackSender):
    """Sends nothing: *bad* answers until *until*, 200 afterwards; an attempt takes *takes_s* seconds."""

    clock: Jumping
    bad: CallbackAnswer
    until: float
    takes_s: float = 0.0
    sent: int = 0

    def __post_init__(self) -> None:
        """What any sender has."""
        super().__init__(CallbackSettings(hosts=("*",)))

    async def send(self, url: str, headers: object, body: bytes) -> CallbackAnswer:
        """Answer by the clock."""
        assert url == "https://secret.test/?sig=1"
        self.sent += 1
        self.clock.moment += self.takes_s
        return self.bad if self.clock.now() < self.until else CallbackAnswer(200)


def finished(lifetime_s: float = 24 * HOUR_S) -> StoredJob:
    """A job whose outcome is known."""
    return StoredJob(
        id="j", caller="c", rule="r", batch_id=1, url=Sealer("k").seal("https://secret.test/?sig=1"),
        host="secret.test", profile="standard", state=State.DELIVERING, active=1,
        created_at=BEGIN, updated_at=BEGIN, deadline_at=BEGIN,
        callback_deadline_at=BEGIN + lifetime_s, outcome=Outcome.SUCCEEDED, message="", ended_at=BEGIN,
    )  # fmt: skip


async def deliver(store: Store, sender: Scripted, job: StoredJob, key: str = "k") -> StoredJob:
    """All attempts, as the workflow makes them."""
    await store.write(lambda connection: jobs.accept(connection, job, derive_key(1, "u", None), None, False))
    deliverer = Deliverer(store, sender, Sealer(key), sender.clock, Metrics())
    step: StoredJob | None = job
    while step is not None and step.active:
        await sender.clock.sleep_until(step.next_attempt_at or 0.0)
        step = await deliverer.attempt(step)
    found = await store.read(lambda connection: jobs.find(connection, job.id))
    assert found is not None
    return found


# An hour of each kind of trouble, then health. At most 17 attempts fit into the schedule of that hour.
TROUBLE = {
    "500": (CallbackAnswer(500), 0, State.DELIVERED),
    "429 with a long Retry-After": (CallbackAnswer(429, retry_after="1800"), 0, State.DELIVERED),
    "429 with an absurd Retry-After": (CallbackAnswer(429, retry_after="999999"), 0, State.DELIVERED),
    "slow": (CallbackAnswer(error="read-timeout", doubt=Doubt.POSSIBLE), 30, State.DELIVERED),
    "no connection": (CallbackAnswer(error="connect"), 5, State.DELIVERED),
    "closing early": (CallbackAnswer(error="remote-protocol", doubt=Doubt.POSSIBLE), 0, State.DELIVERED),
    "no name": (CallbackAnswer(error="dns-failure"), 5, State.DELIVERED),
    "redirecting": (CallbackAnswer(302), 0, State.DEAD),
    "403": (CallbackAnswer(403), 0, State.DEAD),
    "404": (CallbackAnswer(404), 0, State.DEAD),  # a receiver may be in the middle of a deployment
    "refused by our guard": (CallbackAnswer(error="url-refused"), 0, State.DEAD),
}


@pytest.mark.parametrize("case", TROUBLE)
def test_an_hour(store: Store, case: str) -> None:
    """Passing failures are retried, permanent ones are dead letters immediately, and no receiver is flooded."""
    bad, takes_s, state = TROUBLE[case]
    sender = Scripted(Jumping(), bad, BEGIN + HOUR_S, takes_s)
    found = run(deliver(store, sender, finished()))
    assert found.state is state
    few = 3 if case == "404" else 1
    assert sender.sent == few if state is State.DEAD else 2 <= sender.sent <= 17
    late_s = sender.clock.now() - BEGIN - HOUR_S
    assert state is State.DEAD or 0 <= late_s <= HOUR_S + takes_s


def test_out_of_time(store: Store) -> None:
    """Attempts end with the caller's time, and the job is a dead letter."""
    sender = Scripted(Jumping(), CallbackAnswer(503), BEGIN + HOUR_S)
    found = run(deliver(store, sender, finished(lifetime_s=120)))
    assert (found.state, found.next_attempt_at) == (State.DEAD, None)
    assert sender.clock.now() <= BEGIN + 120


def test_circuit_of_the_url(store: Store) -> None:
    """Failures open the circuit of the URLs that begin like the one that failed, and no other at the host."""
    sender = Scripted(Jumping(), CallbackAnswer(503), BEGIN + HOUR_S)
    run(deliver(store, sender, finished(lifetime_s=300)))
    group = group_of("https://secret.test/?sig=1")
    assert sender.circuits.is_open("c", "secret.test", group)
    assert not sender.circuits.is_open("c", "secret.test", group + 1)
    assert not sender.circuits.is_open("c", "secret.test")


def test_used_up(store: Store) -> None:
    """If a receiver no longer knows the URL after an attempt that may have arrived, it counts as delivered."""
    lost = CallbackAnswer(error="read-timeout", doubt=Doubt.POSSIBLE)

    class UsedUp(Scripted):
        async def send(self, url: str, headers: object, body: bytes) -> CallbackAnswer:
            self.sent += 1
            return lost if self.sent == 1 else CallbackAnswer(404)

    found = run(deliver(store, UsedUp(Jumping(), lost, 0), finished()))
    assert (found.state, found.attempts) == (State.AMBIGUOUS, 2)


def test_attempt_cut_short(store: Store) -> None:
    """An attempt that a crash cut short is made again, and is in doubt."""

    async def crash_and_repeat() -> StoredJob | None:
        await store.write(lambda connection: jobs.accept(connection, finished(), derive_key(1, "u", None), None, False))
        attempt = Attempt("j", 0, 1, BEGIN)
        first = await store.write(lambda connection: attempts.begin(connection, attempt, None))
        assert first is not None
        assert not first.doubted
        return await store.write(lambda connection: attempts.begin(connection, attempt, None))

    again = run(crash_and_repeat())
    assert again is not None
    assert again.doubted


def test_other_key(store: Store) -> None:
    """A URL whose key is missing waits for the key until the callback's time is up; nothing is sent meanwhile."""
    sender = Scripted(Jumping(), CallbackAnswer(500), BEGIN)
    found = run(deliver(store, sender, finished(), key="another"))
    assert (found.state, sender.sent) == (State.DEAD, 0)
    assert found.attempts > 1
    assert sender.clock.now() > BEGIN + 12 * HOUR_S


def test_recorded_later(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """When our own record of a 2xx fails, recording is repeated, not the callback."""
    record, failures = attempts.record, [sa.exc.OperationalError("", {}, Exception())] * 2

    def failing(*arguments: Any, **more: Any) -> StoredJob | None:
        if failures:
            raise failures.pop()
        return record(*arguments, **more)

    monkeypatch.setattr(attempts, "record", failing)
    monkeypatch.setattr(delivery, "_RECORD_AGAIN_S", 0.01)
    sender = Scripted(Jumping(), CallbackAnswer(500), BEGIN)
    found = run(deliver(store, sender, finished()))
    assert (found.state, sender.sent, failures) == (State.DELIVERED, 1, [])


def test_fenced(store: Store) -> None:
    """A replica whose lease has ended begins no attempt until it is renewed."""
    permissions = iter([False, False, True])
    sender = Scripted(Jumping(), CallbackAnswer(500), BEGIN)

    async def attempt() -> StoredJob | None:
        await store.write(lambda connection: jobs.accept(connection, finished(), derive_key(1, "u", None), None, False))
        deliverer = Deliverer(
            store, sender, Sealer("k"), sender.clock, Metrics(), lambda: not sender.sent and next(permissions)
        )
        return await deliverer.attempt(finished())

    assert run(attempt()) is not None
    assert next(permissions, None) is None


def test_nothing_to_deliver(store: Store) -> None:
    """A job that is not being delivered (stopped, another series), or is another replica's, is left alone."""
    stored = finished()

    async def attempts_of(changed: StoredJob) -> tuple[StoredJob | None, int]:
        sender = Scripted(Jumping(), CallbackAnswer(500), BEGIN)
        deliverer = Deliverer(store, sender, Sealer("k"), sender.clock, Metrics())
        return await deliverer.attempt(changed), sender.sent

    async def every() -> list[tuple[StoredJob | None, int]]:
        await store.write(lambda connection: jobs.accept(connection, stored, derive_key(1, "u", None), None, False))
        found = [await attempts_of(replace(stored, series=1)), await attempts_of(replace(stored, owner="me"))]
        await store.write(lambda connection: jobs.move(connection, stored.id, JobEvent.STOP, BEGIN))
        return [*found, await attempts_of(stored)]

    assert run(every()) == [(None, 0)] * 3


def test_real_clock() -> None:
    """The real clock waits until a moment, and not for one that has passed."""
    clock = Clock()

    async def wait() -> float:
        began = clock.now()
        await clock.sleep_until(began + 0.05)
        await clock.sleep_until(began)
        return clock.now() - began

    assert 0.04 < asyncio.run(wait()) < 1
