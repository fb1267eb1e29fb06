"""
One parameter or header against its definition: what validate-parameters and validate-headers share.

Source: APIM, "Validation errors" of the content validation policies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.openapi import SeveralValues, Unreadable
from gateway.openapi.json_schema import CHECK_TIME_S
from gateway.policies.parts.validation import Finding
from gateway.wire.slices import rest, work_time

if TYPE_CHECKING:
    from gateway.openapi import Parameter
    from gateway.wire.work import Work


@dataclass(frozen=True, slots=True)
class ParameterKind:
    """
    The place of a parameter, in APIM's terms.

    Attributes:
        type: ``QueryParameter``, ``PathParameter``, ``RequestHeader`` or ``ResponseHeader``.
        words: For details: ``query parameter``.
    """

    type: str
    words: str
    on_request: bool = True

    def unspecified(self, name: str, action: str) -> Finding:
        """*name* is in the message and not in the definition."""
        details = f"Unspecified {self.words} {name[:80]} is not allowed."
        return Finding(name, self.type, "Unspecified", details, action)

    def check(
        self, parameter: Parameter, written: Sequence[tuple[str, str]], action: str, work: Work
    ) -> Iterator[Finding]:
        """What is wrong with a declared *parameter* for what is *written*. Raises WorkExceeded."""
        rest()
        details = "" if action == "ignore" else self._details(parameter, written, work)
        if details:
            yield Finding(parameter.name, self.type, "IncorrectMessage", details, action)

    def _details(self, parameter: Parameter, written: Sequence[tuple[str, str]], work: Work) -> str:
        what = f"{self.words} {parameter.name}"
        if not written:
            return f"The required {what} is missing." if parameter.required else ""
        try:
            mistake = _mistake(parameter, written, self.on_request, work)
        except SeveralValues:
            message = "Request" if self.on_request else "Response"
            return f"{message} cannot contain multiple values for the {what}."
        except (Unreadable, RecursionError):
            return f"Value of the {what} cannot be parsed according to the definition."
        return f"Value of the {what} does not conform to the definition. {mistake}" if mistake else ""


def _mistake(parameter: Parameter, written: Sequence[tuple[str, str]], on_request: bool, work: Work) -> str:
    """``parameter.mistake``, whose time is taken from *work*. Raises WorkExceeded."""
    begun_s = work_time()
    try:
        return parameter.mistake(written, on_request, min(CHECK_TIME_S, work.time_s))
    finally:
        work.used(work_time() - begun_s)


QUERY = ParameterKind("QueryParameter", "query parameter")
PATH = ParameterKind("PathParameter", "path parameter")
REQUEST_HEADER = ParameterKind("RequestHeader", "header")
RESPONSE_HEADER = ParameterKind("ResponseHeader", "header", on_request=False)
