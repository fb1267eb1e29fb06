"""Statements on jobs: what is accepted or refused, how a job moves and ends, and when its row goes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.notifications.callbacks.classification import CallbackAnswer, Decision
from gateway.notifications.d365.batch_status import Row
from gateway.notifications.store import jobs, schema
from gateway.notifications.store.attempts import Attempt, begin, listed, record
from gateway.notifications.store.database import open_engine
from gateway.notifications.store.jobs import Acceptance, Refusal
from gateway.notifications.store.model import IdempotencyKey, StoredJob, derive_key
from gateway.notifications.store.store import Store
from gateway.notifications.store.tables import keys
from gateway.notifications.workflow.doubt import StartRules
from gateway.notifications.workflow.joining import StatusReading
from gateway.notifications.workflow.outcomes import Outcome, RunVerdict
from gateway.notifications.workflow.transitions import FINAL, TRANSITIONS, JobEvent, State
from gateway.notifications.workflow.watched_run import WatchedRun
from tests.notifications.conftest import run
from tests.notifications.store.accepting import accept, job, key_of


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


def test_row_is_the_job(store: Store) -> None:
    """A job that is read again is equal to the one that was accepted, in every column."""
    new = job(1, snapshot="{}", doubt_until=3.5, follows="j0", link="https://a/1", scheduled_for=7.0, owner="me")

    async def both() -> StoredJob | None:
        await accept(store, new)
        return await store.read(lambda connection: jobs.find(connection, new.id))

    assert run(both()) == new


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
    """The first outcome is final."""

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


@pytest.fixture
def rows() -> Iterator[sa.Connection]:
    """A transaction on an empty store in memory."""
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        schema.prepare(connection)
        yield connection
    engine.dispose()


def put(rows: sa.Connection, *new: StoredJob) -> None:
    """Accept jobs without any limit."""
    for each in new:
        jobs.accept(rows, each, key_of(each), max_active=None, exclusive=False)


def get(rows: sa.Connection, number: int) -> StoredJob:
    """One job as it is stored now."""
    found = jobs.find(rows, f"j{number}")
    assert found is not None
    return found


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", JobEvent)
def test_every_event_in_every_state(rows: sa.Connection, event: JobEvent, state: State) -> None:
    """A job goes where the table says and nowhere else; only that job; and it is active until its state is final."""
    put(rows, job(1, state=state), job(2, state=state))
    moved = jobs.move(rows, "j1", event, 7.0)
    target = TRANSITIONS.get((state, event))
    assert (None if moved is None else moved.state) == target
    found = get(rows, 1)
    assert (found.state, found.active) == ((state, 1) if target is None else (target, int(target not in FINAL)))
    assert get(rows, 2).state is state


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["j3", "j2", "j1"]),
        ({"caller": "c"}, ["j2", "j1"]),
        ({"caller": "nobody"}, []),
        ({"state": "dead"}, ["j2"]),
        ({"before": 3.0}, ["j2", "j1"]),
        ({"limit": 1}, ["j3"]),
        ({"caller": "c", "state": "accepted", "before": 9.0}, ["j1"]),
    ],
    ids="all caller no-caller state before limit everything".split(),
)
def test_search(rows: sa.Connection, wanted: dict[str, Any], found: list[str]) -> None:
    """Newest first, by caller, state and time; a moment itself is not before it."""
    put(rows, job(2, state=State.DEAD, active=0), job(3, caller="d"), job(1))
    assert [each.id for each in jobs.search(rows, **wanted)] == found


def test_find_by_key(rows: sa.Connection) -> None:
    """The key that a caller has sent leads to its job; another caller's equal key, or an unknown one, does not."""
    for number, caller, sent in ((1, "c", "k"), (2, "d", "k"), (3, "c", "other"), (4, "e", "alone")):
        key = derive_key(number, "u", sent)
        jobs.accept(rows, job(number, caller=caller), key, max_active=None, exclusive=False)
    found = [jobs.find_by_key(rows, *asked) for asked in (("c", "k"), ("d", "k"), ("c", "other"))]
    assert found == [get(rows, 1), get(rows, 2), get(rows, 3)]
    assert [jobs.find_by_key(rows, *asked) for asked in (("c", "alone"), ("x", "k"), ("c", "none"))] == [None] * 3


def test_search_and_expired_have_limits(rows: sa.Connection) -> None:
    """A page has at most a hundred jobs, a round of housekeeping five hundred."""
    put(rows, *(job(number, state=State.DEAD, active=0) for number in range(505)))
    assert len(jobs.search(rows)) == 100
    assert len(jobs.expired(rows, 1e9)) == 500


@pytest.mark.parametrize(
    ("limit", "callers", "reason"),
    [(2, ["c", "c"], "too-many-active"), (3, ["c", "c"], None), (2, ["c", "d"], None), (1, [], None)],
    ids=["reached", "not reached", "others do not count", "first"],
)
def test_the_callers_limit(rows: sa.Connection, limit: int, callers: list[str], reason: str | None) -> None:
    """Active jobs of the same caller count, finished ones and other callers' do not."""
    put(rows, *(job(number, caller=caller) for number, caller in enumerate(callers)))
    put(rows, job(8, state=State.DEAD, active=0))
    answer = jobs.accept(rows, job(9), key_of(job(9)), max_active=limit, exclusive=False)
    assert answer == (Acceptance(job(9), created=True) if reason is None else Refusal(reason))
    assert (jobs.find(rows, "j9") is None) is (reason is not None)


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({}, True),
        ({"state": State.RUNNING}, True),
        ({"state": State.DELIVERING}, False),
        ({"state": State.DEAD, "active": 0}, False),
        ({"batch_id": 2}, False),
        ({"environment": "other"}, False),
        ({"watched": WatchedRun.NEXT}, False),
    ],
    ids="accepted running delivering dead another-batch-job another-environment only-watched".split(),
)
def test_an_exclusive_batch_job(rows: sa.Connection, changes: dict[str, Any], refused: bool) -> None:
    """Refused while another job watches the same batch job; one that only delivers does not."""
    put(rows, job(1, **changes))
    answer = jobs.accept(rows, job(9, batch_id=1), key_of(job(9)), max_active=None, exclusive=True)
    assert (answer == Refusal("batch-job-active")) is refused


def test_only_the_owner_moves_a_job(rows: sa.Connection) -> None:
    """Only the job's current owner can start, attach or end it; otherwise nothing is stored."""
    put(rows, job(1, owner="me"))
    for owner in ("other", None):
        assert jobs.move_own(rows, job(1, owner=owner), JobEvent.START_CALLED, 5.0, starting_at=5.0) is None
    assert get(rows, 1) == job(1, owner="me")
    moved = jobs.move_own(rows, job(1, owner="me"), JobEvent.START_CALLED, 5.0, starting_at=4.0)
    assert moved == get(rows, 1) == job(1, owner="me", state=State.STARTING, updated_at=5.0, starting_at=4.0)


def test_marks_of_a_start(rows: sa.Connection) -> None:
    """A mark can be renewed, its doubt set and lifted, by the owner only, and capped when its process is over."""
    put(rows, job(1, state=State.STARTING, owner="me", doubt_until=50.0), job(2, owner="other", doubt_until=90.0))
    assert jobs.renew_mark(rows, job(1, owner="me"), 70.0, 20.0) == get(rows, 1)
    assert (get(rows, 1).doubt_until, get(rows, 1).updated_at) == (70.0, 20.0)
    assert jobs.renew_mark(rows, job(1, owner="other"), 99.0, 21.0) is None
    jobs.note_doubt(rows, job(1, owner="other"), 99.0)
    assert get(rows, 1).doubt_until == 70.0
    jobs.note_doubt(rows, job(1, owner="me"), 60.0)
    assert get(rows, 1).doubt_until == 60.0
    jobs.cap_doubt(rows, "me", 65.0)
    assert get(rows, 1).doubt_until == 60.0
    jobs.cap_doubt(rows, "me", 40.0)
    assert (get(rows, 1).doubt_until, get(rows, 2).doubt_until) == (40.0, 90.0)
    jobs.note_doubt(rows, job(1, owner="me"), None)
    assert get(rows, 1).doubt_until is None


def test_reopening(rows: sa.Connection) -> None:
    """A final job begins another series of attempts, with its own time; it belongs to nobody until it is leased."""
    put(rows, job(1, state=State.DEAD, active=0, series=3, attempts=7, doubted=1, owner="me"))
    again = jobs.reopen(rows, "j1", 100.0, 50.0)
    expected = job(1, state=State.DELIVERING, series=4, updated_at=100.0, next_attempt_at=100.0)
    assert again == get(rows, 1) == replace(expected, callback_deadline_at=150.0)
    assert jobs.reopen(rows, "j1", 100.0, 50.0) is None


@pytest.mark.parametrize(
    ("job_id", "limit", "others", "reason"),
    [
        ("j1", 1, "c", "too-many-active"),
        ("j1", 2, "c", None),
        ("j1", 1, "d", None),
        ("j1", None, "c", None),
    ],
    ids="reached not-reached others-do-not-count no-limit".split(),
)
def test_reopening_counts(rows: sa.Connection, job_id: str, limit: int | None, others: str, reason: str | None) -> None:
    """A replay counts like a new job against its caller's limit."""
    put(rows, job(1, state=State.DEAD, active=0), job(2, caller=others))
    answer = jobs.reopen(rows, job_id, 100.0, 50.0, limit)
    assert (answer == Refusal("too-many-active")) is (reason is not None)
    assert (get(rows, 1).state is State.DEAD) is (reason is not None)


def test_reopening_what_is_not_there(rows: sa.Connection) -> None:
    """An unknown job is not reopened, with or without a limit."""
    assert jobs.reopen(rows, "none", 100.0, 50.0) is None
    assert jobs.reopen(rows, "none", 100.0, 50.0, 1) is None


def test_what_was_seen_is_kept(rows: sa.Connection) -> None:
    """The last status is always kept; the first sighting of a run moves a waiting job on, a second one does not."""
    put(rows, job(1, state=State.WAITING), job(2, state=State.WAITING))
    jobs.note_status(rows, "j1", "Waiting", None, 10.0)
    assert get(rows, 1) == job(1, state=State.WAITING, batch_status="Waiting", updated_at=10.0)
    jobs.note_status(rows, "j1", "Executing", 11.0, 12.0)
    running = job(1, state=State.RUNNING, batch_status="Executing", running_at=11.0, updated_at=12.0)
    assert get(rows, 1) == running
    jobs.note_status(rows, "j1", "Cancelling", 13.0, 14.0)
    assert get(rows, 1) == replace(running, batch_status="Cancelling", updated_at=14.0)
    assert get(rows, 2) == job(2, state=State.WAITING)


def test_leases(rows: sa.Connection) -> None:
    """The oldest free jobs, as many as asked for; what is owned or final is not leased, and can be let go."""
    put(rows, job(3), job(1), job(2, owner="other"), job(4), job(5, state=State.DEAD, active=0, owner=None))
    assert [each.id for each in jobs.lease(rows, "me", 2)] == ["j1", "j3"]
    assert [each.owner for each in jobs.lease(rows, "me", 9)] == ["me"]
    assert [each.id for each in jobs.owned(rows, "me")] == ["j1", "j3", "j4"]
    put(rows, job(6, owner="me", state=State.RUNNING, created_at=0.5))
    assert [each.id for each in jobs.owned(rows, "me")] == ["j6", "j1", "j3", "j4"]
    jobs.move(rows, "j6", JobEvent.STOP, 5.0)
    jobs.move(rows, "j3", JobEvent.STOP, 5.0)
    assert [each.id for each in jobs.owned(rows, "me")] == ["j1", "j4"]
    assert jobs.release(rows, "me") == 2
    assert (jobs.owned(rows, "me"), get(rows, 2).owner, get(rows, 3).owner) == ([], "other", "me")


def test_what_is_unfinished(rows: sa.Connection) -> None:
    """Number and oldest moment by state, without what is final."""
    put(rows, job(1), job(2), job(3, state=State.RUNNING), job(4, state=State.DEAD, active=0))
    assert sorted(jobs.unfinished(rows)) == [("accepted", 2, 1.0), ("running", 1, 3.0)]


def test_dead_letters_are_counted(rows: sa.Connection) -> None:
    """How many there are, up to a bound, and since when; a job that is sent again is none any more."""
    assert jobs.dead_letters(rows, 10) == (0, None)
    final = {"state": State.DEAD, "active": 0}
    put(rows, *(job(number, **final, updated_at=float(number)) for number in (5, 3, 4)), job(1))
    assert jobs.dead_letters(rows, 10) == (3, 3.0)
    assert jobs.dead_letters(rows, 2) == (2, 3.0)
    assert jobs.reopen(rows, "j3", 6.0, 60.0) is not None
    assert jobs.dead_letters(rows, 10) == (2, 4.0)


def test_what_expires(rows: sa.Connection) -> None:
    """Final jobs whose last change is older; the moment itself is not."""
    final = {"state": State.DEAD, "active": 0}
    put(rows, job(1), job(2, **final, updated_at=5.0), job(3, **final, updated_at=4.9), job(4, **final))
    assert jobs.expired(rows, 5.0) == ["j3", "j4"]
    assert jobs.expired(rows, 5.0, limit=1) == ["j3"]


def test_what_moved_lately(rows: sa.Connection) -> None:
    """Jobs that were stopped or ended since a moment, and at it."""
    put(rows, *(job(number, state=state, updated_at=5.0) for number, state in enumerate(State)))
    put(rows, job(90, state=State.STOPPED, updated_at=4.9), job(91, state=State.DELIVERING, updated_at=6.0))
    found = {State(get(rows, int(name[1:])).state) for name in jobs.moved_since(rows, 5.0)}
    assert (len(jobs.moved_since(rows, 5.0)), found) == (3, {State.STOPPED, State.DELIVERING})


def test_what_is_purged(rows: sa.Connection) -> None:
    """A job goes with its attempts and its key; another job's stay."""
    put(rows, job(1, state=State.DELIVERING), job(2, state=State.DELIVERING))
    for number in (1, 2):
        begin(rows, Attempt(f"j{number}", 0, 1, 5.0), None)
    jobs.purge(rows, ["j1"])
    assert rows.execute(sa.select(keys.c.job_id)).scalars().all() == ["j2"]
    assert jobs.find(rows, "j1") is None
    assert [len(listed(rows, f"j{number}")) for number in (1, 2)] == [0, 1]
    answers = [jobs.accept(rows, job(n), key_of(job(n)), max_active=None, exclusive=False) for n in (1, 2)]
    assert [answer.created for answer in answers if isinstance(answer, Acceptance)] == [True, False]


BEFORE = Row(1, "Finished", 10.0, 20.0)
ENDED = Row(1, "Error", 110.0, 120.0)
RULES = StartRules(call_s=30.0, settle_s=60.0, valid_s=5.0)
WATCHING: dict[str, Any] = {
    "batch_id": 1, "state": State.WAITING, "starting_at": 100.0, "started_at": 101.0,
    "snapshot": json.dumps(BEFORE.dump()),
}  # fmt: skip


def start(rows: sa.Connection, reading: Row, asked_at: float = 200.0, rules: StartRules = RULES) -> StoredJob | None:
    """Begin the start of job 1, at 200."""
    return jobs.begin_start(rows, get(rows, 1), StatusReading(reading, asked_at), 200.0, rules)


def test_a_start_is_marked(rows: sa.Connection) -> None:
    """What the batch job was before, and until when the call may show an effect, are kept before the call is made."""
    put(rows, job(1, owner="me"), job(2, batch_id=7, state=State.STARTING))
    marked = start(rows, BEFORE)
    assert marked == get(rows, 1)
    assert (marked.state, marked.starting_at, marked.doubt_until) == (State.STARTING, 200.0, 325.0)
    assert (marked.before, marked.updated_at) == (BEFORE, 200.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"state": State.STARTING},
        {"state": State.WAITING, "started_at": 201.0},
        {"state": State.DEAD, "active": 0, "doubt_until": 201.0},
    ],
    ids=["is starting", "started after the reading", "given up in doubt"],
)
def test_a_start_waits_for_its_rival(rows: sa.Connection, changes: dict[str, Any]) -> None:
    """A start whose effect may be missing from the reading holds up every other of the same batch job."""
    put(rows, job(1, owner="me"), job(2, **(WATCHING | changes)))
    assert start(rows, ENDED) == get(rows, 2)
    assert get(rows, 1) == job(1, owner="me")


@pytest.mark.parametrize(
    "changes",
    [{"state": State.ACCEPTED}, {"state": State.DEAD, "active": 0, "doubt_until": 200.0}, {"batch_id": 7}],
    ids=["has not started", "out of doubt", "another batch job"],
)
def test_who_is_no_rival(rows: sa.Connection, changes: dict[str, Any]) -> None:
    """These jobs are not rivals: the start is marked immediately."""
    put(rows, job(1, owner="me"), job(2, **(WATCHING | changes)))
    assert start(rows, ENDED) == get(rows, 1)
    assert get(rows, 1).state is State.STARTING
    assert get(rows, 2) == job(2, **(WATCHING | changes))


def test_a_run_is_shared(rows: sa.Connection) -> None:
    """A run that was started after the request is a run for both, unless nobody may join."""
    put(rows, job(1, owner="me", created_at=99.0), job(2, **WATCHING))
    shared = start(rows, ENDED)
    assert shared == get(rows, 1)
    assert (shared.state, shared.started_at, shared.before, shared.batch_status) == (
        State.WAITING, 101.0, BEFORE, "Error",
    )  # fmt: skip
    assert get(rows, 2) == job(2, **WATCHING)


def test_a_run_that_is_over_ends_with_its_job(rows: sa.Connection) -> None:
    """The start that follows would hide the end from the rival's own readings, so it ends by this one."""
    put(rows, job(1, owner="me", created_at=150.0), job(2, **WATCHING))
    marked = start(rows, ENDED)
    assert marked == get(rows, 1)
    assert marked.state is State.STARTING
    ended = get(rows, 2)
    assert (ended.state, ended.outcome, ended.ended_at, ended.next_attempt_at, ended.batch_status) == (
        State.DELIVERING, Outcome.FAILED, 200.0, 200.0, "Error",
    )  # fmt: skip


def test_nobody_joins_where_joining_is_off(rows: sa.Connection) -> None:
    """The run of the other job is not shared; it ends, and this one is started."""
    put(rows, job(1, owner="me", created_at=99.0), job(2, **WATCHING))
    assert start(rows, ENDED, rules=replace(RULES, join=False)) == get(rows, 1)
    assert get(rows, 1).state is State.STARTING


def test_a_stranger_starts_nothing(rows: sa.Connection) -> None:
    """A job that belongs to another owner by now is not started, and ends no rival."""
    put(rows, job(1, owner="other"), job(2, **WATCHING))
    reading = StatusReading(ENDED, 200.0)
    assert jobs.begin_start(rows, job(1, owner="me", created_at=150.0), reading, 200.0, RULES) is None
    assert (get(rows, 1), get(rows, 2)) == (job(1, owner="other"), job(2, **WATCHING))


def test_an_end_is_kept_whole(rows: sa.Connection) -> None:
    """Outcome, message and schedule, and the first attempt is due."""
    put(rows, job(1, state=State.RUNNING, owner="me"))
    shown = Row(1, "Finished", 30.0, 40.0)
    ended = jobs.end(rows, job(1, owner="me"), RunVerdict(Outcome.SUCCEEDED, "fine", 3.0, shown), 50.0)
    assert ended == get(rows, 1) == job(
        1, state=State.DELIVERING, owner="me", outcome=Outcome.SUCCEEDED, message="fine", scheduled_for=3.0,
        ended_at=50.0, next_attempt_at=50.0, updated_at=50.0, facts=json.dumps(shown.facts()),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("is_open", "started_at", "wanted", "owner", "follows"),
    [
        (True, 2.0, 99.0, "me", True),
        (True, 2.0, None, "me", False),
        (True, None, 99.0, "me", False),
        (False, 2.0, 99.0, "me", False),
        (True, 2.0, 99.0, "other", False),
    ],
    ids="wanted not-wanted never-started the-end owned-by-another".split(),
)
def test_what_follows_an_open_end(
    rows: sa.Connection, is_open: bool, started_at: float | None, wanted: float | None, owner: str, follows: bool
) -> None:
    """Only a run whose budget is over is watched further, by another job that begins with the outcome."""
    put(rows, job(1, state=State.WAITING, started_at=started_at, follow_until=wanted, owner="me"))
    mine = replace(get(rows, 1), owner=owner)
    ended = jobs.end(rows, mine, RunVerdict(Outcome.DEADLINE, "late", is_open=is_open), 50.0)
    assert (ended is not None) is (owner == "me")
    assert jobs.find(rows, get(rows, 1).follow_up_id) == (ended.follow_up(50.0) if ended and follows else None)
    if ended is not None:
        assert ended == get(rows, 1)
        assert ended.follow_until == (wanted if follows else None)


@pytest.mark.parametrize(("started_at", "waits"), [(150.0, True), (140.0, False)], ids=["settling", "settled"])
def test_a_start_waits_until_the_rivals_effect_has_shown(rows: sa.Connection, started_at: float, waits: bool) -> None:
    """A reading that still shows the run before is believed when the time to settle is over, not earlier."""
    put(rows, job(1, owner="me"), job(2, **(WATCHING | {"started_at": started_at, "starting_at": started_at - 1.0})))
    answer = start(rows, BEFORE)
    assert answer is not None
    assert answer.id == ("j2" if waits else "j1")


def test_what_is_locked(rows: sa.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Acceptance holds its key, then the caller; withdrawal and replay hold the caller, a start its batch job."""
    locked: list[str] = []
    monkeypatch.setattr(jobs, "lock", lambda _, name: locked.append(name))
    put(rows, job(1, owner="me", caller="c"), job(2, state=State.DEAD, active=0, caller="d"))
    assert locked == []  # the row of a new key is lock enough
    put(rows, job(1, owner="me", caller="c"))
    jobs.accept(rows, job(4, caller="f"), key_of(job(4)), max_active=9, exclusive=False)
    jobs.accept(rows, job(5, caller="g"), key_of(job(5)), max_active=None, exclusive=True)
    start(rows, BEFORE)
    jobs.reopen(rows, "j2", 100.0, 50.0, 5)
    jobs.withdraw(rows, job(3, caller="e"), 9.0)
    assert [name.partition(":")[0] for name in locked[:6]] == ["key", "caller"] * 3
    assert locked[1:6:2] + locked[6:] == ["caller:c", "caller:f", "caller:g", "batch:d365:1", "caller:d", "caller:e"]


def test_times_are_shifted(rows: sa.Connection) -> None:
    """Every time of the unfinished jobs, those that are missing stay so, and finished jobs keep theirs."""
    put(rows, job(1, running_at=5.0), job(2, state=State.DEAD, active=0))
    assert jobs.shift_times(rows, 100.0) == 1
    moved = job(1, created_at=101.0, updated_at=101.0, deadline_at=109.0, callback_deadline_at=109.0, running_at=105.0)
    assert (get(rows, 1), get(rows, 2)) == (moved, job(2, state=State.DEAD, active=0))


@pytest.mark.parametrize(("error_s", "times"), [(10.0, 2), (-10.0, 2), (0.0, 0)], ids=["ahead", "behind", "right"])
def test_a_restart_continues_the_rows(rows: sa.Connection, error_s: float, times: int) -> None:
    """Doubt beyond the last heartbeat settles anew, also of finished jobs; the other unfinished follow the clock."""
    final: dict[str, Any] = {"state": State.DEAD, "active": 0}
    put(rows, job(1, doubt_until=50.0), job(2, doubt_until=40.0))
    put(rows, job(3, doubt_until=50.5, **final), job(4, doubt_until=50.0, **final), job(5, **final))
    assert jobs.catch_up(rows, jobs.Heartbeat(at=50.0, error_s=error_s), settled_at=77.0) == times
    assert [get(rows, number).doubt_until for number in (1, 2, 3, 4, 5)] == [
        50.0 - error_s, 40.0 - error_s, 77.0, 50.0, None,
    ]  # fmt: skip
    assert [get(rows, number).created_at for number in (1, 2, 3)] == [1.0 - error_s, 2.0 - error_s, 3.0]


@pytest.mark.parametrize(
    ("repeated", "event", "withdrawn"),
    [(False, None, True), (True, None, False), (False, JobEvent.START_CALLED, False)],
    ids=["asked once", "promised to a repeated request", "start under way"],
)
def test_withdrawn(store: Store, repeated: bool, event: JobEvent | None, withdrawn: bool) -> None:
    """
    A job that was committed after its 503 is withdrawn with its key, so that a repeated request creates a new one.

    A repeated request that was answered with it keeps it: that 202 is a promise.
    """
    key = derive_key(1, "u", "k")

    async def sequence() -> tuple[bool, object]:
        await accept(store, job(1), key)
        if repeated:
            await accept(store, job(2, batch_id=1), key)
        if event is not None:
            await store.write(lambda connection: jobs.move(connection, "j1", event, 5.0))
        found = await store.write(lambda connection: jobs.withdraw(connection, job(1), 9.0))
        again = await accept(store, job(3, batch_id=1), key)
        assert isinstance(again, jobs.Acceptance)
        return found is not None, again.job.id

    assert run(sequence()) == (withdrawn, "j3" if withdrawn else "j1")


def test_what_is_left_of_a_withdrawn_job(rows: sa.Connection) -> None:
    """It is stopped, with nothing due and without its key; what does not exist is not withdrawn."""
    put(rows, job(1, next_attempt_at=5.0), job(2, next_attempt_at=5.0))
    stopped = job(1, state=State.STOPPED, active=0, updated_at=9.0, next_attempt_at=None)
    assert jobs.withdraw(rows, job(1), 9.0) == get(rows, 1) == stopped
    assert get(rows, 2) == job(2, next_attempt_at=5.0)
    assert rows.execute(sa.select(keys.c.job_id)).scalars().all() == ["j2"]
    assert jobs.withdraw(rows, job(3), 9.0) is None


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))])
def test_texts_of_others(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """No text of F&O or of a receiver keeps an outcome or an attempt from being recorded."""
    url = f"sqlite:///{tmp_path}/x.db" if kind == "sqlite" else request.getfixturevalue("postgres")
    found = Store(open_engine(url))
    found.open()
    attempt = Attempt("j1", 0, 1, 1.0)
    with found.engine.begin() as connection:
        jobs.accept(connection, job(1), key_of(job(1)), None, exclusive=False)
        ended = jobs.end(connection, job(1), RunVerdict(Outcome.START_FAILED, "a\0\ud800"), 1.0)
        begin(connection, attempt, None)
        answer = CallbackAnswer(status=500, excerpt="b\0\ud800")
        record(connection, attempt, answer, Decision.RETRY, next_at=3.0, now=2.0)
        kept = listed(connection, "j1")
    found.close()
    assert ended is not None
    assert (ended.message, kept[0]["excerpt"]) == ("a\ufffd?", "b\ufffd?")


@pytest.mark.needs("postgresql")
def test_one_key_under_two_limits(postgres: str) -> None:
    """Of two replicas whose limits differ, as while a configuration is changed, only one makes a job for a key."""
    engine, key = open_engine(postgres), derive_key(1, "u", "k")
    with engine.begin() as connection:
        schema.prepare(connection)
    with ThreadPoolExecutor(1) as pool, engine.connect() as one, engine.connect() as watcher:
        with one.begin():
            first = jobs.accept(one, job(1), key, None, exclusive=False)
            with_limit = pool.submit(_accept_with_limit, engine, key)
            while not watcher.execute(_BLOCKED).scalar():
                assert not with_limit.done()
        second = with_limit.result()
    engine.dispose()
    assert isinstance(first, Acceptance)
    assert isinstance(second, Acceptance)
    assert (first.created, second.created, second.job.id) == (True, False, "j1")


_BLOCKED = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")


def _accept_with_limit(engine: sa.Engine, key: IdempotencyKey) -> Acceptance | Refusal:
    with engine.begin() as connection:
        return jobs.accept(connection, job(2), key, 100, exclusive=False)


def test_key_that_was_taken_meanwhile(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that another request takes between the look at it and the job for it answers with that request's job."""
    key = derive_key(1, "u", None)
    with store.engine.begin() as connection:
        jobs.accept(connection, job(1, state=State.DEAD, active=0), key, None, exclusive=False)
        looked = jobs._earlier

        def look_and_lose(*arguments: Any) -> Any:
            monkeypatch.setattr(jobs, "_earlier", looked)
            found = looked(*arguments)
            jobs.accept(connection, job(2), key, None, exclusive=False)
            return found

        monkeypatch.setattr(jobs, "_earlier", look_and_lose)
        late = jobs.accept(connection, job(3), key, 100, exclusive=False)
    assert isinstance(late, Acceptance)
    assert (late.created, late.job.id) == (False, "j2")
