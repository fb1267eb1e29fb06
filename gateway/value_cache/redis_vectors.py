"""
Vectors that replicas share, in a Redis or Valkey with search. While it is down, or has no search, every look-up is a
miss and nothing is kept.

One index for each number of dimensions, ``gateway/vectors/1536``; its hashes are called ``gateway/vectors/1536:…`` and
expire by themselves. The partition is a TAG, and hexadecimal: nothing that a caller sends is ever part of a query.

Source: Redis, "Vectors", KNN query with filter (https://redis.io/docs/latest/develop/ai/search-and-query/vectors/).
"""

from __future__ import annotations

from collections.abc import Awaitable
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast

from redis.asyncio.cluster import RedisCluster
from redis.exceptions import ResponseError

from gateway.outside.redis_link import RedisAway, RedisLink
from gateway.value_cache.vectors import MAX_VALUE_BYTES, ROUNDING, Unready, dimensions

if TYPE_CHECKING:
    from redis.asyncio import Redis

NO_SEARCH = "it has no search: semantic caches keep nothing; use Redis 8, Redis Stack, or Valkey with RediSearch"
OTHER_INDEX = "its index {name} was not made by this gateway: semantic caches keep nothing; remove it with FT.DROPINDEX"
_LONGEST_TTL_MS = 10 * 365 * 24 * 3600 * 1000


class RedisVectors:
    """
    See ``VectorCache``.

    Attributes:
        obstacle: Why nothing is kept although Redis answers; None: nothing is known to be in the way.
        used: Whether a policy uses it.
    """

    def __init__(self, link: RedisLink, namespace: str = "gateway") -> None:
        """*namespace* begins every key: two gateways with the same one share their cache."""
        self._link = link
        self._prefix = f"{namespace}/vectors/"
        self._indices: set[int] = set()
        self.obstacle: str | None = None
        self.used = False

    def prepare(self) -> Unready | None:
        """A cluster behind one address has search over all its nodes; one of several addresses has not."""
        self.used = True
        if not isinstance(self._link.client, RedisCluster):
            return None
        remedy = "name a server with search, or a cluster that has one address"
        return Unready("no-vector-search", "the nodes of a cluster are not searched together", remedy)

    async def check(self) -> None:
        """Whether Redis has search, for readiness."""
        with suppress(RedisAway):
            if self.used and self._judge(await self._search("FT._LIST"), "") and self.obstacle == NO_SEARCH:
                self.obstacle = None

    async def nearest(self, partition: str, vector: bytes, distance: float) -> bytes | None:
        """The value of the nearest vector, or None."""
        with suppress(RedisAway):
            name = self._index(vector)
            query = f"(@partition:{{{_tag(partition)}}})=>[KNN 1 @vector $vector AS distance]"
            options = ("PARAMS", 2, "vector", vector, "RETURN", 1, "distance", "SORTBY", "distance", "LIMIT", 0, 1)
            answer = await self._search("FT.SEARCH", name, query, *options, "DIALECT", 2)
            if self._judge(answer, name):
                return await self._value(_first(answer), partition, distance + ROUNDING)
            self._indices.discard(dimensions(vector))  # it may have been emptied
        return None

    async def store(self, partition: str, vector: bytes, value: bytes, ttl_s: float, owner: str = "") -> None:
        """Keep *value*; the same vector has one value only. Whom Redis evicts is its own affair, whatever *owner*."""
        if ttl_s <= 0 or len(value) > MAX_VALUE_BYTES:
            return
        with suppress(RedisAway):
            if not await self._has_index(vector):
                return
            key = f"{self._index(vector)}:{sha256(_tag(partition).encode() + vector).hexdigest()}"
            fields = {"partition": _tag(partition), "vector": vector, "value": value}
            await self._link.ask(lambda: self._write(key, fields, int(min(max(1, ttl_s * 1000), _LONGEST_TTL_MS))))

    async def _write(self, key: str, fields: dict[Any, Any], ttl_ms: int) -> None:
        async with self._client.pipeline(transaction=True) as pipeline:
            pipeline.delete(key)
            pipeline.hset(key, mapping=fields)
            pipeline.pexpire(key, ttl_ms)
            await pipeline.execute()

    async def _value(self, hit: tuple[bytes, float] | None, partition: str, distance: float) -> bytes | None:
        """What is kept under *hit*, where that is near enough and still there, and of *partition*."""
        if hit is None or not hit[1] <= distance:
            return None
        names = ["partition", "value"]
        owner, value = await self._link.ask(lambda: cast(Awaitable[list[Any]], self._client.hmget(hit[0], names)))
        return value if owner == _tag(partition).encode() and isinstance(value, bytes) else None

    async def _has_index(self, vector: bytes) -> bool:
        """Whether there is an index for *vector*, perhaps made now."""
        size, name = dimensions(vector), self._index(vector)
        if size in self._indices:
            return True
        kind = ("VECTOR", "HNSW", 6, "TYPE", "FLOAT32", "DIM", size, "DISTANCE_METRIC", "COSINE")
        schema = ("ON", "HASH", "PREFIX", 1, f"{name}:", "SCHEMA", "partition", "TAG", "vector", *kind)
        answer = await self._search("FT.CREATE", name, *schema)
        if isinstance(answer, ResponseError) and "already exists" in str(answer).lower():
            answer = await self._search("FT.INFO", name)
            if not _is_ours(answer, size, f"{name}:"):
                self.obstacle = OTHER_INDEX.format(name=name)
                return False
        if self._judge(answer, name):
            self._indices.add(size)
            self.obstacle = None
        return size in self._indices

    async def _search(self, *words: object) -> object:
        """The answer, or the server's refusal: that concerns search, and nothing else that is asked of Redis."""

        async def question() -> object:
            try:
                return await self._client.execute_command(*words)  # type: ignore[no-untyped-call]
            except ResponseError as error:
                return error

        return await self._link.ask(question)

    def _judge(self, answer: object, name: str) -> bool:
        """Whether *answer* is one; if not, remember why, unless nothing has been stored yet."""
        if not isinstance(answer, ResponseError):
            return True
        text = str(answer).lower()
        if "unknown command" in text:
            self.obstacle = NO_SEARCH
        elif "no such index" not in text and "unknown index" not in text and "not found" not in text:
            self.obstacle = OTHER_INDEX.format(name=name)
        return False

    def _index(self, vector: bytes) -> str:
        return f"{self._prefix}{dimensions(vector)}"

    @property
    def _client(self) -> Redis:
        return cast("Redis", self._link.client)


def _tag(partition: str) -> str:
    """*partition* as a TAG: hexadecimal digits, which need no escaping."""
    return sha256(partition.encode("utf-8", "surrogatepass")).hexdigest()


def _first(answer: object) -> tuple[bytes, float] | None:
    """Key and distance of the first result, in the form of RESP2 or RESP3; NaN is further away than anything."""
    match answer:
        case [_, bytes(key), [_, (bytes() | str() | float()) as distance]]:
            return key, float(distance)
        case {
            b"results": [
                {b"id": bytes(key), b"extra_attributes": {b"distance": (bytes() | str() | float()) as distance}}
            ]
        }:
            return key, float(distance)
    return None


def _is_ours(answer: object, size: int, prefix: str) -> bool:
    """Whether ``FT.INFO`` describes the index that this file makes."""
    texts = list(_texts(answer))
    wanted = ((b"dim", str(size)), (b"distance_metric", "COSINE"), (b"data_type", "FLOAT32"), (b"prefixes", prefix))
    return all((name, value) in zip(texts, map(_shown, texts[1:]), strict=False) for name, value in wanted)


def _shown(part: object) -> str:
    return part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part)


def _texts(answer: object) -> list[object]:
    """The leaves of nested lists and mappings, in order."""
    if isinstance(answer, dict):
        answer = [part for pair in answer.items() for part in pair]
    return [leaf for part in answer for leaf in _texts(part)] if isinstance(answer, list) else [answer]
