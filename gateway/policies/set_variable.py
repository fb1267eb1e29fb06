"""
set-variable: store a value for the rest of the request.

Source: APIM policy reference, "set-variable".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from gateway.documents.shape import ID, Attribute, Element
from gateway.pipeline.changes import OneVariable
from gateway.pipeline.policy import ANYWHERE, PolicyType

if TYPE_CHECKING:
    from gateway.documents.model import Section
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value


@dataclass(frozen=True, slots=True)
class SetVariable(PolicyType):
    """One compiled set-variable; an expression's result keeps its C# type, a literal is a string."""

    shape: ClassVar[Element] = Element(
        "set-variable",
        "Stores a value in `context.Variables` for the rest of the request, all sections and scopes.",
        attributes=(
            ID,
            Attribute("name", "Name of the variable.", required=True, expression=False),
            Attribute("value", "The value; an expression keeps its type.", required=True),
        ),
    )
    sections: ClassVar[frozenset[Section]] = ANYWHERE

    name: str
    value: Value[Any]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<set-variable>``."""
        return cls(settings.constant("name"), settings.anything("value"))

    @property
    def changes(self) -> OneVariable:
        """The variable."""
        return OneVariable(self.name)

    def apply(self, context: Context) -> None:
        """Sets the variable, over an earlier value too."""
        context.variables[self.name] = self.value(context)
