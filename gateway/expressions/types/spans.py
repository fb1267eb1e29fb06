"""TimeSpan."""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.expressions import moments as m
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
from gateway.expressions.thrown import argument_null, thrown
from gateway.expressions.types.cultures import formatted
from gateway.expressions.types.dates import TIMESPAN
from gateway.expressions.types.numbers import try_parse
from gateway.expressions.values import Int64


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


_UNITS = {
    "Days": TICKS_PER_DAY,
    "Hours": m.TICKS_PER_HOUR,
    "Minutes": m.TICKS_PER_MINUTE,
    "Seconds": TICKS_PER_S,
    "Milliseconds": TICKS_PER_MS,
}
_SIZES = {"Days": 0, "Hours": 24, "Minutes": 60, "Seconds": 60, "Milliseconds": 1000}
define("System.TimeSpan", {
    **{row: call for row, call in formatted("TimeSpan").items() if row != "string ToString(IFormatProvider provider)"},
    **{f"int {name}": _part(unit, _SIZES[name]) for name, unit in _UNITS.items()},
    **{f"double Total{name}": lambda value, unit=unit: value.ticks / unit for name, unit in _UNITS.items()},
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
})  # fmt: skip
represent(TimeSpan, TIMESPAN)
CHANGERS[TIMESPAN] = lambda value: _parse_span(text(value))
