"""
cache-store-value: store a value for a limited time.

Source: APIM policy reference, "cache-store-value".
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from gateway.documents.shape import ID, Attribute, Element
from gateway.errors import ExpressionError
from gateway.pipeline.policy import ANYWHERE, PolicyType
from gateway.policies.parts.cached_values import CACHING_TYPE, cache_of, named
from gateway.policies.parts.elements import seconds
from gateway.policies.parts.value_forms import CODEC
from gateway.value_cache import CodecError

if TYPE_CHECKING:
    from gateway.documents.model import Section
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.value_cache import ValueCache


@dataclass(frozen=True, slots=True)
class CacheStoreValue(PolicyType):
    """One compiled cache-store-value; the value keeps its type."""

    shape: ClassVar[Element] = Element(
        "cache-store-value",
        "Stores a value for a limited time.",
        attributes=(
            ID,
            Attribute("key", "Key of the value.", required=True),
            Attribute("value", "The value; an expression keeps its type.", required=True),
            seconds("duration", "Seconds for which it is stored.", required=True),
            CACHING_TYPE,
        ),
    )
    sections: ClassVar[frozenset[Section]] = ANYWHERE
    changes: ClassVar[None] = None

    cache: ValueCache
    key: Value[str]
    value: Value[Any]
    duration_s: Value[float]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<cache-store-value>``. Raises LoadError: there is no external cache."""
        return cls(cache_of(settings), settings.text("key"), settings.anything("value"), settings.number("duration"))

    def apply(self, context: Context) -> Awaitable[None] | None:
        """None when the cache is in memory. Raises ExpressionError: the value is of a type that cannot be kept."""
        try:
            data = CODEC.encode(self.value(context))
        except CodecError as error:
            raise ExpressionError("SerializationException", str(error)) from None
        return self.cache.store(named(self.key(context)), data, self.duration_s(context))
