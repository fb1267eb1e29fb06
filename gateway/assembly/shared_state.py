"""
Counters and caches as configured: in memory, in memory with a quota file, or shared through Redis.

An unavailable Redis takes nothing down (limits then hold per replica), so readiness tells it without refusing work.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.assembly.identities import required_tokens
from gateway.config import Config
from gateway.counters import Counters, MemoryCounters
from gateway.errors import GatewayError, LoadError, Location
from gateway.management.health import Status
from gateway.reading.writable import remedy_for
from gateway.value_cache import Caches, MemoryCache
from gateway.value_cache.memory_vectors import MemoryVectors

if TYPE_CHECKING:
    from gateway.outside.redis_link import RedisLink
    from gateway.outside.redis_settings import RedisSettings
    from gateway.value_cache.redis_vectors import RedisVectors

PING_S = 5.0


@dataclass(frozen=True, slots=True)
class SharedState:
    """
    What requests share.

    Attributes:
        memory: The counters of this process, when there is a quota file to keep them in.
        link: The connection to Redis, where one is configured.
        vectors: The vectors there.
        quota_place: Where the configuration names the quota file.
    """

    counters: Counters
    caches: Caches
    link: RedisLink | None = None
    vectors: RedisVectors | None = None
    memory: MemoryCounters | None = None
    quota_file: Path | None = None
    quota_place: Location | None = None

    async def start(self, running: AsyncExitStack) -> None:
        """Begin what runs in the background, until *running* is closed. Raises LoadError: no quota file."""
        if self.link is not None:
            running.push_async_callback(self.link.aclose)
            _background(running, _watch(self.link, self.vectors))
        if self.memory is not None and self.quota_file is not None:
            await self._keep(self.memory, self.quota_file, running)

    async def _keep(self, memory: MemoryCounters, file: Path, running: AsyncExitStack) -> None:
        from gateway.counters.ledger import QuotaLedger, keep_quotas  # with SQLite, which few configurations need

        try:
            ledger = QuotaLedger(file)
        except GatewayError as error:
            place = self.quota_place or Location(str(file))
            raise LoadError.at(place, "unusable-file", str(error), remedy_for(file)) from None
        running.callback(ledger.close)
        memory.restore(ledger.load(time.time()))
        _background(running, keep_quotas(memory, ledger))
        await asyncio.sleep(0)  # a task that never began would not save at its end

    def resize(self, config: Config) -> None:
        """Take over what *config* changes while the gateway runs."""
        if isinstance(self.caches.vectors, MemoryVectors):
            self.caches.vectors.resize(*_vector_bounds(config))

    def statuses(self) -> Mapping[str, Status]:
        """Readiness: an unavailable Redis is reported, and work is not refused."""
        if self.link is None:
            return {}
        away = self.link.away
        if away is None:
            obstacle = None if self.vectors is None else self.vectors.obstacle
            return {"redis": Status(True, f"connected, but {obstacle}" if obstacle else "connected", bool(obstacle))}
        return {"redis": Status(True, f"unavailable ({away.words}): each replica counts and caches on its own")}


def shared_state(config: Config) -> SharedState:
    """Raises LoadError: the Redis URL cannot be used, or its library is not installed."""
    if config.redis is None:
        counters = MemoryCounters()
        return SharedState(
            counters,
            Caches(MemoryCache(), vectors=MemoryVectors(*_vector_bounds(config))),
            memory=counters,
            quota_file=config.quota_file,
            quota_place=config.location("quota-file"),
        )
    where = config.location("redis")
    try:
        return _through_redis(config.redis, config)
    except ValueError:
        raise LoadError.at(where, "bad-url", "not a Redis URL", "write redis://host:6379/0") from None
    except ImportError:
        remedy = "pip install 'apim-policy-gateway[redis]'"
        raise LoadError.at(where, "missing-extra", "the Redis library is not installed", remedy) from None


def _vector_bounds(config: Config) -> tuple[int, int]:
    return config.language_models.cache_entries, config.language_models.cache_bytes


def _through_redis(redis: RedisSettings, config: Config) -> SharedState:
    # The library is an extra: a gateway without Redis starts without it.
    from gateway.counters.redis_counters import RedisCounters
    from gateway.outside.redis_clients import connect
    from gateway.outside.redis_link import RedisLink
    from gateway.outside.redis_login import EntraCredentials
    from gateway.value_cache.redis_cache import RedisCache
    from gateway.value_cache.redis_vectors import RedisVectors

    credentials = None
    if redis.entra is not None:
        tokens = required_tokens(config, config.location("redis", "entra"))
        credentials = EntraCredentials(redis.entra, tokens)
    link = RedisLink(connect(redis, credentials=credentials), credentials=credentials)
    vectors = RedisVectors(link)
    caches = Caches(MemoryCache(), RedisCache(link), vectors)
    return SharedState(RedisCounters(link), caches, link, vectors)


def _background(running: AsyncExitStack, work: Coroutine[object, object, None]) -> None:
    task = asyncio.get_running_loop().create_task(work)

    async def end() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    running.push_async_callback(end)


async def _watch(link: RedisLink, vectors: RedisVectors | None) -> None:
    while True:
        await link.check()
        if vectors is not None:
            await vectors.check()
        await asyncio.sleep(PING_S)


def require_shareable(config: Config, workers: int) -> None:
    """Raises LoadError: that many processes cannot share what is configured."""
    notifications = config.notifications
    if workers > 1 and notifications is not None and notifications.embedded:
        message = "several workers cannot share a SQLite store"
        where = config.location("notifications", "store")
        raise LoadError.at(where, "not-shareable", message, "use PostgreSQL, or one worker")
