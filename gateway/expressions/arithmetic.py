"""
Arithmetic of the numeric types: truncating division, wrap-around, IEEE floats, 28-digit decimals.

Source: C# language specification, "Arithmetic operators", "Shift operators"; integer arithmetic is unchecked.
"""

from __future__ import annotations

import decimal
import math
import operator
from collections.abc import Callable
from decimal import Decimal

from gateway.expressions.thrown import Thrown, thrown
from gateway.expressions.values import INTEGRALS, to_single, wrapper

Operator = Callable[..., object]

_DECIMAL_MAX = Decimal(2**96 - 1)
_WIDE = decimal.Context(prec=70, rounding=decimal.ROUND_HALF_EVEN)
_CONTEXTS = tuple(decimal.Context(prec=digits, rounding=decimal.ROUND_HALF_EVEN) for digits in (29, 28))
_LEAST = Decimal(1).scaleb(-28)


def _divide_by_zero() -> Thrown:
    return thrown("DivideByZeroException", "Attempted to divide by zero.")


def _quotient(left: int, right: int) -> int:
    if right == 0:
        raise _divide_by_zero()
    whole = abs(left) // abs(right)
    return whole if (left < 0) == (right < 0) else -whole


def _integral_operators(name: str) -> dict[str, Operator]:
    wrap = wrapper(name)
    make, low, high = INTEGRALS[name]
    mask = 63 if name in ("long", "ulong") else 31

    def quotient(left: int, right: int) -> int:
        whole = _quotient(left, right)
        if whole > high:
            raise thrown("OverflowException", "Arithmetic operation resulted in an overflow.")
        return whole

    def add(left: int, right: int) -> int:
        result = left + right
        return result if type(result) is make and low <= result <= high else wrap(result)

    def subtract(left: int, right: int) -> int:
        result = left - right
        return result if type(result) is make and low <= result <= high else wrap(result)

    return {
        "+": add,
        "-": subtract,
        "*": lambda left, right: wrap(left * right),
        "/": lambda left, right: wrap(quotient(left, right)),
        "%": lambda left, right: wrap(left - quotient(left, right) * right),
        "&": lambda left, right: wrap(left & right),
        "|": lambda left, right: wrap(left | right),
        "^": lambda left, right: wrap(left ^ right),
        "<<": lambda left, count: wrap(left << (count & mask)),
        ">>": lambda left, count: wrap(left >> (count & mask)),
        "neg": lambda value: wrap(-value),
        "~": lambda value: wrap(~value),
        "pos": wrap,
    }


def float_divide(left: float, right: float) -> float:
    """``left / right`` of doubles: division by zero gives an infinity or NaN."""
    if right:
        return left / right
    if left == 0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def _float_remainder(left: float, right: float) -> float:
    if right == 0 or math.isinf(left) or math.isnan(left) or math.isnan(right):
        return math.nan
    return math.fmod(left, right)


def _float_operators(finish: Callable[[float], float]) -> dict[str, Operator]:
    return {
        "+": lambda left, right: finish(left + right),
        "-": lambda left, right: finish(left - right),
        "*": lambda left, right: finish(left * right),
        "/": lambda left, right: finish(float_divide(left, right)),
        "%": lambda left, right: finish(_float_remainder(left, right)),
        "neg": lambda value: finish(-value),
        "pos": finish,
    }


def bounded(value: Decimal) -> Decimal:
    """*value* as a .NET decimal holds it: a 96-bit mantissa and at most 28 places, rounded half to even."""
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or value.copy_abs() > _DECIMAL_MAX:
        raise thrown("OverflowException", "Value was either too large or too small for a Decimal.")
    if exponent < -28:
        value = value.quantize(_LEAST, context=_WIDE)
    for context in _CONTEXTS:
        places = value.as_tuple().exponent
        if isinstance(places, int) and value.scaleb(max(-places, 0), context=_WIDE).copy_abs() <= _DECIMAL_MAX:
            break
        value = context.plus(value)
    return value


def _decimal_divide(left: Decimal, right: Decimal) -> Decimal:
    if not right:
        raise _divide_by_zero()
    quotient = bounded(_WIDE.divide(left, right))
    return quotient if quotient or not left else Decimal(0)  # a quotient that is rounded to 0 has no places


def _decimal_remainder(left: Decimal, right: Decimal) -> Decimal:
    if not right:
        raise _divide_by_zero()
    if left.copy_abs() < right.copy_abs():
        return left  # with its own places, not those of the divisor
    return bounded(_WIDE.remainder(left, right))


_DECIMAL_OPERATORS: dict[str, Operator] = {
    "+": lambda left, right: bounded(_WIDE.add(left, right)),
    "-": lambda left, right: bounded(_WIDE.subtract(left, right)),
    "*": lambda left, right: bounded(_WIDE.multiply(left, right)),
    "/": _decimal_divide,
    "%": _decimal_remainder,
    "neg": Decimal.copy_negate,
    "pos": lambda value: value,
}

# Type keyword → operator → function. The smaller integral types are promoted to int before they get here.
ARITHMETIC: dict[str, dict[str, Operator]] = {
    **{name: _integral_operators(name) for name in ("int", "uint", "long", "ulong")},
    "float": _float_operators(to_single),
    "double": _float_operators(float),
    "decimal": _DECIMAL_OPERATORS,
}
COMPARISON: dict[str, Operator] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def checked_conversion(name: str) -> Callable[[object], int]:
    """A cast to the integral type *name* that throws where the number does not fit."""
    make, low, high = INTEGRALS[name]

    def apply(value: object) -> int:
        number = ord(value) if isinstance(value, str) else value
        if not low - 1 < number < high + 1:  # type: ignore[operator]
            raise thrown("OverflowException", "Arithmetic operation resulted in an overflow.")
        return make(int(number))  # type: ignore[call-overload]

    return apply


def checked_operator(name: str, sign: str) -> Operator:
    """``+``, ``-`` or ``*`` of the integral type *name* that throws where the result does not fit."""
    make, low, high = INTEGRALS[name]
    exact = {"+": operator.add, "-": operator.sub, "*": operator.mul}[sign]

    def apply(left: int, right: int) -> int:
        result = exact(int(left), int(right))
        if not low <= result <= high:
            raise thrown("OverflowException", "Arithmetic operation resulted in an overflow.")
        return make(result)

    return apply
