"""
Simple values as XML Schema writes them, and back.

Source: .NET API reference, "XmlConvert"; XML Schema Part 2.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from gateway.expressions import primitives as p
from gateway.expressions.change_type import change_type
from gateway.expressions.clr import Type
from gateway.expressions.formatting.dateparse import ROUNDTRIP, parse_date, read_date
from gateway.expressions.formatting.dates import format_moment
from gateway.expressions.moments import TICKS_PER_DAY, TICKS_PER_S, DateTime, DateTimeOffset, TimeSpan
from gateway.expressions.thrown import Thrown, thrown
from gateway.expressions.types.dates import DATETIME, DATETIME_OFFSET, GUID, TIMESPAN
from gateway.expressions.types.guids import parse_guid
from gateway.expressions.types.numbers import parse_decimal, parse_double
from gateway.expressions.values import to_single
from gateway.expressions.xml.tree import CONTENT

_ISO = "yyyy-MM-ddTHH:mm:ss.FFFFFFF"
_SPACE = " \t\r\n"
_SPAN = re.compile(
    r"(-)?P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d+))?S)?)?", re.ASCII
)
_SPECIAL = {"INF": float("inf"), "-INF": float("-inf"), "NaN": float("nan")}


def span_content(value: TimeSpan) -> str:
    """``P1DT2H3M4.5S``."""
    days, rest = divmod(abs(value.ticks), TICKS_PER_DAY)
    seconds, fraction = divmod(rest, TICKS_PER_S)
    tail = f".{fraction:07d}".rstrip("0.") if fraction else ""
    parts = [(f"{seconds // 3600}", "H"), (f"{seconds // 60 % 60}", "M"), (f"{seconds % 60}{tail}", "S")]
    clock = "".join(number + letter for number, letter in parts if number != "0")
    sign, whole = "-" if value.ticks < 0 else "", f"{days}D" if days else ""
    return f"{sign}P{whole}T{clock}" if clock else f"{sign}P{whole or 'T0S'}"


def _offset_content(value: DateTimeOffset) -> str:
    return format_moment(value, f"{_ISO}{'zzz' if value.offset else 'Z'}")


CONTENT[TimeSpan] = span_content
CONTENT[DateTime] = lambda value: format_moment(value, f"{_ISO}K")
CONTENT[DateTimeOffset] = _offset_content


def _bad(shown: str, kind: str) -> Thrown:
    return thrown("FormatException", f"The string '{shown}' is not a valid {kind} value.")


def _span(shown: str) -> TimeSpan:
    match = _SPAN.fullmatch(shown.strip(_SPACE))
    if match is None or not any(match.groups()[1:]):
        raise _bad(shown, "TimeSpan")
    years, months, days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[1:7])
    fraction = int((match[8] or "0").ljust(7, "0")[:7])
    total = ((years * 365 + months * 30 + days) * 24 + hours) * 3600 + minutes * 60 + seconds
    ticks = total * TICKS_PER_S + fraction
    return TimeSpan.checked(-ticks if match[1] else ticks)


def _bool(shown: str) -> bool:
    truth = {"true": True, "1": True, "false": False, "0": False}.get(shown.strip(_SPACE).lower())
    if truth is None:
        raise _bad(shown.lower(), "Boolean")
    return truth


def _double(shown: str) -> float:
    plain = shown.strip(_SPACE)
    if plain in _SPECIAL:
        return _SPECIAL[plain]
    if "," in plain:
        raise thrown("FormatException", f"The input string '{plain}' was not in a correct format.")
    return parse_double(plain)


def _decimal(shown: str) -> Decimal:
    if "," in shown:
        raise thrown("FormatException", f"The input string '{shown}' was not in a correct format.")
    return parse_decimal(shown)


def _unsigned(target: Type) -> Callable[[str], object]:
    def read(shown: str) -> object:
        if shown.strip(_SPACE).startswith("-"):
            raise thrown("FormatException", f"The input string '{shown}' was not in a correct format.")
        return change_type(shown, target)

    return read


def _offset(shown: str) -> DateTimeOffset:
    date = read_date(shown)
    if date is None:
        raise _bad(shown, "AllXsd")
    ticks, zone = date
    return DateTimeOffset(ticks, zone or 0)


READ: dict[Type, Callable[[str], object]] = {
    p.BOOL: _bool,
    p.DOUBLE: _double,
    p.FLOAT: lambda shown: to_single(_double(shown)),
    p.DECIMAL: _decimal,
    p.UINT: _unsigned(p.UINT),
    p.ULONG: _unsigned(p.ULONG),
    DATETIME: lambda shown: parse_date(shown, ROUNDTRIP),
    DATETIME_OFFSET: _offset,
    TIMESPAN: _span,
    GUID: lambda shown: parse_guid(shown),
}


def read_value(shown: str, target: Type) -> object:
    """The text of an element or attribute as a *target*."""
    read = READ.get(target)
    return change_type(shown, target) if read is None else read(shown)
