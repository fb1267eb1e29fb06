"""
mock-response: answer with an example, without a backend.

Source: APIM policy reference, "mock-response".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.pipeline.document import Section
from gateway.pipeline.shape import ID, Attribute, Element, Kind
from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Response

if TYPE_CHECKING:
    from gateway.pipeline.context import Context, StoredExample
    from gateway.pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class MockResponse:
    """One compiled mock-response. Operations have no stored examples here, so the body is empty, as in APIM then."""

    shape: ClassVar[Element] = Element(
        "mock-response",
        "Answers at once with the operation's example for status and content type; without one the body is empty.",
        attributes=(
            ID,
            Attribute(
                "status-code", "Status.", Kind.INTEGER, default="200", expression=False, minimum=200, maximum=599
            ),
            Attribute("content-type", "Content type.", expression=False),
            Attribute("index", "Which of several examples.", Kind.INTEGER, expression=False, minimum=0),
        ),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND, Section.OUTBOUND, Section.ON_ERROR})

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
        fitting = [example for example in context.operation.examples if self._fits(example)]
        example = fitting[self.index] if self.index < len(fitting) else None
        content_type = example.content_type if example else self.content_type
        headers = Headers([("Content-Type", content_type)] if content_type else [])
        return Response(self.status, headers, Body(example.body if example else b""))

    def _fits(self, example: StoredExample) -> bool:
        wanted = self.content_type is None or example.content_type.lower() == self.content_type.lower()
        return wanted and example.status == self.status
