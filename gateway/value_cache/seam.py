"""What policies ask of a cache, and which one they mean."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal, Protocol, TypeAlias

from gateway.value_cache.memory_vectors import MemoryVectors
from gateway.value_cache.vectors import MAX_VALUE_BYTES as MAX_VALUE_BYTES
from gateway.value_cache.vectors import VectorCache

CachingType: TypeAlias = Literal["internal", "external", "prefer-external"]

_LONGEST_KEY = 256


class ValueCache(Protocol):
    """
    Bytes by key. A cache may evict at any time and never fails: what it does not have is a miss, what it cannot keep
    (too large, no room, server down) is not kept.
    """

    def lookup(self, key: str) -> bytes | None | Awaitable[bytes | None]:
        """The value, or None."""

    def store(self, key: str, value: bytes, ttl_s: float) -> Awaitable[None] | None:
        """Keep *value* for *ttl_s* seconds; 0 or less removes it."""

    def remove(self, key: str) -> Awaitable[None] | None:
        """Remove *key*; nothing happens when it is not there."""


@dataclass(frozen=True, slots=True)
class Caches:
    """One gateway's caches: *internal* in its memory, *external* where Redis is configured, *vectors* in either."""

    internal: ValueCache
    external: ValueCache | None = None
    vectors: VectorCache = field(default_factory=MemoryVectors)

    def choose(self, caching_type: CachingType) -> ValueCache | None:
        """The cache that a policy's ``caching-type`` means; None: it insists on an external one and there is none."""
        if caching_type == "internal":
            return self.internal
        if self.external is None and caching_type == "prefer-external":
            return self.internal
        return self.external


def storage_key(key: str) -> str:
    """*key*, or its hash where it is long: keys are made from URLs and headers."""
    if len(key) <= _LONGEST_KEY and key.isascii():
        return key
    return "sha256:" + sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
