"""
send-request: call another service and keep its answer in a variable.

Source: APIM policy reference, "send-request".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.shape import ID, Attribute, Element, Kind
from gateway.errors import UpstreamError
from gateway.pipeline.changes import OneVariable
from gateway.pipeline.policy import ANYWHERE, PolicyType
from gateway.policies.parts.outgoing import ATTRIBUTES, CHILDREN, Outgoing

if TYPE_CHECKING:
    from gateway.documents.model import Section
    from gateway.pipeline.context import Context
    from gateway.pipeline.destination import Destination
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value


@dataclass(frozen=True, slots=True)
class SendRequest(PolicyType):
    """One compiled send-request; an HTTP error status is an answer, not a failure."""

    shape: ClassVar[Element] = Element(
        "send-request",
        "Calls another service and keeps its answer in a variable.",
        attributes=(
            ID,
            *ATTRIBUTES,
            Attribute("response-variable-name", "Variable for the answer.", required=True, expression=False),
            Attribute(
                "ignore-error",
                "Whether a failure sets the variable to null.",
                Kind.BOOLEAN,
                default="false",
            ),
        ),
        children=CHILDREN,
    )
    sections: ClassVar[frozenset[Section]] = ANYWHERE

    outgoing: Outgoing
    variable: str
    ignores_error: Value[bool]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<send-request>``."""
        outgoing = Outgoing.compile(settings)
        return cls(outgoing, settings.constant("response-variable-name"), settings.boolean("ignore-error"))

    @property
    def destinations(self) -> tuple[Destination, ...]:
        """The other service, where the request is a copy."""
        return self.outgoing.destinations

    @property
    def changes(self) -> OneVariable:
        """The variable."""
        return OneVariable(self.variable)

    async def apply(self, context: Context) -> None:
        """Waits for the answer. Raises UpstreamError: there is none, and that is not ignored."""
        try:
            context.variables[self.variable] = await self.outgoing.send(context)
        except UpstreamError:
            if not self.ignores_error(context):
                raise
            context.variables[self.variable] = None
