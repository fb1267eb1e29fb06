"""
validate-status-code: only statuses that the operation declares.

Source: APIM policy reference, "validate-status-code": what the policy lists counts for statuses that are not declared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Child, Element, Kind
from gateway.pipeline.policy import PolicyType
from gateway.policies.parts.validation import ERRORS_VARIABLE, Conclusion, Finding, action

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value

_STATUS_CODE = Element(
    "status-code",
    "A status with its own action.",
    attributes=(
        Attribute("code", "The status.", Kind.INTEGER, required=True, expression=False, minimum=100, maximum=599),
        action("action", "What happens when it is not declared."),
    ),
)


@dataclass(frozen=True, slots=True)
class ValidateStatusCode(PolicyType):
    """One compiled validate-status-code."""

    shape: ClassVar[Element] = Element(
        "validate-status-code",
        "Validates the status of the response.",
        attributes=(
            ID,
            action("unspecified-status-code-action", "For statuses that the operation does not declare."),
            ERRORS_VARIABLE,
        ),
        children=(Child(_STATUS_CODE, maximum=None),),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.OUTBOUND, Section.ON_ERROR})

    by_code: dict[str, Value[str]]
    unspecified: Value[str]
    conclusion: Conclusion

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<validate-status-code>``."""
        listed = {entry.constant("code").strip(): entry.text("action") for entry in settings.all("status-code")}
        variable = settings.maybe(settings.constant, "errors-variable-name")
        return cls(listed, settings.text("unspecified-status-code-action"), Conclusion(variable, False))

    def apply(self, context: Context) -> None:
        """Raises PolicyError: the status is prevented."""
        definition, status = context.operation.definition, context.answer.status_code
        if definition is not None and definition.response(status) is not None:
            return
        code = str(status)
        details = f"Response status code {code} is not allowed."
        action = self.by_code.get(code, self.unspecified)(context)
        self.conclusion.draw([Finding(code, "StatusCode", "Unspecified", details, action)], context)
