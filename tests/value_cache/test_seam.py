"""A policy gets the cache that it asks for."""

from __future__ import annotations

import pytest

from gateway.value_cache import Caches, MemoryCache
from gateway.value_cache.seam import CachingType

INTERNAL, EXTERNAL = MemoryCache(), MemoryCache()


@pytest.mark.parametrize(
    ("caching_type", "alone", "both"),
    [("internal", INTERNAL, INTERNAL), ("prefer-external", INTERNAL, EXTERNAL), ("external", None, EXTERNAL)],
)
def test_caching_type_chooses(caching_type: CachingType, alone: MemoryCache | None, both: MemoryCache) -> None:
    """The external cache is used if it is asked for and available; without it, only ``external`` gets no cache."""
    assert Caches(INTERNAL).choose(caching_type) is alone
    assert Caches(INTERNAL, EXTERNAL).choose(caching_type) is both
