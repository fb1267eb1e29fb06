"""
mock-response: answer with an example, without a backend.

Source: APIM policy reference, "mock-response": examples first, then a sample of the schema, else no content.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Element, Kind
from gateway.openapi import UNDEFINED
from gateway.pipeline.policy import PolicyType
from gateway.policies.parts.elements import FIELD_VALUE
from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Response

if TYPE_CHECKING:
    from gateway.openapi import BodyContent, MediaType
    from gateway.pipeline.context import Context, StoredExample
    from gateway.pipeline.settings import Settings

# What a range of media types stands for when the policy names none.
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class MockResponse(PolicyType):
    """One compiled mock-response."""

    shape: ClassVar[Element] = Element(
        "mock-response",
        "Answers immediately with the operation's example for status and content type, or a sample of its schema.",
        attributes=(
            ID,
            Attribute(
                "status-code", "Status.", Kind.INTEGER, default="200", expression=False, minimum=200, maximum=599
            ),
            Attribute("content-type", "Content type.", expression=False, format=FIELD_VALUE),
            Attribute("index", "Which of several examples.", Kind.INTEGER, expression=False, minimum=0),
        ),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND, Section.OUTBOUND, Section.ON_ERROR})
    changes: ClassVar[None] = None

    status: int
    content_type: str | None
    index: int

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<mock-response>``."""
        index = settings.maybe(settings.constant_int, "index") or 0
        return cls(settings.constant_int("status-code"), settings.maybe(settings.constant, "content-type"), index)

    def apply(self, context: Context) -> Response:
        """The answer."""
        fitting = list(self._bodies(context))
        example = fitting[self.index] if self.index < len(fitting) else None
        content_type = example[0] if example else self.content_type
        headers = Headers([("Content-Type", content_type)] if content_type else [])
        return Response(self.status, headers, Body(example[1] if example else b""))

    def _bodies(self, context: Context) -> Iterator[tuple[str, bytes]]:
        """Content types and bodies that fit: the configuration's, then those of the definition."""
        examples = filter(self._fits, context.operation.examples)
        yield from ((example.content_type, example.body) for example in examples)
        response = (context.operation.definition or UNDEFINED).response(self.status)
        for media_type in self._media_types(response.content) if response else ():
            content_type = self.content_type or media_type.name.replace("application/*", _JSON).replace("*/*", _JSON)
            yield from ((content_type, body) for body in media_type.bodies)

    def _media_types(self, content: BodyContent) -> Iterable[MediaType]:
        if self.content_type is None:
            return content.media_types.values()
        media_type = content.find(self.content_type.partition(";")[0].strip().lower())
        return [media_type] if media_type else []

    def _fits(self, example: StoredExample) -> bool:
        same_type = self.content_type is None or example.content_type.lower() == self.content_type.lower()
        return same_type and example.status == self.status
