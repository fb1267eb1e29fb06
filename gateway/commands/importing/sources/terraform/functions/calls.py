"""
One call of a function: its arguments, and what its result is made of.

A function takes a FunctionCall and returns a node. Whatever a library raises for arguments that it cannot use becomes
an EvaluationError; what needs a value that is not known becomes unresolved as a whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from gateway.commands.importing.sources.terraform import conversion
from gateway.commands.importing.sources.terraform.folder import SourceFolder
from gateway.commands.importing.sources.terraform.values import (
    EvaluationError,
    WorkBounds,
    node_of,
    unknowns,
    unresolved,
)
from gateway.errors import Location
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """
    Attributes:
        source: How the call is written.
    """

    name: str
    arguments: list[YamlNode]
    location: Location
    source: str
    bounds: WorkBounds
    folder: SourceFolder

    def text(self, place: int) -> str:
        """The argument at *place* as a text. Raises EvaluationError and NotKnown, as all of these do."""
        return conversion.text(self.arguments[place], self.location)

    def number(self, place: int) -> int | float:
        """The argument at *place* as a number."""
        return conversion.number(self.arguments[place], self.location)

    def whole(self, place: int) -> int:
        """The argument at *place* as a whole number."""
        return conversion.whole_number(self.arguments[place], self.location)

    def elements(self, place: int) -> list[YamlNode]:
        """The items of the list at *place*."""
        return conversion.elements(self.arguments[place], self.location)

    def mapping(self, place: int) -> Mapping:
        """The object at *place*."""
        return conversion.object_of(self.arguments[place], self.location)

    def shown(self, place: int) -> Scalar:
        """The single value at *place*, known or not: of what is unknown, its placeholder."""
        node = self.arguments[place]
        if not isinstance(node, Scalar) or node.null:
            raise EvaluationError(self.location, f"{self.name} needs a text")
        return node

    def made(self, value: Any) -> YamlNode:
        """A result of plain Python values and nodes."""
        node = node_of(value, self.location)
        if isinstance(node, Scalar):
            self.bounds.made(self.location, node.value)
        return node

    def listed(self, nodes: list[YamlNode]) -> YamlNode:
        """A result that is a list."""
        self.bounds.step(self.location, len(nodes))
        return Sequence(tuple(nodes), self.location)

    def wrong(self, message: str) -> EvaluationError:
        """That the call has no value."""
        return EvaluationError(self.location, f"{self.name}: {message}")


TerraformFunction: TypeAlias = Callable[[FunctionCall], YamlNode]
_LIBRARY_ERRORS = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError)


def run(function: TerraformFunction, call: FunctionCall) -> YamlNode:
    """The result of *function*. Raises EvaluationError."""
    try:
        return function(call)
    except conversion.NotKnown:
        secret = any(part.secret for argument in call.arguments for part in unknowns(argument))
        return unresolved(call.source, call.location, secret)
    except _LIBRARY_ERRORS as error:
        detail = "too few arguments" if isinstance(error, IndexError) else "these arguments do not fit"
        raise call.wrong(detail) from None
