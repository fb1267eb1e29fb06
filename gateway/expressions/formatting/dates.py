"""
Standard and custom format strings of DateTime, DateTimeOffset and TimeSpan, invariant culture.

Source: .NET "Standard date and time format strings", "Custom date and time format strings", "TimeSpan format strings".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from gateway.expressions.formatting.composite import FORMATTERS
from gateway.expressions.formatting.text import TEXT
from gateway.expressions.limits import charge, spend
from gateway.expressions.moments import (
    LOCAL_KIND,
    TICKS_PER_DAY,
    TICKS_PER_S,
    UNSPECIFIED,
    UTC_KIND,
    DateTime,
    DateTimeOffset,
    TimeSpan,
)
from gateway.expressions.thrown import Thrown, thrown

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
STANDARD = {
    "d": "MM/dd/yyyy",
    "D": "dddd, dd MMMM yyyy",
    "f": "dddd, dd MMMM yyyy HH:mm",
    "F": "dddd, dd MMMM yyyy HH:mm:ss",
    "g": "MM/dd/yyyy HH:mm",
    "G": "MM/dd/yyyy HH:mm:ss",
    "m": "MMMM dd",
    "M": "MMMM dd",
    "o": "yyyy'-'MM'-'dd'T'HH':'mm':'ss'.'fffffffK",
    "O": "yyyy'-'MM'-'dd'T'HH':'mm':'ss'.'fffffffK",
    "r": "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'",
    "R": "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'",
    "s": "yyyy'-'MM'-'dd'T'HH':'mm':'ss",
    "t": "HH:mm",
    "T": "HH:mm:ss",
    "u": "yyyy'-'MM'-'dd HH':'mm':'ss'Z'",
    "U": "dddd, dd MMMM yyyy HH:mm:ss",
    "y": "yyyy MMMM",
    "Y": "yyyy MMMM",
}
_TOKEN = re.compile(r"\\(.)|'([^']*)'|\"([^\"]*)\"|(%)|([dfFghHKmMstyz])\5*|(.)", re.DOTALL)
PIECE_S = 2e-6  # for each character of a format string
Moment = DateTime | DateTimeOffset


def _bad_pattern() -> Thrown:
    return thrown("FormatException", "Input string was not in a correct format.")


def format_moment(value: Moment, pattern: str) -> str:
    """*value* by a standard or custom *pattern*."""
    if len(pattern) == 1:
        if pattern not in STANDARD or (pattern == "U" and isinstance(value, DateTimeOffset)):
            raise _bad_pattern()
        value, pattern = _for_standard(value, pattern), STANDARD[pattern]
    charge(len(pattern))
    spend(len(pattern), PIECE_S)
    pieces: list[str] = []
    for match in _tokens(pattern):
        _append(pieces, _piece(value, match), match[5])
    return "".join(pieces)


def _append(pieces: list[str], piece: str, letter: str | None) -> None:
    """If a fraction by F is all zeros, the point before it is dropped, too."""
    if not piece and letter == "F" and pieces and pieces[-1] == ".":
        pieces.pop()
    pieces.append(piece)


@lru_cache(maxsize=128)
def _tokens(pattern: str) -> tuple[re.Match[str], ...]:
    return tuple(_TOKEN.finditer(pattern))


def _for_standard(value: Moment, letter: str) -> Moment:
    """Converts a DateTimeOffset to UTC for the formats that are always in UTC."""
    if isinstance(value, DateTimeOffset) and letter in "rRu":
        return DateTimeOffset(value.utc_ticks)
    return value


def _piece(value: Moment, match: re.Match[str]) -> str:
    if match[5] is None:
        return "" if match[4] else match[1] or match[2] or match[3] or match[6] or ""
    letter, count = match[5], len(match[0])
    return _LETTERS[letter](value, count)


def _seconds(value: Moment) -> int:
    return value.ticks % TICKS_PER_DAY // TICKS_PER_S


def _padded(number: int, count: int) -> str:
    return f"{number:02d}" if count > 1 else str(number)


def _day(value: Moment, count: int) -> str:
    day = DateTime(value.ticks).date
    if count > 2:
        name = DAYS[day.weekday()]
        return name if count > 3 else name[:3]
    return _padded(day.day, count)


def _month(value: Moment, count: int) -> str:
    month = DateTime(value.ticks).date.month
    if count > 2:
        name = MONTHS[month - 1]
        return name if count > 3 else name[:3]
    return _padded(month, count)


def _year(value: Moment, count: int) -> str:
    year = DateTime(value.ticks).date.year
    return _padded(year % 100, count) if count < 3 else f"{year:0{count}d}"


def _fraction(value: Moment, count: int) -> str:
    if count > 7:
        raise _bad_pattern()
    return f"{value.ticks % TICKS_PER_S:07d}"[:count]


def _short_fraction(value: Moment, count: int) -> str:
    return _fraction(value, count).rstrip("0")


def _half(value: Moment, count: int) -> str:
    name = "PM" if _seconds(value) >= 43_200 else "AM"
    return name if count > 1 else name[0]


def offset_text(minutes: int, count: int = 3) -> str:
    """``+02:00``."""
    sign = "-" if minutes < 0 else "+"
    hours, rest = divmod(abs(minutes), 60)
    if count < 3:
        return f"{sign}{_padded(hours, count)}"
    return f"{sign}{hours:02d}:{rest:02d}"


def _zone(value: Moment, count: int) -> str:
    return offset_text(value.offset if isinstance(value, DateTimeOffset) else 0, count)


def _kind(value: Moment, _count: int) -> str:
    if isinstance(value, DateTimeOffset):
        return offset_text(value.offset)
    return {UNSPECIFIED: "", UTC_KIND: "Z", LOCAL_KIND: "+00:00"}[value.kind]


_LETTERS: dict[str, Callable[[Moment, int], str]] = {
    "d": _day,
    "f": _fraction,
    "F": _short_fraction,
    "g": lambda _value, _count: "A.D.",
    "h": lambda value, count: _padded((_seconds(value) // 3600 + 11) % 12 + 1, count),
    "H": lambda value, count: _padded(_seconds(value) // 3600, count),
    "K": _kind,
    "m": lambda value, count: _padded(_seconds(value) // 60 % 60, count),
    "M": _month,
    "s": lambda value, count: _padded(_seconds(value) % 60, count),
    "t": _half,
    "y": _year,
    "z": _zone,
}


def _span_parts(value: TimeSpan) -> tuple[str, int, int, int]:
    sign = "-" if value.ticks < 0 else ""
    days, rest = divmod(abs(value.ticks), TICKS_PER_DAY)
    return sign, days, rest // TICKS_PER_S, rest % TICKS_PER_S


def span_text(value: TimeSpan) -> str:
    """``[-][d.]hh:mm:ss[.fffffff]``: the format ``c``."""
    sign, days, seconds, fraction = _span_parts(value)
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{sign}{f'{days}.' if days else ''}{clock}{f'.{fraction:07d}' if fraction else ''}"


_SPAN_TOKEN = re.compile(r"\\(.)|'([^']*)'|\"([^\"]*)\"|(%)|([dhmsfF])\5*|(.)", re.DOTALL)


def format_span(value: TimeSpan, pattern: str) -> str:
    """*value* by ``c``, ``g``, ``G`` or a custom *pattern*."""
    if pattern in "ctT":
        return span_text(value)
    sign, days, seconds, fraction = _span_parts(value)
    clock = f"{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    if pattern == "g":
        tail = f".{fraction:07d}".rstrip("0") if fraction else ""
        return f"{sign}{f'{days}:' if days else ''}{seconds // 3600}:{clock}{tail}"
    if pattern == "G":
        return f"{sign}{days}:{seconds // 3600:02d}:{clock}.{fraction:07d}"
    if len(pattern) == 1:
        raise _bad_pattern()
    charge(len(pattern))
    spend(len(pattern), PIECE_S)
    return "".join(_span_piece(match, days, seconds, fraction) for match in _SPAN_TOKEN.finditer(pattern))


def _span_piece(match: re.Match[str], days: int, seconds: int, fraction: int) -> str:
    letter, count = match[5], len(match[0])
    if letter is None:
        return _span_literal(match)
    if letter in "fF":
        digits = f"{fraction:07d}"[:count]
        return digits if letter == "f" else digits.rstrip("0")
    number = {"d": days, "h": seconds // 3600, "m": seconds // 60 % 60, "s": seconds % 60}[letter]
    return f"{number:0{count}d}"


def _span_literal(match: re.Match[str]) -> str:
    """Escaped or quoted text; other characters may not occur in the format of a TimeSpan."""
    if match[6]:
        raise _bad_pattern()
    return "" if match[4] else match[1] or match[2] or match[3] or ""


TEXT[DateTime] = lambda value: format_moment(value, "G")
TEXT[DateTimeOffset] = lambda value: format_moment(value, "MM/dd/yyyy HH:mm:ss zzz")
TEXT[TimeSpan] = span_text
FORMATTERS[DateTime] = format_moment
FORMATTERS[DateTimeOffset] = format_moment
FORMATTERS[TimeSpan] = format_span
