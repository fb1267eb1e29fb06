"""When a run is over, and when it only looks so."""

from __future__ import annotations

import pytest

from gateway.notifications.d365.batch_status import Row
from gateway.notifications.settings import BudgetSettings, D365Settings
from gateway.notifications.workflow.judgement import (
    Instant,
    Watch,
    agreed_skew,
    expire,
    judge,
    judge_ended_runs,
    was_started,
)
from gateway.notifications.workflow.outcomes import Outcome

D365 = D365Settings(
    instance_url="https://contoso.operations.dynamics.com", token_url="https://login/x/oauth2/v2.0/token"
)
WAIT = D365Settings(instance_url="https://a.b", token_url="https://l/x", on_scheduled="wait")
BUDGETS = BudgetSettings(start_s=900, run_s=7200)
BEFORE = Row(1, "Finished", start=100, end=200, scheduled=90)
STARTED = 1000.0


def watch(**changes: object) -> Watch:
    """A watch of a job that was started at 1000."""
    values: dict[str, object] = {"snapshot": BEFORE, "started_at": STARTED, "deadline_at": 9000.0}
    return Watch(**(values | changes))  # type: ignore[arg-type]


CASES: dict[str, tuple[Row | None, dict[str, object], float, Outcome | None]] = {
    "stale end": (Row(1, "Finished", 100, 200, 90), {}, 1001, None),
    "stale error": (Row(1, "Error", 100, 200, 90), {}, 1001, None),
    "newer end": (Row(1, "Finished", 1010, 1020, 90), {}, 1030, Outcome.SUCCEEDED),
    "newer start is enough": (Row(1, "Error", 1010, 200, 90), {}, 1030, Outcome.FAILED),
    "same times but seen pending": (Row(1, "Canceled", 100, 200, 90), {"pending_seen": True}, 1030, Outcome.CANCELLED),
    "attached": (Row(1, "Finished", 100, 200, 90), {"snapshot": None}, 1030, Outcome.SUCCEEDED),
    "first run ever": (Row(1, "Finished", 1010, 1020), {"snapshot": Row(1, "Hold")}, 1030, Outcome.SUCCEEDED),
    "not run": (Row(1, "NotRun", 1010, 1020), {}, 1030, Outcome.NOT_RUN),
    "waiting": (Row(1, "Waiting", 100, 200, 90), {}, 1010, None),
    "ready": (Row(1, "Ready"), {}, 1010, None),
    "cancelling": (Row(1, "Cancelling"), {}, 1010, None),
    "unknown state": (Row(1, "Pondering"), {}, 1010, None),
    "unknown state, start budget": (Row(1, "Pondering"), {}, 1900, Outcome.START_TIMEOUT),
    "waiting, start budget": (Row(1, "Waiting"), {}, 1900, Outcome.START_TIMEOUT),
    "executing beyond start budget": (Row(1, "Executing"), {"running_at": 1100.0}, 1900, None),
    "executing, run budget": (Row(1, "Executing"), {"running_at": 1100.0}, 8300, Outcome.RUN_TIMEOUT),
    "scheduled": (Row(1, "Waiting", 100, 200, 5000), {}, 1010, Outcome.SCHEDULED_NOT_RUN),
    "scheduled within slack": (Row(1, "Waiting", 100, 200, 1100), {}, 1010, None),
    "flipped back": (Row(1, "Waiting", 1010, 1020, 5000), {}, 1030, Outcome.UNKNOWN),
    "seen executing, rescheduled": (Row(1, "Waiting", 1010, None, 5000), {"running_at": 1010.0}, 1030, Outcome.UNKNOWN),
    "seen executing, put back": (Row(1, "Waiting", 1010, None, 90), {"running_at": 1010.0}, 1030, None),
    "held": (Row(1, "Hold"), {}, 1010, None),
    "held beyond grace": (Row(1, "Hold"), {"held_since": 1010.0}, 1130, Outcome.HELD),
    "deleted": (None, {"missing": 2}, 1010, Outcome.NOT_FOUND),
    "one empty answer": (None, {}, 1010, None),
}


@pytest.mark.parametrize("case", CASES)
def test_judge(case: str) -> None:
    """Each situation has its verdict, or none."""
    row, changes, now, outcome = CASES[case]
    verdict = judge(row, watch(**changes), Instant(now, now), D365, BUDGETS)
    assert (verdict and verdict.outcome) == outcome


def test_wait_for_schedule() -> None:
    """With on-scheduled: wait, a scheduled job is waited for, beyond the start budget."""
    assert judge(Row(1, "Waiting", 100, 200, 9000), watch(), Instant(5000, 5000), WAIT, BUDGETS) is None


def test_scheduled_for() -> None:
    """The verdict on a scheduled job says when it will run."""
    verdict = judge(Row(1, "Waiting", 100, 200, 5000), watch(), Instant(1010, 1010), D365, BUDGETS)
    assert verdict is not None
    assert verdict.scheduled_for == 5000


def test_empty_answers_in_a_row() -> None:
    """Only three empty answers in a row are a deleted job: a reading in between begins the count again."""
    seen, now = watch(), Instant(1010, 1010)
    for row in (None, None, Row(1, "Executing"), None, None):
        assert judge(row, seen, now, D365, BUDGETS) is None
    deleted = judge(None, seen, now, D365, BUDGETS)
    assert deleted is not None
    assert deleted.outcome is Outcome.NOT_FOUND


@pytest.mark.parametrize(
    ("by_date", "times", "skew_s"),
    [
        (-3600.0, (None, None), -3600.0),  # nothing contradicts it
        (-3600.0, (1000.0, 6400.0), -3600.0),  # a run that ended long ago neither
        (-3600.0, (1000.0, 6401.0), -3600.0),  # whole seconds
        (-3600.0, (1000.0, 6402.0), 0.0),  # F&O has recorded a time that its Date has not reached
        (-3600.0, (10_100.0, None), 100.0),  # and its clock is ahead of ours
        (0.0, (10_000.0, 10_001.0), 0.0),
        (0.0, (10_000.0, 10_300.0), 300.0),
        (3600.0, (10_000.0, 13_600.0), 3600.0),
    ],
)
def test_agreed_skew(by_date: float, times: tuple[float | None, ...], skew_s: float) -> None:
    """F&O's Date counts unless F&O's own rows show a later time: then they do, and our own clock at the least."""
    assert agreed_skew(by_date, times, now=10_000.0) == skew_s


@pytest.mark.parametrize("ahead_s", [-36_000.0, 36_000.0])
def test_clocks_differ(ahead_s: float) -> None:
    """Budgets are counted by our clock and schedules compared with F&O's, however far apart the two are."""

    def by_our_clock(moment: float) -> Instant:
        return Instant(moment, moment + ahead_s)

    assert judge(Row(1, "Waiting"), watch(), by_our_clock(1010), D365, BUDGETS) is None
    running = watch()
    assert judge(Row(1, "Executing"), running, by_our_clock(1100), D365, BUDGETS) is None
    assert running.running_at == 1100
    assert judge(Row(1, "Executing"), running, by_our_clock(8299), D365, BUDGETS) is None
    over = judge(Row(1, "Executing"), running, by_our_clock(8300), D365, BUDGETS)
    assert over is not None
    assert over.outcome is Outcome.RUN_TIMEOUT
    slot = 1010 + ahead_s + 5000
    scheduled = judge(Row(1, "Waiting", 100, 200, slot), watch(), by_our_clock(1010), D365, BUDGETS)
    assert scheduled is not None
    assert scheduled.scheduled_for == slot


def test_released() -> None:
    """A job that is released within the grace period begins a new one when it is withheld again."""
    seen = watch()
    for status, now in (("Hold", 1000), ("Waiting", 1100), ("Hold", 1110)):
        assert judge(Row(1, status), seen, Instant(now, now), D365, BUDGETS) is None
    assert judge(Row(1, "Hold"), seen, Instant(1229, 1229), D365, BUDGETS) is None
    assert judge(Row(1, "Hold"), seen, Instant(1230, 1230), D365, BUDGETS) is not None


@pytest.mark.parametrize(
    ("runs", "outcome"),
    [
        ([], None),
        ([Row(1, "Finished", 100, 200)], None),
        ([Row(1, "Finished", 100, 200), Row(1, "Error", 1010, 1020)], Outcome.FAILED),
        (
            [Row(1, "Finished", 2000, 2020), Row(1, "Canceled", 1010, 1020), Row(1, "Error", 100, 200)],
            Outcome.CANCELLED,
        ),
        ([Row(1, "Executing", 1010, None), Row(1, "Error", 1010, None)], None),
    ],
)
def test_ended_runs(runs: list[Row], outcome: Outcome | None) -> None:
    """From a history it is the first run after the snapshot that counts: later ones are somebody else's."""
    verdict = judge_ended_runs(runs, since=200.0)
    assert (verdict and verdict.outcome) == outcome


@pytest.mark.parametrize(
    ("row", "error", "outcome"),
    [
        (Row(1, "Executing"), None, Outcome.DEADLINE),
        (None, None, Outcome.DEADLINE),
        (Row(1, "Executing"), "F&O answered 503.", Outcome.UNKNOWN),
    ],
)
def test_expire(row: Row | None, error: str | None, outcome: Outcome) -> None:
    """The verdict at the deadline depends on whether F&O could still be asked."""
    assert expire(row, error).outcome is outcome


@pytest.mark.parametrize(
    ("after", "started"),
    [
        (BEFORE, False),
        (Row(1, "Waiting", 100, 200), True),
        (Row(1, "Executing", 100, 200), True),
        (Row(1, "Error", 100, 200), False),
        (Row(1, "Finished", 1010, 200), True),
        (Row(1, "Finished", 1010, 1020), True),
    ],
)
def test_was_started(after: Row, started: bool) -> None:
    """A doubtful start has taken effect if the job is queued or running, or has run since."""
    assert was_started(BEFORE, after) is started
