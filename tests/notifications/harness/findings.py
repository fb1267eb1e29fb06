"""
What once went wrong, again and again: each function breaks one thing for *count* jobs, and returns how many went wrong.

Times are a twentieth to a fiftieth of the defaults: settle 3 s, lease 3 s, the longest call 2 s.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx2 as httpx
from starlette.responses import PlainTextResponse

from gateway.emulators.d365 import D365Emulator, Job
from gateway.emulators.d365.lives import ends
from gateway.emulators.faults import Fault
from tests.notifications.harness.campaign import is_over
from tests.notifications.harness.faults import small_disk
from tests.notifications.harness.world import AnyAudience, Replica, World, replicas_of
from tests.notifications.receiver import slow

_ALICE, _BOB = "33333333-3333-3333-3333-333333333333", "44444444-4444-4444-4444-444444444444"
_CUT_S = 6.0

Finding = Callable[[Path, str | None, int], int]


class SelectiveD365(D365Emulator):
    """Answers every start of a batch job below *failing* with 503."""

    failing = 0

    @cached_property
    def app(self) -> Any:
        """The emulator's application behind that."""
        inner = super().app

        async def selective(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http" or scope["method"] != "POST" or "SetBatchJobToWaiting" not in scope["path"]:
                await inner(scope, receive, send)
                return
            message = await receive()
            if json.loads(message["body"] or b"{}").get("batchJobId", 0) < self.failing:
                await PlainTextResponse("out of order", 503)(scope, receive, send)
                return

            async def again() -> Any:
                return message

            await inner(scope, again, send)

        return selective


@contextmanager
def scene(
    folder: Path, postgres: str | None, count: int, life: tuple[float, float] = (0.2, 1.0), **changes: Any
) -> Iterator[tuple[World, list[Replica]]]:
    """A world with *count* batch jobs, and its replicas: two on PostgreSQL, one on SQLite."""
    jobs = [Job(number + 1, lives=(ends("Finished", *life),)) for number in range(count)]
    world = World(folder, SelectiveD365(jobs=jobs, access=AnyAudience()), postgres, changes=changes)
    with ExitStack() as stack:
        if postgres is None:
            stack.enter_context(small_disk(world.database.parent))
        stack.enter_context(world.served())
        yield world, stack.enter_context(replicas_of(world, 2 if postgres else 1))


async def post(replicas: list[Replica], numbers: range, path: str = "", caller: str = _ALICE) -> None:
    """Ask for batch jobs, in turn of the replicas, until each is accepted."""
    turns = asyncio.Semaphore(8)

    async def one(http: httpx.AsyncClient, number: int) -> None:
        replica = replicas[number % len(replicas)]
        url = f"http://127.0.0.1:{replica.receiver.port}/{path or number}"
        body = {"batchId": number, "callbackUrl": f"{url}?n={number}"}
        async with turns:
            while (await http.post(f"{replica.url}/jobs", json=body)).status_code != 202:
                await asyncio.sleep(0.1)

    async with httpx.AsyncClient(timeout=30, headers={"gateway-secret": "hop", "caller-objectid": caller}) as http:
        await asyncio.gather(*(one(http, number) for number in numbers))


def until(met: Callable[[], bool], patience_s: float) -> bool:
    """Wait for *condition*; returns whether it was met."""
    end = time.monotonic() + patience_s
    while not met():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def _doubled(world: World, count: int) -> int:
    until(lambda: is_over(count, world), 120)
    time.sleep(1.5)
    return sum(world.d365.starts(number) != 1 for number in range(1, count + 1))


def ended_run(folder: Path, postgres: str | None, count: int) -> int:
    """N1: a request comes after a run ended, before its owner has looked: the batch job has to run again for it."""
    rare = {"interval": "30s", "max-interval": "30s"}
    with scene(folder, postgres, count, (0.1, 2.5), polling=rare) as (world, replicas):
        numbers = range(1, count + 1)
        asyncio.run(post(replicas[:1], numbers))
        until(
            lambda: all(world.d365.status(number) == "Finished" and world.d365.starts(number) for number in numbers), 60
        )
        asyncio.run(post(replicas[-1:], numbers, "second"))
        until(lambda: all(world.d365.starts(number) == 2 for number in numbers), 90)
        return sum(world.d365.starts(number) != 2 for number in numbers)


def cut_off(folder: Path, postgres: str | None, count: int) -> int:
    """N2: a replica loses the store for longer than its lease while start calls are slow."""
    with scene(folder, postgres, count) as (world, replicas):
        world.d365.delay(1.0, None, "start")
        asyncio.run(post(replicas, range(1, count + 1)))
        store = replicas[0].store
        assert store is not None
        with store.broken("stall"):
            time.sleep(_CUT_S)
        return _doubled(world, count)


def frozen(folder: Path, postgres: str | None, count: int) -> int:
    """N2: a replica is frozen for longer than its lease while start calls are slow, and thawed."""
    with scene(folder, postgres, count) as (world, replicas):
        world.d365.delay(1.0, None, "start")
        asyncio.run(post(replicas, range(1, count + 1)))
        replicas[0].freeze(_CUT_S)
        return _doubled(world, count)


def silent(folder: Path, postgres: str | None, count: int) -> int:
    """N3: a start call is silent for longer than we wait, and takes effect after that."""
    with scene(folder, postgres, count, d365={"concurrency": 64}) as (world, replicas):
        world.d365.delay(2.2, count, "start")
        asyncio.run(post(replicas, range(1, count + 1)))
        return _doubled(world, count)


def second_silent(folder: Path, postgres: str | None, count: int) -> int:
    """N3: the first call fails in doubt without an effect, the second one is silent and takes effect late."""
    with scene(folder, postgres, count, d365={"concurrency": 64}) as (world, replicas):
        world.d365.faults.add(Fault("start", count, 503))
        world.d365.delay(2.2, count, "start")
        asyncio.run(post(replicas, range(1, count + 1)))
        return _doubled(world, count)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A quiet caller's jobs beside a noisy one: seconds until started, and from the end of the run to the callback."""

    started_s: float
    told_s: float


def neighbour(folder: Path, postgres: str | None, failing: int, hanging: int, quiet: int) -> Neighbour:
    """
    N4: *failing* starts and *hanging* callbacks of one caller, then *quiet* jobs of another one; the slowest counts.

    Both callers' URLs are at the same host.
    """
    count = failing + hanging + quiet
    with scene(folder, postgres, count) as (world, replicas):
        emulator = world.d365
        assert isinstance(emulator, SelectiveD365)
        emulator.failing = failing + 1
        world.receiver.script("/hang", slow(30))
        asyncio.run(post(replicas, range(failing + 1, failing + hanging + 1), "hang"))
        until(lambda: len(world.receiver.received("/hang")) >= min(hanging, 50), 60)
        asyncio.run(post(replicas, range(1, failing + 1)))
        numbers = range(failing + hanging + 1, count + 1)
        return max_of([_one_quiet(world, replicas, number) for number in numbers])


def max_of(found: list[Neighbour]) -> Neighbour:
    """The slowest of each."""
    return Neighbour(max(one.started_s for one in found), max(one.told_s for one in found))


def _one_quiet(world: World, replicas: list[Replica], number: int) -> Neighbour:
    began = time.time()
    asyncio.run(post(replicas, range(number, number + 1), caller=_BOB))
    until(lambda: world.d365.starts(number) > 0, 120)
    until(lambda: bool(world.receiver.received(f"/{number}")), 120)
    started = world.d365.jobs[number].starts[0]
    told = world.receiver.received(f"/{number}")[0].at
    return Neighbour(round(started - began, 2), round(told - started - 1.2, 2))


@contextmanager
def _store_broken(world: World, replica: Replica, how: str) -> Iterator[None]:
    if replica.store is not None:
        with replica.store.broken("stall" if how == "hung" else "cut"):
            yield
    elif how == "full":
        filler = world.database.parent / "filler"
        try:
            with filler.open("wb", buffering=0) as file:
                while file.write(bytes(4096)) == 4096:
                    pass
        except OSError:
            pass
        yield
        filler.unlink()
    else:
        connection = sqlite3.connect(world.database, timeout=5, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.close()


def refused(folder: Path, postgres: str | None, how: str, count: int = 10) -> tuple[float, int]:
    """
    N8: requests while the store is ``hung`` or ``down`` (PostgreSQL), ``locked`` or ``full`` (SQLite).

    The slowest answer in seconds, and how many batch jobs ran all the same.
    """
    with scene(folder, postgres, count + 1) as (world, replicas):
        asyncio.run(post(replicas[:1], range(1, 2)))
        until(lambda: is_over(1, world), 60)
        with _store_broken(world, replicas[0], how):
            slowest = asyncio.run(_ask_all(replicas[0], range(2, count + 2)))
        time.sleep(4.0)
        return slowest, sum(world.d365.starts(number) > 0 for number in range(2, count + 2))


async def _ask_all(replica: Replica, numbers: range) -> float:
    async with httpx.AsyncClient(timeout=60, headers={"gateway-secret": "hop", "caller-objectid": _ALICE}) as http:
        return max(await asyncio.gather(*(_ask(http, replica, number) for number in numbers)))


async def _ask(http: httpx.AsyncClient, replica: Replica, number: int) -> float:
    began = time.monotonic()
    body = {"batchId": number, "callbackUrl": f"http://127.0.0.1:{replica.receiver.port}/{number}"}
    answer = await http.post(f"{replica.url}/jobs", json=body)
    assert answer.status_code == 503, answer.text
    assert "retry-after" in answer.headers
    return round(time.monotonic() - began, 2)
