"""
set-body: replace the body of the request to the backend, or of the response to the caller.

Source: APIM policy reference, "set-body".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from gateway.documents.shape import ID, Attribute, Content, Element, Kind
from gateway.expressions import to_text
from gateway.pipeline.policy import ANYWHERE, PolicyType
from gateway.pipeline.values import Constant
from gateway.policies.parts.body_text import message
from gateway.wire.body import Body

if TYPE_CHECKING:
    from gateway.documents.model import Section
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.policies.parts.liquid_template import BodyTemplate
    from gateway.wire.headers import Headers


@dataclass(frozen=True, slots=True)
class SetBody(PolicyType):
    """One compiled set-body: a literal, an expression that gives text or bytes, or a liquid template."""

    shape: ClassVar[Element] = Element(
        "set-body",
        "Replaces the body; Content-Length is updated, Content-Type is not.",
        attributes=(
            ID,
            Attribute(
                "template", "`liquid`: the content is a Liquid template.", choices=("liquid", "none"), expression=False
            ),
            Attribute(
                "xsi-nil",
                "Liquid: what XML elements with `xsi:nil='true'` become.",
                default="blank",
                choices=("blank", "null"),
                expression=False,
            ),
            Attribute(
                "parse-date",
                "Liquid: whether text such as `2026-11-23T10:20:30Z` becomes a date, which is written "
                "`11/23/2026 10:20:30`.",
                Kind.BOOLEAN,
                default="true",
                expression=False,
            ),
        ),
        content=Content.VERBATIM,
    )
    sections: ClassVar[frozenset[Section]] = ANYWHERE

    content: Value[Any]
    template: BodyTemplate | None
    on_request: bool

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<set-body>``. Raises LoadError: the template is not Liquid."""
        if settings.maybe(settings.constant, "template") == "liquid":
            from gateway.policies.parts.liquid_template import template_of

            nil_is_null = settings.constant("xsi-nil") == "null"
            parse_dates = settings.constant_bool("parse-date")
            return cls(Constant(None), template_of(settings, nil_is_null, parse_dates), settings.on_request)
        return cls(settings.content_object(), None, settings.on_request)

    @property
    def works_on_bodies(self) -> bool:
        """It replaces them."""
        return True

    def apply(self, context: Context) -> None:
        """Replaces the body of the message that this section changes."""
        if self.on_request:
            request = context.request
            request.body = self.change(request.body, request.headers, context)
        else:
            response = context.answer
            response.body = self.change(response.body, response.headers, context)

    def change(self, body: Body | None, headers: Headers, context: Context) -> Body:
        """The new body in place of *body*; return-response and send-request use it for their own messages."""
        content = self.content(context) if self.template is None else self._rendered(self.template, context)
        body = body or Body()
        if isinstance(content, bytes | bytearray):
            body.replace(bytes(content))
        else:
            body.replace(to_text(content).encode())
            # Text is not compressed, whatever the old body was; an author who compresses returns bytes.
            headers.remove("Content-Encoding")
        return body

    def _rendered(self, template: BodyTemplate, context: Context) -> str:
        """The template on the message of this section, also where its text becomes the body of another."""
        return template(*message(context, self.on_request), context)
