"""
Standard and custom numeric format strings, invariant culture.

Source: .NET "Standard numeric format strings", "Custom numeric format strings".
"""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Context, Decimal

from gateway.expressions.formatting.text import double_text, text
from gateway.expressions.limits import charge
from gateway.expressions.runtime import type_of
from gateway.expressions.thrown import Thrown, thrown
from gateway.expressions.values import Single

_STANDARD = re.compile(r"([A-Za-z])(\d{0,9})")
_EXACT = Context(prec=1200, rounding=ROUND_HALF_UP)
_BITS = {"sbyte": 8, "byte": 8, "short": 16, "ushort": 16, "int": 32, "uint": 32, "long": 64, "ulong": 64}


def bad_format() -> Thrown:
    """What an impossible format string throws."""
    return thrown("FormatException", "Format specifier was invalid.")


def format_number(value: int | float | Decimal, pattern: str) -> str:
    """*value* by *pattern*; an empty one is ``G``."""
    if not pattern:
        return text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return double_text(value)
    match = _STANDARD.fullmatch(pattern)
    if match is None:
        from gateway.expressions.formatting.custom import format_custom

        return format_custom(value, pattern)
    letter, digits = match[1], match[2]
    write = _WRITERS.get(letter.upper())
    if write is None:
        raise bad_format()
    precision = int(digits) if digits else None
    charge(precision or 0)
    return write(value, letter, precision)


def exact(value: int | float | Decimal) -> Decimal:
    """The number without any loss."""
    return Decimal(value)


def rounded(number: Decimal, places: int) -> Decimal:
    """*number* with *places* digits after the point, half away from zero."""
    return number.quantize(Decimal(1).scaleb(-places), context=_EXACT)


def grouped(digits: str) -> str:
    """Thousands separators in a string of digits."""
    return f"{int(digits):,}" if len(digits) <= 18 else ",".join(re.findall(r"\d{1,3}", digits[::-1]))[::-1]


def _parts(value: int | float | Decimal, places: int) -> tuple[bool, str, str]:
    """Sign, whole digits and fraction digits after rounding; minus zero has no sign here."""
    shown = f"{rounded(exact(value), places):f}"
    negative = shown.startswith("-")
    whole, _, fraction = shown.lstrip("-").partition(".")
    return negative and bool(int(whole + fraction or "0")), whole, fraction


def _joined(whole: str, fraction: str) -> str:
    return f"{whole}.{fraction}" if fraction else whole


def _fixed(value: int | float | Decimal, _letter: str, precision: int | None) -> str:
    negative, whole, fraction = _parts(value, 2 if precision is None else precision)
    # .NET Core 3.0 keeps the sign of what rounds to minus zero.
    minus = negative or (isinstance(value, float) and math.copysign(1, value) < 0)
    return ("-" if minus else "") + _joined(whole, fraction)


def _number(value: int | float | Decimal, _letter: str, precision: int | None) -> str:
    negative, whole, fraction = _parts(value, 2 if precision is None else precision)
    minus = negative or (isinstance(value, float) and math.copysign(1, value) < 0)
    return ("-" if minus else "") + _joined(grouped(whole), fraction)


def _percent(value: int | float | Decimal, _letter: str, precision: int | None) -> str:
    return f"{_number(exact(value) * 100, 'N', precision)} %"


def _currency(value: int | float | Decimal, _letter: str, precision: int | None) -> str:
    negative, whole, fraction = _parts(value, 2 if precision is None else precision)
    body = f"¤{_joined(grouped(whole), fraction)}"
    return f"({body})" if negative else body


def _decimal(value: int | float | Decimal, _letter: str, precision: int | None) -> str:
    if not isinstance(value, int):
        raise bad_format()
    return ("-" if value < 0 else "") + str(abs(int(value))).rjust(precision or 0, "0")


def _hexadecimal(value: int | float | Decimal, letter: str, precision: int | None) -> str:
    bits = _BITS.get(type_of(value).definition.keyword)
    if bits is None or not isinstance(value, int):
        raise bad_format()
    shown = f"{value & ((1 << bits) - 1):{letter}}"
    return shown.rjust(precision or 0, "0")


def _exponent(value: int | float | Decimal, letter: str, precision: int | None) -> str:
    return exponential(exact(value), 6 if precision is None else precision, letter, 3)


def exponential(number: Decimal, places: int, letter: str, width: int, plus: str = "+") -> str:
    """Scientific notation with *places* digits after the point and an exponent of at least *width* digits."""
    if number:
        number = Context(prec=places + 1, rounding=ROUND_HALF_UP).plus(number)
    sign, digits, _ = number.as_tuple()
    power = number.adjusted() if number else 0
    shown = "".join(map(str, digits)).ljust(places + 1, "0")[: places + 1]
    mantissa = _joined(shown[0], shown[1:])
    return f"{'-' if sign else ''}{mantissa}{letter}{'-' if power < 0 else plus}{abs(power):0{width}d}"


def _general(value: int | float | Decimal, letter: str, precision: int | None) -> str:
    if not precision:
        return text(value) if letter == "G" else text(value).replace("E", "e")
    number = Context(prec=precision, rounding=ROUND_HALF_UP).plus(exact(value))
    digits, power = number.as_tuple().digits, number.adjusted()
    shown = "".join(map(str, digits)).rstrip("0") or "0"
    if number and (power >= precision or power < -4 - 1):
        return exponential(number, len(shown) - 1, "E" if letter == "G" else "e", 2)
    body = f"{number:f}"
    return body.rstrip("0").rstrip(".") if "." in body else body


def _round_trip(value: int | float | Decimal, _letter: str, _precision: int | None) -> str:
    if not isinstance(value, float):
        raise bad_format()
    return text(value if isinstance(value, Single) else float(value))


_WRITERS = {
    "F": _fixed,
    "N": _number,
    "P": _percent,
    "C": _currency,
    "D": _decimal,
    "X": _hexadecimal,
    "E": _exponent,
    "G": _general,
    "R": _round_trip,
}
