"""
One simulated hour or more: what callers wait, and what F&O and this process have to do meanwhile.

Real are the poller, its client with gate and fair turns, the parsing of answers, the verdict on each reading, and the
turns in which jobs start. Simulated are F&O and the clock. A durable commit is a pause of 8 ms; nothing is stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from random import Random
from types import SimpleNamespace

import structlog

from benchmarks.bench_notifications import resident_mb
from benchmarks.simulation.world import Run, SimulatedClock, SimulatedEnvironment
from gateway.commands.policy_tests.clock import JumpingLoop, run
from gateway.notifications.d365 import poller as poller_module
from gateway.notifications.d365.batch_status import Row
from gateway.notifications.d365.client import D365Client
from gateway.notifications.d365.poller import Poller
from gateway.notifications.fairness import FairTurns
from gateway.notifications.metrics import Metrics
from gateway.notifications.settings import BudgetSettings, D365Settings, PollingSettings
from gateway.notifications.workflow.judgement import Instant, Watch, judge
from gateway.notifications.workflow.outcomes import RunVerdict

START = 1_800_000_000.0  # when the simulation begins, epoch seconds
COMMIT_S = 0.008
TURNS = 40  # as the starter has
FIRST_ID = 5_637_000_000

_SETTINGS = D365Settings(instance_url="https://simulated.test", token_url="https://simulated.test/t", client_id="s")
_BUDGETS = BudgetSettings(start_s=1e7, run_s=1e7, overall_s=1e7)


class _Tokens:
    """One token that never expires."""

    async def token(self, rejected: str | None = None) -> str:
        return "simulated"

    async def close(self) -> None:
        pass


class _Permit:
    """The mark before a start call, which is a commit."""

    async def renew(self) -> None:
        await asyncio.sleep(COMMIT_S)

    def check(self) -> None:
        pass


@dataclass(slots=True)
class Replica:
    """One gateway's part of an environment: its own poller, slots and pauses, as ``D365Environment`` joins them."""

    world: SimulatedEnvironment
    client: D365Client
    poller: Poller
    turns: FairTurns

    @classmethod
    def of(cls, world: SimulatedEnvironment, metrics: Metrics, name: str) -> Replica:
        client = D365Client(_SETTINGS, _Tokens(), world, world.clock, metrics, name)
        return cls(world, client, Poller(client, PollingSettings(), world.clock, metrics), FairTurns(TURNS))

    def watch(self, batch_id: int, ended: Callable[[float], None], delay_s: float = 1.0) -> None:
        """Poll until the run has ended; *ended* gets by how many seconds the verdict is later than the end."""
        clock, watch = self.world.clock, Watch(None, self.world.clock.now(), float("inf"))

        def look(row: Row | None) -> RunVerdict | None:
            now = clock.now()
            verdict = judge(row, watch, Instant(now, now), _SETTINGS, _BUDGETS)
            if verdict is not None:
                ended(now - self.world.jobs[batch_id].ends)
            return verdict

        self.poller.subscribe(batch_id, look, delay_s)

    async def start(self, batch_id: int, caller: str) -> None:
        """Read and start one job in the caller's turn."""
        async with self.turns.turn(caller):
            await self.poller.read(batch_id)
            await asyncio.sleep(COMMIT_S)
            await self.client.start(batch_id, _Permit(), caller)
        await asyncio.sleep(COMMIT_S)


@dataclass(frozen=True, slots=True)
class Scenario:
    """
    Jobs that are running and will end in the course of an hour.

    Attributes:
        replicas: Gateways that share the jobs of each environment.
        busy_s: For how long each environment answers nothing but 429, from the middle of the hour on.
    """

    jobs: int
    environments: int = 1
    replicas: int = 1
    busy_s: float = 0.0
    span_s: float = 3_600.0


@dataclass(slots=True)
class Figures:
    """What was measured; lags in seconds, from a run's end to the verdict."""

    scenario: dict[str, float]
    lag: dict[str, float]
    queries_per_s: float
    rows_per_query: float
    throttled: int
    most_at_once: int
    simulated_s: float
    cpu_s: float
    cpu_us_per_row: float
    kb_per_watch: float
    curve: list[tuple[float, float]] = field(default_factory=list)


def quantiles(values: Iterable[float]) -> dict[str, float]:
    """The middle, the slow ones and the slowest."""
    ordered = sorted(values)
    if not ordered:
        return {}
    places = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    return {name: round(ordered[int(place * (len(ordered) - 1))], 1) for name, place in places.items()} | {
        "max": round(ordered[-1], 1)
    }


@contextlib.contextmanager
def jumping() -> Iterator[tuple[JumpingLoop, SimulatedClock]]:
    """A loop whose time jumps, also for the one module that asks ``time``; warnings of pauses are not printed."""
    loop = JumpingLoop()
    clock = SimulatedClock(loop, START)
    logging_before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    vars(poller_module)["time"] = SimpleNamespace(monotonic=clock.monotonic)
    try:
        yield loop, clock
    finally:
        vars(poller_module)["time"] = time
        structlog.configure(**logging_before)


def watching(scenario: Scenario) -> dict[str, object]:
    """The figures of watching all jobs of *scenario* until the last one has been reported."""
    with jumping() as (loop, clock):
        return asdict(run(_watching(scenario, clock), loop))


async def _watching(scenario: Scenario, clock: SimulatedClock) -> Figures:
    random, metrics = Random(scenario.jobs), Metrics()
    before_mb, before_cpu_s = resident_mb(), time.process_time()
    worlds = [SimulatedEnvironment(clock, random) for _ in range(scenario.environments)]
    replicas = [
        Replica.of(world, metrics, f"{place}") for place, world in enumerate(worlds) for _ in range(scenario.replicas)
    ]
    warm_s = max(300.0, 2 * scenario.jobs / (len(replicas) * 300))  # two rounds, before any of them ends
    ends: list[tuple[float, float]] = []
    done = asyncio.Event()

    def ended(lag_s: float) -> None:
        ends.append((clock.now() - START - warm_s - lag_s, lag_s))
        if len(ends) == scenario.jobs:
            done.set()

    for number in range(scenario.jobs):
        replica = replicas[number % len(replicas)]
        replica.world.jobs[FIRST_ID + number] = Run(START - 600, START + warm_s + random.uniform(0, scenario.span_s))
        replica.watch(FIRST_ID + number, ended, random.uniform(0, 60))
    middle = START + warm_s + scenario.span_s / 2
    for world in worlds:
        world.busy = (middle, middle + scenario.busy_s)
    kb = (resident_mb() - before_mb) * 1024 / scenario.jobs
    polling = [asyncio.create_task(replica.poller.run()) for replica in replicas]
    await done.wait()
    for task in polling:
        task.cancel()
    cpu_s = time.process_time() - before_cpu_s
    figures = _figures(scenario, worlds, ends, clock.now() - START, cpu_s)
    figures.kb_per_watch = round(kb, 2)
    return figures


def _figures(
    scenario: Scenario,
    worlds: Sequence[SimulatedEnvironment],
    ends: list[tuple[float, float]],
    took_s: float,
    cpu_s: float,
) -> Figures:
    queries = sum(world.calls["GET", 200] for world in worlds)
    rows = sum(world.rows for world in worlds)
    return Figures(
        scenario=asdict(scenario),
        lag=quantiles(lag for _, lag in ends),
        queries_per_s=round(queries / took_s / len(worlds), 2),
        rows_per_query=round(rows / queries, 1),
        throttled=sum(world.calls["GET", 429] for world in worlds),
        most_at_once=max(world.most_at_once for world in worlds),
        simulated_s=round(took_s),
        cpu_s=round(cpu_s, 1),
        cpu_us_per_row=round(cpu_s * 1e6 / rows, 1),
        kb_per_watch=0.0,
        curve=_curve(ends),
    )


def _curve(moments: list[tuple[float, float]], step_s: float = 60.0) -> list[tuple[float, float]]:
    """The 95th percentile of each minute: when, in minutes, and the lag in seconds."""
    minutes: dict[int, list[float]] = {}
    for moment, lag in moments:
        minutes.setdefault(int(moment // step_s), []).append(lag)
    return [(minute, quantiles(lags)["p95"]) for minute, lags in sorted(minutes.items())]


# -- fairness
@dataclass(frozen=True, slots=True)
class Crowd:
    """
    One caller asks for *greedy* jobs in one moment, *others* for one job each every *every_s*.

    Attributes:
        same: Everything comes from one caller, as it would be without fair turns.
    """

    greedy: int = 2_000
    others: int = 9
    every_s: float = 10.0
    for_s: float = 300.0
    same: bool = False


def starting(crowd: Crowd) -> dict[str, object]:
    """How long jobs wait for their start: those of the greedy caller, and those of the others."""
    with jumping() as (loop, clock):
        return run(_starting(crowd, clock), loop)


async def _starting(crowd: Crowd, clock: SimulatedClock) -> dict[str, object]:
    world = SimulatedEnvironment(clock, Random(7))
    replica = Replica.of(world, Metrics(), "simulated")
    waits: dict[str, list[tuple[float, float]]] = {"greedy": [], "others": []}
    polling = asyncio.create_task(replica.poller.run())
    numbers = iter(range(FIRST_ID, FIRST_ID + 10**9))

    async def begin(group: str, caller: str, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        batch_id, asked = next(numbers), clock.now()
        world.jobs[batch_id] = Run()
        await replica.start(batch_id, "everybody" if crowd.same else caller)
        waits[group].append((asked - START, clock.now() - asked))
        replica.watch(batch_id, lambda _: None)

    work: list[Awaitable[None]] = [begin("greedy", "greedy", 0.0) for _ in range(crowd.greedy)]
    moments = range(int(crowd.for_s / crowd.every_s))
    work += [
        begin("others", f"caller {number}", 1.0 + moment * crowd.every_s)
        for number in range(crowd.others)
        for moment in moments
    ]
    await asyncio.gather(*work)
    took_s = clock.now() - START
    polling.cancel()
    starts = sum(map(len, waits.values()))
    return {
        "crowd": asdict(crowd),
        "starts_per_s": round(starts / took_s, 1),
        **{group: quantiles(wait for _, wait in waited) for group, waited in waits.items()},
        "curve": {group: _curve(waited, 10.0) for group, waited in waits.items()},
    }
