"""
Standard and custom numeric format strings, invariant culture.

Source: .NET "Standard numeric format strings", "Custom numeric format strings".
"""

from __future__ import annotations

import math
import re
from decimal import Context, Decimal

from gateway.expressions.formatting.custom import format_custom
from gateway.expressions.formatting.digits import (
    bad_format,
    exact,
    exponential,
    grouped,
    half_of,
    joined,
    rounded,
    scaled,
)
from gateway.expressions.formatting.text import text
from gateway.expressions.limits import charge
from gateway.expressions.runtime import type_of

_STANDARD = re.compile(r"([A-Za-z])(\d{0,9})")
LEAST_POWER = -4  # the greatest exponent of ten that is not written
_BITS = {"sbyte": 8, "byte": 8, "short": 16, "ushort": 16, "int": 32, "uint": 32, "long": 64, "ulong": 64}


def format_number(value: int | float | Decimal, pattern: str) -> str:
    """*value* by *pattern*; an empty one is ``G``, as is one that begins with NUL."""
    if pattern[:1] in ("", "\0") or not math.isfinite(value):
        return text(value)
    match = _STANDARD.fullmatch(pattern)
    if match is None:
        return format_custom(value, pattern)
    letter, digits = match[1], match[2]
    write = _WRITERS.get(letter.upper())
    if write is None:
        raise bad_format()
    precision = int(digits) if digits else None
    charge(precision or 0)
    return write(value, letter, precision)


def _parts(value: int | float | Decimal, places: int, scale: int = 0) -> tuple[bool, str, str]:
    """Sign, whole digits and fraction digits after rounding; minus zero has no sign here."""
    shown = f"{rounded(scaled(exact(value), scale), places, half_of(value)):f}"
    negative = shown.startswith("-")
    whole, _, fraction = shown.lstrip("-").partition(".")
    return negative and bool(int(whole + fraction or "0")), whole, fraction


def _fixed(value: int | float | Decimal, _letter: str, precision: int | None) -> str:
    negative, whole, fraction = _parts(value, 2 if precision is None else precision)
    # .NET Core 3.0 and later keep the sign of a number that rounds to minus zero.
    minus = negative or (isinstance(value, float) and math.copysign(1, value) < 0)
    return ("-" if minus else "") + joined(whole, fraction)


def _number(value: int | float | Decimal, _letter: str, precision: int | None, scale: int = 0) -> str:
    negative, whole, fraction = _parts(value, 2 if precision is None else precision, scale)
    minus = negative or (isinstance(value, float) and math.copysign(1, value) < 0)
    return ("-" if minus else "") + joined(grouped(whole), fraction)


def _percent(value: int | float | Decimal, _letter: str, precision: int | None) -> str:
    return f"{_number(value, 'N', precision, 2)} %"


def _currency(value: int | float | Decimal, _letter: str, precision: int | None) -> str:
    negative, whole, fraction = _parts(value, 2 if precision is None else precision)
    body = f"¤{joined(grouped(whole), fraction)}"
    minus = negative or (isinstance(value, float) and math.copysign(1, value) < 0)
    return f"({body})" if minus else body


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
    shown = exponential(exact(value), 6 if precision is None else precision, letter, 3, half=half_of(value))
    return f"-{shown}" if not value and isinstance(value, float) and math.copysign(1, value) < 0 else shown


def _general(value: int | float | Decimal, letter: str, precision: int | None) -> str:
    if not precision:
        return text(value) if letter == "G" else text(value).replace("E", "e")
    number = Context(prec=precision, rounding=half_of(value)).plus(exact(value))
    if not number:
        return text(0 if isinstance(value, Decimal) else value)
    if number.adjusted() >= precision or number.adjusted() < LEAST_POWER:
        places = len("".join(map(str, number.as_tuple().digits)).rstrip("0")) - 1
        return exponential(number, places, "E" if letter == "G" else "e", 2)
    whole, _, fraction = f"{number:f}".partition(".")
    return joined(whole, fraction.rstrip("0"))


def _round_trip(value: int | float | Decimal, _letter: str, _precision: int | None) -> str:
    return text(value)


def _binary(value: int | float | Decimal, _letter: str, precision: int | None) -> str:
    bits = _BITS.get(type_of(value).definition.keyword)
    if bits is None or not isinstance(value, int):
        raise bad_format()
    return f"{value & ((1 << bits) - 1):b}".rjust(precision or 0, "0")


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
    "B": _binary,
}
