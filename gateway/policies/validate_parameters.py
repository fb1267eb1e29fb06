"""
validate-parameters: only parameters that the operation declares, and only with the values that it allows.

Source: APIM policy reference, "validate-parameters". Without an OpenAPI definition the URL template declares path and
query parameters, and headers are looked at where the policy names them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Child, Element
from gateway.openapi import UNDEFINED
from gateway.pipeline.changes import Change, variables
from gateway.pipeline.policy import PolicyType
from gateway.policies.parts import query
from gateway.policies.parts.parameter_check import PATH, QUERY, REQUEST_HEADER
from gateway.policies.parts.validation import ERRORS_VARIABLE, Conclusion, Finding, Overrides, action
from gateway.wire.fields import fold_name
from gateway.wire.slices import rest

if TYPE_CHECKING:
    from gateway.openapi import OperationDefinition
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings

# HTTP itself needs them, or the gateway has made them; definitions do not declare them.
_ALWAYS = frozenset(
    """
    connection content-length content-type host transfer-encoding via x-forwarded-for x-forwarded-host
    x-forwarded-proto
    """.split()
)

_PARAMETER = Element(
    "parameter",
    "A parameter with its own action.",
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
class ValidateParameters(PolicyType):
    """One compiled validate-parameters; *headers_named*: whether it has ``<headers>``."""

    shape: ClassVar[Element] = Element(
        "validate-parameters",
        "Validates the parameters of the request.",
        attributes=(
            ID,
            action("specified-parameter-action", "For parameters that are declared."),
            action("unspecified-parameter-action", "For parameters that are not."),
            ERRORS_VARIABLE,
        ),
        children=(Child(_kind("headers", True)), Child(_kind("query", True)), Child(_kind("path", False))),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND})

    query: Overrides
    headers: Overrides
    path: Overrides
    headers_named: bool
    conclusion: Conclusion

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<validate-parameters>``."""
        settings.works_long()
        variable = settings.maybe(settings.constant, "errors-variable-name")
        return cls(
            query=_overrides(settings, "query"),
            headers=_overrides(settings, "headers"),
            path=_overrides(settings, "path"),
            headers_named=settings.child("headers") is not None,
            conclusion=Conclusion(variable, True),
        )

    @property
    def changes(self) -> Change | None:
        """The variable for its findings."""
        return variables(self.conclusion.variable)

    def apply(self, context: Context) -> None:
        """Raises PolicyError: a parameter is prevented."""
        definition = context.operation.definition or UNDEFINED
        findings = [
            *self._path(definition, context),
            *self._query(definition, context),
            *self._headers(definition, context),
        ]
        self.conclusion.draw(findings, context)

    def _path(self, definition: OperationDefinition, context: Context) -> Iterator[Finding]:
        matched = context.request.matched_parameters
        for name, parameter in definition.path.items():
            written = [(name, matched[name])] if name in matched else []
            yield from PATH.check(parameter, written, self.path.action(name, True, context), context.work)

    def _query(self, definition: OperationDefinition, context: Context) -> Iterator[Finding]:
        request = context.request
        pairs = [(query.name_of(pair), query.value_of(pair)) for pair in query.pairs(request.query)]
        for parameter in definition.query:
            rest()
            given = [pair for pair in pairs if parameter.owns(pair[0])]
            yield from QUERY.check(parameter, given, self.query.action(parameter.name, True, context), context.work)
        declared = {name.casefold() for name in request.matched_query}
        for name in _unspecified({name for name, _ in pairs} - declared, definition):
            yield QUERY.unspecified(name, self.query.action(name, False, context))

    def _headers(self, definition: OperationDefinition, context: Context) -> Iterator[Finding]:
        headers = context.request.headers
        for name, parameter in definition.headers.items():
            written = [(name, value) for value in headers.values(name)]
            yield from REQUEST_HEADER.check(parameter, written, self.headers.action(name, True, context), context.work)
        if definition is not UNDEFINED or self.headers_named:
            own = _ALWAYS | {context.request.id_key}
            for name in sorted({*headers.names()} - definition.headers.keys() - own):
                yield REQUEST_HEADER.unspecified(name, self.headers.action(name, False, context))


def _unspecified(names: set[str], definition: OperationDefinition) -> list[str]:
    """Those of *names* that no query parameter of *definition* owns, sorted."""
    return sorted(name for name in names if not any(parameter.owns(name) for parameter in definition.query))


def _overrides(settings: Settings, kind: str) -> Overrides:
    """The actions for one kind of parameters: its own, else those of the whole policy."""
    own = settings.child(kind)
    specified, unspecified = "specified-parameter-action", "unspecified-parameter-action"
    if own is None:
        return Overrides({}, settings.text(specified), settings.text(unspecified))
    key = fold_name if kind == "headers" else str.casefold
    listed = {key(parameter.constant("name")): parameter.text("action") for parameter in own.all("parameter")}
    looks = own.maybe(own.text, unspecified) if kind != "path" else None
    return Overrides(
        listed, own.maybe(own.text, specified) or settings.text(specified), looks or settings.text(unspecified)
    )
