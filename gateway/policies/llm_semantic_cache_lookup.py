"""
llm-semantic-cache-lookup and azure-openai-semantic-cache-lookup: answer a prompt with what a model has said to a
similar one.

On a hit neither the rest of inbound nor the model runs; outbound continues after the store policy. Whatever goes wrong
with the cache or the embeddings makes a miss.

A backend of embeddings whose URL names a deployment answers with its model; else `language-models` in the
[configuration](../configuration.md#language-models) names the model. There are also the time that a request waits for
embeddings, the pause after a failure, in which requests go straight to the model, and the size of a cache in memory.
When that is full, the caller that has most loses the answer that was not used for longest; a caller is an identity that
the gateway has checked, else an address. In Redis its own `maxmemory-policy` decides.

Source: APIM policy reference, "llm-semantic-cache-lookup" and "azure-openai-semantic-cache-lookup"; docs/adr/0094.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, ClassVar, Self

import structlog

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Child, Content, Element, Kind
from gateway.errors import UpstreamError
from gateway.language_models.caller import caller, payer
from gateway.language_models.dialogue import Dialogue, joined, read_dialogue
from gateway.language_models.embeddings import Embeddings
from gateway.pipeline.changes import RESPONSE, Change
from gateway.pipeline.notes import Mark
from gateway.pipeline.outcome import finish
from gateway.pipeline.policy import PolicyType
from gateway.pipeline.run import run
from gateway.value_cache import CachedResponse, CodecError
from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Response

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.outcome import Outcome
    from gateway.pipeline.settings import Resumption, Settings
    from gateway.pipeline.step import Value
    from gateway.value_cache import VectorCache

log = structlog.get_logger("gateway.semantic_cache")

# Of a request; a longer one is not cached, and not read.
MOST_BYTES = 256 * 1024

# Fields with which providers change what a model answers.
_HEADERS = (
    "OpenAI-Organization",
    "OpenAI-Project",
    "OpenAI-Beta",
    "anthropic-version",
    "anthropic-beta",
    "extra-parameters",
    "azureml-model-deployment",
)

_VARY_BY = Element(
    "vary-by",
    "What the cache is partitioned by, such as the caller; several are combined. Without one, every caller has a"
    " partition of its own.",
    content=Content.TEXT,
)


@dataclass(frozen=True, slots=True)
class SemanticPlan:
    """What the store policy needs to know of the look-up that missed."""

    cache: VectorCache
    partition: str
    vector: bytes
    owner: str


def shape(name: str) -> Element:
    """The element called *name*."""
    return Element(
        name,
        "Answers a prompt with the stored answer to a similar one.",
        attributes=(
            ID,
            Attribute(
                "score-threshold",
                "The greatest distance between two prompts that share an answer: 1 less the cosine of their vectors. 0"
                " wants equal ones; start with 0.05.",
                Kind.NUMBER,
                required=True,
                minimum=0,
                maximum=1,
            ),
            Attribute("embeddings-backend-id", "The backend that turns texts into vectors.", required=True),
            Attribute(
                "embeddings-backend-auth",
                "A token of the gateway's own identity, unless the backend has credentials. Absent: none.",
                choices=("system-assigned",),
                expression=False,
            ),
            Attribute(
                "ignore-system-messages",
                "Whether system messages are left out of the comparison; else they must be equal.",
                Kind.BOOLEAN,
                default="false",
            ),
            Attribute("max-message-count", "Dialogues of more messages are not cached.", Kind.INTEGER, minimum=1),
        ),
        children=(Child(_VARY_BY, maximum=None),),
    )


@dataclass(frozen=True, slots=True)
class SemanticCacheLookup(PolicyType):
    """
    One compiled look-up; see the classes below for its names.

    Attributes:
        resumption: The part of outbound that runs on a hit.
    """

    shape: ClassVar[Element]
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND})
    changes: ClassVar[Change] = RESPONSE

    cache: VectorCache
    threshold: Value[float]
    embeddings: Embeddings
    ignores_system: Value[bool]
    max_messages: Value[int] | None
    vary_by: tuple[Value[str], ...]
    resumption: Resumption

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From the element. Raises LoadError: no such backend, or nothing that vectors can be kept in."""
        cache = settings.services.caches.vectors
        unready = cache.prepare()
        if unready is not None:
            raise settings.error(*unready)
        settings.reads.request_body = True
        return cls(
            cache=cache,
            threshold=settings.number("score-threshold"),
            embeddings=Embeddings.compile(settings),
            ignores_system=settings.boolean("ignore-system-messages"),
            max_messages=settings.maybe(settings.integer, "max-message-count"),
            vary_by=tuple(vary.content() for vary in settings.all("vary-by")),
            resumption=settings.resumption,
        )

    def apply(self, context: Context) -> Awaitable[Outcome] | None:
        """None where the request is no prompt, or one that is not cached."""
        request = context.request
        if request.method != "POST" or not request.body:
            return None
        content = request.body.read(preserve=True)
        dialogue = read_dialogue(content, self.ignores_system(context)) if len(content) <= MOST_BYTES else None
        if dialogue is None or self._is_too_long(dialogue, context):
            return None
        # The model's answer is read on its way, so it must not be compressed.
        request.headers.remove("Accept-Encoding")
        return self._look_up(dialogue, self._partition(dialogue, context), context)

    def _is_too_long(self, dialogue: Dialogue, context: Context) -> bool:
        return self.max_messages is not None and dialogue.messages > self.max_messages(context)

    def _partition(self, dialogue: Dialogue, context: Context) -> str:
        """Everything but the text that may change the answer, and who may see it."""
        request, varied = context.request, [vary(context) for vary in self.vary_by]
        parts = [
            context.api.id,
            context.api.revision,
            context.operation.id,
            context.product.id if context.product else "",  # its policies have changed the answer
            request.original_path,
            request.original_query,
            str(request.url),
            ["varied", *varied],
            caller(context) if dialogue.is_stored or not any(varied) else [],
            [self.embeddings.name(context), self.embeddings.model],
            [request.headers.joined(name) or "" for name in _HEADERS],
            dialogue.rest,
        ]
        return sha256(joined(parts).encode()).hexdigest()

    async def _look_up(self, dialogue: Dialogue, partition: str, context: Context) -> Outcome:
        try:
            vector = await self.embeddings.vector(dialogue.text, context)
        except UpstreamError as error:
            log.warning("embeddings_missing", reason=error.reason, detail=error.message)
            return None
        if vector is None:
            return None
        context.cache_plan = SemanticPlan(self.cache, partition, vector, payer(context))
        value = self.cache.nearest(partition, vector, self.threshold(context))
        cached = _read(await value if isinstance(value, Awaitable) else value)
        if cached is None:
            return None
        context.cache_plan = None
        context.note(Mark.CACHED)
        context.response = Response(cached.status_code, Headers(cached.headers), Body(cached.body), cached.reason)
        return await finish(run(self.resumption.steps, context)) or context.response


def _read(data: bytes | None) -> CachedResponse | None:
    try:
        return None if data is None else CachedResponse.from_bytes(data)
    except CodecError:
        return None


class LlmSemanticCacheLookup(SemanticCacheLookup):
    """For any model with OpenAI's or Anthropic's API."""

    __slots__ = ()
    shape: ClassVar[Element] = shape("llm-semantic-cache-lookup")


class AzureOpenaiSemanticCacheLookup(SemanticCacheLookup):
    """For Azure OpenAI."""

    __slots__ = ()
    shape: ClassVar[Element] = replace(LlmSemanticCacheLookup.shape, name="azure-openai-semantic-cache-lookup")
