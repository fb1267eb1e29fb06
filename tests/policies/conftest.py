"""Fixtures of the policies' tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.counters import MemoryCounters
from gateway.openapi import OperationDefinition
from gateway.value_cache import Caches, MemoryCache
from tests.openapi.writing import read
from tests.policies.bench import NOW, Bench
from tests.policies.caching import LaterCache
from tests.policies.limiting import Clock, LaterCounters
from tests.policies.operation import DEFINITION
from tests.policies.outgoing import Credentials, Http


@pytest.fixture
def bench() -> Bench:
    """Compiles and runs policies with stub services."""
    return Bench()


@pytest.fixture(params=["memory", "later"])
def cached(bench: Bench, request: pytest.FixtureRequest) -> Bench:
    """The bench with a cache that answers at once, and with one that does so later."""
    memory = MemoryCache()
    return bench.use(caches=Caches(memory if request.param == "memory" else LaterCache(memory)))


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still unless a test moves it."""
    return Clock()


@pytest.fixture(params=["memory", "later"])
def counted(bench: Bench, clock: Clock, request: pytest.FixtureRequest) -> Bench:
    """The bench with counters on that clock: at once, and with a wait."""
    counters = MemoryCounters(clock)
    return bench.use(counters=counters if request.param == "memory" else LaterCounters(counters))


@pytest.fixture
def counted_now(bench: Bench) -> Bench:
    """The bench with counters on a clock that stands still."""
    return bench.use(counters=MemoryCounters(lambda: float(NOW)))


@pytest.fixture
def http() -> Http:
    """The client behind the policies."""
    return Http()


@pytest.fixture
def outgoing(bench: Bench, http: Http) -> Bench:
    """The bench with that client and with credentials."""
    return bench.use(http=http, credentials=Credentials())


@pytest.fixture
def definition(tmp_path: Path) -> OperationDefinition:
    """The one operation of an OpenAPI definition."""
    return read(tmp_path, DEFINITION)[0]
