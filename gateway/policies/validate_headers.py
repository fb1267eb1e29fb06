"""
validate-headers: only response headers that the operation declares, and only with the values that it allows.

Source: APIM policy reference, "validate-headers". Headers that every response has need no declaration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Child, Element
from gateway.openapi import UNDEFINED
from gateway.pipeline.policy import PolicyType
from gateway.policies.parts.elements import FIELD_NAME
from gateway.policies.parts.parameter_check import RESPONSE_HEADER
from gateway.policies.parts.validation import ERRORS_VARIABLE, Conclusion, Finding, Overrides, action
from gateway.wire.fields import fold_name

if TYPE_CHECKING:
    from gateway.openapi import Parameter
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings

# Framing and metadata of HTTP itself.
_ALWAYS = frozenset(
    "connection content-encoding content-length content-type date keep-alive server transfer-encoding vary".split()
)

_HEADER = Element(
    "header",
    "A header with its own action.",
    attributes=(
        Attribute("name", "Its name.", required=True, expression=False, format=FIELD_NAME),
        action("action", "What happens when it is not declared, or does not fit."),
    ),
)


@dataclass(frozen=True, slots=True)
class ValidateHeaders(PolicyType):
    """One compiled validate-headers."""

    shape: ClassVar[Element] = Element(
        "validate-headers",
        "Validates the headers of the response.",
        attributes=(
            ID,
            action("specified-header-action", "For headers that the operation declares."),
            action("unspecified-header-action", "For headers that it does not declare."),
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
        settings.works_long()
        listed = {fold_name(header.constant("name")): header.text("action") for header in settings.all("header")}
        variable = settings.maybe(settings.constant, "errors-variable-name")
        overrides = Overrides(
            listed, settings.text("specified-header-action"), settings.text("unspecified-header-action")
        )
        return cls(overrides, Conclusion(variable, False))

    def apply(self, context: Context) -> None:
        """Raises PolicyError: a header is prevented."""
        definition = context.operation.definition or UNDEFINED
        declared = definition.response(context.answer.status_code)
        self.conclusion.draw(list(self._findings(declared.headers if declared else {}, context)), context)

    def _findings(self, declared: Mapping[str, Parameter], context: Context) -> Iterator[Finding]:
        headers = context.answer.headers
        for name, parameter in declared.items():
            written = [(name, value) for value in headers.values(name)]
            yield from RESPONSE_HEADER.check(
                parameter, written, self.overrides.action(name, True, context), context.work
            )
        for name in sorted({*headers.names()} - declared.keys() - _ALWAYS):
            yield RESPONSE_HEADER.unspecified(name, self.overrides.action(name, False, context))
