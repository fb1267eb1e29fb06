"""
cache-store: store the response for cache-lookup.

Source: APIM policy reference, "cache-store"; RFC 9111 §3.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Element, Kind
from gateway.pipeline.changes import RESPONSE, Change
from gateway.pipeline.policy import PolicyType
from gateway.policies.cache_lookup import CachePlan
from gateway.policies.parts.elements import seconds
from gateway.value_cache import CachedResponse
from gateway.value_cache.seam import MAX_VALUE_BYTES
from gateway.wire.fields import fold_name

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.wire.body import Body
    from gateway.wire.messages import Response

# They belong to one connection or one caller. Source: RFC 9111 §3.1.
_NOT_KEPT = frozenset(
    "connection keep-alive proxy-connection proxy-authenticate te trailer transfer-encoding upgrade".split()
    + ["content-length"]
)

_FOR_ONE = frozenset({"private", "no-store"})


@dataclass(frozen=True, slots=True)
class CacheStore(PolicyType):
    """One compiled cache-store; ``stores_response`` tells the compiler where outbound continues after a hit."""

    shape: ClassVar[Element] = Element(
        "cache-store",
        "Stores the response for `cache-lookup` in inbound; without that it does nothing.",
        attributes=(
            ID,
            seconds("duration", "Seconds for which it is stored.", required=True),
            Attribute(
                "cache-response",
                "Whether this response is stored; if absent, only a 200 is, and only if its `Cache-Control` has neither"
                " `private` nor `no-store`.",
                Kind.BOOLEAN,
            ),
        ),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.OUTBOUND})
    changes: ClassVar[Change] = RESPONSE
    stores_response: ClassVar[bool] = True

    duration_s: Value[float]
    condition: Value[bool] | None
    now: Callable[[], float]
    max_body_bytes: int

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<cache-store>``."""
        services, condition = settings.services, settings.maybe(settings.boolean, "cache-response")
        return cls(settings.number("duration"), condition, services.now, services.max_body_bytes)

    @property
    def works_on_bodies(self) -> bool:
        """It keeps them."""
        return True

    def apply(self, context: Context) -> Awaitable[None] | None:
        """None when nothing is kept, or body and cache are in memory."""
        plan, response = context.cache_plan, context.response
        if not isinstance(plan, CachePlan) or response is None or not self._keeps(response, plan, context):
            return None
        duration_s = self.duration_s(context)
        response.headers.replace("Cache-Control", plan.lookup.browser_caching(duration_s, context))
        if response.body.buffered:
            return self._store(response, plan, duration_s, context)
        return self._buffer_and_store(response, plan, duration_s, context)

    def _keeps(self, response: Response, plan: CachePlan, context: Context) -> bool:
        """Whether the response may be given to the next caller."""
        usual = response.status_code == 200 and not _is_private(response)
        wanted = self.condition(context) if self.condition else usual
        varies = {name.strip() for name in (response.headers.joined("Vary") or "").lower().split(",")} - {"", "origin"}
        fits = _known_length(response.body) <= MAX_VALUE_BYTES
        return wanted and fits and varies <= plan.vary and "Set-Cookie" not in response.headers

    async def _buffer_and_store(self, response: Response, plan: CachePlan, duration_s: float, context: Context) -> None:
        await response.body.buffer(self.max_body_bytes)
        waiting = self._store(response, plan, duration_s, context)
        if waiting is not None:
            await waiting

    def _store(
        self, response: Response, plan: CachePlan, duration_s: float, context: Context
    ) -> Awaitable[None] | None:
        headers = tuple((name, value) for name, value in response.headers.items() if fold_name(name) not in _NOT_KEPT)
        content = response.body.read(preserve=True)
        kept = CachedResponse(response.status_code, response.reason, headers, content, self.now())
        return plan.cache.store(plan.key, kept.to_bytes(), duration_s)


def _is_private(response: Response) -> bool:
    """Whether the backend wants it kept for one user only, or not at all. Source: RFC 9111 §5.2.2.5, §5.2.2.7."""
    directives = (response.headers.joined("Cache-Control") or "").lower().split(",")
    return not _FOR_ONE.isdisjoint(directive.partition("=")[0].strip() for directive in directives)


def _known_length(body: Body) -> int:
    """Bytes, as far as they are announced; 0 for a stream of unknown length, which is measured when it is stored."""
    return len(body.content) if body.stream is None else body.stream.length or 0
