"""Watching without starting: only a run that a request may be about is reported, whatever is seen of it, and when."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.emulators.d365.jobs import Job, Life, Snapshot, Step
from gateway.notifications.d365.batch_status import Phase, Row
from gateway.notifications.settings import BudgetSettings, D365Settings
from gateway.notifications.store.model import StoredJob
from gateway.notifications.workflow.judgement import (
    RESCHEDULED,
    Instant,
    as_of,
    history_bounds,
    judge,
    judge_ended_runs,
    watch_of,
)
from gateway.notifications.workflow.outcomes import RunVerdict
from gateway.notifications.workflow.transitions import State
from gateway.notifications.workflow.watched_run import WatchedRun

D365 = D365Settings(instance_url="https://a.b", token_url="https://l/x")
BUDGETS = BudgetSettings(run_s=10.0**6)
ASKED = 1_700_000_000.0
MARGIN_S = 2.0


def stored(run: WatchedRun, **changes: object) -> StoredJob:
    """A job that starts nothing."""
    job = StoredJob(
        id="j", caller="c", rule="r", batch_id=1, url="", host="a", profile="plain", state=State.WAITING, active=1,
        created_at=ASKED, updated_at=ASKED, deadline_at=10.0**10, callback_deadline_at=10.0**10, watched=run,
    )  # fmt: skip
    return replace(job, **changes)  # type: ignore[arg-type]


def read(job: Job, now: float) -> Row:
    """What a query would show."""
    found = job.at(now)
    assert found.status is not None
    return Row(1, found.status, found.started or None, found.ended or None, found.scheduled or None)


class Watched:
    """A watch as the service keeps it: what it knows after a restart is what is in the row."""

    def __init__(self, run: WatchedRun, batch: Job, now: float) -> None:
        row = read(batch, now)
        snapshot = json.dumps(as_of(row, ASKED + MARGIN_S).dump())
        self._job = stored(run, started_at=now, snapshot=snapshot, batch_status=row.status)
        self._watch = watch_of(self._job)
        self._batch = batch

    def restart(self) -> None:
        """The process ends, and another one goes on."""
        self._watch = watch_of(self._job)

    def look(self, now: float) -> RunVerdict | None:
        """One reading, noted as the watcher notes it."""
        row = read(self._batch, now)
        stale = row.phase is Phase.ENDED and not self._watch.is_newer(row)
        verdict = judge(row, self._watch, Instant(now, now), D365, BUDGETS)
        if not stale:
            self._job = replace(self._job, batch_status=row.status, running_at=self._watch.running_at)
        if verdict is RESCHEDULED:
            runs = [_run(ended) for ended in self._batch.ended_runs(now)]
            return judge_ended_runs(runs, *history_bounds(self._job, 0.0))
        return None if verdict is None else replace(verdict, shown=row)


def _run(ended: Snapshot) -> Row:
    return Row(1, ended.status or "", ended.started, ended.ended)


def life(queued_s: int, runs_s: int, status: str, flips: bool) -> Life:
    """Queued, running, ended; a recurring job waits for tomorrow in the very moment of its end."""
    steps = (Step(0, "Waiting"), Step(queued_s, "Executing"), Step(queued_s + runs_s, status))
    return Life((*steps, Step(queued_s + runs_s, "Waiting")), every_s=86_400.0) if flips else Life(steps)


SECONDS = st.integers(1, 400)
LIVES = st.lists(st.tuples(SECONDS, SECONDS, st.sampled_from(["Finished", "Error", "Canceled"]), SECONDS), max_size=4)


@settings(max_examples=400, deadline=None)
@given(
    run=st.sampled_from([WatchedRun.CURRENT, WatchedRun.NEXT]),
    lives=LIVES,
    recurs=st.booleans(),
    begins=st.integers(-1500, 600),
    first_look_s=st.integers(0, 300),
    looks=st.lists(st.tuples(st.integers(1, 300), st.booleans()), min_size=4, max_size=40),
)
def test_only_its_own_run(
    run: WatchedRun,
    lives: list[tuple[int, int, str, int]],
    recurs: bool,
    begins: int,
    first_look_s: int,
    looks: list[tuple[int, bool]],
) -> None:
    """
    Whatever runs before, during and after the request, however rarely it is read and however often the process is
    restarted: what is reported is a run that ended after the request, for the next one a run that also began after it.
    """
    *singles, last = [*lives, (1, 1, "Finished", 1)]
    batch = Job(1, lives=(*(life(*each[:3], False) for each in singles), life(*last[:3], recurs)))
    at = ASKED + begins
    for queued_s, runs_s, _, idle_s in [*singles, last]:
        batch.begin(at)
        at += queued_s + runs_s + idle_s
    now = ASKED + first_look_s
    watched = Watched(run, batch, now)
    for pause_s, restarts in looks:
        verdict = watched.look(now)
        if verdict is not None:
            assert verdict.shown is not None
            assert (verdict.shown.end or 0.0) > ASKED
            assert run is WatchedRun.CURRENT or (verdict.shown.start or 0.0) > ASKED
            assert verdict.shown.status in ("Finished", "Error", "Canceled")
            return
        now += pause_s
        if restarts:
            watched.restart()


@pytest.mark.parametrize("run", [WatchedRun.CURRENT, WatchedRun.NEXT])
@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("recurs", [False, True])
@pytest.mark.parametrize(("begins", "counts"), [(-800, "none"), (-300, "current"), (-50, "current"), (100, "both")])
def test_no_run_is_missed(run: WatchedRun, restarts: bool, recurs: bool, begins: int, counts: str) -> None:
    """A run that is queued or under way at the request, or begins later, is reported at its end; by ``next`` only if
    it began after the request."""
    batch = Job(1, lives=(life(100, 400, "Error", recurs),))
    batch.begin(ASKED + begins)
    watched = Watched(run, batch, ASKED + 1)
    found = None
    for now in range(int(ASKED) + 1, int(ASKED) + 1200, 60):
        found = found or watched.look(float(now))
        if restarts:
            watched.restart()
    queued = begins + 100 > 0  # the run itself begins after the request
    expected = counts == "both" or (counts == "current" and (run is WatchedRun.CURRENT or queued))
    assert (found is not None) == expected
    assert found is None or (found.shown is not None and found.shown.status == "Error")


@pytest.mark.parametrize(
    ("end", "kept"), [(100.0, 100.0), (ASKED + 1, ASKED + 1), (ASKED + 60, ASKED + 2), (None, None)]
)
def test_as_of(end: float | None, kept: float | None) -> None:
    """What happened after the request, within what clocks allow, is yet to happen for its snapshot."""
    assert as_of(Row(1, "Finished", 50.0, end), ASKED + MARGIN_S) == Row(1, "Finished", 50.0, kept)
