"""
Mixed faults while jobs come in and run: what came of every job, and why callbacks came more than once.

    python -m tests.notifications.harness.campaign --jobs 1000 --faults 50 [--postgres URL --replicas 2] [--seed 1]
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import httpx2 as httpx
import sqlalchemy as sa

from gateway.emulators.d365 import D365Emulator, Job
from gateway.notifications.store.database import open_engine
from gateway.notifications.workflow.transitions import FINAL, State
from tests.notifications.harness import ends
from tests.notifications.harness.ends import Asked
from tests.notifications.harness.faults import FAULTS, small_disk
from tests.notifications.harness.world import AnyAudience, Replica, World, replicas_of
from tests.notifications.killing import CALLER

_PAUSE_S = (0.1, 1.5)

# What is asked for, in turn of the batch jobs. A watch is asked for before the start that it reports.
_WISHES: tuple[tuple[dict[str, Any], ...], ...] = (
    ({},),
    ({"followUp": True, "timeoutSeconds": 2},),
    ({"start": False, "timeoutSeconds": 90}, {}),
    ({"run": "next", "timeoutSeconds": 90}, {}),
    ({"environment": "second"},),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """One run."""

    jobs: int
    faults: int
    replicas: int = 1
    seed: int = 1
    patience_s: float = 180.0
    kinds: tuple[str, ...] = tuple(FAULTS)


@dataclass(slots=True)
class Result:
    """
    What came of a run.

    Attributes:
        lost: Jobs that were accepted and never reported, except:
        expired: Their caller's own time, two seconds, was over before its receiver could be reached. If the batch job
            was started, a second report follows, which is looked for among the untold.
        doubled: Batch jobs that were started more than once.
        stuck: Jobs that are not final at the end.
        untrue: Requests to which an end was reported that is not that of the run, or of a batch job that did not run.
        untold: Requests to which the end of the run was not reported, though it ended well before their deadline.
        repeated: Callbacks that came more than once, by the reason that the store has for it.
        outcomes: What was reported.
    """

    seed: int
    accepted: int = 0
    lost: list[int] = field(default_factory=list)
    expired: list[int] = field(default_factory=list)
    doubled: list[int] = field(default_factory=list)
    stuck: list[int] = field(default_factory=list)
    untrue: list[str] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)
    repeated: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    slowest_answer_s: float = 0.0
    took_s: float = 0.0

    @property
    def flawless(self) -> bool:
        """Whether every promise was kept."""
        unexplained = self.repeated["no reason"]
        return not (self.lost or self.doubled or self.stuck or self.untrue or self.untold or unexplained)


def run(plan: Plan, folder: Path, postgres: str | None = None) -> Result:
    """From an empty store to the last callback, or the time limit."""
    print(f"seed {plan.seed}")
    rng, result, began = random.Random(plan.seed), Result(plan.seed), time.monotonic()
    lives = [ends.random_life(rng, _is_watched(number)) for number in range(1, plan.jobs + 1)]
    d365 = D365Emulator(jobs=[Job(n + 1, lives=(life,)) for n, life in enumerate(lives)], access=AnyAudience())
    world = World(folder, d365, postgres)
    for n, life in enumerate(lives):
        world.second.add(Job(n + 1, lives=(life,)))
    with ExitStack() as stack:
        if postgres is None:
            stack.enter_context(small_disk(world.database.parent))
        stack.enter_context(world.served())
        replicas = stack.enter_context(replicas_of(world, plan.replicas))
        asked = asyncio.run(_run(plan, world, replicas, result))
        _count(plan, world, result)
        result.untrue, result.untold = ends.of_runs(asked, world.receiver.received())
    result.took_s = round(time.monotonic() - began, 1)
    return result


async def _run(plan: Plan, world: World, replicas: list[Replica], result: Result) -> dict[str, Asked]:
    breaking = asyncio.to_thread(_break, plan, world, replicas, result)
    asked, _ = await asyncio.gather(_post_all(plan, world, replicas, result), breaking)
    until = time.monotonic() + plan.patience_s
    while time.monotonic() < until and not await asyncio.to_thread(is_over, result.accepted, world):
        await asyncio.sleep(0.5)
    await asyncio.sleep(2.0)  # time for what would be one start or callback too many
    return asked


def _break(plan: Plan, world: World, replicas: list[Replica], result: Result) -> None:
    rng = random.Random(plan.seed)
    kinds = [plan.kinds[number % len(plan.kinds)] for number in range(plan.faults)]
    rng.shuffle(kinds)
    for kind in kinds:
        time.sleep(rng.uniform(*_PAUSE_S))
        FAULTS[kind](world, rng.choice(replicas), rng)
        result.faults[kind] += 1


async def _post_all(plan: Plan, world: World, replicas: list[Replica], result: Result) -> dict[str, Asked]:
    queue, rng = iter(range(1, plan.jobs + 1)), random.Random(plan.seed)
    asked: dict[str, Asked] = {}

    async def client() -> None:
        async with httpx.AsyncClient(timeout=8, headers={"gateway-secret": "hop", "caller-objectid": CALLER}) as http:
            for batch_id in queue:
                for wish in _wishes(batch_id):
                    asked[f"/{_path(batch_id, wish)}"] = _asked(world, batch_id, wish)
                    await _post(http, rng.choice(replicas), batch_id, wish, result, replicas)
                    result.accepted += 1
                # Jobs must not all be over before the last fault.
                while result.faults.total() < plan.faults and batch_id > (
                    (result.faults.total() + 1) * plan.jobs / plan.faults
                ):
                    await asyncio.sleep(0.05)

    await asyncio.gather(*(client() for _ in range(8)))
    return asked


def _wishes(batch_id: int) -> tuple[dict[str, Any], ...]:
    return _WISHES[batch_id % len(_WISHES)]


def _is_watch(wish: dict[str, Any]) -> bool:
    """Whether nothing is started."""
    return "start" in wish or "run" in wish


def _is_watched(batch_id: int) -> bool:
    return any(map(_is_watch, _wishes(batch_id)))


def _path(batch_id: int, wish: dict[str, Any]) -> str:
    return f"{'watch' if _is_watch(wish) else 'start'}-{batch_id}"


def _asked(world: World, batch_id: int, wish: dict[str, Any]) -> Asked:
    """What is asked for now. A second report has time enough; others are due a tenth before the caller's time is up."""
    environment = world.second if "environment" in wish else world.d365
    seconds = float("inf") if "followUp" in wish else 0.9 * wish.get("timeoutSeconds", float("inf"))
    return Asked(environment.jobs[batch_id], time.time() + seconds)


async def _post(
    http: httpx.AsyncClient,
    replica: Replica,
    batch_id: int,
    wish: dict[str, Any],
    result: Result,
    replicas: list[Replica],
) -> None:
    """Repeat the request until it is answered with 202, as a client with an idempotency key does."""
    path = _path(batch_id, wish)
    url = f"http://127.0.0.1:{replica.receiver.port}/{path}"
    body = {"batchId": batch_id, "callbackUrl": url, **wish}
    while True:
        began = time.monotonic()
        try:
            answer = await http.post(f"{replica.url}/jobs", json=body, headers={"idempotency-key": path})
        except httpx.HTTPError as error:  # it was killed or frozen
            result.refused[type(error).__name__] += 1
            replica = random.choice(replicas)
            await asyncio.sleep(0.1)
            continue
        result.slowest_answer_s = max(result.slowest_answer_s, round(time.monotonic() - began, 2))
        if answer.status_code == 202:
            return
        assert answer.status_code == 503, answer.text
        result.refused["503"] += 1
        await asyncio.sleep(0.1)


def is_over(jobs: int, world: World) -> bool:
    """Whether that many jobs are in the store, and all of them final."""
    rows = _rows(world, "SELECT state FROM notification_jobs")
    return len(rows) >= jobs and all(State(row["state"]) in FINAL for row in rows)


def _rows(world: World, query: str) -> list[dict[str, Any]]:
    engine = open_engine(world.store)
    try:
        with engine.connect() as connection:
            return [dict(row) for row in connection.execute(sa.text(query)).mappings()]
    except sa.exc.SQLAlchemyError:
        return []
    finally:
        engine.dispose()


def _count(plan: Plan, world: World, result: Result) -> None:
    """Stopped jobs were withdrawn after a 503, and their requests were repeated."""
    jobs = _rows(world, "SELECT * FROM notification_jobs WHERE state <> 'stopped'")
    told = Counter(item.headers["webhook-id"] for item in world.receiver.received())
    numbers = range(1, plan.jobs + 1)
    missing = [job for job in jobs if job["id"] not in told]
    result.lost = [job["batch_id"] for job in missing if not _has_expired(job)]
    result.expired = [job["batch_id"] for job in missing if _has_expired(job)]
    result.lost += [number for number in numbers if number not in {job["batch_id"] for job in jobs}]
    result.doubled = [number for number in numbers if _starts(world, number) > 1]
    result.stuck = [job["batch_id"] for job in jobs if State(job["state"]) not in FINAL]
    result.outcomes = Counter(str(job["outcome"]) for job in jobs)
    reasons = _reasons(world)
    result.repeated = Counter(reasons.get(job_id, "no reason") for job_id, count in told.items() if count > 1)


def _has_expired(job: dict[str, Any]) -> bool:
    return State(job["state"]) is State.DEAD and job["callback_deadline_at"] - job["created_at"] < 3.0


def _starts(world: World, number: int) -> int:
    """In the environment in which that batch job was asked for; a start in the other one is one too many."""
    here, there = world.d365.starts(number), world.second.starts(number)
    is_second = any("environment" in wish for wish in _wishes(number))
    wanted, other = (there, here) if is_second else (here, there)
    return wanted + 2 * other


def _reasons(world: World) -> dict[str, str]:
    """Why a callback was sent again: the first attempt that is in the store without a good answer."""
    query = (
        "SELECT jobs.id, a.number, a.status, a.error, a.decision, jobs.doubted FROM notification_attempts a "
        "JOIN notification_jobs jobs ON jobs.id = a.job_id ORDER BY a.number DESC"
    )
    found: dict[str, str] = {}
    for row in _rows(world, query):
        if row["decision"] == "retry":
            found[row["id"]] = f"no answer ({row['error'] or row['status']})"
        elif row["doubted"]:
            found.setdefault(row["id"], "the process ended or lost its lease during the attempt")
    return found


def report(result: Result) -> str:
    """As JSON, one line."""
    return json.dumps(
        {each.name: getattr(result, each.name) for each in fields(result)} | {"flawless": result.flawless}
    )
