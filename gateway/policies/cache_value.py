"""
cache-value: read a cached value into a variable, or have policies compute it and store it.

Source: APIM policy reference, "cache-value" (preview).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from gateway.documents.shape import ID, Attribute, Child, Content, Element
from gateway.errors import ExpressionError
from gateway.pipeline.changes import OneVariable
from gateway.pipeline.outcome import finish
from gateway.pipeline.policy import ANYWHERE, PolicyType
from gateway.pipeline.run import run
from gateway.policies.parts.cached_values import CACHING_TYPE, cache_of
from gateway.policies.parts.elements import seconds
from gateway.policies.parts.value_forms import CODEC
from gateway.value_cache import CodecError

if TYPE_CHECKING:
    from gateway.documents.model import Section
    from gateway.pipeline.context import Context
    from gateway.pipeline.outcome import Outcome
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Steps, Value
    from gateway.value_cache import ValueCache

_VALUE = Element("value", "Policies that set the variable; they run if nothing is stored.", content=Content.POLICIES)


@dataclass(frozen=True, slots=True)
class CacheValue(PolicyType):
    """One compiled cache-value; when the value was computed is kept with it, for ``refresh-after``."""

    shape: ClassVar[Element] = Element(
        "cache-value",
        "Reads a cached value into a variable, or computes and stores it.",
        attributes=(
            ID,
            Attribute("key", "Key of the value.", required=True),
            Attribute("variable-name", "Variable for the value.", required=True, expression=False),
            seconds("expires-after", "Seconds for which it is stored.", "28800"),
            seconds("refresh-after", "Seconds after which it is computed again."),
            Attribute("default-value", "Value of the variable if the policies set none."),
            CACHING_TYPE,
        ),
        children=(Child(_VALUE, minimum=1),),
    )
    sections: ClassVar[frozenset[Section]] = ANYWHERE

    cache: ValueCache
    key: Value[str]
    variable: str
    expires_s: Value[float]
    refresh_s: Value[float] | None
    default: Value[Any] | None
    steps: Steps
    now: Callable[[], float]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<cache-value>``. Raises LoadError: there is no external cache."""
        value = settings.child("value")
        return cls(
            cache=cache_of(settings),
            key=settings.text("key"),
            variable=settings.constant("variable-name"),
            expires_s=settings.number("expires-after"),
            refresh_s=settings.maybe(settings.number, "refresh-after"),
            default=settings.maybe(settings.anything, "default-value"),
            steps=value.steps() if value else (),
            now=settings.services.now,
        )

    @property
    def nested(self) -> tuple[Steps, ...]:
        """The policies inside."""
        return (self.steps,)

    @property
    def changes(self) -> OneVariable:
        """The variable."""
        return OneVariable(self.variable)

    async def apply(self, context: Context) -> Outcome:
        """The outcome of the policies, where they had to run. Raises ExpressionError: the value cannot be kept."""
        key = f"value/{self.key(context)}"
        if await self._found(key, context):
            return None
        context.variables.pop(self.variable, None)
        outcome = await finish(run(self.steps, context))
        if outcome is not None:
            return outcome
        if self.variable in context.variables:
            await self._keep(key, context)
        elif self.default is not None:
            context.variables[self.variable] = self.default(context)
        return None

    async def _found(self, key: str, context: Context) -> bool:
        data = self.cache.lookup(key)
        data = data if data is None or isinstance(data, bytes) else await data
        kept = _decoded(data)
        if kept is None:
            return False
        computed_at, value = kept
        if self.refresh_s is not None and self.now() - computed_at >= self.refresh_s(context):
            return False
        context.variables[self.variable] = value
        return True

    async def _keep(self, key: str, context: Context) -> None:
        try:
            data = CODEC.encode([float(self.now()), context.variables[self.variable]])
        except CodecError as error:
            raise ExpressionError("SerializationException", str(error)) from None
        waiting = self.cache.store(key, data, self.expires_s(context))
        if waiting is not None:
            await waiting


def _decoded(data: bytes | None) -> tuple[float, object] | None:
    """When the value was computed, and the value; None for a miss or foreign bytes."""
    if data is None:
        return None
    try:
        kept = CODEC.decode(data)
    except CodecError:
        return None
    match kept:
        case [float(computed_at), value]:
            return computed_at, value
    return None
