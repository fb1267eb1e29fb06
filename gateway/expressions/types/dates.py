"""DateTime and DateTimeOffset. The local time zone of the gateway is UTC."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from gateway.expressions import moments as m
from gateway.expressions import primitives as p
from gateway.expressions.arithmetic import float_divide
from gateway.expressions.change_type import CHANGERS
from gateway.expressions.collections import ArrayValue
from gateway.expressions.conversions import declare_implicit
from gateway.expressions.formatting.composite import format_value
from gateway.expressions.formatting.dateparse import (
    not_a_date,
    parse_date,
    parse_exact,
    read_date,
    with_styles,
)
from gateway.expressions.formatting.text import text
from gateway.expressions.moments import (
    EPOCH_TICKS,
    TICKS_PER_DAY,
    TICKS_PER_MS,
    TICKS_PER_S,
    DateTime,
    DateTimeOffset,
    TimeSpan,
)
from gateway.expressions.operators import declare_comparison, declare_operator, declare_unary
from gateway.expressions.runtime import represent, type_of
from gateway.expressions.signatures import define
from gateway.expressions.thrown import Thrown, argument_null, out_of_range, thrown
from gateway.expressions.types.cultures import formatted
from gateway.expressions.types.exact import check_format, try_exact
from gateway.expressions.types.numbers import try_parse
from gateway.expressions.types.objects import enumeration
from gateway.expressions.values import EnumValue, Int64

_V = ("ValueType", "IComparable", "IFormattable")
KIND = enumeration("System.DateTimeKind", Unspecified=0, Utc=1, Local=2)
DAY = enumeration("System.DayOfWeek", Sunday=0, Monday=1, Tuesday=2, Wednesday=3, Thursday=4, Friday=5, Saturday=6)
STYLES = enumeration(
    "System.Globalization.DateTimeStyles",
    AllowLeadingWhite=1, AllowTrailingWhite=2, AllowInnerWhite=4, AllowWhiteSpaces=7, NoCurrentDateDefault=8,
    AdjustToUniversal=16, AssumeLocal=32, AssumeUniversal=64, RoundtripKind=128,
)  # fmt: skip
STYLES.definition.values["None"] = 0
STYLES.definition.table["const DateTimeStyles None"] = EnumValue(STYLES, 0)
DATETIME = define("System.DateTime", kind="struct", parents=_V, default=DateTime(0))
DATETIME_OFFSET = define("System.DateTimeOffset", kind="struct", parents=_V, default=DateTimeOffset(0))
TIMESPAN = define("System.TimeSpan", kind="struct", parents=_V, default=TimeSpan(0))
GUID = define("System.Guid", kind="struct", parents=_V, default=uuid.UUID(int=0))


def _day_of_week(value: DateTime | DateTimeOffset) -> EnumValue:
    return EnumValue(DAY, (value.ticks // TICKS_PER_DAY + 1) % 7)


Moment = DateTime | DateTimeOffset


def _calendar() -> dict[str, object]:
    return {
        "int Year": lambda value: DateTime(value.ticks).date.year,
        "int Month": lambda value: DateTime(value.ticks).date.month,
        "int Day": lambda value: DateTime(value.ticks).date.day,
        "int Hour": lambda value: value.ticks % TICKS_PER_DAY // m.TICKS_PER_HOUR,
        "int Minute": lambda value: value.ticks % m.TICKS_PER_HOUR // m.TICKS_PER_MINUTE,
        "int Second": lambda value: value.ticks % m.TICKS_PER_MINUTE // TICKS_PER_S,
        "int Millisecond": lambda value: value.ticks % TICKS_PER_S // TICKS_PER_MS,
        "int DayOfYear": lambda value: DateTime(value.ticks).date.timetuple().tm_yday,
        "DayOfWeek DayOfWeek": _day_of_week,
        "TimeSpan TimeOfDay": lambda value: TimeSpan(value.ticks % TICKS_PER_DAY),
        "long Ticks": lambda value: Int64(value.ticks),
        "int Microsecond": lambda value: value.ticks // 10 % 1000,
        "int Nanosecond": lambda value: value.ticks % 10 * 100,
    }


def _adding(name: str) -> dict[str, object]:
    units = {
        "AddDays": TICKS_PER_DAY,
        "AddHours": m.TICKS_PER_HOUR,
        "AddMinutes": m.TICKS_PER_MINUTE,
        "AddSeconds": TICKS_PER_S,
        "AddMilliseconds": TICKS_PER_MS,
        "AddMicroseconds": 10,
    }
    return {
        **{f"{name} {method}(double value)": _adder(unit) for method, unit in units.items()},
        f"{name} AddTicks(long value)": lambda value, ticks: value.plus(ticks),
        f"{name} AddMonths(int months)": lambda value, months: _months(value, months),
        f"{name} AddYears(int value)": lambda value, years: _months(value, years * 12),
        f"{name} Add(TimeSpan value)": lambda value, span: value.plus(span.ticks),
        f"{name} Subtract(TimeSpan value)": lambda value, span: value.plus(-span.ticks),
    }


def _months(value: Moment, months: int) -> Moment:
    ticks = m.add_months(value, months)
    return DateTime(ticks, value.kind) if isinstance(value, DateTime) else DateTimeOffset(ticks, value.offset)


def _adder(unit: int) -> Callable[[Moment, float], Moment]:
    def add(value: Moment, amount: float) -> Moment:
        # More than that is outside the calendar in any case, and the product must stay finite.
        if not abs(amount) < 1e15:
            raise out_of_range("value", "Value to add was out of range.")
        rest, whole = math.modf(amount)
        return value.plus(int(whole) * unit + int(rest * unit))

    return add


def _new_date(*parts: object) -> DateTime:
    kind = parts[-1].value if isinstance(parts[-1], EnumValue) else 0
    numbers = [int(part) for part in parts if isinstance(part, int)]
    if len(numbers) == 1:
        return DateTime(m.checked_ticks(numbers[0]), kind)
    return DateTime(m.from_parts(numbers[0], numbers[1], numbers[2], _clock(numbers[3:])), kind)


def _clock(parts: list[int]) -> int:
    hour, minute, second, milli = [*parts, 0, 0, 0, 0][:4]
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60 and 0 <= milli < 1000):
        message = "Hour, Minute, and Second parameters describe an un-representable DateTime."
        raise thrown("ArgumentOutOfRangeException", message)
    return hour * m.TICKS_PER_HOUR + minute * m.TICKS_PER_MINUTE + second * TICKS_PER_S + milli * TICKS_PER_MS


def _now() -> DateTime:
    return DateTime(m.utc_now().ticks, m.LOCAL_KIND)


def _today() -> DateTime:
    now = m.utc_now()
    return DateTime(now.ticks - now.time_ticks, m.LOCAL_KIND)


def _styles(rest: tuple[object, ...]) -> int:
    """The DateTimeStyles among the last arguments."""
    return rest[-1].value if rest and isinstance(rest[-1], EnumValue) else 0


def _parse(value: str | None, *rest: object) -> DateTime:
    return parse_date(value, _styles(rest))


def _parse_exact(value: str | None, pattern: object, *rest: object) -> DateTime:
    styles = _styles(rest)
    if value is None or pattern is None:
        raise argument_null("s" if value is None else "format")
    if isinstance(pattern, str):
        check_format(value, pattern)
        return with_styles(parse_exact(_stripped(value, styles), pattern), styles, value)
    for format_text in pattern:  # type: ignore[attr-defined]
        check_format(value, format_text)
        with suppress(Thrown):
            return with_styles(parse_exact(_stripped(value, styles), format_text), styles, value)
    raise thrown("FormatException", f"String '{value}' was not recognized as a valid DateTime.")


LEADING, TRAILING = 1, 2  # DateTimeStyles


def _stripped(value: str, styles: int) -> str:
    value = value.lstrip() if styles & LEADING else value
    return value.rstrip() if styles & TRAILING else value


_STYLED = "(string s, IFormatProvider provider, DateTimeStyles styles)"
_EXACT = {
    "(string s, string format, IFormatProvider provider)": _parse_exact,
    "(string s, string format, IFormatProvider provider, DateTimeStyles style)": _parse_exact,
    "(string s, string[] formats, IFormatProvider provider, DateTimeStyles style)": _parse_exact,
}


def _subtract(left: DateTime, right: DateTime) -> TimeSpan:
    return TimeSpan(left.ticks - right.ticks)


OLE_DAY = 599_264_352_000_000_000  # ticks of 30 December 1899
FILE_TIME = 504_911_232_000_000_000  # ticks of the earliest possible file time


def _file_time(value: DateTime) -> Int64:
    if value.ticks < FILE_TIME:
        raise out_of_range("ticks", "Not a valid Win32 FileTime.")
    return Int64(value.ticks - FILE_TIME)


def _ole_date(value: DateTime) -> float:
    """Days since 30 December 1899, as OLE Automation counts; a time without a date is on that day."""
    if value.ticks == 0:
        return 0.0
    millis = (value.ticks if value.ticks >= TICKS_PER_DAY else value.ticks + OLE_DAY) - OLE_DAY
    millis = int(millis / TICKS_PER_MS) if millis < 0 else millis // TICKS_PER_MS
    rest = int(math.fmod(millis, 86_400_000)) if millis < 0 else 0
    return (millis - (86_400_000 + rest) * 2 if rest else millis) / 86_400_000


def _from_file_time(ticks: int) -> DateTime:
    if not 0 <= ticks <= m.MAX_TICKS - FILE_TIME:
        raise out_of_range("fileTime", "Not a valid Win32 FileTime.")
    return DateTime(ticks + FILE_TIME, m.UTC_KIND)


OLE_MIN, OLE_MAX = -657_435.0, 2_958_466.0


def _from_ole_date(days: float) -> DateTime:
    """Whole milliseconds; the fraction of a negative number counts forwards."""
    if not OLE_MIN < days < OLE_MAX:
        raise thrown("ArgumentException", "Not a legal OleAut date.")
    millis = int(days * 86_400_000 + math.copysign(0.5, days))
    if millis < 0:
        millis -= int(math.fmod(millis, 86_400_000)) * 2
    return DateTime(OLE_DAY + millis * TICKS_PER_MS)


def _from_binary(data: int) -> DateTime:
    ticks = int(data) & (1 << 62) - 1
    kind = (int(data) & (1 << 64) - 1) >> 62
    if kind >= m.LOCAL_KIND and ticks > (1 << 62) - TICKS_PER_DAY:
        ticks += TICKS_PER_DAY - (1 << 62)  # a local time just before the first day is one of that day
    if ticks > m.MAX_TICKS:
        message = "The binary data must result in a DateTime with ticks between DateTime.MinValue.Ticks and"
        raise thrown("ArgumentException", f"{message} DateTime.MaxValue.Ticks. (Parameter 'dateData')", "dateData")
    return DateTime(ticks, min(kind, m.LOCAL_KIND))


def _to_binary(value: DateTime) -> Int64:
    """The kind is in the two highest bits."""
    flag = {m.UTC_KIND: 1 << 62, m.LOCAL_KIND: -(1 << 63)}.get(value.kind, 0)
    return Int64(value.ticks + flag)


def _days_in_month(year: int, month: int) -> int:
    if not 1 <= month <= 12:
        raise out_of_range("month", "Month must be between one and twelve.")
    if not 1 <= year <= 9999:
        raise out_of_range("year", "Year must be between 1 and 9999.")
    return m.days_in_month(year, month)


define("System.DateTime", {
    **formatted("DateTime"),
    **_calendar(),
    **_adding("DateTime"),
    "new(long ticks)": _new_date,
    "new(long ticks, DateTimeKind kind)": _new_date,
    "new(int year, int month, int day)": _new_date,
    "new(int year, int month, int day, int hour, int minute, int second)": _new_date,
    "new(int year, int month, int day, int hour, int minute, int second, DateTimeKind kind)": _new_date,
    "new(int year, int month, int day, int hour, int minute, int second, int millisecond)": _new_date,
    "new(int year, int month, int day, int hour, int minute, int second, int millisecond, DateTimeKind kind)":
        _new_date,
    "static DateTime Now": _now,
    "static DateTime UtcNow": m.utc_now,
    "static DateTime Today": _today,
    "const DateTime MinValue": DateTime(0),
    "const DateTime MaxValue": DateTime(m.MAX_TICKS),
    "const DateTime UnixEpoch": DateTime(EPOCH_TICKS, m.UTC_KIND),
    "DateTime Date": lambda value: DateTime(value.ticks - value.time_ticks, value.kind),
    "DateTimeKind Kind": lambda value: EnumValue(KIND, value.kind),
    "TimeSpan Subtract(DateTime value)": _subtract,
    "DateTime ToUniversalTime()": lambda value: DateTime(value.ticks, m.UTC_KIND),
    "DateTime ToLocalTime()": lambda value: DateTime(value.ticks, m.LOCAL_KIND),
    "bool IsDaylightSavingTime()": lambda _value: False,
    "string ToShortDateString()": lambda value: format_value(value, "d"),
    "string ToLongDateString()": lambda value: format_value(value, "D"),
    "string ToShortTimeString()": lambda value: format_value(value, "t"),
    "string ToLongTimeString()": lambda value: format_value(value, "T"),
    "long ToFileTime()": _file_time,
    "long ToFileTimeUtc()": _file_time,
    "double ToOADate()": _ole_date,
    "long ToBinary()": _to_binary,
    "static DateTime FromFileTimeUtc(long fileTime)": _from_file_time,
    "static DateTime FromFileTime(long fileTime)":
        lambda ticks: DateTime(_from_file_time(ticks).ticks, m.LOCAL_KIND),
    "static DateTime FromOADate(double d)": _from_ole_date,
    "static DateTime FromBinary(long dateData)": _from_binary,
    "static bool IsLeapYear(int year)": lambda year: _days_in_month(year, 2) == 29,
    "static int DaysInMonth(int year, int month)": _days_in_month,
    "static DateTime SpecifyKind(DateTime value, DateTimeKind kind)":
        lambda value, kind: DateTime(value.ticks, kind.value),
    "static DateTime Parse(string s)": _parse,
    "static DateTime Parse(string s, IFormatProvider provider)": _parse,
    f"static DateTime Parse{_STYLED}": _parse,
    "static bool TryParse(string s, out DateTime result)": try_parse(_parse, DateTime(0)),
    f"static bool TryParse{_STYLED[:-1]}, out DateTime result)": try_parse(_parse, DateTime(0)),
    **{f"static DateTime ParseExact{head}": call for head, call in _EXACT.items()},
    **{f"static bool TryParseExact{head[:-1]}, out DateTime result)": try_exact(call, DateTime(0))
       for head, call in _EXACT.items() if "DateTimeStyles" in head},
})  # fmt: skip


def _offset_of(value: TimeSpan) -> int:
    minutes, rest = divmod(value.ticks, m.TICKS_PER_MINUTE)
    if rest:
        raise thrown("ArgumentException", "Offset must be specified in whole minutes. (Parameter 'offset')", "offset")
    if abs(minutes) > 14 * 60:
        raise out_of_range("offset", "Offset must be within plus or minus 14 hours.")
    return minutes


def _new_offset(*parts: object) -> DateTimeOffset:
    if isinstance(parts[0], DateTime):
        offset = _offset_of(parts[1]) if len(parts) > 1 else 0  # type: ignore[arg-type]
        if offset and parts[0].kind:
            kind = (
                "for Utc DateTime instances must be 0"
                if parts[0].kind == m.UTC_KIND
                else ("of the local dateTime parameter does not match the offset argument")
            )
            raise thrown("ArgumentException", f"The UTC Offset {kind}. (Parameter 'offset')", "offset")
        return DateTimeOffset(parts[0].ticks, offset)
    offset = _offset_of(parts[-1])  # type: ignore[arg-type]
    return DateTimeOffset(_new_date(*parts[:-1]).ticks, offset)


def _parse_offset(value: str | None, *rest: object) -> DateTimeOffset:
    _check_offset_styles(_styles(rest))
    if value is None:
        raise argument_null("input")
    moment = read_date(value)
    if moment is None:
        raise not_a_date(value)
    return _styled_offset(moment, rest)


NO_CURRENT_DATE = 8


def _check_offset_styles(styles: int) -> None:
    if styles & NO_CURRENT_DATE:
        shown = "The DateTimeStyles value 'NoCurrentDateDefault' is not allowed when parsing DateTimeOffset."
        raise thrown("ArgumentException", f"{shown} (Parameter 'styles')", "styles")


def _styled_offset(parsed: tuple[int, int | None], rest: tuple[object, ...]) -> DateTimeOffset:
    moment = DateTimeOffset(parsed[0], parsed[1] or 0)
    return DateTimeOffset(moment.utc_ticks) if _styles(rest) & 16 else moment


def _parse_offset_exact(value: str | None, pattern: object, *rest: object) -> DateTimeOffset:
    _check_offset_styles(_styles(rest))
    if value is None or pattern is None:
        raise argument_null("input" if value is None else "formats" if isinstance(pattern, ArrayValue) else "format")
    patterns = [pattern] if isinstance(pattern, str) else list(pattern)  # type: ignore[call-overload]
    *others, final = patterns or [""]
    for format_text in others:
        check_format(value, format_text)
        with suppress(Thrown):
            return _styled_offset(parse_exact(value, format_text), rest)
    check_format(value, final)
    return _styled_offset(parse_exact(value, final), rest)


_UNIX_MIN, _UNIX_MAX = -62_135_596_800, 253_402_300_799


def _from_unix(seconds: int) -> DateTimeOffset:
    if not _UNIX_MIN <= seconds <= _UNIX_MAX:
        raise out_of_range("seconds", f"Valid values are between {_UNIX_MIN} and {_UNIX_MAX}, inclusive.")
    return DateTimeOffset(EPOCH_TICKS + seconds * TICKS_PER_S)


def _from_unix_ms(millis: int) -> DateTimeOffset:
    if not _UNIX_MIN * 1000 <= millis <= _UNIX_MAX * 1000 + 999:
        raise out_of_range("milliseconds")
    return DateTimeOffset(EPOCH_TICKS + millis * TICKS_PER_MS)


_OFFSET_EXACT = {
    "(string input, string format, IFormatProvider provider)": _parse_offset_exact,
    "(string input, string format, IFormatProvider provider, DateTimeStyles styles)": _parse_offset_exact,
    "(string input, string[] formats, IFormatProvider provider, DateTimeStyles styles)": _parse_offset_exact,
}
define("System.DateTimeOffset", {
    **formatted("DateTimeOffset"),
    **_calendar(),
    **_adding("DateTimeOffset"),
    "new(DateTime dateTime)": _new_offset,
    "new(DateTime dateTime, TimeSpan offset)": _new_offset,
    "new(long ticks, TimeSpan offset)": _new_offset,
    "new(int year, int month, int day, int hour, int minute, int second, TimeSpan offset)": _new_offset,
    "new(int year, int month, int day, int hour, int minute, int second, int millisecond, TimeSpan offset)":
        _new_offset,
    "static DateTimeOffset Now": lambda: DateTimeOffset(m.utc_now().ticks),
    "static DateTimeOffset UtcNow": lambda: DateTimeOffset(m.utc_now().ticks),
    "const DateTimeOffset MinValue": DateTimeOffset(0),
    "const DateTimeOffset MaxValue": DateTimeOffset(m.MAX_TICKS),
    "const DateTimeOffset UnixEpoch": DateTimeOffset(EPOCH_TICKS),
    "DateTime Date": lambda value: DateTime(value.ticks - value.ticks % TICKS_PER_DAY),
    "DateTime DateTime": lambda value: value.clock,
    "DateTime UtcDateTime": lambda value: DateTime(value.utc_ticks, m.UTC_KIND),
    "DateTime LocalDateTime": lambda value: DateTime(value.utc_ticks, m.LOCAL_KIND),
    "bool EqualsExact(DateTimeOffset other)":
        lambda value, other: (value.ticks, value.offset) == (other.ticks, other.offset),
    "long ToFileTime()": lambda value: _file_time(DateTime(value.utc_ticks)),
    "static DateTimeOffset FromFileTime(long fileTime)":
        lambda ticks: DateTimeOffset(_from_file_time(ticks).ticks),
    "long UtcTicks": lambda value: Int64(value.utc_ticks),
    "TimeSpan Offset": lambda value: TimeSpan(value.offset * m.TICKS_PER_MINUTE),
    "TimeSpan Subtract(DateTimeOffset value)": lambda value, other: TimeSpan(value.utc_ticks - other.utc_ticks),
    "long ToUnixTimeSeconds()": lambda value: Int64((value.utc_ticks - EPOCH_TICKS) // TICKS_PER_S),
    "long ToUnixTimeMilliseconds()": lambda value: Int64((value.utc_ticks - EPOCH_TICKS) // TICKS_PER_MS),
    "DateTimeOffset ToUniversalTime()": lambda value: DateTimeOffset(value.utc_ticks),
    "DateTimeOffset ToLocalTime()": lambda value: DateTimeOffset(value.utc_ticks),
    "DateTimeOffset ToOffset(TimeSpan offset)": lambda value, span: DateTimeOffset(
        m.checked_ticks(value.utc_ticks + span.ticks), _offset_of(span)
    ),
    "static DateTimeOffset FromUnixTimeSeconds(long seconds)": _from_unix,
    "static DateTimeOffset FromUnixTimeMilliseconds(long milliseconds)": _from_unix_ms,
    "static DateTimeOffset Parse(string input)": _parse_offset,
    "static DateTimeOffset Parse(string input, IFormatProvider provider)": _parse_offset,
    "static DateTimeOffset Parse(string input, IFormatProvider provider, DateTimeStyles styles)": _parse_offset,
    "static bool TryParse(string input, out DateTimeOffset result)": try_parse(_parse_offset, DateTimeOffset(0)),
    "static bool TryParse(string input, IFormatProvider provider, DateTimeStyles styles, out DateTimeOffset result)":
        try_parse(_parse_offset, DateTimeOffset(0)),
    **{f"static DateTimeOffset ParseExact{head}": call for head, call in _OFFSET_EXACT.items()},
    **{f"static bool TryParseExact{head[:-1]}, out DateTimeOffset result)": try_exact(call, DateTimeOffset(0))
       for head, call in _OFFSET_EXACT.items() if "styles" in head},
})  # fmt: skip


def _scaled(ticks: float) -> TimeSpan:
    """A time span of that many ticks, rounded half to even."""
    if math.isnan(ticks):
        raise thrown("ArgumentException", "TimeSpan does not accept floating point Not-a-Number values.")
    if math.isinf(ticks):
        raise thrown("OverflowException", "TimeSpan overflowed because the duration is too long.")
    return TimeSpan.checked(round(ticks))


declare_operator("+", DATETIME, TIMESPAN, DATETIME, lambda left, right: left.plus(right.ticks))
declare_operator("-", DATETIME, TIMESPAN, DATETIME, lambda left, right: left.plus(-right.ticks))
declare_operator("-", DATETIME, DATETIME, TIMESPAN, _subtract)
declare_operator("+", DATETIME_OFFSET, TIMESPAN, DATETIME_OFFSET, lambda left, right: left.plus(right.ticks))
declare_operator("-", DATETIME_OFFSET, TIMESPAN, DATETIME_OFFSET, lambda left, right: left.plus(-right.ticks))
declare_operator(
    "-", DATETIME_OFFSET, DATETIME_OFFSET, TIMESPAN, lambda left, right: TimeSpan(left.utc_ticks - right.utc_ticks)
)
declare_operator("+", TIMESPAN, TIMESPAN, TIMESPAN, lambda left, right: TimeSpan.checked(left.ticks + right.ticks))
declare_operator("-", TIMESPAN, TIMESPAN, TIMESPAN, lambda left, right: TimeSpan.checked(left.ticks - right.ticks))
declare_operator("*", TIMESPAN, p.DOUBLE, TIMESPAN, lambda left, right: _scaled(left.ticks * right))
declare_operator("*", p.DOUBLE, TIMESPAN, TIMESPAN, lambda left, right: _scaled(left * right.ticks))
declare_operator("/", TIMESPAN, p.DOUBLE, TIMESPAN, lambda left, right: _scaled(float_divide(left.ticks, right)))
declare_operator("/", TIMESPAN, TIMESPAN, p.DOUBLE, lambda left, right: float_divide(left.ticks, right.ticks))
declare_unary("-", TIMESPAN, lambda value: TimeSpan.checked(-value.ticks))
declare_unary("+", TIMESPAN, lambda value: value)
for _made in (DATETIME, DATETIME_OFFSET, TIMESPAN):
    declare_comparison(_made)
declare_implicit(DATETIME, DATETIME_OFFSET, lambda value: DateTimeOffset(value.ticks))  # type: ignore[attr-defined]


for _class, _type in ((DateTime, DATETIME), (DateTimeOffset, DATETIME_OFFSET)):
    represent(_class, _type)
represent(datetime, DATETIME)


def _to_date(value: object) -> DateTime:
    if isinstance(value, DateTimeOffset):
        return value.clock
    if isinstance(value, str):
        return parse_date(value)
    raise thrown("InvalidCastException", f"Invalid cast from '{type_of(value).full_name}' to 'DateTime'.")


def _to_offset(value: object) -> DateTimeOffset:
    if isinstance(value, DateTime):
        return DateTimeOffset(value.ticks)
    return _parse_offset(text(value))


CHANGERS.update({
    DATETIME: _to_date,
    DATETIME_OFFSET: _to_offset,
})  # fmt: skip
