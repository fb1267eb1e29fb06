"""
cache-lookup: answer with a cached response.

On a hit neither the rest of inbound nor the backend runs; outbound continues after cache-store.

Source: APIM policy reference, "cache-lookup"; RFC 9111 §4.1 for Vary.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Child, Content, Element, Kind
from gateway.pipeline.changes import RESPONSE, Change
from gateway.pipeline.notes import Mark
from gateway.pipeline.outcome import finish
from gateway.pipeline.policy import PolicyType
from gateway.pipeline.run import run
from gateway.policies.parts import query
from gateway.policies.parts.cached_values import CACHING_TYPE, cache_of
from gateway.value_cache import CachedResponse, CodecError
from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Response

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.outcome import MaybeLater, Outcome
    from gateway.pipeline.settings import Resumption, Settings
    from gateway.pipeline.step import Value
    from gateway.value_cache import ValueCache

_HEADER = Element(
    "vary-by-header", "Names of headers, separated by `;`: one cached response for each value.", content=Content.TEXT
)
_PARAMETER = Element(
    "vary-by-query-parameter",
    "Names of query parameters, separated by `;`: other parameters are then ignored.",
    content=Content.TEXT,
)

# A stored answer suits only clients that accept its coding, so this header always counts.
_ALWAYS = "accept-encoding"


@dataclass(frozen=True, slots=True)
class CachePlan:
    """What cache-store needs to know of the lookup that missed."""

    cache: ValueCache
    key: str
    vary: frozenset[str]
    lookup: CacheLookup


@dataclass(frozen=True, slots=True)
class CacheLookup(PolicyType):
    """
    One compiled cache-lookup.

    Attributes:
        headers: Lower-case names that tell responses apart.
        parameters: Names of the query parameters that do; None: all of them.
        resumption: The part of outbound that runs on a hit.
    """

    shape: ClassVar[Element] = Element(
        "cache-lookup",
        "Answers GET requests from the cache; `cache-store` in outbound fills it.",
        attributes=(
            ID,
            Attribute("vary-by-developer", "Separate responses for each user.", Kind.BOOLEAN, required=True),
            Attribute(
                "vary-by-developer-groups", "Separate responses for each set of groups.", Kind.BOOLEAN, required=True
            ),
            CACHING_TYPE,
            Attribute(
                "downstream-caching-type",
                "Who may cache the response downstream of the gateway.",
                default="none",
                choices=("none", "private", "public"),
            ),
            Attribute(
                "must-revalidate",
                "Whether downstream caches must revalidate it when it is stale.",
                Kind.BOOLEAN,
                default="true",
            ),
            Attribute(
                "allow-private-response-caching",
                "Whether to answer requests with Authorization from the cache. Vary by the caller!",
                Kind.BOOLEAN,
                default="false",
            ),
        ),
        children=(Child(_HEADER, maximum=None), Child(_PARAMETER, maximum=None)),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND})
    changes: ClassVar[Change] = RESPONSE

    cache: ValueCache
    by_developer: Value[bool]
    by_groups: Value[bool]
    allows_private: Value[bool]
    downstream: Value[str]
    must_revalidate: Value[bool]
    headers: tuple[Value[str], ...]
    parameters: tuple[Value[str], ...]
    resumption: Resumption

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<cache-lookup>``. Raises LoadError: there is no external cache."""
        return cls(
            cache=cache_of(settings),
            by_developer=settings.boolean("vary-by-developer"),
            by_groups=settings.boolean("vary-by-developer-groups"),
            allows_private=settings.boolean("allow-private-response-caching"),
            downstream=settings.text("downstream-caching-type"),
            must_revalidate=settings.boolean("must-revalidate"),
            headers=tuple(vary.content() for vary in settings.all("vary-by-header")),
            parameters=tuple(vary.content() for vary in settings.all("vary-by-query-parameter")),
            resumption=settings.resumption,
        )

    def apply(self, context: Context) -> MaybeLater:
        """The cached response, or None."""
        request = context.request
        if request.method != "GET" or ("Authorization" in request.headers and not self.allows_private(context)):
            return None
        vary = frozenset({_ALWAYS, *_names(self.headers, context)})
        plan = CachePlan(self.cache, self._key(vary, context), vary, self)
        context.cache_plan = plan
        cached = self.cache.lookup(plan.key)
        if cached is None or isinstance(cached, bytes):
            return self._answer(cached, context)
        return self._wait(cached, context)

    def browser_caching(self, duration_s: float, context: Context) -> str:
        """``Cache-Control`` of the answer."""
        downstream = self.downstream(context)
        if downstream not in ("private", "public"):
            return "no-store"
        tail = ", must-revalidate" if self.must_revalidate(context) else ""
        return f"{downstream}, max-age={max(0, int(duration_s))}{tail}"

    def _key(self, vary: frozenset[str], context: Context) -> str:
        """Everything that may change the response, in one text."""
        request = context.request
        parts = [
            context.api.id,
            context.api.revision,
            context.operation.id,
            context.product.id if context.product else "",  # its policies have changed the response
            str(request.original_url).partition("?")[0],
            *sorted(self._counted(request.query, context), key=query.name_of),  # values of one name keep their order
            *(f"{name}:{request.headers.joined(name) or ''}" for name in sorted(vary)),
            *self._user(context),
        ]
        return "response/" + "\n".join(parts)

    def _counted(self, text: str, context: Context) -> list[str]:
        """The query parameters that tell responses apart."""
        if not self.parameters:
            return query.pairs(text)
        wanted = set(_names(self.parameters, context))
        return [pair for pair in query.pairs(text) if query.name_of(pair) in wanted]

    def _user(self, context: Context) -> Iterator[str]:
        user = context.user
        if self.by_developer(context):
            yield f"user:{user.id if user else ''}"
        if self.by_groups(context):
            yield f"groups:{sorted(group.id for group in user.groups) if user else ''}"

    async def _wait(self, cached: Awaitable[bytes | None], context: Context) -> Outcome:
        return await finish(self._answer(await cached, context))

    def _answer(self, data: bytes | None, context: Context) -> MaybeLater:
        cached = _read(data)
        if cached is None:
            return None
        headers = Headers(cached.headers)
        context.cache_plan = None
        context.note(Mark.CACHED)
        context.response = Response(cached.status_code, headers, Body(cached.body), cached.reason)
        outcome = run(self.resumption.steps, context)
        if outcome is None or isinstance(outcome, Response):
            return outcome or context.response
        return _resumed(outcome, context)


async def _resumed(waiting: Awaitable[Outcome], context: Context) -> Outcome:
    return await waiting or context.response


def _read(data: bytes | None) -> CachedResponse | None:
    try:
        return None if data is None else CachedResponse.from_bytes(data)
    except CodecError:
        return None


def _names(values: Iterable[Value[str]], context: Context) -> list[str]:
    """Lower-case names out of texts that may hold several, separated by ``;``."""
    return [name.strip().lower() for value in values for name in value(context).split(";") if name.strip()]
