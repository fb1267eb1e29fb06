"""TimeZoneInfo, by Windows names and by those of the tz database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.expressions import moments as m
from gateway.expressions.formatting.text import TEXT
from gateway.expressions.moments import (
    DateTime,
    DateTimeOffset,
    TimeSpan,
)
from gateway.expressions.runtime import represent
from gateway.expressions.signatures import define
from gateway.expressions.thrown import thrown
from gateway.expressions.types.dates import Moment


class Zone:
    """``TimeZoneInfo``."""

    __slots__ = ("id", "zone")

    def __init__(self, name: str) -> None:
        self.id = name
        self.zone = UTC if name in ("UTC", "Etc/UTC") else ZoneInfo(_WINDOWS.get(name, name))

    def offset(self, utc_ticks: int) -> int:
        """By how many ticks this zone is ahead of UTC at a moment."""
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
    """UTC ticks of a local time in *source*; moments of kind Utc or Local have their own zone."""
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
        return DateTimeOffset(value.utc_ticks + ahead, ahead // m.TICKS_PER_MINUTE)
    return _in_zone(_utc_of(value, zones[0] if len(zones) > 1 else _UTC_ZONE), target)


def _zone_offset(zone: Zone, value: Moment) -> TimeSpan:
    utc = value.utc_ticks if isinstance(value, DateTimeOffset) else _utc_of(value, zone)
    return TimeSpan(zone.offset(utc))


_UTC_NAME = "Coordinated Universal Time"


def _name(zone: Zone) -> str:
    return _UTC_NAME if zone.zone is UTC else zone.id


def _display_name(zone: Zone) -> str:
    return f"(UTC) {_UTC_NAME}" if zone.zone is UTC else zone.id


JANUARY, JULY = 638_396_640_000_000_000, 638_553_888_000_000_000  # ticks of their first days in 2024


def _has_rules(zone: Zone) -> bool:
    return zone.offset(JANUARY) != zone.offset(JULY)


def _offsets(zone: Zone, value: DateTime) -> set[int]:
    """How far a clock in *zone* that shows this time may be ahead of UTC: twice an hour in autumn, never in spring."""
    if value.kind != m.UNSPECIFIED:
        return {zone.offset(value.ticks)}
    around = (zone.offset(value.ticks - m.TICKS_PER_DAY), zone.offset(value.ticks + m.TICKS_PER_DAY))
    return {ahead for ahead in around if zone.offset(value.ticks - ahead) == ahead}


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
    "string DisplayName": _display_name,
    "string StandardName": _name,
    "string ToString()": _display_name,
    "TimeSpan BaseUtcOffset": lambda zone: TimeSpan(zone.offset(637_134_336_000_000_000)),
    "TimeSpan GetUtcOffset(DateTime dateTime)": _zone_offset,
    "TimeSpan GetUtcOffset(DateTimeOffset dateTimeOffset)": _zone_offset,
    "bool SupportsDaylightSavingTime": _has_rules,
    "string DaylightName": _name,
    "bool HasSameRules(TimeZoneInfo other)": lambda zone, other: zone.id == other.id,
    "bool IsAmbiguousTime(DateTime dateTime)": lambda zone, value: len(_offsets(zone, value)) > 1,
    "bool IsInvalidTime(DateTime dateTime)": lambda zone, value: not _offsets(zone, value),
    "static DateTime ConvertTimeBySystemTimeZoneId(DateTime dateTime, string sourceTimeZoneId, "
    "string destinationTimeZoneId)":
        lambda value, source, target: _convert_time(value, _find_zone(source), _find_zone(target)),
    "static void ClearCachedData()": lambda: None,
    "bool IsDaylightSavingTime(DateTime dateTime)": lambda zone, value: _zone_offset(zone, value).ticks
    != zone.offset(637_134_336_000_000_000),
})  # fmt: skip
represent(Zone, ZONE)
TEXT[Zone] = _display_name
