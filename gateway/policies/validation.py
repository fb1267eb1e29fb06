"""
What the four content validations share: actions, findings, and how they become a refusal, a log line or nothing.

Source: APIM, "Content validation policies": actions, errors variable, status codes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from gateway.errors import PolicyError
from gateway.pipeline.shape import Attribute

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.policy import Value

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
        kind: ``RequestBody``, ``RequestParameter``, ``ResponseBody``, ``ResponseHeader``, ``StatusCode``.
        rule: ``SizeLimit``, ``IncorrectMessage``, ``Unspecified``, …
    """

    name: str
    kind: str
    rule: str
    details: str
    action: str

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
        found = [finding for finding in findings if finding.action != "ignore"]
        if not found:
            return
        if self.variable:
            context.variables[self.variable] = [finding.as_variable() for finding in found]
        for finding in found:
            log.info("validation", request_id=str(context.request_id), **finding.as_variable())
        self._refuse([finding for finding in found if finding.action == "prevent"])

    def _refuse(self, prevented: Sequence[Finding]) -> None:
        if not prevented:
            return
        first = prevented[0]
        status, public = (400, first.details) if self.on_request else (502, _HIDDEN)
        raise PolicyError(status, first.rule, first.details, public)


@dataclass(frozen=True, slots=True)
class Overrides:
    """An action for each name, and one for all others."""

    by_name: dict[str, Value[str]]
    otherwise: Value[str]

    def action(self, name: str, context: Context) -> str:
        """What happens to *name*, in any case."""
        return self.by_name.get(name.lower(), self.otherwise)(context)
