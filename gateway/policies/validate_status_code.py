"""
validate-status-code: only statuses that the API speaks of.

Source: APIM policy reference, "validate-status-code". Which statuses an operation declares is not known here, so those
that the policy lists are the specified ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.pipeline.document import Section
from gateway.pipeline.shape import ID, Attribute, Child, Element, Kind
from gateway.policies.validation import ERRORS_VARIABLE, Conclusion, Finding, Overrides, action

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings

_STATUS_CODE = Element(
    "status-code",
    "A status of its own.",
    attributes=(
        Attribute("code", "The status.", Kind.INTEGER, required=True, expression=False),
        action("action", "What happens then."),
    ),
)


@dataclass(frozen=True, slots=True)
class ValidateStatusCode:
    """One compiled validate-status-code."""

    shape: ClassVar[Element] = Element(
        "validate-status-code",
        "Looks at the status of the response.",
        attributes=(ID, action("unspecified-status-code-action", "For statuses not listed."), ERRORS_VARIABLE),
        children=(Child(_STATUS_CODE, maximum=None),),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.OUTBOUND, Section.ON_ERROR})

    overrides: Overrides
    conclusion: Conclusion

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<validate-status-code>``."""
        listed = {each.constant("code").strip(): each.text("action") for each in settings.all("status-code")}
        variable = settings.maybe(settings.constant, "errors-variable-name")
        return cls(Overrides(listed, settings.text("unspecified-status-code-action")), Conclusion(variable, False))

    def apply(self, context: Context) -> None:
        """Raises PolicyError: the status is prevented."""
        code = str(context.answer.status_code)
        details = f"Response status code {code} is not allowed."
        finding = Finding(code, "StatusCode", "Unspecified", details, self.overrides.action(code, context))
        self.conclusion.draw([finding], context)
