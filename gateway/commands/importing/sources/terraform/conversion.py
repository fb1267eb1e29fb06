"""
Values as what an operator or function needs them: a text, a number, a truth value, the items of a collection.

Source: Terraform's documentation, "Types and Values", "Type Conversion".
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.commands.importing.resources import Unresolved
from gateway.commands.importing.sources.terraform.values import (
    EvaluationError,
    number_node,
    number_of,
    ordered,
)
from gateway.errors import Location
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode


class NotKnown(Exception):
    """A value is needed that only the deployment knows."""


def text(node: YamlNode, location: Location) -> str:
    """A text, number or truth value as text. Raises EvaluationError, and NotKnown for what is unresolved."""
    if isinstance(node, Unresolved):
        raise NotKnown
    if not isinstance(node, Scalar) or node.null:
        raise EvaluationError(location, f"a text is needed, not {_named(node)}")
    return node.value


def number(node: YamlNode, location: Location) -> int | float:
    """A number, or a text that is one. Raises EvaluationError and NotKnown."""
    value = number_of(text(node, location))
    if value is None:
        raise EvaluationError(location, "a number is needed")
    return value


def whole_number(node: YamlNode, location: Location) -> int:
    """A whole number. Raises EvaluationError and NotKnown."""
    value = number(node, location)
    if value != int(value):
        raise EvaluationError(location, "a whole number is needed")
    return int(value)


def flag(node: YamlNode, location: Location) -> bool:
    """A truth value, or a text that is one. Raises EvaluationError and NotKnown."""
    value = text(node, location)
    if value not in ("true", "false"):
        raise EvaluationError(location, "true or false is needed")
    return value == "true"


def items(node: YamlNode, location: Location) -> Iterator[tuple[Scalar, YamlNode]]:
    """Keys and values as a loop sees them: numbers from 0, or an object's keys in order. Raises as text does."""
    match node:
        case Unresolved():
            raise NotKnown
        case Sequence():
            yield from ((number_node(place, location), item) for place, item in enumerate(node.items))
        case Mapping():
            yield from ((Scalar(key, value.location), value) for key, value in ordered(node))
        case _:
            raise EvaluationError(location, f"a list or an object is needed, not {_named(node)}")


def elements(node: YamlNode, location: Location) -> list[YamlNode]:
    """The items of a list or set. Raises EvaluationError and NotKnown."""
    if isinstance(node, Mapping):
        raise EvaluationError(location, "a list is needed, not an object")
    return [value for _, value in items(node, location)]


def object_of(node: YamlNode, location: Location) -> Mapping:
    """An object or map. Raises EvaluationError and NotKnown."""
    if isinstance(node, Unresolved):
        raise NotKnown
    if not isinstance(node, Mapping):
        raise EvaluationError(location, f"an object is needed, not {_named(node)}")
    return node


def _named(node: YamlNode) -> str:
    match node:
        case Sequence():
            return "a list"
        case Mapping():
            return "an object"
        case _:
            return "null" if node.null else "a single value"
