"""Redis for the tests of counters, and both kinds of counters under one clock."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Iterator
from typing import TypeVar, cast

import pytest

from gateway.counters import Admission, Counters, Demand, MemoryCounters
from gateway.counters.redis_counters import RedisCounters
from gateway.outside.redis_clients import Client, connect
from gateway.outside.redis_link import RedisLink
from tests.redis_server import RedisServer, running_redis, settings_for

T = TypeVar("T")


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for all tests of this folder."""
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


class Bench:
    """Counters of either kind, asked without ``await``, with a clock moved by hand."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.counters: Counters

    def run(self, answer: T | Awaitable[T]) -> T:
        """The answer, waited for where it must be."""
        return cast("T", answer)

    def admit(self, *demands: Demand) -> Admission:
        """Ask for *demands*."""
        return self.run(self.counters.admit(demands))

    def add(self, *demands: Demand) -> None:
        """Count *demands*."""
        self.run(self.counters.add(demands))

    def allowed(self, *demands: Demand, times: int = 1) -> int:
        """How many of *times* attempts are admitted."""
        return sum(self.admit(*demands).exceeded is None for _ in range(times))


class RedisBench(Bench):
    """The same on Redis, in an event loop of its own."""

    def __init__(self, client: Client, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.loop = loop
        self.counters = RedisCounters(RedisLink(client), clock=lambda: self.now)

    def run(self, answer: T | Awaitable[T]) -> T:
        """Wait for the answer."""
        assert inspect.isawaitable(answer)
        return cast("T", self.loop.run_until_complete(answer))


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.needs("redis-server"))])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Empty counters, in memory and in Redis."""
    if request.param == "memory":
        plain = Bench()
        plain.counters = MemoryCounters(lambda: plain.now)
        yield plain
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    loop = asyncio.new_event_loop()
    client = connect(settings_for(server.url), timeout_s=10)
    loop.run_until_complete(client.flushall())
    yield RedisBench(client, loop)
    loop.run_until_complete(client.aclose())
    loop.close()
