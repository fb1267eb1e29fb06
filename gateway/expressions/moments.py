"""
DateTime, DateTimeOffset and TimeSpan as .NET counts them: ticks of 100 ns, from 0001-01-01.

Source: .NET API reference, "DateTime", "DateTimeOffset", "TimeSpan".
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from gateway.expressions.thrown import Thrown, thrown

TICKS_PER_MS = 10_000
TICKS_PER_S = 10_000_000
TICKS_PER_MINUTE = 60 * TICKS_PER_S
TICKS_PER_HOUR = 3600 * TICKS_PER_S
TICKS_PER_DAY = 864_000_000_000
MAX_TICKS = 3_155_378_975_999_999_999
EPOCH_TICKS = 621_355_968_000_000_000
UNSPECIFIED, UTC_KIND, LOCAL_KIND = 0, 1, 2


# Returns seconds since the epoch. A context variable, because `gateway test` gives each test its own clock.
CLOCK: ContextVar[Callable[[], float]] = ContextVar("clock", default=time.time)


def _out_of_range() -> Thrown:
    return thrown(
        "ArgumentOutOfRangeException",
        "The added or subtracted value results in an un-representable DateTime. (Parameter 'value')",
        "value",
    )


def checked_ticks(ticks: int) -> int:
    """*ticks*, if a DateTime can hold them."""
    if not 0 <= ticks <= MAX_TICKS:
        raise _out_of_range()
    return ticks


@dataclass(frozen=True, slots=True, order=True)
class TimeSpan:
    """A length of time in ticks."""

    ticks: int

    @staticmethod
    def of(delta: timedelta) -> TimeSpan:
        """The same length."""
        return TimeSpan((delta.days * 86_400 + delta.seconds) * TICKS_PER_S + delta.microseconds * 10)

    @staticmethod
    def scaled(value: float, unit: int) -> TimeSpan:
        """*value* times *unit* ticks; as in .NET, NaN and values that do not fit are refused."""
        if math.isnan(value):
            raise thrown("ArgumentException", "TimeSpan does not accept floating point Not-a-Number values.")
        return TimeSpan.checked(int(value * unit) if math.isfinite(value) else 1 << 64)

    @staticmethod
    def checked(ticks: int) -> TimeSpan:
        """A length of time, if it fits 64 bits."""
        if not -(1 << 63) <= ticks < 1 << 63:
            raise thrown("OverflowException", "TimeSpan overflowed because the duration is too long.")
        return TimeSpan(ticks)


@dataclass(frozen=True, slots=True)
class DateTime:
    """A moment in ticks, and its kind (UTC, local or unspecified), which does not count when two are compared."""

    ticks: int
    kind: int = UNSPECIFIED

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DateTime) and self.ticks == other.ticks

    def __hash__(self) -> int:
        return hash(self.ticks)

    def __lt__(self, other: DateTime) -> bool:
        return self.ticks < other.ticks

    def __le__(self, other: DateTime) -> bool:
        return self.ticks <= other.ticks

    def __gt__(self, other: DateTime) -> bool:
        return self.ticks > other.ticks

    def __ge__(self, other: DateTime) -> bool:
        return self.ticks >= other.ticks

    @property
    def date(self) -> date:
        """The calendar day."""
        return date.fromordinal(self.ticks // TICKS_PER_DAY + 1)

    @property
    def time_ticks(self) -> int:
        """Ticks since midnight."""
        return self.ticks % TICKS_PER_DAY

    def plus(self, ticks: int) -> DateTime:
        """That many ticks later."""
        return DateTime(checked_ticks(self.ticks + ticks), self.kind)


@dataclass(frozen=True, slots=True)
class DateTimeOffset:
    """A moment: its local time, and by how many minutes that is ahead of UTC."""

    ticks: int
    offset: int = 0

    @property
    def utc_ticks(self) -> int:
        """Ticks in UTC."""
        return self.ticks - self.offset * 60 * TICKS_PER_S

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DateTimeOffset) and self.utc_ticks == other.utc_ticks

    def __hash__(self) -> int:
        return hash(self.utc_ticks)

    def __lt__(self, other: DateTimeOffset) -> bool:
        return self.utc_ticks < other.utc_ticks

    def __le__(self, other: DateTimeOffset) -> bool:
        return self.utc_ticks <= other.utc_ticks

    def __gt__(self, other: DateTimeOffset) -> bool:
        return self.utc_ticks > other.utc_ticks

    def __ge__(self, other: DateTimeOffset) -> bool:
        return self.utc_ticks >= other.utc_ticks

    @property
    def clock(self) -> DateTime:
        """The local time without its offset."""
        return DateTime(self.ticks)

    def plus(self, ticks: int) -> DateTimeOffset:
        """That many ticks later, at the same offset."""
        return DateTimeOffset(checked_ticks(self.ticks + ticks), self.offset)


def from_python(value: datetime) -> DateTime:
    """A datetime as a UTC DateTime; one without zone is unspecified."""
    if value.tzinfo is None:
        return DateTime(datetime_ticks(value))
    return DateTime(datetime_ticks(value.astimezone(UTC).replace(tzinfo=None)), UTC_KIND)


def datetime_ticks(value: datetime) -> int:
    """Ticks of a datetime's local time."""
    seconds = value.hour * 3600 + value.minute * 60 + value.second
    return (value.toordinal() - 1) * TICKS_PER_DAY + seconds * TICKS_PER_S + value.microsecond * 10


def utc_now() -> DateTime:
    """Now, UTC."""
    return from_python(datetime.fromtimestamp(CLOCK.get()(), UTC))


def from_parts(year: int, month: int, day: int, ticks_of_day: int = 0) -> int:
    """Ticks of a calendar day and a time in it."""
    try:
        days = date(year, month, day).toordinal() - 1
    except ValueError:
        message = "Year, Month, and Day parameters describe an un-representable DateTime."
        raise thrown("ArgumentOutOfRangeException", message) from None
    return days * TICKS_PER_DAY + ticks_of_day


def add_months(value: DateTime | DateTimeOffset, months: int) -> int:
    """Ticks the given number of months later; a day that the month does not have becomes its last."""
    day = DateTime(value.ticks).date
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    if not 1 <= year <= 9999:
        raise _out_of_range()
    last = days_in_month(year, month + 1)
    return from_parts(year, month + 1, min(day.day, last), value.ticks % TICKS_PER_DAY)


def days_in_month(year: int, month: int) -> int:
    """Days of a month."""
    if not 1 <= month <= 12:
        raise thrown(
            "ArgumentOutOfRangeException", "Month must be between one and twelve. (Parameter 'month')", "month"
        )
    following = date(year + month // 12, month % 12 + 1, 1) if (year, month) != (9999, 12) else None
    return (following - date(year, month, 1)).days if following else 31
