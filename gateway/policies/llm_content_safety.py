"""
llm-content-safety: have prompts, and what a model answers, judged by Azure AI Content Safety.

What the service has not judged does not pass: 403 where it has found something, 503 where it gives no answer. A
streamed answer is held back window by window, and ends where something is found.

Every text of a request counts, whatever its role, and so do names and texts in schemas and arguments of tools. A body
that is not JSON, that two readers may understand differently, or that has a list of numbers, which may be a prompt in
tokens, is refused. Of answers only pictures, sounds and films are not judged; one that is not a stream of events is
held until its end. A WebSocket is refused with 501.

Source: APIM policy reference, "llm-content-safety"; docs/adr/0094.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Child, Content, Element, Kind
from gateway.language_models.content_safety import MOST_CHARACTERS, MOST_WINDOWS, SafetyRules, SafetyService, refusal
from gateway.language_models.guarded_stream import GuardedStream
from gateway.language_models.judged_texts import EVENTS, answer_texts, request_texts
from gateway.language_models.model_texts import windows
from gateway.language_models.service_call import service_backend
from gateway.pipeline.buffering import BufferBody
from gateway.pipeline.policy import PolicyType
from gateway.pipeline.values import Constant
from gateway.policies.parts.websockets import refuse_websocket

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.pipeline.context import Context
    from gateway.pipeline.services import Services
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.wire.messages import Response, Target

LEVELS = ("FourSeverityLevels", "EightSeverityLevels")
CATEGORIES = ("Hate", "SelfHarm", "Sexual", "Violence")

# Between the windows of a request, so that no word is divided by their borders.
REQUEST_OVERLAP = 200
_MOST_TEXT = MOST_WINDOWS * MOST_CHARACTERS

_CATEGORY = Element(
    "category",
    "A category of harm.",
    attributes=(
        Attribute("name", "Which.", required=True, choices=CATEGORIES),
        Attribute(
            "threshold", "The least severity that is refused.", Kind.INTEGER, required=True, minimum=0, maximum=7
        ),
    ),
)
_CATEGORIES = Element(
    "categories",
    "What is looked for.",
    attributes=(Attribute("output-type", "The service's scale of severities.", default=LEVELS[0], choices=LEVELS),),
    children=(Child(_CATEGORY, maximum=None),),
)
_BLOCKLISTS = Element(
    "blocklists",
    "Blocklists of the service.",
    children=(Child(Element("id", "Name of one.", content=Content.TEXT), maximum=None),),
)


@dataclass(frozen=True, slots=True)
class LlmContentSafety(PolicyType):
    """
    One compiled llm-content-safety.

    Attributes:
        enforces: Whether the answer is judged as well; in outbound it always is.
        window, overlap: Characters of an answer that are judged together, and how many of them once more.
    """

    shape: ClassVar[Element] = Element(
        "llm-content-safety",
        "Has prompts and answers of language models judged by Azure AI Content Safety, and refuses with 403.",
        attributes=(
            ID,
            Attribute("backend-id", "The backend that is the service.", required=True),
            Attribute("shield-prompt", "Whether attacks on the model are looked for.", Kind.BOOLEAN, default="false"),
            Attribute(
                "enforce-on-completions",
                "In inbound: whether the answer is judged as well.",
                Kind.BOOLEAN,
                default="false",
            ),
            Attribute(
                "window-size",
                "Characters of an answer that are judged together; a stream is held back for as many.",
                Kind.INTEGER,
                default=str(MOST_CHARACTERS),
                minimum=1,
                maximum=MOST_CHARACTERS,
            ),
            Attribute(
                "window-overlap-size",
                "Characters of the window before that are judged once more; fewer than `window-size`.",
                Kind.INTEGER,
                default="0",
                minimum=0,
                maximum=MOST_CHARACTERS - 1,
            ),
        ),
        children=(Child(_CATEGORIES), Child(_BLOCKLISTS)),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND, Section.OUTBOUND})
    changes: ClassVar[None] = None

    backend: Value[Target]
    shields: Value[bool]
    enforces: Value[bool]
    window: Value[int]
    overlap: Value[int]
    levels: Value[str]
    categories: tuple[tuple[Value[str], Value[int]], ...]
    blocklists: tuple[Value[str], ...]
    services: Services
    inbound: bool

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From the element. Raises LoadError: no such backend, nothing to look for, or an overlap that is no part."""
        harms = settings.child("categories")
        categories, blocklists = _listed(settings, "categories", "category"), _listed(settings, "blocklists", "id")
        if not categories and not blocklists and not settings.has("shield-prompt"):
            remedy = "add <categories>, <blocklists> or shield-prompt"
            raise settings.error("missing-child", "llm-content-safety looks for nothing", remedy)
        window, overlap = _window(settings)
        settings.reads.request_body |= settings.on_request
        return cls(
            backend=service_backend(settings, "backend-id"),
            shields=settings.boolean("shield-prompt"),
            enforces=settings.boolean("enforce-on-completions"),
            window=window,
            overlap=overlap,
            levels=harms.text("output-type") if harms else Constant(LEVELS[0]),
            categories=tuple((child.text("name"), child.integer("threshold")) for child in categories),
            blocklists=tuple(child.content() for child in blocklists),
            services=settings.services,
            inbound=settings.on_request,
        )

    @property
    def works_on_bodies(self) -> bool:
        """It reads them."""
        return True

    @property
    def answer_guard(self) -> Callable[[Context], Awaitable[None] | None] | None:
        """Judges the answer to a request that this policy has judged, at the end of outbound."""
        never = isinstance(self.enforces, Constant) and not self.enforces.value
        return self._guard if self.inbound and not never else None

    def apply(self, context: Context) -> Awaitable[None] | None:
        """In inbound the request is judged, in outbound the answer. Raises PolicyError: 403, 503, or 501."""
        refuse_websocket(context.request, "judged")
        if not self.inbound:
            return self._judge_answer(context)
        if self.enforces(context):
            context.guarded = [*(context.guarded or ()), self]
            # A stream is judged on its way, so it must not be compressed.
            context.request.headers.remove("Accept-Encoding")
        return self._judge_request(context)

    def _guard(self, context: Context) -> Awaitable[None] | None:
        if any(policy is self for policy in context.guarded or ()):
            return self._judge_answer(context)
        return None

    def _judge_request(self, context: Context) -> Awaitable[None] | None:
        content = context.request.body.read(preserve=True) if context.request.body else b""
        return self._judge_prompt(content, context) if content.strip() else None

    async def _judge_prompt(self, content: bytes, context: Context) -> None:
        texts = await request_texts(content, self.services.beside, context.work, _MOST_TEXT)
        pieces = _pieces(texts, MOST_CHARACTERS, REQUEST_OVERLAP, "the request")
        await self._service(context).judge(pieces)

    async def _judge_answer(self, context: Context) -> None:
        response = context.response
        if response is None or response.status_code >= 400:
            return
        media_type = (response.headers.first("Content-Type") or "").partition(";")[0].strip().lower()
        if media_type == EVENTS and response.body.stream is not None and "Content-Encoding" not in response.headers:
            self._guard_stream(response, context)
        else:
            await self._judge_whole(response, media_type, context)

    async def _judge_whole(self, response: Response, media_type: str, context: Context) -> None:
        waiting = BufferBody(False, True, self.services.max_body_bytes).apply(context)
        if waiting is not None:
            await waiting
        content = response.body.read(preserve=True)
        texts = await answer_texts(content, media_type, self.services.beside, context.work, _MOST_TEXT)
        await self._service(context, answer=True).judge(_pieces(texts, *self._windows(context), "the answer"))

    def _guard_stream(self, response: Response, context: Context) -> None:
        response.headers.remove("Content-Length")
        GuardedStream(self._service(context, answer=True).judge, *self._windows(context)).stand_before(response)

    def _windows(self, context: Context) -> tuple[int, int]:
        size = min(max(1, self.window(context)), MOST_CHARACTERS)
        return size, min(max(0, self.overlap(context)), size - 1)

    def _service(self, context: Context, answer: bool = False) -> SafetyService:
        rules = SafetyRules(
            thresholds={name(context): threshold(context) for name, threshold in self.categories},
            levels=self.levels(context),
            blocklists=tuple(name(context) for name in self.blocklists),
            shields=self.shields(context) and not answer,
        )
        services = self.services
        return SafetyService(
            self.backend(context), rules, services.models.content_safety_timeout_s, services.credentials
        )


def _listed(settings: Settings, name: str, item: str) -> list[Settings]:
    child = settings.child(name)
    return list(child.all(item)) if child else []


def _window(settings: Settings) -> tuple[Value[int], Value[int]]:
    """Raises LoadError: the overlap is not less than the whole."""
    window, overlap = settings.integer("window-size"), settings.integer("window-overlap-size")
    if isinstance(window, Constant) and isinstance(overlap, Constant) and overlap.value >= window.value:
        message = "window-overlap-size is not less than window-size"
        raise settings.error("bad-value", message, "write a smaller one", at="window-overlap-size")
    return window, overlap


def _pieces(texts: Sequence[str] | None, size: int, overlap: int, what: str) -> list[str]:
    """Raises PolicyError: it cannot be read, so what the model or the caller reads is not known."""
    if texts is None:
        raise refusal(f"{what} cannot be read", {"body": "not JSON, ambiguous, or a prompt in tokens"})
    return [piece for text in texts for piece in windows(text, size, overlap)]
