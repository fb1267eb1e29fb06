"""
validate-headers: only response headers that the API speaks of.

Source: APIM policy reference, "validate-headers". Which headers an operation declares is not known here, so those that
the policy lists are the specified ones, and headers that every response has are never looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.pipeline.document import Section
from gateway.pipeline.shape import ID, Attribute, Child, Element
from gateway.policies.validation import ERRORS_VARIABLE, Conclusion, Finding, Overrides, action

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings

# Framing and metadata of HTTP itself.
_ALWAYS = frozenset(
    "connection content-encoding content-length content-type date keep-alive server transfer-encoding vary".split()
)

_HEADER = Element(
    "header",
    "A header of its own.",
    attributes=(
        Attribute("name", "Its name.", required=True, expression=False),
        action("action", "What happens when it is there."),
    ),
)


@dataclass(frozen=True, slots=True)
class ValidateHeaders:
    """One compiled validate-headers."""

    shape: ClassVar[Element] = Element(
        "validate-headers",
        "Looks at the headers of the response.",
        attributes=(
            ID,
            action("specified-header-action", "For headers that the API declares."),
            action("unspecified-header-action", "For headers not listed."),
            ERRORS_VARIABLE,
        ),
        children=(Child(_HEADER, maximum=None),),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.OUTBOUND, Section.ON_ERROR})

    overrides: Overrides
    conclusion: Conclusion

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<validate-headers>``."""
        listed = {each.constant("name").lower(): each.text("action") for each in settings.all("header")}
        variable = settings.maybe(settings.constant, "errors-variable-name")
        return cls(Overrides(listed, settings.text("unspecified-header-action")), Conclusion(variable, False))

    def apply(self, context: Context) -> None:
        """Raises PolicyError: a header is prevented."""
        names = [name for name in context.answer.headers.names() if name not in _ALWAYS]
        self.conclusion.draw([self._finding(name, context) for name in names], context)

    def _finding(self, name: str, context: Context) -> Finding:
        details = f"Response header {name} is not allowed."
        return Finding(name, "ResponseHeader", "Unspecified", details, self.overrides.action(name, context))
