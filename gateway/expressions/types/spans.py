"""TimeSpan."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from gateway.expressions import moments as m
from gateway.expressions.arithmetic import float_divide
from gateway.expressions.change_type import CHANGERS
from gateway.expressions.formatting.dateparse import (
    read_span,
)
from gateway.expressions.formatting.text import text
from gateway.expressions.moments import (
    TICKS_PER_DAY,
    TICKS_PER_MS,
    TICKS_PER_S,
    TimeSpan,
)
from gateway.expressions.runtime import represent
from gateway.expressions.signatures import define
from gateway.expressions.thrown import Thrown, argument_null, thrown
from gateway.expressions.types.cultures import formatted
from gateway.expressions.types.dates import TIMESPAN
from gateway.expressions.types.numbers import try_parse
from gateway.expressions.types.objects import enumeration
from gateway.expressions.values import EnumValue, Int64


def _part(unit: int, size: int) -> Callable[[TimeSpan], int]:
    def read(value: TimeSpan) -> int:
        whole = abs(value.ticks) // unit % size if size else abs(value.ticks) // unit
        return -whole if value.ticks < 0 else whole

    return read


def _new_span(*parts: int) -> TimeSpan:
    if len(parts) == 1:
        return TimeSpan(int(parts[0]))
    numbers = (0, *parts) if len(parts) == 3 else parts
    days, hours, minutes, seconds, millis = [*numbers, 0][:5]
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    ticks = total * TICKS_PER_S + millis * TICKS_PER_MS
    if not -(1 << 63) <= ticks < 1 << 63:
        raise thrown("ArgumentOutOfRangeException", "TimeSpan overflowed because the duration is too long.")
    return TimeSpan(ticks)


STYLES = enumeration("System.Globalization.TimeSpanStyles", AssumeNegative=1)
STYLES.definition.values["None"] = 0
STYLES.definition.table["const TimeSpanStyles None"] = EnumValue(STYLES, 0)
_NUMBERS = re.compile(r"\s*-?(?:\d+\.)?\d+:\d+(?::\d+(?:\.\d{1,7})?)?\s*", re.ASCII)


def _parse_span(value: str | None, *_provider: object) -> TimeSpan:
    if value is None:
        raise argument_null("s")
    span = read_span(value)
    if span is None and _NUMBERS.fullmatch(value):
        message = f"The TimeSpan string '{value}' could not be parsed because at least one of the numeric components is"
        raise thrown("OverflowException", f"{message} out of range or contains too many digits.")
    if span is None:
        raise thrown("FormatException", f"String '{value}' was not recognized as a valid TimeSpan.")
    return span


_EXACT = re.compile(r"\\(.)|'([^']*)'|\"([^\"]*)\"|(%)|([dhmsfF])\5*|(.)", re.DOTALL)
_STANDARD = {
    "c": r"(?P<sign>-)?(?:(?P<d>\d{1,8})\.)?(?P<h>\d{1,2}):(?P<m>\d{1,2}):(?P<s>\d{1,2})(?:\.(?P<f>\d{7}))?",
    "g": r"(?P<sign>-)?(?:(?P<d>\d{1,8}):)?(?P<h>\d{1,2}):(?P<m>\d{1,2}):(?P<s>\d{1,2})(?:\.(?P<f>\d{1,7}))?",
    "G": r"(?P<sign>-)?(?P<d>\d{1,8}):(?P<h>\d{1,2}):(?P<m>\d{1,2}):(?P<s>\d{1,2})\.(?P<f>\d{7})",
}
_WIDEST = {"d": 8, "h": 2, "m": 2, "s": 2, "f": 7, "F": 7}


def _bad_pattern() -> Thrown:
    return thrown("FormatException", "Input string was not in a correct format.")


def _exact_shape(pattern: str) -> re.Pattern[str]:
    """A regular expression for the texts that *pattern* writes."""
    if len(pattern) == 1:
        shape = _STANDARD.get("c" if pattern in "tT" else pattern)
        if shape is None:
            raise _bad_pattern()
        return re.compile(shape, re.ASCII)
    return re.compile("".join(_exact_piece(match) for match in _EXACT.finditer(pattern)), re.ASCII)


def _literal(match: re.Match[str]) -> str:
    """Escaped or quoted text; any other has to be."""
    if match[6]:
        raise _bad_pattern()
    return re.escape(next((text for text in match.groups()[:3] if text), ""))


def _exact_piece(match: re.Match[str]) -> str:
    letter, count = match[5], len(match[0])
    if letter is None:
        return _literal(match)
    if count > _WIDEST[letter]:
        raise _bad_pattern()
    if letter == "f":
        return rf"(?P<f>\d{{{count}}})"
    if letter == "F":
        return rf"(?P<f>\d{{0,{count}}})"
    return rf"(?P<{letter}>\d{{{count},{max(count, _WIDEST[letter])}}})"


_LIMITS = {"d": 10_675_199, "h": 23, "m": 59, "s": 59}


def _parse_exact(value: str | None, pattern: object, *rest: object) -> TimeSpan:
    if value is None:
        raise argument_null("input")
    if pattern is None:
        raise argument_null("format")
    shapes = [pattern] if isinstance(pattern, str) else list(pattern)  # type: ignore[call-overload]
    negative = isinstance(rest[-1], EnumValue) and rest[-1].value == 1
    for shape in shapes:
        match = _exact_shape(shape).fullmatch(value.strip() if len(shape) == 1 else value)
        if match is not None:
            return _of_match(match, value, negative)
    raise thrown("FormatException", f"String '{value}' was not recognized as a valid TimeSpan.")


def _of_match(match: re.Match[str], value: str, negative: bool) -> TimeSpan:
    parts = match.groupdict()
    numbers = {letter: int(parts.get(letter) or 0) for letter in _LIMITS}
    if any(numbers[letter] > limit for letter, limit in _LIMITS.items()):
        message = f"The TimeSpan string '{value}' could not be parsed because at least one of the numeric components is"
        raise thrown("OverflowException", f"{message} out of range or contains too many digits.")
    ticks = sum(numbers[letter] * unit for letter, unit in zip("dhms", list(_UNITS.values())[:4], strict=True))
    ticks += int((parts.get("f") or "0").ljust(7, "0"))
    return TimeSpan.checked(-ticks if parts.get("sign", negative) else ticks)


def _multiplied(value: TimeSpan, factor: float) -> TimeSpan:
    if math.isnan(factor):
        raise thrown("ArgumentException", "TimeSpan does not accept floating point Not-a-Number values.", "factor")
    ticks = value.ticks * factor
    return TimeSpan.checked(round(ticks) if math.isfinite(ticks) else 1 << 64)


def _divided(value: TimeSpan, divisor: float) -> TimeSpan:
    if math.isnan(divisor):
        raise thrown("ArgumentException", "TimeSpan does not accept floating point Not-a-Number values.", "divisor")
    ticks = float_divide(value.ticks, divisor)
    if math.isnan(ticks) or math.isinf(ticks):
        raise thrown("OverflowException", "TimeSpan overflowed because the duration is too long.")
    return TimeSpan.checked(round(ticks))


_UNITS = {
    "Days": TICKS_PER_DAY,
    "Hours": m.TICKS_PER_HOUR,
    "Minutes": m.TICKS_PER_MINUTE,
    "Seconds": TICKS_PER_S,
    "Milliseconds": TICKS_PER_MS,
}


def _signed(value: TimeSpan, number: int) -> int:
    return -number if value.ticks < 0 else number


MAX_MS = float(((1 << 63) - 1) // TICKS_PER_MS)
_SIZES = {"Days": 0, "Hours": 24, "Minutes": 60, "Seconds": 60, "Milliseconds": 1000}
define("System.TimeSpan", {
    **{row: call for row, call in formatted("TimeSpan").items() if row != "string ToString(IFormatProvider provider)"},
    **{f"int {name}": _part(unit, _SIZES[name]) for name, unit in _UNITS.items()},
    **{f"double Total{name}": lambda value, unit=unit: value.ticks / unit for name, unit in _UNITS.items()},
    "double TotalMilliseconds": lambda value: min(max(value.ticks / TICKS_PER_MS, -MAX_MS), MAX_MS),
    **{f"static TimeSpan From{name}(double value)": lambda value, unit=unit: TimeSpan.scaled(value, unit)
       for name, unit in _UNITS.items()},
    "new(long ticks)": _new_span,
    "new(int hours, int minutes, int seconds)": _new_span,
    "new(int days, int hours, int minutes, int seconds)": _new_span,
    "new(int days, int hours, int minutes, int seconds, int milliseconds)": _new_span,
    "const TimeSpan Zero": TimeSpan(0),
    "const TimeSpan MaxValue": TimeSpan((1 << 63) - 1),
    "const TimeSpan MinValue": TimeSpan(-(1 << 63)),
    "const long TicksPerDay": Int64(TICKS_PER_DAY),
    "const long TicksPerHour": Int64(m.TICKS_PER_HOUR),
    "const long TicksPerMinute": Int64(m.TICKS_PER_MINUTE),
    "const long TicksPerSecond": Int64(TICKS_PER_S),
    "const long TicksPerMillisecond": Int64(TICKS_PER_MS),
    "static TimeSpan FromTicks(long value)": lambda ticks: TimeSpan(int(ticks)),
    "long Ticks": lambda value: Int64(value.ticks),
    "TimeSpan Add(TimeSpan ts)": lambda value, other: TimeSpan.checked(value.ticks + other.ticks),
    "TimeSpan Subtract(TimeSpan ts)": lambda value, other: TimeSpan.checked(value.ticks - other.ticks),
    "TimeSpan Negate()": lambda value: TimeSpan(-value.ticks),
    "TimeSpan Duration()": lambda value: TimeSpan(abs(value.ticks)),
    "static TimeSpan Parse(string s)": _parse_span,
    "static TimeSpan Parse(string s, IFormatProvider provider)": _parse_span,
    "static bool TryParse(string s, out TimeSpan result)": try_parse(_parse_span, TimeSpan(0)),
    "static bool TryParse(string input, IFormatProvider formatProvider, out TimeSpan result)":
        try_parse(_parse_span, TimeSpan(0)),
    **{f"static TimeSpan ParseExact(string input, {pattern} format, IFormatProvider formatProvider{styles})":
       _parse_exact for pattern in ("string", "string[]") for styles in ("", ", TimeSpanStyles styles")},
    **{f"static bool TryParseExact(string input, {pattern} format, IFormatProvider formatProvider{styles}, "
       "out TimeSpan result)": try_parse(_parse_exact, TimeSpan(0))
       for pattern in ("string", "string[]") for styles in ("", ", TimeSpanStyles styles")},
    "TimeSpan Multiply(double factor)": _multiplied,
    "TimeSpan Divide(double divisor)": _divided,
    "double Divide(TimeSpan ts)": lambda value, other: float_divide(value.ticks, other.ticks),
    "int Microseconds": lambda value: _signed(value, abs(value.ticks) // 10 % 1000),
    "int Nanoseconds": lambda value: _signed(value, abs(value.ticks) % 10 * 100),
    "double TotalMicroseconds": lambda value: value.ticks / 10,
    "double TotalNanoseconds": lambda value: value.ticks * 100.0,
    "static TimeSpan FromMicroseconds(double value)": lambda value: TimeSpan.scaled(value, 10),
})  # fmt: skip
represent(TimeSpan, TIMESPAN)
CHANGERS[TIMESPAN] = lambda value: _parse_span(text(value))
