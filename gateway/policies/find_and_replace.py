"""
find-and-replace: replace a text in the body.

Source: APIM policy reference, "find-and-replace".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.shape import ID, Attribute, Element
from gateway.pipeline.policy import ANYWHERE, PolicyType
from gateway.policies.parts.body_text import ChangeLimits, message, replace_all

if TYPE_CHECKING:
    from gateway.documents.model import Section
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value


@dataclass(frozen=True, slots=True)
class FindAndReplace(PolicyType):
    """One compiled find-and-replace; plain text, case-sensitive."""

    shape: ClassVar[Element] = Element(
        "find-and-replace",
        "Replaces a text in the body: of the request in inbound and backend, of the response elsewhere.",
        attributes=(
            ID,
            Attribute("from", "Text to look for.", required=True),
            Attribute("to", "Its replacement.", required=True),
        ),
    )
    sections: ClassVar[frozenset[Section]] = ANYWHERE

    old: Value[str]
    new: Value[str]
    on_request: bool
    max_bytes: int

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<find-and-replace>``."""
        settings.reads_body()
        return cls(settings.text("from"), settings.text("to"), settings.on_request, settings.services.max_body_bytes)

    def apply(self, context: Context) -> None:
        """Replaces every occurrence. Raises BodyTooLarge, WorkExceeded."""
        headers, body = message(context, self.on_request)
        old, new = self.old(context).encode(), self.new(context).encode()
        replace_all(body, headers, old, new, ChangeLimits(self.max_bytes, context.work))
