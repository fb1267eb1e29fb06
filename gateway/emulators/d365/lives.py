"""
Ready-made lives, with the times of a quiet environment: the batch framework looks for due work about once a minute.

Source: Microsoft Learn, Finance & Operations "Batch processing overview": the statuses of a job.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.emulators.d365.jobs import Job, Life, Snapshot, Step

PICK_UP_S = 60.0
RUN_S = 240.0
HOUR_S = 3600.0


def ends(status: str = "Finished", pick_up_s: float = PICK_UP_S, run_s: float = RUN_S) -> Life:
    """Waits to be picked up, runs, and ends with *status*."""
    return Life((Step(0, "Waiting"), Step(pick_up_s, "Executing"), Step(pick_up_s + run_s, status)))


def canceled(pick_up_s: float = PICK_UP_S, run_s: float = RUN_S) -> Life:
    """Someone cancels the run: Executing, Cancelling, Canceled."""
    end = pick_up_s + run_s
    steps = (Step(pick_up_s, "Executing"), Step(end, "Cancelling"), Step(end + 15, "Canceled"))
    return Life((Step(0, "Waiting"), *steps))


def stays(status: str | None) -> Life:
    """
    Changes to *status* and stays there: ``Hold``, ``Waiting`` (never picked up), an unknown status, None (deleted).
    """
    return Life((Step(0, "Waiting"), Step(1, status)))


def endless(pick_up_s: float = PICK_UP_S) -> Life:
    """Runs and never ends."""
    return Life((Step(0, "Waiting"), Step(pick_up_s, "Executing")))


def deleted(after_s: float = PICK_UP_S) -> Life:
    """Begins to run; then the job is deleted."""
    return Life((Step(0, "Waiting"), Step(after_s, "Executing"), Step(after_s + 30, None)))


def scheduled(slot_s: float = 12 * HOUR_S) -> Life:
    """Has a schedule: when set to waiting, it only waits for its next slot (the blog warns of this)."""
    return Life(ends().steps, slot_s=slot_s)


def recurring(every_s: float = 24 * HOUR_S) -> Life:
    """Runs immediately, succeeds, and is soon waiting again for tomorrow's slot."""
    run = ends()
    return Life((*run.steps, Step(run.steps[-1].after_s + 20, "Waiting")), every_s=every_s)


LIVES: dict[str, Callable[[], Life]] = {
    "succeeds": ends,
    "fails": lambda: ends("Error"),
    "not-run": lambda: ends("NotRun", run_s=0),
    "canceled": canceled,
    "withheld": lambda: stays("Hold"),
    "never-picked-up": lambda: stays("Waiting"),
    "unknown-status": lambda: stays("Pondering"),
    "endless": endless,
    "deleted": deleted,
    "scheduled": scheduled,
    "recurring": recurring,
}


def named(name: str) -> Life:
    """
    The life with that name.

    Raises:
        ValueError: The name does not exist; the message lists the names.
    """
    if name not in LIVES:
        raise ValueError(f"unknown life {name!r}; known are {', '.join(LIVES)}")
    return LIVES[name]()


BLOG_JOB = 5637515827  # the id in the blog post


def sample_jobs() -> list[Job]:
    """One job for each life, the blog's first; ids count up from the blog's."""
    never = Snapshot("Hold")
    jobs = [Job(BLOG_JOB + number, name, (named(name),)) for number, name in enumerate(LIVES)]
    return [*jobs, Job(BLOG_JOB + len(jobs), "never started before", (ends(),), before=never)]
