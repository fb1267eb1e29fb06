"""The digits of numbers: exact, rounded, grouped, in scientific notation. Both kinds of formats write with them."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal

from gateway.expressions.thrown import Thrown, thrown

_PRECISION = 1200


def bad_format() -> Thrown:
    """The exception for an impossible format string."""
    return thrown("FormatException", "Format specifier was invalid.")


def exact(value: int | float | Decimal) -> Decimal:
    """The number without any loss."""
    return Decimal(value)


def half_of(value: int | float | Decimal) -> str:
    """How a number exactly in the middle is rounded: a double to even (since .NET Core 3.0), others away from zero."""
    return ROUND_HALF_EVEN if isinstance(value, float) else ROUND_HALF_UP


def rounded(number: Decimal, places: int, half: str = ROUND_HALF_UP) -> Decimal:
    """*number* with *places* digits after the point."""
    return number.quantize(Decimal(1).scaleb(-places), context=Context(prec=_PRECISION, rounding=half))


def scaled(number: Decimal, places: int) -> Decimal:
    """*number* with its point moved to the right."""
    return number.scaleb(places, context=Context(prec=_PRECISION))


def grouped(digits: str) -> str:
    """Thousands separators in a string of digits."""
    return f"{int(digits):,}" if len(digits) <= 18 else ",".join(re.findall(r"\d{1,3}", digits[::-1]))[::-1]


def joined(whole: str, fraction: str) -> str:
    """Whole digits and fraction digits with the point between them."""
    return f"{whole}.{fraction}" if fraction else whole


def exponential(
    number: Decimal, places: int, letter: str, width: int, plus: str = "+", half: str = ROUND_HALF_UP
) -> str:
    """Scientific notation with *places* digits after the point and an exponent of at least *width* digits."""
    if number:
        number = Context(prec=places + 1, rounding=half).plus(number)
    sign, digits, _ = number.as_tuple()
    power = number.adjusted() if number else 0
    shown = "".join(map(str, digits)).ljust(places + 1, "0")[: places + 1]
    mantissa = joined(shown[0], shown[1:])
    return f"{'-' if sign and number else ''}{mantissa}{letter}{'-' if power < 0 else plus}{abs(power):0{width}d}"
