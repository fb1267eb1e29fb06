"""
Arithmetic: integers as C# has them, checked; decimals as soon as one operand has a fraction; doubles beyond those.

Source: DotLiquid, "StandardFilters.DoMathsOperation", "ExpressionUtility".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from gateway.expressions import primitives as p
from gateway.expressions.arithmetic import ARITHMETIC, checked_operator
from gateway.expressions.change_type import change_type
from gateway.expressions.limits import ITEM, charge
from gateway.expressions.thrown import Thrown, null_reference, out_of_range, thrown
from gateway.expressions.types.numbers import parse_decimal, parse_double, round_decimal
from gateway.expressions.values import Char, Int64
from gateway.liquid.cultures import currency, is_culture
from gateway.liquid.filters.signatures import anything, string, table
from gateway.liquid.values import HashMember, NestedMember, is_sequence, is_text, text_of, type_name

_REAL = (float, Decimal)
_CULTURE = re.compile("[A-Za-z0-9][A-Za-z0-9_-]+")
_NAMES = {"+": "AddChecked", "-": "SubtractChecked", "*": "MultiplyChecked", "/": "Divide", "%": "Modulo"}
_CHECKED: Mapping[tuple[str, str], Callable[..., Any]] = {
    (name, sign): checked_operator(name, sign) for name in ("int", "long") for sign in "+-*"
}


def _maths(sign: str) -> Callable[[Any, Any], Any]:
    def calculate(left: Any, right: Any) -> Any:
        if left is None or right is None:
            return None
        if isinstance(left, _REAL) or isinstance(right, _REAL):
            return _of_fractions(sign, left, right)
        return _of_integers(sign, left, right)

    return calculate


def _of_fractions(sign: str, left: Any, right: Any) -> Any:
    """Calculate with decimals, for exact sums of money; with doubles if decimals overflow."""
    for value in (left, right):
        if isinstance(value, HashMember | NestedMember) or (is_sequence(value) and not isinstance(value, str)):
            message = f"Unable to cast object of type '{type_name(value)}' to type 'System.IConvertible'."
            raise thrown("InvalidCastException", message)
    try:
        return ARITHMETIC["decimal"][sign](change_type(left, p.DECIMAL), change_type(right, p.DECIMAL))
    except Thrown as error:
        if error.value.name not in ("OverflowException", "DivideByZeroException"):
            raise
    return ARITHMETIC["double"][sign](change_type(left, p.DOUBLE), change_type(right, p.DOUBLE))


def _of_integers(sign: str, left: Any, right: Any) -> Any:
    kinds = [_integer_kind(value) for value in (left, right)]
    if None in kinds or (left.__class__ is Char and right.__class__ is Char):
        raise _not_numeric(sign, left, right, kinds)
    name = "long" if "long" in kinds else "int"
    left, right = _as_integer(left, name), _as_integer(right, name)
    return (_CHECKED.get((name, sign)) or ARITHMETIC[name][sign])(left, right)


def _as_integer(value: Any, name: str) -> int:
    number = ord(value) if value.__class__ is Char else value
    return Int64(number) if name == "long" else number


def _integer_kind(value: Any) -> str | None:
    return {int: "int", Int64: "long", Char: "int"}.get(value.__class__)


def _not_numeric(sign: str, left: Any, right: Any, kinds: list[str | None]) -> Thrown:
    first, second = type_name(left), type_name(right)
    if first != second:
        side = "left" if kinds[0] is None else "right"
        return thrown("InvalidOperationException", f"Argument is not numeric (Parameter '{side}')")
    message = f"The binary operator {_NAMES[sign]} is not defined for the types '{first}' and '{second}'."
    return thrown("InvalidOperationException", message)


_ADD, _MULTIPLY = _maths("+"), _maths("*")


def _plus(value: Any, operand: Any) -> Any:
    """Add numbers; text is concatenated."""
    if not is_text(value):
        return _ADD(value, operand)
    more = text_of(operand)
    charge(len(value) + len(more))
    return value + more


def _times(value: Any, operand: Any) -> Any:
    """Multiply numbers; text is repeated."""
    if not is_text(value) or _integer_kind(operand) is None:
        return _MULTIPLY(value, operand)
    operand = change_type(operand, p.INT)
    if operand < 0:
        raise out_of_range("count")
    charge(max(len(value), ITEM) * operand)
    return (value,) * operand


def _round(value: Any, places: Any) -> Decimal | None:
    """Half to even; null for what is not a number."""
    try:
        digits = 0 if places is None else change_type(places, p.INT)
        return round_decimal(change_type(value, p.DECIMAL), digits)  # type: ignore[arg-type]
    except Thrown:
        return None


def _shown(value: Any) -> str:
    if value is None:
        raise null_reference()
    return text_of(value)


def _toward(rounding: str) -> Callable[[Any], Decimal | None]:
    def whole(value: Any) -> Decimal | None:
        try:
            return _any_style(_shown(value)).to_integral_value(rounding)
        except _Unreadable:
            return None

    return whole


class _Unreadable(Exception):
    """Text that is not a number."""


def _any_style(shown: str) -> Decimal:
    """``decimal.TryParse`` with NumberStyles.Any: currency sign, parentheses and an exponent are allowed."""
    plain = shown.strip().replace("¤", "")
    if plain.startswith("(") and plain.endswith(")"):
        plain = f"-{plain[1:-1]}"
    mantissa, _, exponent = plain.lower().partition("e")
    try:
        number = parse_decimal(mantissa)
        return number.scaleb(int(exponent)) if exponent else number
    except (Thrown, ValueError, ArithmeticError):
        raise _Unreadable from None


def _plain_double(value: Any) -> float | None:
    """``double.TryParse`` with NumberStyles.Number: no exponent."""
    shown = _shown(value)
    try:
        return None if "e" in shown.lower() else parse_double(shown)
    except Thrown:
        return None


def _abs(value: Any) -> float:
    return abs(_plain_double(value) or 0.0)


def _bound(choose: Callable[[float, float], float]) -> Callable[[Any, Any], Any]:
    def limited(value: Any, limit: Any) -> Any:
        number, bound = _plain_double(value), _plain_double(limit)
        return value if number is None or bound is None else choose(number, bound)

    return limited


def _currency(value: Any, tag: str | None) -> str | None:
    """``ToString("C")`` in the culture of this name; without a name, in the invariant culture."""
    if value is None:
        return None
    name = (tag or "").strip()
    if name and not _CULTURE.fullmatch(name):
        raise _no_culture(name)
    try:
        amount = change_type(value, p.DECIMAL) if isinstance(value, _REAL) else _any_style(text_of(value))
    except _Unreadable:
        return text_of(value)
    if not is_culture(name):
        raise _no_culture(name)
    return currency(amount, name)  # type: ignore[arg-type]


def _no_culture(name: str) -> Thrown:
    message = f"Culture is not supported. (Parameter 'name')\n{name} is an invalid culture identifier."
    return thrown("ArgumentException", message)


_VALUE = anything("input")
_OPERAND = anything("operand")
NUMBERS = table(
    ("Plus", _plus, (_VALUE, _OPERAND)),
    ("Minus", _maths("-"), (_VALUE, _OPERAND)),
    ("Times", _times, (_VALUE, _OPERAND)),
    ("DividedBy", _maths("/"), (_VALUE, _OPERAND)),
    ("Modulo", _maths("%"), (_VALUE, _OPERAND)),
    ("Round", _round, (_VALUE, anything("places", None))),
    ("Ceil", _toward(ROUND_CEILING), (_VALUE,)),
    ("Floor", _toward(ROUND_FLOOR), (_VALUE,)),
    ("Abs", _abs, (_VALUE,)),
    ("AtLeast", _bound(max), (_VALUE, anything("atLeast"))),
    ("AtMost", _bound(min), (_VALUE, anything("atMost"))),
    ("Currency", _currency, (_VALUE, string("languageTag", None))),
)
