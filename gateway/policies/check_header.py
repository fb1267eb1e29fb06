"""
check-header: refuse a request whose header is missing or has an unexpected value.

Source: APIM policy reference, "check-header"; reasons from "Error handling in API Management policies".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Child, Element, Kind
from gateway.errors import PolicyError
from gateway.pipeline.policy import PolicyType
from gateway.pipeline.values import Constant
from gateway.policies.parts.elements import FIELD_NAME, VALUE

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value


@dataclass(frozen=True, slots=True)
class CheckHeader(PolicyType):
    """One compiled check-header; without *values* the header's presence is enough."""

    shape: ClassVar[Element] = Element(
        "check-header",
        "Refuses a request whose header is missing or has an unexpected value.",
        attributes=(
            ID,
            Attribute("name", "Header to check, in any case.", required=True, format=FIELD_NAME),
            Attribute(
                "failed-check-httpcode",
                "HTTP status of the refusal.",
                Kind.INTEGER,
                required=True,
                minimum=200,
                maximum=599,
            ),
            Attribute("failed-check-error-message", "Message of the refusal.", required=True),
            Attribute("ignore-case", "Compare values without regard to case; needed with values.", Kind.BOOLEAN),
        ),
        children=(Child(VALUE, maximum=None),),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND})
    changes: ClassVar[None] = None

    name: Value[str]
    values: tuple[Value[str], ...]
    ignore_case: Value[bool]
    status: Value[int]
    message: Value[str]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<check-header>``."""
        values = tuple(value.content() for value in settings.all("value"))
        ignore_case = settings.maybe(settings.boolean, "ignore-case")
        if (
            values and ignore_case is None
        ):  # instances of APIM have documents without it where there is nothing to compare
            message = "check-header with values needs the attribute ignore-case"
            raise settings.error("missing-attribute", message, 'add ignore-case="…"')
        return cls(
            name=settings.text("name"),
            values=values,
            ignore_case=ignore_case or Constant(False),
            status=settings.integer("failed-check-httpcode"),
            message=settings.text("failed-check-error-message"),
        )

    def apply(self, context: Context) -> None:
        """Raises PolicyError: HeaderNotFound, HeaderValueNotAllowed."""
        name = self.name(context)
        values = context.request.headers.values(name)
        if not values:
            message = f"Header {name} was not found in the request. Access denied."
            self._refuse(context, "HeaderNotFound", message, expected={"header": name}, found="no such header")
        if self.values and (len(values) > 1 or not self._allows(values[0], context)):
            shown, logged = (
                f"Header {name} value of {text} is not allowed. Access denied." for text in (",".join(values), "…")
            )
            # The values may be a shared secret: they are counted, not shown.
            expected = {"header": name, "one_value_of": len(self.values)}
            given = {"values": len(values), "characters": len(values[0])}
            self._refuse(context, "HeaderValueNotAllowed", shown, logged, expected=expected, found=given)

    def _allows(self, value: str, context: Context) -> bool:
        allowed = [candidate(context) for candidate in self.values]
        if self.ignore_case(context):
            return value.casefold() in {text.casefold() for text in allowed}
        return value in allowed

    def _refuse(self, context: Context, reason: str, message: str, logged: str = "", **facts: object) -> None:
        status, public = self.status(context), self.message(context)
        raise PolicyError(
            status,
            reason,
            message,
            public,
            logged_message=logged,
            expected=facts["expected"],
            found=facts["found"],
        )
