"""The digits of numbers: exact, rounded, grouped, in scientific notation. Both kinds of formats write with them."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal

from gateway.expressions.thrown import Thrown, thrown

_EXACT = Context(prec=1200, rounding=ROUND_HALF_UP)


def bad_format() -> Thrown:
    """What an impossible format string throws."""
    return thrown("FormatException", "Format specifier was invalid.")


def exact(value: int | float | Decimal) -> Decimal:
    """The number without any loss."""
    return Decimal(value)


def rounded(number: Decimal, places: int) -> Decimal:
    """*number* with *places* digits after the point, half away from zero."""
    return number.quantize(Decimal(1).scaleb(-places), context=_EXACT)


def grouped(digits: str) -> str:
    """Thousands separators in a string of digits."""
    return f"{int(digits):,}" if len(digits) <= 18 else ",".join(re.findall(r"\d{1,3}", digits[::-1]))[::-1]


def joined(whole: str, fraction: str) -> str:
    """Whole digits and fraction digits with the point between them."""
    return f"{whole}.{fraction}" if fraction else whole


def exponential(number: Decimal, places: int, letter: str, width: int, plus: str = "+") -> str:
    """Scientific notation with *places* digits after the point and an exponent of at least *width* digits."""
    if number:
        number = Context(prec=places + 1, rounding=ROUND_HALF_UP).plus(number)
    sign, digits, _ = number.as_tuple()
    power = number.adjusted() if number else 0
    shown = "".join(map(str, digits)).ljust(places + 1, "0")[: places + 1]
    mantissa = joined(shown[0], shown[1:])
    return f"{'-' if sign else ''}{mantissa}{letter}{'-' if power < 0 else plus}{abs(power):0{width}d}"
