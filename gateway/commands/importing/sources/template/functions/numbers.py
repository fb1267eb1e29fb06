"""
Functions of integers.

Source: "Numeric functions for ARM templates".
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.commands.importing.sources.template import values
from gateway.commands.importing.sources.template.functions.registration import MANY, FunctionTable
from gateway.commands.importing.sources.template.limits import EvaluationFault
from gateway.errors import Location
from gateway.reading.yaml_nodes import Sequence, YamlNode

TABLE = FunctionTable()
_MOST = 1 << 63


def _computes(name: str, result: Callable[[int, int], int]) -> None:
    @TABLE.known(name, 2, 2)
    def compute(location: Location, arguments: list[YamlNode]) -> YamlNode:
        left, right = map(values.as_integer, arguments)
        try:
            value = result(left, right)
        except ZeroDivisionError:
            raise EvaluationFault(location, "a division by zero") from None
        if not -_MOST <= value < _MOST:
            raise EvaluationFault(location, "a number of more than 64 bits")
        return values.number(value, location)


def _quotient(left: int, right: int) -> int:
    """Rounded towards zero, as in C#."""
    size = abs(left) // abs(right)
    return size if (left < 0) == (right < 0) else -size


_computes("add", lambda left, right: left + right)
_computes("sub", lambda left, right: left - right)
_computes("mul", lambda left, right: left * right)
_computes("div", _quotient)
_computes("mod", lambda left, right: left - right * _quotient(left, right))


@TABLE.known("minus", 1, 1)
def _minus(location: Location, arguments: list[YamlNode]) -> YamlNode:
    return values.number(-values.as_integer(arguments[0]), location)


@TABLE.known("int", 1, 1)
def _int(location: Location, arguments: list[YamlNode]) -> YamlNode:
    shown = values.displayed(arguments[0]).strip()
    if not shown.lstrip("-").isdecimal() or len(shown) > 20:
        raise EvaluationFault(location, f"{values.shortened(shown)!r} is not an integer")
    return values.number(int(shown), location)


def _extreme(name: str, choose: Callable[[list[int]], int]) -> None:
    @TABLE.known(name, 1, MANY)
    def extreme(location: Location, arguments: list[YamlNode]) -> YamlNode:
        listed = arguments[0].items if isinstance(arguments[0], Sequence) else tuple(arguments)
        numbers = [values.as_integer(item) for item in listed]
        if not numbers:
            raise EvaluationFault(location, f"{name} of nothing")
        return values.number(choose(numbers), location)


_extreme("min", min)
_extreme("max", max)
