"""
The connection to Redis or Valkey that replicas share, and what happens while it is down.

A request never waits long for it: time-outs are short, and after a failure it is not asked again for a second.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway.errors import GatewayError

log = structlog.get_logger("gateway.redis")

T = TypeVar("T")

TIMEOUT_S = 0.5
MAX_CONNECTIONS = 16  # more do not make one event loop faster


class RedisAway(GatewayError):
    """Redis cannot be reached now. The message never holds an address or password."""


def connect(url: str, timeout_s: float = TIMEOUT_S) -> Redis:
    """
    A client for *url* (``redis://``, ``rediss://``, ``unix://``); it connects when first used.

    Raises:
        ValueError: The URL has another scheme or malformed options.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=MAX_CONNECTIONS,
        timeout=timeout_s,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 1),  # a pooled connection may be stale: one more attempt
    )
    return Redis.from_pool(pool)


class RedisLink:
    """
    Asks Redis, and remembers when it was down.

    Attributes:
        away: Whether the last question failed; for readiness and metrics.
    """

    def __init__(self, client: Redis, pause_s: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        """*pause_s*: seconds without a question after a failure."""
        self.client = client
        self.away = False
        self._pause_s = pause_s
        self._clock = clock
        self._ask_again_at = 0.0

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """The answer to *question*. Raises RedisAway."""
        if self.away and self._clock() < self._ask_again_at:
            raise RedisAway("Redis is unavailable")
        try:
            answer = await question()
        except (RedisError, OSError, TimeoutError) as error:
            self._failed(error)
            raise RedisAway("Redis is unavailable") from error
        if self.away:
            self.away = False
            log.info("redis_back")
        return answer

    def _failed(self, error: Exception) -> None:
        self._ask_again_at = self._clock() + self._pause_s
        if not self.away:
            self.away = True
            log.warning("redis_away", error=type(error).__name__)
