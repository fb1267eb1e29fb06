"""
What the four content validations share: actions, findings, and how they become a refusal, a log line or nothing.

Source: APIM, "Content validation policies": actions, errors variable, status codes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from gateway.documents.shape import Attribute
from gateway.errors import PolicyError

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.step import Value

log = structlog.get_logger("gateway.validation")

ACTIONS = ("ignore", "prevent", "detect")

# What a caller reads about a response that does not fit: nothing about it.
_HIDDEN = "The request could not be processed due to an internal error. Contact the API owner."

ERRORS_VARIABLE = Attribute("errors-variable-name", "Variable for the list of errors.", expression=False)


def action(name: str, doc: str, required: bool = True) -> Attribute:
    """An attribute that holds an action."""
    return Attribute(name, doc, required=required, choices=ACTIONS)


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One thing that does not fit.

    Attributes:
        kind: ``RequestBody``, ``QueryParameter``, ``PathParameter``, ``RequestHeader``, ``ResponseBody``,
            ``ResponseHeader``, ``StatusCode``.
        rule: ``SizeLimit``, ``IncorrectMessage``, ``Unspecified``.
    """

    name: str
    kind: str
    rule: str
    details: str
    action: str

    @property
    def demand(self) -> dict[str, object]:
        """What did not fit, and which rule asked for more, for the request log; never the value."""
        return {"kind": self.kind, "name": self.name, "rule": self.rule}

    def as_variable(self) -> dict[str, object]:
        """As expressions see it."""
        return {
            "Name": self.name,
            "Type": self.kind,
            "ValidationRule": self.rule,
            "Details": self.details,
            "Action": self.action,
        }


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What follows from findings."""

    variable: str | None
    on_request: bool

    def draw(self, findings: Iterable[Finding], context: Context) -> None:
        """Variable, log line, refusal. Raises PolicyError: 400 for requests, 502 for responses."""
        reported = [finding for finding in findings if finding.action != "ignore"]
        if reported and self.variable:
            context.variables[self.variable] = [finding.as_variable() for finding in reported]
        for finding in reported:
            log.info("validation", request_id=str(context.request_id), **finding.as_variable())
        self._refuse(reported)

    def _refuse(self, reported: list[Finding]) -> None:
        """The first finding that is to be prevented decides."""
        prevented = next((finding for finding in reported if finding.action == "prevent"), None)
        if prevented is None:
            return
        if self.on_request:
            raise PolicyError(400, "Bad request", prevented.details, expected=prevented.demand)
        raise PolicyError(502, "Response not allowed", prevented.details, _HIDDEN, expected=prevented.demand)


@dataclass(frozen=True, slots=True)
class Overrides:
    """
    An action for each name that is listed, and one for all others.

    Attributes:
        by_name: By name, case-folded; headers by field key.
        specified: For those that the definition has.
        unspecified: For those that it does not have.
    """

    by_name: dict[str, Value[str]]
    specified: Value[str]
    unspecified: Value[str]

    def action(self, name: str, specified: bool, context: Context) -> str:
        """What happens to *name*, in any case."""
        value = self.by_name.get(name.casefold(), self.specified if specified else self.unspecified)
        return value(context)
