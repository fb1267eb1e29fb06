"""The cache in Redis is shared, expires, and is only empty when Redis is away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateway.outside.redis_clients import Client, connect
from gateway.outside.redis_link import RedisLink
from gateway.value_cache.redis_cache import RedisCache
from tests.redis_server import RedisServer, running_redis, settings_for

pytestmark = pytest.mark.needs("redis-server")


def with_client(server: RedisServer, scenario: Callable[[Client], Awaitable[None]]) -> None:
    """Run *scenario* on an empty server."""

    async def run() -> None:
        client = connect(settings_for(server.url), timeout_s=10)
        await client.flushall()
        try:
            await scenario(client)
        finally:
            await client.aclose()

    asyncio.run(run())


def test_replicas_share_values(redis_server: RedisServer) -> None:
    """What one replica stores another one finds, until one removes it."""

    async def scenario(client: Client) -> None:
        one, two = RedisCache(RedisLink(client)), RedisCache(RedisLink(client))
        await one.store("a", b"\x00\xff", 60)
        assert await two.lookup("a") == b"\x00\xff"
        await two.remove("a")
        await two.remove("a")
        assert await one.lookup("a") is None

    with_client(redis_server, scenario)


@pytest.mark.parametrize(
    ("ttl_s", "low_ms", "high_ms"),
    [(60, 59_000, 60_000), (0.5, 400, 500), (1e12, 315_359_999_000, 315_360_000_000), (0, -2, -2), (-1, -2, -2)],
)
def test_values_expire_in_redis(redis_server: RedisServer, ttl_s: float, low_ms: int, high_ms: int) -> None:
    """Every value has its time, ten years at most; no time means forget."""

    async def scenario(client: Client) -> None:
        cache = RedisCache(RedisLink(client))
        await cache.store("a", b"old", 10)
        await cache.store("a", b"new", ttl_s)
        assert low_ms <= await client.pttl("gateway/cache/a") <= high_ms

    with_client(redis_server, scenario)


def test_tiny_time_is_a_millisecond(redis_server: RedisServer) -> None:
    """A time too short for Redis to express is not an error."""

    async def scenario(client: Client) -> None:
        await RedisCache(RedisLink(client)).store("a", b"1", 1e-9)

    with_client(redis_server, scenario)


def test_namespaces_are_apart(redis_server: RedisServer) -> None:
    """Two gateways with different namespaces share a server, not values."""

    async def scenario(client: Client) -> None:
        one, two = (RedisCache(RedisLink(client), name) for name in ("one", "two"))
        await one.store("a", b"1", 60)
        assert await two.lookup("a") is None

    with_client(redis_server, scenario)


def test_too_large_values_are_not_kept(redis_server: RedisServer) -> None:
    """A value over the limit is not stored, and the value that it would have replaced is no longer returned."""

    async def scenario(client: Client) -> None:
        cache = RedisCache(RedisLink(client), max_value_bytes=3)
        await cache.store("a", b"123", 60)
        assert await cache.lookup("a") == b"123"
        await cache.store("a", b"1234", 60)
        assert await cache.lookup("a") is None

    with_client(redis_server, scenario)


def test_values_of_another_kind_are_a_miss(redis_server: RedisServer) -> None:
    """A key that somebody else filled with a set is a miss, not a failure."""

    async def scenario(client: Client) -> None:
        await client.zadd("gateway/cache/a", {"x": 1})
        assert await RedisCache(RedisLink(client)).lookup("a") is None

    with_client(redis_server, scenario)


def test_cache_is_empty_while_redis_is_away(tmp_path: Path) -> None:
    """Without Redis everything is a miss and nothing fails; with it back, values are kept again."""
    with running_redis(tmp_path) as server:

        async def scenario(client: Client) -> None:
            cache = RedisCache(RedisLink(client, pause_s=0.05))
            await cache.store("a", b"1", 60)
            server.stop()
            await cache.store("b", b"2", 60)
            await cache.remove("a")
            assert await cache.lookup("a") is None
            server.start()
            await asyncio.sleep(0.06)
            await cache.store("c", b"3", 60)
            assert await cache.lookup("c") == b"3"

        with_client(server, scenario)
