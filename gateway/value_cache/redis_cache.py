"""A cache that replicas share, in Redis or Valkey. While that is down, every look-up is a miss and nothing is kept."""

from __future__ import annotations

from contextlib import suppress

from gateway.outside.redis_link import RedisAway, RedisLink
from gateway.value_cache.seam import MAX_VALUE_BYTES, storage_key

_LONGEST_TTL_MS = 10 * 365 * 24 * 3600 * 1000


class RedisCache:
    """Values in Redis; see ``seam.ValueCache``."""

    def __init__(self, link: RedisLink, namespace: str = "gateway", max_value_bytes: int = MAX_VALUE_BYTES) -> None:
        """*namespace* begins every key: two gateways with the same one share their cache."""
        self._link = link
        self._prefix = f"{namespace}/cache/"
        self._max_value_bytes = max_value_bytes

    async def lookup(self, key: str) -> bytes | None:
        """The value, or None."""
        name = self._prefix + storage_key(key)
        with suppress(RedisAway):
            value = await self._link.ask(lambda: self._link.client.get(name), name)
            return value if isinstance(value, bytes) else None
        return None

    async def store(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep *value* for *ttl_s* seconds; 0 or less removes it, and so does a value that is too large."""
        if ttl_s <= 0 or len(value) > self._max_value_bytes:
            await self.remove(key)
            return
        name, ttl_ms = self._prefix + storage_key(key), int(min(max(1, ttl_s * 1000), _LONGEST_TTL_MS))
        with suppress(RedisAway):
            await self._link.ask(lambda: self._link.client.set(name, value, px=ttl_ms), name)

    async def remove(self, key: str) -> None:
        """Remove *key*; nothing happens when it is not there."""
        name = self._prefix + storage_key(key)
        with suppress(RedisAway):
            await self._link.ask(lambda: self._link.client.unlink(name), name)
