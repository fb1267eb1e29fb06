"""
set-status: change the status of the response to the caller.

Source: APIM policy reference, "set-status"; RFC 9110 §15 for the codes, RFC 9112 §4 for the reason phrase.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.shape import ID, Attribute, Element, Format, Kind
from gateway.errors import ExpressionError
from gateway.pipeline.changes import RESPONSE, Change
from gateway.pipeline.policy import ANYWHERE, PolicyType

if TYPE_CHECKING:
    from gateway.documents.model import Section
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.wire.messages import Response

_REASON = Format(r"[\t\x20-\x7e\xa0-\xff]*", "one line of Latin-1 text")


@dataclass(frozen=True, slots=True)
class SetStatus(PolicyType):
    """One compiled set-status; without *reason* the registered phrase is sent."""

    shape: ClassVar[Element] = Element(
        "set-status",
        "Changes the status of the response.",
        attributes=(
            ID,
            Attribute("code", "HTTP status code.", Kind.INTEGER, required=True, minimum=200, maximum=599),
            Attribute("reason", "Reason phrase; if absent, the registered one.", format=_REASON),
        ),
    )
    sections: ClassVar[frozenset[Section]] = ANYWHERE
    changes: ClassVar[Change] = RESPONSE

    code: Value[int]
    reason: Value[str] | None

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<set-status>``."""
        return cls(settings.integer("code"), settings.maybe(settings.text, "reason"))

    def apply(self, context: Context) -> None:
        """Changes ``context.Response``. Raises ExpressionError: no status of a final response."""
        self.change(context.answer, context)

    def change(self, response: Response, context: Context) -> None:
        """Apply to *response*; return-response uses it for its own."""
        code = self.code(context)
        # 1xx and 101 would break the framing of the connection, so an expression cannot make them either.
        if not 200 <= code <= 599:
            raise ExpressionError("ArgumentOutOfRangeException", f"{code} is not the status of a final response")
        reason = self.reason(context) if self.reason else ""
        if not re.fullmatch(_REASON.pattern, reason):
            raise ExpressionError("FormatException", "The reason phrase does not fit a status line.")
        response.status_code = code
        response.reason = reason or None
