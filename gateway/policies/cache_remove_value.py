"""
cache-remove-value: remove a cached value.

Source: APIM policy reference, "cache-remove-value".
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.shape import ID, Attribute, Element
from gateway.pipeline.policy import ANYWHERE, PolicyType
from gateway.policies.parts.cached_values import CACHING_TYPE, cache_of, named

if TYPE_CHECKING:
    from gateway.documents.model import Section
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.value_cache import ValueCache


@dataclass(frozen=True, slots=True)
class CacheRemoveValue(PolicyType):
    """One compiled cache-remove-value."""

    shape: ClassVar[Element] = Element(
        "cache-remove-value",
        "Removes a cached value.",
        attributes=(ID, Attribute("key", "Key of the value.", required=True), CACHING_TYPE),
    )
    sections: ClassVar[frozenset[Section]] = ANYWHERE
    changes: ClassVar[None] = None

    cache: ValueCache
    key: Value[str]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<cache-remove-value>``. Raises LoadError: there is no external cache."""
        return cls(cache_of(settings), settings.text("key"))

    def apply(self, context: Context) -> Awaitable[None] | None:
        """None when the cache is in memory."""
        return self.cache.remove(named(self.key(context)))
