"""Two requests for one batch job: only a reading decides whether the later one joins, waits or starts again."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.notifications.d365.batch_status import Row
from gateway.notifications.workflow.doubt import StartRules
from gateway.notifications.workflow.joining import BeginStart, StatusReading, blocks, decide_start, ending_of, shares
from gateway.notifications.workflow.outcomes import Outcome
from gateway.notifications.workflow.transitions import State
from gateway.notifications.workflow.watched_run import WatchedRun
from tests.notifications.store.accepting import job

BEFORE = '{"batch_id": 1, "status": "Finished", "start": 100.0, "end": 200.0}'
NEW_END, OLD_END = Row(1, "Finished", 1100.0, 1200.0), Row(1, "Finished", 100.0, 200.0)
RUNNING = Row(1, "Executing", 1100.0, 200.0)


def rival(**changes: Any) -> Any:
    """A job whose run was started at 1000, after an earlier run that ended at 200."""
    values = {"state": State.WAITING, "started_at": 1000.0, "starting_at": 995.0, "snapshot": BEFORE} | changes
    return job(1, **values)


@pytest.mark.parametrize(
    ("changes", "row", "asked_at", "now", "waits"),
    [
        ({}, NEW_END, 1300.0, 1300.0, False),
        ({"state": State.RUNNING}, NEW_END, 1300.0, 1300.0, False),
        ({"state": State.STARTING}, NEW_END, 1300.0, 1300.0, True),
        ({"state": State.DELIVERING}, NEW_END, 1300.0, 1300.0, True),
        ({}, RUNNING, 1300.0, 1300.0, True),
        ({}, NEW_END, 1000.0, 1300.0, True),
        ({"started_at": None}, NEW_END, 0.0, 1300.0, True),
        ({}, OLD_END, 1001.0, 1009.9, True),
        ({}, OLD_END, 1001.0, 1010.0, False),
        ({"snapshot": None}, OLD_END, 1001.0, 1001.0, False),
    ],
    ids=(
        "ended ended-running call-under-way in-doubt still-runs read-before-the-start never-started old-end-too-early"
        " old-end-settled no-earlier-run"
    ).split(),
)
def test_who_has_to_wait(changes: dict[str, Any], row: Row, asked_at: float, now: float, waits: bool) -> None:
    """The batch job is started again only when the earlier start, and its effect, are certainly in the reading."""
    assert blocks(rival(**changes), StatusReading(row, asked_at), now, StartRules(call_s=30.0, settle_s=10.0)) is waits


@pytest.mark.parametrize(
    ("created_at", "changes", "row", "shared"),
    [
        (994.4, {}, RUNNING, True),
        (994.5, {}, RUNNING, False),
        (994.6, {}, RUNNING, False),
        (900.0, {"starting_at": None}, RUNNING, False),
        (900.0, {"snapshot": None}, RUNNING, False),
        (900.0, {}, OLD_END, False),
        (900.0, {}, NEW_END, True),
    ],
    ids="surely-later at-the-limit perhaps-before not-started no-snapshot not-seen ended".split(),
)
def test_who_shares_a_run(created_at: float, changes: dict[str, Any], row: Row, shared: bool) -> None:
    """A run that was started after the request is a run for both, once the reading shows it."""
    assert shares(rival(**changes), job(2, created_at=created_at), StatusReading(row, 1300.0)) is shared


@pytest.mark.parametrize(
    ("snapshot", "row", "outcome"),
    [
        (BEFORE, NEW_END, Outcome.SUCCEEDED),
        (BEFORE, Row(1, "Error", 1100.0, 1200.0), Outcome.FAILED),
        (BEFORE, OLD_END, None),
        (None, OLD_END, Outcome.SUCCEEDED),
    ],
    ids=["ended", "failed", "the run before", "the first run"],
)
def test_how_a_watched_run_ended(snapshot: str | None, row: Row, outcome: Outcome | None) -> None:
    """The end of the previous run is not reported."""
    verdict = ending_of(rival(snapshot=snapshot), StatusReading(row, 1300.0))
    assert (verdict and verdict.outcome) == outcome
    assert verdict is None or verdict.shown == row


LATER_END = Row(1, "Finished", 100.0, 1200.0)  # of the run that was under way when the watch began


@pytest.mark.parametrize(
    ("changes", "row", "outcome"),
    [
        ({"watched": WatchedRun.NEXT}, LATER_END, None),
        ({"watched": WatchedRun.NEXT}, NEW_END, Outcome.SUCCEEDED),
        ({"watched": WatchedRun.NEXT, "snapshot": None}, OLD_END, Outcome.SUCCEEDED),
        ({"watched": WatchedRun.CURRENT}, LATER_END, Outcome.SUCCEEDED),
        ({"watched": WatchedRun.CURRENT}, OLD_END, None),
    ],
    ids="next-but-this-one next without-snapshot current none".split(),
)
def test_which_end_a_watch_waits_for(changes: dict[str, Any], row: Row, outcome: Outcome | None) -> None:
    """A job that watches the next run is not ended by the run that was under way when it was asked for."""
    verdict = ending_of(rival(starting_at=None, **changes), StatusReading(row, 1300.0))
    assert (verdict and verdict.outcome) == outcome


@pytest.mark.parametrize("status", ["Hold", "Paused", "Executing", "Waiting"])
@pytest.mark.parametrize("watched", list(WatchedRun))
def test_what_is_no_end(status: str, watched: WatchedRun) -> None:
    """A batch job that is withheld, or in an undocumented status, ends no watch; its start continues."""
    reading, new = StatusReading(Row(1, status, 1100.0, 200.0), 1300.0), job(2, created_at=1250.0)
    watching = rival(watched=watched, batch_status="Executing", starting_at=None)
    assert ending_of(watching, reading) is None
    if watched is not WatchedRun.OURS:
        assert decide_start(new, [watching], reading, 1300.0, StartRules(call_s=30.0, settle_s=10.0)) == BeginStart(
            1300.0 + 5.0 + 30.0 + 10.0, ()
        )
