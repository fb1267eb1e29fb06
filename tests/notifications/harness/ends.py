"""The true end of each run, and whether it is what the receivers of its callbacks were told."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gateway.emulators.d365 import Job, Life
from gateway.emulators.d365.lives import canceled, ends
from tests.notifications.receiver import Received

# A deadline may be met while a line is cut, a process is frozen or one starts anew.
_UNLUCKY_S = 20.0
# A watch counts what happens in the seconds around its request as earlier.
_AFTER_WATCH_S = 4.0

_OUTCOMES = {"Finished": "succeeded", "Error": "failed", "Canceled": "cancelled"}
_ENDS = frozenset({*_OUTCOMES.values(), "not_run"})


def random_life(rng: random.Random, watched: bool) -> Life:
    """A run of some seconds that ends well, in an error, or by being cancelled; later if it is watched from before."""
    pick_up_s, run_s = rng.uniform(0, 1) + (_AFTER_WATCH_S if watched else 0.0), rng.uniform(0, 3)
    shape = rng.random()
    if shape < 0.1:
        return canceled(pick_up_s, run_s)
    return ends("Error" if shape < 0.3 else "Finished", pick_up_s, run_s)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: its batch job, and until when its end was to be reported (epoch seconds)."""

    job: Job
    until: float = float("inf")


def of_runs(asked: Mapping[str, Asked], received: Iterable[Received]) -> tuple[list[str], list[str]]:
    """
    Requests that were told an end that was not that of the run, and those never told of a run that ended in time.

    Args:
        asked: By the path of its callback URL.
    """
    told: dict[str, set[str]] = defaultdict(set)
    for path, outcome in _told(received):
        told[path].add(outcome)
    untrue = [path for path, item in asked.items() if (told[path] & _ENDS) - {_true_end(item.job)}]
    untold = [path for path, item in asked.items() if _ended_in_time(item) and _true_end(item.job) not in told[path]]
    return untrue, untold


def _told(received: Iterable[Received]) -> Iterator[tuple[str, str]]:
    for item in received:
        yield item.path, json.loads(item.body)["data"]["outcome"]


def _true_end(job: Job) -> str | None:
    """None for a job that was never started."""
    return _OUTCOMES[str(job.lives[0].steps[-1].status)] if job.starts else None


def _ended_in_time(asked: Asked) -> bool:
    job = asked.job
    return bool(job.starts) and job.starts[0] + job.lives[0].steps[-1].after_s + _UNLUCKY_S < asked.until
