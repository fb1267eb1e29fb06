"""
Functions that decide: ``if``, ``and``, ``equals``, ``coalesce``, ``less``.

Source: "Logical functions", "Comparison functions for ARM templates".
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.commands.importing.resources import Unresolved
from gateway.commands.importing.sources.template import values
from gateway.commands.importing.sources.template.functions.registration import MANY, FunctionTable
from gateway.commands.importing.sources.template.limits import EvaluationFault
from gateway.commands.importing.sources.template.syntax import EvaluationFrame, Invocation
from gateway.errors import Location
from gateway.reading.yaml_nodes import YamlNode

TABLE = FunctionTable()


@TABLE.lazy("if", 3, 3)
def _if(call: Invocation, frame: EvaluationFrame) -> YamlNode:
    condition = call.arguments[0].evaluate(frame)
    if isinstance(condition, Unresolved):
        return values.unknown(call.label, call.location, [condition])
    return call.arguments[1 if values.as_boolean(condition) else 2].evaluate(frame)


def _decides(call: Invocation, frame: EvaluationFrame, decisive: bool) -> YamlNode:
    """``and`` and ``or``: one argument with the *decisive* value settles it, whatever is unknown."""
    unknown: list[YamlNode] = []
    for argument in call.arguments:
        value = argument.evaluate(frame)
        if isinstance(value, Unresolved):
            unknown.append(value)
        elif values.as_boolean(value) == decisive:
            return values.boolean(decisive, call.location)
    return (
        values.unknown(call.label, call.location, unknown) if unknown else values.boolean(not decisive, call.location)
    )


@TABLE.lazy("and", 2, MANY)
def _and(call: Invocation, frame: EvaluationFrame) -> YamlNode:
    return _decides(call, frame, False)


@TABLE.lazy("or", 2, MANY)
def _or(call: Invocation, frame: EvaluationFrame) -> YamlNode:
    return _decides(call, frame, True)


@TABLE.lazy("coalesce", 1, MANY)
def _coalesce(call: Invocation, frame: EvaluationFrame) -> YamlNode:
    value: YamlNode = values.null(call.location)
    for argument in call.arguments:
        value = argument.evaluate(frame)
        if values.kind(value) != "null":
            break
    return value


@TABLE.known("not", 1, 1)
def _not(location: Location, arguments: list[YamlNode]) -> YamlNode:
    return values.boolean(not values.as_boolean(arguments[0]), location)


@TABLE.known("true", 0, 0)
def _true(location: Location, arguments: list[YamlNode]) -> YamlNode:
    return values.boolean(True, location)


@TABLE.known("false", 0, 0)
def _false(location: Location, arguments: list[YamlNode]) -> YamlNode:
    return values.boolean(False, location)


@TABLE.known("null", 0, 0)
def _null(location: Location, arguments: list[YamlNode]) -> YamlNode:
    return values.null(location)


@TABLE.known("bool", 1, 1)
def _bool(location: Location, arguments: list[YamlNode]) -> YamlNode:
    shown = values.displayed(arguments[0]).lower()
    if shown not in ("true", "false", "0", "1"):
        raise EvaluationFault(location, f"{shown!r} is not a boolean")
    return values.boolean(shown in ("true", "1"), location)


@TABLE.known("equals", 2, 2)
def _equals(location: Location, arguments: list[YamlNode]) -> YamlNode:
    return values.boolean(values.equal(*arguments), location)


@TABLE.known("equalsIgnoreCase", 2, 2)
def _equals_ignore_case(location: Location, arguments: list[YamlNode]) -> YamlNode:
    left, right = (values.displayed(argument).lower() for argument in arguments)
    return values.boolean(left == right, location)


def _compares(name: str, holds: Callable[[int], bool]) -> None:
    """One comparison; *holds* gets -1, 0 or 1."""

    @TABLE.known(name, 2, 2)
    def compare(location: Location, arguments: list[YamlNode]) -> YamlNode:
        left, right = arguments
        if values.kind(left) == "int":
            difference = values.as_integer(left) - values.as_integer(right)
            return values.boolean(holds((difference > 0) - (difference < 0)), location)
        first, second = values.as_text(left), values.as_text(right)
        return values.boolean(holds((first > second) - (first < second)), location)


_compares("less", lambda order: order < 0)
_compares("lessOrEquals", lambda order: order <= 0)
_compares("greater", lambda order: order > 0)
_compares("greaterOrEquals", lambda order: order >= 0)
