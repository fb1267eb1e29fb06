"""
Operators of expressions.

Source: Terraform's documentation, "Operators".
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from gateway.commands.importing.resources import Unresolved
from gateway.commands.importing.sources.terraform.conversion import NotKnown, flag, number
from gateway.commands.importing.sources.terraform.values import EvaluationError, flag_node, number_node, plain, unknowns
from gateway.errors import Location
from gateway.reading.yaml_nodes import Scalar, YamlNode

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": math.fmod,
}


def settled(name: str, first: YamlNode) -> bool | None:
    """What ``&&`` or ``||`` is by its first operand alone, or None."""
    value = first.value if isinstance(first, Scalar) and not isinstance(first, Unresolved) else ""
    return {("&&", "false"): False, ("||", "true"): True}.get((name, value))


def operate(name: str, operands: list[YamlNode], location: Location) -> YamlNode:
    """The result of the operator *name*. Raises EvaluationError, and NotKnown where an operand is not known."""
    if name in ("==", "!="):
        return flag_node(_same(*operands) == (name == "=="), location)
    if name in ("&&", "||", "!"):
        return flag_node(_logical(name, operands, location), location)
    return _calculated(name, [number(operand, location) for operand in operands], location)


def _logical(name: str, operands: list[YamlNode], location: Location) -> bool:
    known = [flag(operand, location) for operand in operands if not isinstance(operand, Unresolved)]
    if name == "!":
        return not known[0] if known else _unknown()
    decisive = name == "||"
    if decisive in known:
        return decisive
    return not decisive if len(known) == len(operands) else _unknown()


def _unknown() -> bool:
    raise NotKnown


def _same(left: YamlNode, right: YamlNode) -> bool:
    if any(True for operand in (left, right) for _ in unknowns(operand)):
        raise NotKnown
    first, second = plain(left), plain(right)
    return type(first) is type(second) and bool(first == second) if isinstance(first, bool) else bool(first == second)


def _calculated(name: str, values: list[int | float], location: Location) -> YamlNode:
    if len(values) == 1:
        return number_node(-values[0], location)
    if name in _COMPARISONS:
        return flag_node(_COMPARISONS[name](*values), location)
    try:
        result = _ARITHMETIC[name](*values)
    except (ArithmeticError, ValueError, KeyError):
        raise EvaluationError(location, "this cannot be calculated") from None
    if abs(result) > 1e300:
        raise EvaluationError(location, "the number is too large")
    return number_node(result, location)
