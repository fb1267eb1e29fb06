"""
llm-content-safety: have prompts, and what a model answers, judged by Azure AI Content Safety.

What the service has not judged does not pass: 403 where it has found something, 503 where it gives no answer. A
streamed answer is held back window by window, and ends where something is found.

Source: APIM policy reference, "llm-content-safety"; docs/adr/0094.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Child, Content, Element, Kind
from gateway.language_models.content_safety import MOST_CHARACTERS, SafetyRules, SafetyService, refusal
from gateway.language_models.dialogue import unambiguous
from gateway.language_models.guarded_stream import GuardedStream, texts_of_events
from gateway.language_models.joined_parts import joined_parts
from gateway.language_models.model_texts import texts, windows, without_system
from gateway.language_models.service_call import service_backend
from gateway.pipeline.buffering import BufferBody
from gateway.pipeline.policy import PolicyType
from gateway.pipeline.values import Constant

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.outside.seam import CredentialSource
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.wire.messages import Response, Target

LEVELS = ("FourSeverityLevels", "EightSeverityLevels")
CATEGORIES = ("Hate", "SelfHarm", "Sexual", "Violence")
EVENTS = "text/event-stream"

# Between the windows of a request, so that no word is divided by their borders.
REQUEST_OVERLAP = 200

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
    timeout_s: float
    credentials: CredentialSource | None
    max_body_bytes: int
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
            timeout_s=settings.services.models.content_safety_timeout_s,
            credentials=settings.services.credentials,
            max_body_bytes=settings.services.max_body_bytes,
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
        """In inbound the request is judged, in outbound the answer. Raises PolicyError: 403 or 503."""
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
        if not content.strip():
            return None
        document = _read(content, "the request")
        shielded = _pieces(without_system(document)) if self.shields(context) else []
        return self._service(context).judge(_pieces(document), shielded)

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
        waiting = BufferBody(False, True, self.max_body_bytes).apply(context)
        if waiting is not None:
            await waiting
        size, overlap = self._windows(context)
        lanes = _lanes(response.body.read(preserve=True), media_type)
        pieces = [piece for lane in lanes for piece in windows(lane, size, overlap)]
        await self._service(context, answer=True).judge(pieces)

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
        return SafetyService(self.backend(context), rules, self.timeout_s, self.credentials)


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


def _pieces(document: Any) -> list[str]:
    return windows(_whole_text(document), MOST_CHARACTERS, REQUEST_OVERLAP)


def _whole_text(document: Any) -> str:
    """Every text, and once more as one what stands in several parts."""
    return "\n".join([*texts(document), *joined_parts(document)])


def _read(content: bytes, what: str) -> Any:
    """JSON. Raises PolicyError: it is none that has one meaning, so that what the model reads is not known."""
    try:
        return json.loads(content, object_pairs_hook=unambiguous)
    except (ValueError, RecursionError):
        raise refusal(f"{what} cannot be read", {"body": "not JSON, or ambiguous"}) from None


def _lanes(content: bytes, media_type: str) -> list[str]:
    """The texts of an answer that is in memory. Raises PolicyError: it cannot be read."""
    if not content.strip():
        return []
    if media_type == "application/json" or media_type.endswith("+json"):
        return [_whole_text(_read(content, "the answer"))]
    if media_type == EVENTS:
        return texts_of_events(content)
    return [content.decode("utf-8", "replace")] if media_type.startswith("text/") else []
