"""The table of states is complete, clear, and the same as the picture in the documentation."""

from __future__ import annotations

import functools
import itertools
from pathlib import Path

import pytest
import sqlalchemy as sa

from docs.job_picture import EDGES, job_picture
from gateway.notifications.store import jobs
from gateway.notifications.store.model import StoredJob
from gateway.notifications.store.store import Store
from gateway.notifications.workflow.pages import outcome_rows
from gateway.notifications.workflow.transitions import FINAL, OWNED, TRANSITIONS, JobEvent, State, after
from tests.notifications.conftest import run
from tests.notifications.store.accepting import accept, job

DOCS = Path(__file__).parents[3] / "docs" / "notifications.md"


@pytest.mark.parametrize("event", JobEvent)
def test_event_leads_to_one_state(event: JobEvent) -> None:
    """An event leads to the same state from every state: the store's single UPDATE relies on that."""
    assert len({after for (_, cause), after in TRANSITIONS.items() if cause is event}) == 1


def test_where_each_event_leads() -> None:
    """The state after each event, the events that only the owner records, and the final states are as decided."""
    assert {cause: after for (_, cause), after in TRANSITIONS.items()} == {
        JobEvent.START_CALLED: State.STARTING,
        JobEvent.STARTED: State.WAITING,
        JobEvent.ATTACHED: State.WAITING,
        JobEvent.EXECUTING: State.RUNNING,
        JobEvent.ENDED: State.DELIVERING,
        JobEvent.ANSWERED: State.DELIVERED,
        JobEvent.CONSUMED: State.AMBIGUOUS,
        JobEvent.GAVE_UP: State.DEAD,
        JobEvent.STOP: State.STOPPED,
        JobEvent.REPLAY: State.DELIVERING,
    }
    assert {JobEvent.START_CALLED, JobEvent.STARTED, JobEvent.ATTACHED, JobEvent.ENDED} == OWNED
    assert {State.DELIVERED, State.AMBIGUOUS, State.DEAD, State.STOPPED} == FINAL


def test_every_state_is_reached() -> None:
    """Each state but the first has a way in, each that is not final a way out."""
    assert set(TRANSITIONS.values()) | {State.ACCEPTED} == set(State)
    assert {before for before, _ in TRANSITIONS} >= set(State) - FINAL


@pytest.mark.parametrize("state", [state for state in State if state not in FINAL])
def test_unfinished_can_be_stopped(state: State) -> None:
    """Every job that is not final can be stopped by its caller."""
    assert TRANSITIONS[state, JobEvent.STOP] is State.STOPPED


def test_replay_never_starts() -> None:
    """A replay leads to delivery only; no event leads from there back to the batch job."""
    assert TRANSITIONS[State.DEAD, JobEvent.REPLAY] is State.DELIVERING
    ways_out = {after for (before, _), after in TRANSITIONS.items() if before is State.DELIVERING}
    assert ways_out == FINAL


def test_a_stopped_job_stays_stopped() -> None:
    """No event leads out of what its caller has stopped."""
    assert State.STOPPED not in {before for before, _ in TRANSITIONS}


def test_picture() -> None:
    """The documentation's picture has exactly the table's transitions, and words for each event."""
    assert set(EDGES) == set(TRANSITIONS)
    assert all(f">{event}<" in job_picture() for event in JobEvent)
    assert "images/job.svg" in DOCS.read_text()


def test_outcomes() -> None:
    """The documentation lists the outcomes as they are."""
    assert outcome_rows() in DOCS.read_text()


@pytest.mark.parametrize("event", JobEvent)
def test_store_moves_alike(store: Store, event: JobEvent) -> None:
    """The store's one statement for an event changes exactly the rows that the table and the owner allow."""

    async def moved(state: State, owner: str | None) -> State | None:
        number = next(numbers)
        await accept(store, job(number, state=state, active=int(state not in FINAL), owner=owner))
        asked = job(number, owner="me")
        move = functools.partial(jobs.move_own if event in OWNED else _move_any, job=asked, event=event, now=5.0)
        found = await store.write(move)
        return None if found is None else found.state

    async def compare() -> None:
        for state, owner in itertools.product(State, ("me", "other", None)):
            assert await moved(state, owner) == after(state, event, owner, "me"), (state, owner)

    numbers = itertools.count(1)
    run(compare())


def _move_any(connection: sa.Connection, job: StoredJob, event: JobEvent, now: float) -> StoredJob | None:
    return jobs.move(connection, job.id, event, now)
