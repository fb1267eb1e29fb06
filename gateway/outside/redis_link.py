"""
The connection to Redis or Valkey that replicas share, and what happens while it is down.

A request never waits long for it: time-outs are short, after a failure it is not asked again for a second, and then by
one request only. Of a cluster that is so for each node: while one fails, the others are asked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.exceptions import RedisError, ResponseError, SlotNotCoveredError

from gateway.errors import GatewayError
from gateway.outside.redis_clients import MAX_CONNECTIONS, Client, close, speaks_tls
from gateway.outside.redis_login import EntraCredentials
from gateway.outside.redis_reasons import Obstacle, explain

log = structlog.get_logger("gateway.redis")

T = TypeVar("T")

BOUND_S = 1.0
_PROBE = "gateway:probe"
_TRIES = 1000  # of keys, for one that a node has


class RedisAway(GatewayError):
    """Redis cannot be reached now. The message never holds an address or password."""


class RedisLink:
    """
    Asks Redis, and remembers what was down.

    Attributes:
        away: Why the last question to some server failed; None while all of them answer. For readiness and metrics.
    """

    def __init__(
        self,
        client: Client,
        pause_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        credentials: EntraCredentials | None = None,
    ) -> None:
        """
        Ask through *client*.

        Args:
            pause_s: Seconds without a question after a failure.
            credentials: To be renewed.
        """
        self.client = client
        self._tls = speaks_tls(client)
        self.away: Obstacle | None = None
        self._logged: set[Obstacle] = set()
        self._credentials = credentials
        self._pause_s = pause_s
        self._clock = clock
        self._ask_again_at: dict[str, float] = {}
        self._running: set[asyncio.Task[object]] = set()
        # A client that looks for servers may need several time-outs, and its pool refuses where one server's waits.
        self._looks = isinstance(client, RedisCluster) or isinstance(client.connection_pool, SentinelConnectionPool)
        self._places = asyncio.Semaphore(MAX_CONNECTIONS)

    async def ask(self, question: Callable[[], Awaitable[T]], key: str | bytes = b"") -> T:
        """
        The answer to *question*.

        Args:
            key: The key that it is about: a cluster has it on one of its nodes.

        Raises: RedisAway.
        """
        node = self._node(key)
        again_at = self._ask_again_at.get(node)
        if again_at is not None:
            if self._clock() < again_at:
                raise RedisAway("Redis is unavailable")
            # This question finds out whether it is back. If it has to wait, the others do not wait with it.
            self._ask_again_at[node] = self._clock() + self._pause_s
        try:
            answer = await (self._within_bound(question) if self._looks else question())
        except Exception as error:  # the library's own errors, and what it stumbles over while servers change places
            if _is_about_key(error):
                self._answered(node)
            else:
                self._failed(node, error)
            raise RedisAway("Redis is unavailable") from error
        if self.away is not None:
            self._answered(node)
        return answer

    async def check(self) -> None:
        """Ask every server, so that ``away`` is true without traffic, too; renew what connections are opened with."""
        try:
            if self._credentials is not None:
                await self._credentials.renew(self.client)
            await self._ping()
        except RedisAway:
            pass
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("redis_authentication", reason=explain(error, self._tls).words)

    async def aclose(self) -> None:
        """Close connections, and what still waits for an answer."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await close(self.client)
        if self._credentials is not None:
            await self._credentials.aclose()

    async def _ping(self) -> None:
        client = self.client
        if not isinstance(client, RedisCluster):
            await self.ask(lambda: _write(client, _PROBE))
            return
        await self.ask(client.initialize)
        primaries = client.get_primaries()
        self._forget({node.name for node in primaries})
        for node in primaries:
            await self._ping_node(client, node)

    async def _ping_node(self, client: RedisCluster, node: ClusterNode) -> None:
        key = _key_at(client, node)

        async def question() -> object:
            return await (client.execute_command("PING", target_nodes=node) if key is None else _write(client, key))

        try:
            await self._within_bound(question)
        except Exception as error:  # as in ``ask``
            self._failed(node.name, error)
        else:
            self._answered(node.name)

    def _node(self, key: str | bytes) -> str:
        """The name of the server that has *key*; empty where there is one only, or none is known yet."""
        if not key or not isinstance(self.client, RedisCluster):
            return ""
        try:
            node = self.client.get_node_from_key(key)  # type: ignore[arg-type]  # which takes bytes, too
        except SlotNotCoveredError:
            return ""
        return "" if node is None else node.name

    async def _within_bound(self, question: Callable[[], Awaitable[T]]) -> T:
        """
        The answer within a second. Later the question goes on by itself: what it learns of a cluster is of use to the
        next one, and ending it each time would leave the client without an answer for ever.
        """
        task = asyncio.get_running_loop().create_task(self._placed(question))
        self._running.add(task)
        task.add_done_callback(self._ended)
        async with asyncio.timeout(BOUND_S):
            return await asyncio.shield(task)

    async def _placed(self, question: Callable[[], Awaitable[T]]) -> T:
        async with self._places:
            if isinstance(self.client, RedisCluster):
                # Before it knows the nodes, the library would ask any of them, and have most questions redirected.
                await self.client.initialize()
            return await question()

    def _ended(self, task: asyncio.Task[T]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved here: after the bound nothing else reads it

    def _failed(self, node: str, error: Exception) -> None:
        self._ask_again_at[node] = self._clock() + self._pause_s
        self.away = reason = explain(error, self._tls)
        if reason not in self._logged:
            self._logged.add(reason)
            log.warning("redis_away", error=type(error).__name__, reason=reason.words, remedy=reason.remedy)

    def _answered(self, node: str) -> None:
        self._ask_again_at.pop(node, None)
        if not self._ask_again_at and self.away is not None:
            self.away = None
            self._logged.clear()
            log.info("redis_back")

    def _forget(self, present: set[str]) -> None:
        """Nodes that are not part of the cluster any more need no pause."""
        for name in self._ask_again_at.keys() - present:
            self._answered(name)


async def _write(client: Client, key: str) -> None:
    """A write that means nothing: a server may answer, and refuse writes (a replica, a full memory or disk)."""
    await client.set(key, b"", px=1000)


def _key_at(client: RedisCluster, node: ClusterNode) -> str | None:
    """A key that *node* has; None if none is found: it has few slots, or none."""
    keys = (f"{_PROBE}/{number}" for number in range(_TRIES))
    try:
        return next((key for key in keys if client.get_node_from_key(key) == node), None)
    except SlotNotCoveredError:
        return None


def _is_about_key(error: Exception) -> bool:
    """Whether the server works, and only this key has something else than we keep there."""
    return isinstance(error, ResponseError) and "WRONGTYPE" in str(error)
