"""
llm-semantic-cache-store and azure-openai-semantic-cache-store: keep a model's answer for the look-up policy.

The answer is read while it passes, never held back, and kept only when all of it has passed and it is complete.

Source: APIM policy reference, "llm-semantic-cache-store" and "azure-openai-semantic-cache-store"; docs/adr/0094.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import ID, Element
from gateway.language_models.complete_answer import StreamedAnswer, is_complete
from gateway.pipeline.policy import PolicyType
from gateway.policies.llm_semantic_cache_lookup import SemanticPlan
from gateway.policies.parts.elements import seconds
from gateway.value_cache import CachedResponse
from gateway.value_cache.seam import MAX_VALUE_BYTES
from gateway.wire.body import BodyStream

if TYPE_CHECKING:
    from gateway.pipeline.background import Background
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.wire.messages import Response

JSON, EVENTS = "application/json", "text/event-stream"


def shape(name: str) -> Element:
    """The element called *name*."""
    return Element(
        name,
        "Stores a model's answer for the look-up policy in inbound; without that it does nothing.",
        attributes=(ID, seconds("duration", "Seconds for which it is stored.", required=True)),
    )


@dataclass(frozen=True, slots=True)
class SemanticCacheStore(PolicyType):
    """One compiled store; ``stores_response`` tells the compiler where outbound continues after a hit."""

    shape: ClassVar[Element]
    sections: ClassVar[frozenset[Section]] = frozenset({Section.OUTBOUND})
    changes: ClassVar[None] = None
    stores_response: ClassVar[bool] = True

    duration_s: Value[float]
    background: Background
    now: Callable[[], float]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From the element."""
        services = settings.services
        return cls(settings.number("duration"), services.background, services.now)

    @property
    def works_on_bodies(self) -> bool:
        """It keeps them."""
        return True

    def apply(self, context: Context) -> None:
        """Begins to read along, where the look-up has missed and the answer may be kept."""
        plan, response = context.cache_plan, context.response
        if not isinstance(plan, SemanticPlan) or response is None or response.status_code != 200:
            return
        content_type = response.headers.first("Content-Type") or ""
        media_type = content_type.partition(";")[0].strip().lower()
        if media_type not in (JSON, EVENTS) or "Content-Encoding" in response.headers:
            return
        keep = partial(self._keep, plan, content_type, self.duration_s(context))
        reader = AnswerReader(media_type == EVENTS, keep)
        if response.body.stream is None:
            reader.write(response.body.content)
            reader.finish()
        else:
            reader.read_along(response)

    def _keep(self, plan: SemanticPlan, content_type: str, duration_s: float, content: bytes) -> None:
        """Fields other than Content-Type are about the exchange, or about the first caller."""
        kept = CachedResponse(200, "OK", (("Content-Type", content_type),), content, self.now())
        waiting = plan.cache.store(plan.partition, plan.vector, kept.to_bytes(), duration_s, plan.owner)
        if waiting is not None:
            self.background.start(_wait(waiting), "semantic-cache-store")


async def _wait(waiting: Awaitable[None]) -> None:
    await waiting


class AnswerReader:
    """A sink that passes an answer on, and tells whoever keeps it what it was if it was complete."""

    def __init__(self, streamed: bool, keep: Callable[[bytes], None]) -> None:
        self._answer = StreamedAnswer() if streamed else None
        self._keep: Callable[[bytes], None] | None = keep
        self._kept = bytearray()
        self._source: BodyStream | None = None
        self._passed_on: BodyStream | None = None

    def read_along(self, response: Response) -> None:
        """Take the place of the body of *response*, which is a stream."""
        source = response.body.stream
        if source is not None:
            self._source = source
            self._passed_on = BodyStream(source.length, source.pause, source.resume, source.discard)
            response.body.stream = self._passed_on
            source.pipe(self)

    def write(self, data: bytes) -> None:
        """The next bytes."""
        if self._keep is not None:
            self._read(data)
        if self._passed_on is not None:
            self._passed_on.feed(data)

    def finish(self) -> None:
        """The end: what has passed is all there is."""
        if self._source is not None and self._passed_on is not None:
            self._passed_on.trailers = self._source.trailers
            self._passed_on.finish()
        keep, self._keep = self._keep, None
        content = bytes(self._kept)
        self._kept.clear()
        if keep is not None and (is_complete(content) if self._answer is None else self._answer.is_complete):
            keep(content)

    def fail(self, error: Exception) -> None:
        """The answer was cut."""
        self._keep = None
        self._kept.clear()
        if self._passed_on is not None:
            self._passed_on.fail(error)

    def _read(self, data: bytes) -> None:
        self._kept += data
        if len(self._kept) > MAX_VALUE_BYTES:
            self._keep = None
            self._kept.clear()
        elif self._answer is not None:
            self._answer.feed(data)


class LlmSemanticCacheStore(SemanticCacheStore):
    """For any model with OpenAI's or Anthropic's API."""

    __slots__ = ()
    shape: ClassVar[Element] = shape("llm-semantic-cache-store")


class AzureOpenaiSemanticCacheStore(SemanticCacheStore):
    """For Azure OpenAI."""

    __slots__ = ()
    shape: ClassVar[Element] = replace(LlmSemanticCacheStore.shape, name="azure-openai-semantic-cache-store")
