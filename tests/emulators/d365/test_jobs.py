"""A job's life: what a poller sees at each moment after a start."""

from __future__ import annotations

import pytest

from gateway.emulators.d365.jobs import Job, Life, Snapshot, Step
from gateway.emulators.d365.lives import LIVES, canceled, deleted, ends, named, recurring, sample_jobs, scheduled, stays

NOW = 1_800_000_000.0
HOUR = 3600.0


def _statuses(job: Job, *seconds: float, speed: float = 1.0) -> list[str | None]:
    return [job.at(NOW + after, speed).status for after in seconds]


def _started(*lives: Life, lag_s: float = 0.0) -> Job:
    job = Job(1, lives=lives)
    job.start(NOW, lag_s)
    return job


@pytest.mark.parametrize(
    ("life", "moments", "statuses"),
    [
        (ends(), (0, 59, 60, 299, 300), ["Waiting", "Waiting", "Executing", "Executing", "Finished"]),
        (ends("Error", 1, 1), (0, 1, 2), ["Waiting", "Executing", "Error"]),
        (canceled(1, 1), (1, 2, 17), ["Executing", "Cancelling", "Canceled"]),
        (stays("Hold"), (0, 1, 9999), ["Waiting", "Hold", "Hold"]),
        (deleted(10), (0, 10, 39, 40), ["Waiting", "Executing", "Executing", None]),
        (scheduled(HOUR), (0, HOUR - 1, HOUR, HOUR + 60, HOUR + 300), ["Waiting"] * 3 + ["Executing", "Finished"]),
        (recurring(HOUR), (300, 320, HOUR - 1, HOUR + 60), ["Finished", "Waiting", "Waiting", "Executing"]),
    ],
    ids=["ends", "fails", "canceled", "withheld", "deleted", "scheduled", "recurring"],
)
def test_life(life: Life, moments: tuple[float, ...], statuses: list[str]) -> None:
    """Each life passes through its statuses at its times."""
    assert _statuses(_started(life), *moments) == statuses


def test_before_start() -> None:
    """Until a start takes effect the job shows its earlier, ended run: a stale answer."""
    job = _started(ends(), lag_s=5)
    assert job.at(NOW + 4) == Job(1).before
    assert job.at(NOW + 5).status == "Waiting"


def test_times() -> None:
    """Start and end are those of the earlier run until the new run has its own; in between the end is unset."""
    job = _started(ends())
    before = job.before
    assert job.at(NOW + 1) == Snapshot("Waiting", NOW, before.started, before.ended)
    assert job.at(NOW + 61) == Snapshot("Executing", NOW, NOW + 60, 0.0)
    assert job.at(NOW + 301) == Snapshot("Finished", NOW, NOW + 60, NOW + 300)


def test_not_run() -> None:
    """A job that ends without having run has an end, and its scheduled time for a start."""
    assert _started(Life((Step(0, "Waiting"), Step(9, "NotRun")))).at(NOW + 9) == Snapshot("NotRun", NOW, NOW, NOW + 9)


def test_speed() -> None:
    """A run can be sped up."""
    assert _statuses(_started(ends()), 0.5, 1, 5, speed=60) == ["Waiting", "Executing", "Finished"]


def test_schedule_is_not_sped_up() -> None:
    """A schedule follows the wall clock, because clients compare it with their own."""
    job = _started(scheduled(HOUR))
    waiting = job.at(NOW + HOUR - 1, 60)
    assert (waiting.status, waiting.scheduled) == ("Waiting", NOW + HOUR)
    assert job.at(NOW + HOUR + 5, 60).status == "Finished"


def test_recurring_times() -> None:
    """Between two runs a recurring job waits with a later schedule, and keeps the last run's end."""
    job = _started(recurring(HOUR))
    assert job.at(NOW + 320) == Snapshot("Waiting", NOW + HOUR, NOW + 60, NOW + 300)
    assert job.at(NOW + HOUR + 1) == Snapshot("Waiting", NOW + HOUR, NOW + 60, NOW + 300)
    assert job.at(NOW + HOUR + 61).started == NOW + HOUR + 60


def test_lives_in_turn() -> None:
    """Each start takes the next life; the last one repeats."""
    job = _started(ends("Error", 1, 1), ends("Finished", 1, 1))
    job.start(NOW + 10)
    job.start(NOW + 20)
    assert _statuses(job, 2, 12, 22) == ["Error", "Finished", "Finished"]


@pytest.mark.parametrize(("after_s", "started"), [(0, 60), (61, 60), (301, 361)], ids=["waiting", "running", "ended"])
def test_second_start(after_s: float, started: float) -> None:
    """Every start is counted; only a job that has ended runs again."""
    job = _started(ends())
    job.start(NOW + after_s)
    assert len(job.starts) == 2
    assert job.at(NOW + 700).started == NOW + started


def test_no_lives() -> None:
    """A job without a scripted life waits for ever."""
    assert _statuses(_started(), 0, 99_999) == ["Waiting", "Waiting"]


@pytest.mark.parametrize(
    "steps",
    [(), (Step(1, "Waiting"),), (Step(0, "Waiting"), Step(5, "Executing"), Step(4, "Error"))],
    ids=["no", "late", "back"],
)
def test_impossible_life(steps: tuple[Step, ...]) -> None:
    """A life's steps begin at 0 seconds and are in order of time."""
    with pytest.raises(ValueError, match="forward in time"):
        Life(steps)


def test_sample_jobs() -> None:
    """There is a sample job for every life, and the blog's id is one that succeeds."""
    jobs = sample_jobs()
    assert (jobs[0].id, jobs[0].description) == (5637515827, "succeeds")
    assert {job.description for job in jobs} >= set(LIVES)


def test_named() -> None:
    """A life is found by name; an unknown name lists the known ones."""
    assert named("fails") == ends("Error")
    with pytest.raises(ValueError, match="known are succeeds, fails"):
        named("flies")
