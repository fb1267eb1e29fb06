"""
The cache behind cache-lookup-value, cache-store-value and cached responses: bytes by key, for a time.

One seam, in memory or shared through Redis: memory answers immediately, Redis with an awaitable. What policies keep is
turned into bytes by ``Codec`` and ``CachedResponse``, so no two requests ever share a mutable object.

Source: Microsoft, "cache-lookup-value" (https://learn.microsoft.com/azure/api-management/cache-lookup-value-policy);
docs/adr/0043.
"""

from __future__ import annotations

from gateway.value_cache.codec import Codec, CodecError, ValueForm
from gateway.value_cache.memory import MemoryCache
from gateway.value_cache.responses import CachedResponse
from gateway.value_cache.seam import Caches, ValueCache
from gateway.value_cache.vectors import VectorCache

__all__ = ["CachedResponse", "Caches", "Codec", "CodecError", "MemoryCache", "ValueCache", "ValueForm", "VectorCache"]
