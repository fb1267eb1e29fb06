"""
mock-response: answer with an example, without a backend.

Source: APIM policy reference, "mock-response".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.pipeline.document import Section
from gateway.pipeline.shape import ID, Attribute, Element, Kind
from gateway.wire.headers import Headers
from gateway.wire.messages import Response

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class MockResponse:
    """One compiled mock-response. Operations have no stored examples here, so the body is empty, as in APIM then."""

    shape: ClassVar[Element] = Element(
        "mock-response",
        "Answers at once with status and content type; the body is empty, as in APIM without examples.",
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

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<mock-response>``."""
        return cls(settings.constant_int("status-code"), settings.maybe(settings.constant, "content-type"))

    def apply(self, context: Context) -> Response:
        """The answer."""
        return Response(self.status, Headers([("Content-Type", self.content_type)] if self.content_type else []))
