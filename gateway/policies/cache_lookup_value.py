"""
cache-lookup-value: read a cached value into a variable.

Source: APIM policy reference, "cache-lookup-value".
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from gateway.documents.shape import ID, Attribute, Element
from gateway.pipeline.changes import OneVariable
from gateway.pipeline.policy import ANYWHERE, PolicyType
from gateway.policies.parts.cached_values import CACHING_TYPE, cache_of, named
from gateway.policies.parts.value_forms import CODEC
from gateway.value_cache import CodecError

if TYPE_CHECKING:
    from gateway.documents.model import Section
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.value_cache import ValueCache


@dataclass(frozen=True, slots=True)
class CacheLookupValue(PolicyType):
    """One compiled cache-lookup-value; a miss leaves the variable alone, unless there is a default."""

    shape: ClassVar[Element] = Element(
        "cache-lookup-value",
        "Reads a cached value into a variable; if there is none, the variable is not set, or gets the default.",
        attributes=(
            ID,
            Attribute("key", "Key of the value.", required=True),
            Attribute("variable-name", "Variable for the value.", required=True, expression=False),
            Attribute("default-value", "Value of the variable when there is none."),
            CACHING_TYPE,
        ),
    )
    sections: ClassVar[frozenset[Section]] = ANYWHERE

    cache: ValueCache
    key: Value[str]
    variable: str
    default: Value[Any] | None

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<cache-lookup-value>``. Raises LoadError: there is no external cache."""
        return cls(
            cache=cache_of(settings),
            key=settings.text("key"),
            variable=settings.constant("variable-name"),
            default=settings.maybe(settings.anything, "default-value"),
        )

    @property
    def changes(self) -> OneVariable:
        """The variable."""
        return OneVariable(self.variable)

    def apply(self, context: Context) -> Awaitable[None] | None:
        """None when the cache is in memory."""
        cached = self.cache.lookup(named(self.key(context)))
        if cached is None or isinstance(cached, bytes):
            self._use(cached, context)
            return None
        return self._wait(cached, context)

    async def _wait(self, cached: Awaitable[bytes | None], context: Context) -> None:
        self._use(await cached, context)

    def _use(self, data: bytes | None, context: Context) -> None:
        if data is not None:
            try:
                context.variables[self.variable] = CODEC.decode(data)
                return
            except CodecError:
                pass  # foreign bytes under our key: a miss
        if self.default is not None:
            context.variables[self.variable] = self.default(context)
