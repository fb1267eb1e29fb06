"""
validate-parameters: only parameters that the operation declares.

Source: APIM policy reference, "validate-parameters". The operation's URL template declares path and query parameters;
headers are declared by listing them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.pipeline.document import Section
from gateway.pipeline.shape import ID, Attribute, Child, Element
from gateway.policies import query
from gateway.policies.validation import ERRORS_VARIABLE, Conclusion, Finding, Overrides, action

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.policy import Value
    from gateway.pipeline.settings import Settings

_PARAMETER = Element(
    "parameter",
    "A parameter of its own.",
    attributes=(
        Attribute("name", "Its name.", required=True, expression=False),
        action("action", "What happens when it does not fit."),
    ),
)


def _kind(name: str, unspecified: bool) -> Element:
    attributes = [action("specified-parameter-action", "For those that are declared.", required=False)]
    if unspecified:
        attributes.append(action("unspecified-parameter-action", "For those that are not.", required=False))
    return Element(name, f"Parameters: {name}.", tuple(attributes), (Child(_PARAMETER, maximum=None),))


@dataclass(frozen=True, slots=True)
class ValidateParameters:
    """One compiled validate-parameters; *headers* is None where headers are not looked at."""

    shape: ClassVar[Element] = Element(
        "validate-parameters",
        "Looks at the parameters of the request.",
        attributes=(
            ID,
            action("specified-parameter-action", "For parameters that are declared."),
            action("unspecified-parameter-action", "For parameters that are not."),
            ERRORS_VARIABLE,
        ),
        children=(Child(_kind("headers", True)), Child(_kind("query", True)), Child(_kind("path", False))),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND})

    parameters: Overrides
    headers: Overrides | None
    conclusion: Conclusion

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<validate-parameters>``."""
        default = settings.text("unspecified-parameter-action")
        headers = settings.child("headers")
        variable = settings.maybe(settings.constant, "errors-variable-name")
        return cls(
            parameters=_overrides(settings.child("query"), default),
            headers=_overrides(headers, default) if headers else None,
            conclusion=Conclusion(variable, True),
        )

    def apply(self, context: Context) -> None:
        """Raises PolicyError: a parameter is prevented."""
        self.conclusion.draw([*self._query(context), *self._headers(context)], context)

    def _query(self, context: Context) -> Iterator[Finding]:
        request = context.request
        declared = {name.casefold() for name in request.matched_query}
        for name in sorted({query.name_of(pair) for pair in query.pairs(request.query)} - declared):
            yield self._finding(name, "query", self.parameters, context)

    def _headers(self, context: Context) -> Iterator[Finding]:
        if self.headers is not None:
            for name in context.request.headers.names():
                yield self._finding(name, "header", self.headers, context)

    def _finding(self, name: str, place: str, overrides: Overrides, context: Context) -> Finding:
        details = f"Unspecified {place} parameter {name[:80]} is not allowed."
        return Finding(name, "RequestParameter", "Unspecified", details, overrides.action(name, context))


def _overrides(settings: Settings | None, default: Value[str]) -> Overrides:
    if settings is None:
        return Overrides({}, default)
    listed = {each.constant("name").casefold(): each.text("action") for each in settings.all("parameter")}
    return Overrides(listed, settings.maybe(settings.text, "unspecified-parameter-action") or default)
