"""
What cache-lookup-value, cache-store-value and cache-remove-value share: which cache they mean.

Source: APIM policy reference, "cache-lookup-value".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from gateway.documents.shape import Attribute

if TYPE_CHECKING:
    from gateway.pipeline.settings import Settings
    from gateway.value_cache import ValueCache
    from gateway.value_cache.seam import CachingType

CACHING_TYPE = Attribute(
    "caching-type",
    "`internal`: this process; `external`: Redis; `prefer-external`: Redis where it is configured.",
    default="prefer-external",
    choices=("prefer-external", "external", "internal"),
    expression=False,
)


def named(key: str) -> str:
    """
    Where the value under a policy's *key* is kept.

    Responses and other values share a cache, and a policy's key may be all a caller's: it must lead to no response.
    """
    return f"named/{key}"


def cache_of(settings: Settings) -> ValueCache:
    """The cache that ``caching-type`` means. Raises LoadError: there is no external one."""
    cache = settings.services.caches.choose(cast("CachingType", settings.constant("caching-type")))
    if cache is None:
        remedy = "configure Redis, or write prefer-external"
        raise settings.error("no-external-cache", "no external cache is configured", remedy, at="caching-type")
    return cache
