"""Statements on jobs: what is accepted or refused, how a job moves and ends, and when its row goes."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.notifications.store import jobs
from gateway.notifications.store.jobs import Refusal
from gateway.notifications.store.model import StoredJob, derive_key
from gateway.notifications.store.store import Store
from gateway.notifications.workflow.outcomes import Outcome, RunVerdict
from gateway.notifications.workflow.transitions import JobEvent, State
from tests.notifications.conftest import run
from tests.notifications.store.accepting import accept, job


@pytest.mark.parametrize(
    ("second", "limits", "reason"),
    [
        (job(2), {"max_active": 1}, "too-many-active"),
        (job(2, batch_id=1), {"exclusive": True}, "batch-job-active"),
    ],
)
def test_refusals(store: Store, second: StoredJob, limits: dict[str, Any], reason: str) -> None:
    """The caller's limit and exclusive batch jobs are checked in the transaction that would accept."""

    async def both() -> object:
        await accept(store, job(1))
        return await accept(store, second, **limits)

    assert run(both()) == Refusal(reason)


def test_keys(store: Store) -> None:
    """A sent key answers for good; a derived one only while its job is unfinished; keys are the caller's own."""
    sent, other = derive_key(1, "u", "k"), derive_key(2, "u", "k")

    async def sequence() -> list[object]:
        found: list[object] = [await accept(store, job(1), sent), await accept(store, job(2), sent)]
        found.append(await accept(store, job(3), other))
        found.append(await accept(store, job(4, caller="d"), other))
        derived = derive_key(5, "u", None)
        await accept(store, job(5, state=State.DEAD, active=0), derived)
        found.append(await accept(store, job(6), derived))
        return found

    first, again, reused, others, fresh = run(sequence())
    assert (first.created, again.created, again.job.id) == (True, False, "j1")  # type: ignore[attr-defined]
    assert reused == Refusal("key-reused")
    assert others.created  # type: ignore[attr-defined]
    assert fresh.created  # type: ignore[attr-defined]


def test_moves(store: Store) -> None:
    """A state changes along the table only; the same event twice changes nothing."""

    async def sequence() -> list[State | None]:
        await accept(store, job(1))
        found: list[State | None] = []
        for event in (JobEvent.STARTED, JobEvent.START_CALLED, JobEvent.STARTED, JobEvent.STARTED, JobEvent.REPLAY):
            moved = await store.write(lambda connection, event=event: jobs.move(connection, "j1", event, 5.0))  # type: ignore[misc]
            found.append(None if moved is None else moved.state)
        return found

    assert run(sequence()) == [None, State.STARTING, State.WAITING, None, None]


def test_end_once(store: Store) -> None:
    """The first outcome stands."""

    async def twice() -> tuple[StoredJob | None, StoredJob | None]:
        await accept(store, job(1))
        good, bad = RunVerdict(Outcome.SUCCEEDED, "a", 3.0), RunVerdict(Outcome.FAILED, "b")
        first = await store.write(lambda connection: jobs.end(connection, job(1), good, 5.0))
        return first, await store.write(lambda connection: jobs.end(connection, job(1), bad, 6.0))

    first, second = run(twice())
    assert first is not None
    assert (first.outcome, first.scheduled_for, second) == (Outcome.SUCCEEDED, 3.0, None)


def test_purge(store: Store) -> None:
    """Old final jobs go with everything that belongs to them; others stay."""

    async def sequence() -> list[str]:
        await accept(store, job(1, state=State.DEAD, active=0))
        await accept(store, job(2))
        old = await store.read(lambda connection: jobs.expired(connection, 100.0))
        await store.write(lambda connection: jobs.purge(connection, old))
        return [found.id for found in await store.read(jobs.search)]

    assert run(sequence()) == ["j2"]
