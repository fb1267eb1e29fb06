"""DateTime, DateTimeOffset, TimeSpan, TimeZoneInfo, Guid. The local time zone of the gateway is UTC."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.expressions import moments as m
from gateway.expressions.change_type import CHANGERS
from gateway.expressions.clr import define
from gateway.expressions.conversions import declare_implicit
from gateway.expressions.formatting.composite import FORMATTERS, format_value
from gateway.expressions.formatting.dateparse import (
    not_a_date,
    parse_date,
    parse_exact,
    read_date,
    read_span,
    with_styles,
)
from gateway.expressions.formatting.numbers import bad_format
from gateway.expressions.formatting.text import TEXT, text
from gateway.expressions.moments import (
    EPOCH_TICKS,
    TICKS_PER_DAY,
    TICKS_PER_MS,
    TICKS_PER_S,
    DateTime,
    DateTimeOffset,
    TimeSpan,
)
from gateway.expressions.operators import declare_comparison, declare_operator
from gateway.expressions.runtime import represent, type_of
from gateway.expressions.thrown import Thrown, argument_null, out_of_range, thrown
from gateway.expressions.types.numbers import compare_values, try_parse
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
_H, _MIN = 3600 * TICKS_PER_S, 60 * TICKS_PER_S
define("System.IFormatProvider", kind="interface")
_CULTURE = define("System.Globalization.CultureInfo", {
    "static CultureInfo InvariantCulture": lambda: _INVARIANT,
    "static CultureInfo CurrentCulture": lambda: _INVARIANT,
    "static CultureInfo CurrentUICulture": lambda: _INVARIANT,
    "new(string name)": lambda _name: _INVARIANT,
    "static CultureInfo GetCultureInfo(string name)": lambda _name: _INVARIANT,
    "string Name": lambda _culture: "",
}, parents=("IFormatProvider",))  # fmt: skip


class Culture:
    """The invariant culture, whatever was asked for (see docs/expressions.md)."""

    __slots__ = ()


_INVARIANT: Culture = Culture()
represent(Culture, _CULTURE)


def _formats(name: str) -> dict[str, object]:
    return {
        "string ToString()": text,
        "string ToString(string format)": format_value,
        "string ToString(IFormatProvider provider)": lambda value, _p: text(value),
        "string ToString(string format, IFormatProvider provider)": lambda value, pattern, _p: format_value(
            value, pattern
        ),
        f"int CompareTo({name} value)": compare_values,
        f"static int Compare({name} t1, {name} t2)": compare_values,
        f"bool Equals({name} value)": lambda value, other: value == other,
        f"static bool Equals({name} t1, {name} t2)": lambda value, other: value == other,
    }


def _day_of_week(value: DateTime | DateTimeOffset) -> EnumValue:
    return EnumValue(DAY, (value.ticks // TICKS_PER_DAY + 1) % 7)


Moment = DateTime | DateTimeOffset


def _calendar() -> dict[str, object]:
    return {
        "int Year": lambda value: DateTime(value.ticks).date.year,
        "int Month": lambda value: DateTime(value.ticks).date.month,
        "int Day": lambda value: DateTime(value.ticks).date.day,
        "int Hour": lambda value: value.ticks % TICKS_PER_DAY // _H,
        "int Minute": lambda value: value.ticks % _H // _MIN,
        "int Second": lambda value: value.ticks % _MIN // TICKS_PER_S,
        "int Millisecond": lambda value: value.ticks % TICKS_PER_S // TICKS_PER_MS,
        "int DayOfYear": lambda value: DateTime(value.ticks).date.timetuple().tm_yday,
        "DayOfWeek DayOfWeek": _day_of_week,
        "TimeSpan TimeOfDay": lambda value: TimeSpan(value.ticks % TICKS_PER_DAY),
        "long Ticks": lambda value: Int64(value.ticks),
    }


def _adding(name: str) -> dict[str, object]:
    units = {
        "AddDays": TICKS_PER_DAY, "AddHours": _H, "AddMinutes": _MIN, "AddSeconds": TICKS_PER_S,
        "AddMilliseconds": TICKS_PER_MS,
    }  # fmt: skip
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
        # More than that leaves the calendar in any case; and the product must stay a finite number.
        if not abs(amount) < 1e15:
            raise out_of_range("value", "Value to add was out of range.")
        return value.plus(int(amount * unit) if amount != int(amount) else int(amount) * unit)

    return add


def _new_date(*parts: object) -> DateTime:
    kind = parts[-1].value if isinstance(parts[-1], EnumValue) else 0
    numbers = [int(each) for each in parts if isinstance(each, int)]
    if len(numbers) == 1:
        return DateTime(m.checked_ticks(numbers[0]), kind)
    return DateTime(m.from_parts(numbers[0], numbers[1], numbers[2], _clock(numbers[3:])), kind)


def _clock(parts: list[int]) -> int:
    hour, minute, second, milli = [*parts, 0, 0, 0, 0][:4]
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60 and 0 <= milli < 1000):
        message = "Hour, Minute, and Second parameters describe an un-representable DateTime."
        raise thrown("ArgumentOutOfRangeException", message)
    return hour * _H + minute * _MIN + second * TICKS_PER_S + milli * TICKS_PER_MS


def _now() -> DateTime:
    return DateTime(m.utc_now().ticks, m.LOCAL_KIND)


def _today() -> DateTime:
    now = m.utc_now()
    return DateTime(now.ticks - now.time_ticks, m.LOCAL_KIND)


def _parse(value: str | None, *rest: object) -> DateTime:
    styles = rest[-1].value if rest and isinstance(rest[-1], EnumValue) else 0
    return parse_date(value, styles)


def _parse_exact(value: str | None, pattern: object, *rest: object) -> DateTime:
    styles = rest[-1].value if rest and isinstance(rest[-1], EnumValue) else 0
    patterns = [pattern] if isinstance(pattern, str) else list(pattern or ())  # type: ignore[call-overload]
    for each in patterns:
        try:
            found = parse_exact(value, each)
        except Thrown:
            continue
        return with_styles(found, _exact_styles(each, styles), value or "")
    if value is None:
        raise argument_null("s")
    raise not_a_date(value)


def _exact_styles(pattern: str, styles: int) -> int:
    """The formats o, r and u say that the moment is UTC."""
    if pattern in ("o", "O"):
        return styles | 128
    return styles | 80 if pattern in ("r", "R", "u") else styles


_STYLED = "(string s, IFormatProvider provider, DateTimeStyles styles)"
_EXACT = {
    "(string s, string format, IFormatProvider provider)": _parse_exact,
    "(string s, string format, IFormatProvider provider, DateTimeStyles style)": _parse_exact,
    "(string s, string[] formats, IFormatProvider provider, DateTimeStyles style)": _parse_exact,
}


def _subtract(left: DateTime, right: DateTime) -> TimeSpan:
    return TimeSpan(left.ticks - right.ticks)


define("System.DateTime", {
    **_formats("DateTime"),
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
    "long ToFileTime()": lambda value: Int64(value.ticks - 504_911_232_000_000_000),
    "long ToFileTimeUtc()": lambda value: Int64(value.ticks - 504_911_232_000_000_000),
    "double ToOADate()": lambda value: (value.ticks - 599_264_352_000_000_000) / TICKS_PER_DAY,
    "long ToBinary()": lambda value: Int64(value.ticks),
    "static DateTime FromFileTimeUtc(long fileTime)": lambda ticks: DateTime(ticks + 504_911_232_000_000_000, 1),
    "static bool IsLeapYear(int year)": lambda year: m.days_in_month(year, 2) == 29,
    "static int DaysInMonth(int year, int month)": m.days_in_month,
    "static DateTime SpecifyKind(DateTime value, DateTimeKind kind)":
        lambda value, kind: DateTime(value.ticks, kind.value),
    "static DateTime Parse(string s)": _parse,
    "static DateTime Parse(string s, IFormatProvider provider)": _parse,
    f"static DateTime Parse{_STYLED}": _parse,
    "static bool TryParse(string s, out DateTime result)": try_parse(_parse, DateTime(0)),
    f"static bool TryParse{_STYLED[:-1]}, out DateTime result)": try_parse(_parse, DateTime(0)),
    **{f"static DateTime ParseExact{head}": call for head, call in _EXACT.items()},
    **{f"static bool TryParseExact{head[:-1]}, out DateTime result)": try_parse(call, DateTime(0))
       for head, call in _EXACT.items()},
})  # fmt: skip


def _offset_of(value: TimeSpan) -> int:
    minutes, rest = divmod(value.ticks, _MIN)
    if rest or abs(minutes) > 14 * 60:
        raise thrown("ArgumentException", "Offset must be specified in whole minutes. (Parameter 'offset')", "offset")
    return minutes


def _new_offset(*parts: object) -> DateTimeOffset:
    if isinstance(parts[0], DateTime):
        offset = _offset_of(parts[1]) if len(parts) > 1 else 0  # type: ignore[arg-type]
        return DateTimeOffset(parts[0].ticks, offset)
    moment = _new_date(*parts[:-1])
    return DateTimeOffset(moment.ticks, _offset_of(parts[-1]))  # type: ignore[arg-type]


def _parse_offset(value: str | None, *rest: object) -> DateTimeOffset:
    if value is None:
        raise argument_null("input")
    found = read_date(value)
    if found is None:
        raise thrown("FormatException", f"String '{value}' was not recognized as a valid DateTime.")
    return _styled_offset(found, rest)


def _styled_offset(found: tuple[int, int | None], rest: tuple[object, ...]) -> DateTimeOffset:
    styles = rest[-1].value if rest and isinstance(rest[-1], EnumValue) else 0
    moment = DateTimeOffset(found[0], found[1] or 0)
    return DateTimeOffset(moment.utc_ticks) if styles & 16 else moment


def _parse_offset_exact(value: str | None, pattern: str, *rest: object) -> DateTimeOffset:
    return _styled_offset(parse_exact(value, pattern), rest)


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
}
define("System.DateTimeOffset", {
    **_formats("DateTimeOffset"),
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
    "long UtcTicks": lambda value: Int64(value.utc_ticks),
    "TimeSpan Offset": lambda value: TimeSpan(value.offset * _MIN),
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
    **{f"static bool TryParseExact{head[:-1]}, out DateTimeOffset result)": try_parse(call, DateTimeOffset(0))
       for head, call in _OFFSET_EXACT.items()},
})  # fmt: skip


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
    return TimeSpan.checked(total * TICKS_PER_S + millis * TICKS_PER_MS)


def _parse_span(value: str | None, *_provider: object) -> TimeSpan:
    if value is None:
        raise argument_null("s")
    found = read_span(value)
    if found is None:
        raise thrown("FormatException", f"String '{value}' was not recognized as a valid TimeSpan.")
    return found


_UNITS = {"Days": TICKS_PER_DAY, "Hours": _H, "Minutes": _MIN, "Seconds": TICKS_PER_S, "Milliseconds": TICKS_PER_MS}
_SIZES = {"Days": 0, "Hours": 24, "Minutes": 60, "Seconds": 60, "Milliseconds": 1000}
define("System.TimeSpan", {
    **_formats("TimeSpan"),
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
    "const long TicksPerHour": Int64(_H),
    "const long TicksPerMinute": Int64(_MIN),
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
declare_operator("+", DATETIME, TIMESPAN, DATETIME, lambda a, b: a.plus(b.ticks))
declare_operator("-", DATETIME, TIMESPAN, DATETIME, lambda a, b: a.plus(-b.ticks))
declare_operator("-", DATETIME, DATETIME, TIMESPAN, _subtract)
declare_operator("+", DATETIME_OFFSET, TIMESPAN, DATETIME_OFFSET, lambda a, b: a.plus(b.ticks))
declare_operator("-", DATETIME_OFFSET, TIMESPAN, DATETIME_OFFSET, lambda a, b: a.plus(-b.ticks))
declare_operator("-", DATETIME_OFFSET, DATETIME_OFFSET, TIMESPAN, lambda a, b: TimeSpan(a.utc_ticks - b.utc_ticks))
declare_operator("+", TIMESPAN, TIMESPAN, TIMESPAN, lambda a, b: TimeSpan.checked(a.ticks + b.ticks))
declare_operator("-", TIMESPAN, TIMESPAN, TIMESPAN, lambda a, b: TimeSpan.checked(a.ticks - b.ticks))
declare_operator("-", TIMESPAN, TIMESPAN, TIMESPAN, lambda a, b: TimeSpan.checked(a.ticks - b.ticks))
for _made in (DATETIME, DATETIME_OFFSET, TIMESPAN):
    declare_comparison(_made)
declare_comparison(GUID)
declare_implicit(DATETIME, DATETIME_OFFSET, lambda value: DateTimeOffset(value.ticks))  # type: ignore[attr-defined]


def parse_guid(value: str | None) -> uuid.UUID:
    """``Guid.Parse``: the formats N, D, B and P."""
    if value is None:
        raise argument_null("input")
    shown = value.strip()
    plain = shown[1:-1] if shown[:1] + shown[-1:] in ("{}", "()") else shown
    compact = plain.replace("-", "")
    if len(compact) != 32 or (len(plain) != 32 and [len(part) for part in plain.split("-")] != [8, 4, 4, 4, 12]):
        message = "Guid should contain 32 digits with 4 dashes (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx)."
        raise thrown("FormatException", message)
    try:
        return uuid.UUID(compact)
    except ValueError:
        raise thrown("FormatException", "Guid string should only contain hexadecimal characters.") from None


def format_guid(value: uuid.UUID, pattern: str) -> str:
    """The formats N, D, B and P."""
    shapes = {"n": "{0.hex}", "d": "{0}", "b": "{{{0}}}", "p": "({0})"}
    shape = shapes.get(pattern.lower())
    if shape is None:
        raise bad_format()
    return shape.format(value)


define("System.Guid", {
    **_formats("Guid"),
    "new(string g)": parse_guid,
    "new(byte[] b)": lambda data: uuid.UUID(bytes_le=bytes(data)),
    "new()": lambda: uuid.UUID(int=0),
    "const Guid Empty": uuid.UUID(int=0),
    "static Guid NewGuid()": uuid.uuid4,
    "static Guid Parse(string input)": parse_guid,
    "static Guid ParseExact(string input, string format)": lambda value, _format: parse_guid(value),
    "static bool TryParse(string input, out Guid result)": try_parse(parse_guid, uuid.UUID(int=0)),
    "byte[] ToByteArray()": lambda value: bytearray(value.bytes_le),
})  # fmt: skip


class Zone:
    """``TimeZoneInfo``."""

    __slots__ = ("id", "zone")

    def __init__(self, name: str) -> None:
        self.id = name
        self.zone = UTC if name in ("UTC", "Etc/UTC") else ZoneInfo(_WINDOWS.get(name, name))

    def offset(self, utc_ticks: int) -> int:
        """Ticks that this zone is ahead of UTC at a moment."""
        moment = datetime(1, 1, 1, tzinfo=UTC) + timedelta(microseconds=utc_ticks // 10)
        return TimeSpan.of(moment.astimezone(self.zone).utcoffset() or timedelta()).ticks


# Windows names of time zones that policies use. Source: Unicode CLDR, windowsZones.
_WINDOWS = {
    "Eastern Standard Time": "America/New_York", "Central Standard Time": "America/Chicago",
    "Mountain Standard Time": "America/Denver", "Pacific Standard Time": "America/Los_Angeles",
    "GMT Standard Time": "Europe/London", "Greenwich Standard Time": "Atlantic/Reykjavik",
    "W. Europe Standard Time": "Europe/Berlin", "Central Europe Standard Time": "Europe/Budapest",
    "Central European Standard Time": "Europe/Warsaw", "Romance Standard Time": "Europe/Paris",
    "E. Europe Standard Time": "Europe/Chisinau", "FLE Standard Time": "Europe/Kiev",
    "GTB Standard Time": "Europe/Bucharest", "Russian Standard Time": "Europe/Moscow",
    "Turkey Standard Time": "Europe/Istanbul", "Israel Standard Time": "Asia/Jerusalem",
    "Arabian Standard Time": "Asia/Dubai", "Arab Standard Time": "Asia/Riyadh",
    "India Standard Time": "Asia/Kolkata", "China Standard Time": "Asia/Shanghai",
    "Singapore Standard Time": "Asia/Singapore", "Tokyo Standard Time": "Asia/Tokyo",
    "Korea Standard Time": "Asia/Seoul", "AUS Eastern Standard Time": "Australia/Sydney",
    "E. Australia Standard Time": "Australia/Brisbane", "W. Australia Standard Time": "Australia/Perth",
    "Cen. Australia Standard Time": "Australia/Adelaide", "New Zealand Standard Time": "Pacific/Auckland",
    "E. South America Standard Time": "America/Sao_Paulo", "Argentina Standard Time": "America/Buenos_Aires",
    "SA Pacific Standard Time": "America/Bogota", "Atlantic Standard Time": "America/Halifax",
    "Hawaiian Standard Time": "Pacific/Honolulu", "Alaskan Standard Time": "America/Anchorage",
    "South Africa Standard Time": "Africa/Johannesburg", "Egypt Standard Time": "Africa/Cairo",
    "Mexico Standard Time": "America/Mexico_City", "Central Standard Time (Mexico)": "America/Mexico_City",
}  # fmt: skip


def _find_zone(name: str) -> Zone:
    try:
        return Zone(name)
    except (KeyError, ValueError, OSError):
        message = f"The time zone ID '{name}' was not found on the local computer."
        raise thrown("TimeZoneNotFoundException", message) from None


def _utc_of(value: DateTime, source: Zone) -> int:
    """UTC ticks of a clock time in *source*; Utc and Local kinds say where they are themselves."""
    if value.kind != m.UNSPECIFIED:
        return value.ticks
    guess = value.ticks - source.offset(value.ticks)
    return value.ticks - source.offset(guess)


def _in_zone(utc_ticks: int, target: Zone) -> DateTime:
    kind = m.UTC_KIND if target.zone is UTC else m.UNSPECIFIED
    return DateTime(m.checked_ticks(utc_ticks + target.offset(utc_ticks)), kind)


_UTC_ZONE = Zone("UTC")


def _convert_time(value: Moment, *zones: Zone) -> Moment:
    target = zones[-1]
    if isinstance(value, DateTimeOffset):
        ahead = target.offset(value.utc_ticks)
        return DateTimeOffset(value.utc_ticks + ahead, ahead // _MIN)
    return _in_zone(_utc_of(value, zones[0] if len(zones) > 1 else _UTC_ZONE), target)


def _zone_offset(zone: Zone, value: Moment) -> TimeSpan:
    utc = value.utc_ticks if isinstance(value, DateTimeOffset) else _utc_of(value, zone)
    return TimeSpan(zone.offset(utc))


ZONE = define("System.TimeZoneInfo", {
    "static TimeZoneInfo Utc": lambda: _UTC_ZONE,
    "static TimeZoneInfo Local": lambda: _UTC_ZONE,
    "static TimeZoneInfo FindSystemTimeZoneById(string id)": _find_zone,
    "static DateTime ConvertTimeFromUtc(DateTime dateTime, TimeZoneInfo zone)": lambda value, zone: _in_zone(
        value.ticks, zone
    ),
    "static DateTime ConvertTimeToUtc(DateTime dateTime)": lambda value: DateTime(value.ticks, m.UTC_KIND),
    "static DateTime ConvertTimeToUtc(DateTime dateTime, TimeZoneInfo zone)": lambda value, zone: DateTime(
        _utc_of(value, zone), m.UTC_KIND
    ),
    "static DateTime ConvertTime(DateTime dateTime, TimeZoneInfo zone)": _convert_time,
    "static DateTime ConvertTime(DateTime dateTime, TimeZoneInfo source, TimeZoneInfo zone)": _convert_time,
    "static DateTimeOffset ConvertTime(DateTimeOffset dateTimeOffset, TimeZoneInfo zone)": _convert_time,
    "static DateTime ConvertTimeBySystemTimeZoneId(DateTime dateTime, string id)": lambda value, name: _convert_time(
        value, _find_zone(name)
    ),
    "static DateTimeOffset ConvertTimeBySystemTimeZoneId(DateTimeOffset dateTimeOffset, string id)":
        lambda value, name: _convert_time(value, _find_zone(name)),
    "string Id": lambda zone: zone.id,
    "string DisplayName": lambda zone: zone.id,
    "string StandardName": lambda zone: zone.id,
    "TimeSpan BaseUtcOffset": lambda zone: TimeSpan(zone.offset(637_134_336_000_000_000)),
    "TimeSpan GetUtcOffset(DateTime dateTime)": _zone_offset,
    "TimeSpan GetUtcOffset(DateTimeOffset dateTimeOffset)": _zone_offset,
    "bool IsDaylightSavingTime(DateTime dateTime)": lambda zone, value: _zone_offset(zone, value).ticks
    != zone.offset(637_134_336_000_000_000),
})  # fmt: skip
represent(Zone, ZONE)
for _class, _type in ((DateTime, DATETIME), (DateTimeOffset, DATETIME_OFFSET), (TimeSpan, TIMESPAN), (uuid.UUID, GUID)):
    represent(_class, _type)
represent(datetime, DATETIME)
TEXT[uuid.UUID] = str
FORMATTERS[uuid.UUID] = format_guid


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
    TIMESPAN: lambda value: _parse_span(text(value)),
    GUID: lambda value: parse_guid(text(value)),
})  # fmt: skip
