"""
JSON leaves in ``dynamic`` code: they convert and calculate as their values do.

Source: Newtonsoft.Json, JValue's dynamic proxy.
"""

from __future__ import annotations

from gateway.expressions import primitives as p
from gateway.expressions.arithmetic import ARITHMETIC
from gateway.expressions.arithmetic import COMPARISON as COMPARE
from gateway.expressions.change_type import change_type
from gateway.expressions.clr import NULL, Type, underlying
from gateway.expressions.conversions import DYNAMIC_CONVERT
from gateway.expressions.formatting.text import text
from gateway.expressions.json.comparing import compare_leaves
from gateway.expressions.json.tree import JRaw, JValue
from gateway.expressions.operators import DYNAMIC_BINARY
from gateway.expressions.runtime import type_of
from gateway.expressions.values import UInt64

_SIGNS = ("+", "-", "*", "/")


def _convert(leaf: JValue, target: Type) -> object:
    """The leaf's value converted to *target*; null only if that may be null."""
    if leaf.value is None and (not target.is_value or target is not underlying(target)):
        return None
    return change_type(leaf.value, underlying(target))


def _binary(name: str, leaf: JValue, other: object) -> object:
    if name in COMPARE:
        ordering = compare_leaves(leaf.type, leaf.value, other)
        return COMPARE[name](ordering, 0)
    if name not in _SIGNS:
        return NotImplemented
    result = _calculated(name, leaf.value, other)
    return result if result is NotImplemented else JValue(result)


def _calculated(name: str, left: object, right: object) -> object:
    """The arithmetic of the wider of two values; NotImplemented if neither is a number."""
    if name == "+" and (isinstance(left, str) or isinstance(right, str)):
        return text(left) + text(right)
    kinds = {type_of(value) for value in (left, right)} - {NULL}
    if not kinds or not kinds <= p.NUMERIC.keys() - {p.CHAR}:
        return NotImplemented
    return None if None in (left, right) else _arithmetic(name, left, right, _wide(kinds, left, right))


def _arithmetic(name: str, left: object, right: object, wide: Type) -> object:
    return ARITHMETIC[p.NUMERIC[wide]][name](change_type(left, wide), change_type(right, wide))


def _wide(kinds: set[Type], left: object, right: object) -> Type:
    if p.DECIMAL in kinds or isinstance(left, UInt64) or isinstance(right, UInt64):
        return p.DECIMAL
    return p.DOUBLE if kinds & {p.DOUBLE, p.FLOAT} else p.LONG


for _class in (JValue, JRaw):
    DYNAMIC_CONVERT[_class] = _convert  # type: ignore[assignment]
    DYNAMIC_BINARY[_class] = _binary  # type: ignore[assignment]
