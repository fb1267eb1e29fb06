"""
Which strings of a JSON text are dates: ISO 8601 with date and time, and ``/Date(milliseconds)/``.

Source: Newtonsoft.Json, DateParseHandling, DateTimeUtils, DateTimeParser.
"""

from __future__ import annotations

import re
from datetime import date

from gateway.expressions.moments import (
    LOCAL_KIND,
    MAX_TICKS,
    TICKS_PER_DAY,
    TICKS_PER_S,
    UNSPECIFIED,
    UTC_KIND,
    DateTime,
)

SHORTEST = 9  # characters of a date
_SHORTEST_ISO = 19
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):([0-5]\d):([0-5]\d)(?:\.(\d{1,7}))?(?:([Zz])|([+-])(\d\d)(?::?(\d\d))?)?", re.ASCII
)
_MILLISECONDS = re.compile(r"/Date\((-?\d{1,19})([+-]\d\d\d{0,2})?\)/", re.ASCII)
_EPOCH = 621_355_968_000_000_000  # 1970 in ticks
_TICKS_PER_MS = TICKS_PER_S // 1000


def read_moment(raw: str) -> DateTime | None:
    """
    The date and time in *raw*, or None. An offset is converted to local time, which is UTC here.

    It never throws, so that a tree can be read later than its text: a date that .NET throws for stays a text.
    """
    if len(raw) < SHORTEST:
        return None
    if raw[0] == "/":
        match = _MILLISECONDS.fullmatch(raw)
        return None if match is None else _since_epoch(int(match[1]), match[2])
    match = _ISO.fullmatch(raw) if len(raw) >= _SHORTEST_ISO and raw[4] == "-" else None
    return None if match is None else _iso(match)


def _since_epoch(milliseconds: int, offset: str | None) -> DateTime | None:
    if not -(1 << 63) <= milliseconds < 1 << 63:
        return None
    ticks = (milliseconds * _TICKS_PER_MS + _EPOCH + (1 << 63)) % (1 << 64) - (1 << 63)  # it wraps
    return _moment(ticks, UTC_KIND if offset is None else LOCAL_KIND)


def _iso(match: re.Match[str]) -> DateTime | None:
    year, month, day, hour, minute, second, fraction, is_utc, sign, hours, minutes = match.groups()
    ticks = (int(hour) * 3600 + int(minute) * 60 + int(second)) * TICKS_PER_S + int((fraction or "").ljust(7, "0"))
    if ticks > TICKS_PER_DAY:
        return None
    try:
        ticks += (date(int(year), int(month), int(day)).toordinal() - 1) * TICKS_PER_DAY
    except ValueError:
        return None
    if not sign:
        return _moment(ticks, UTC_KIND if is_utc else UNSPECIFIED)
    ahead = (int(hours) * 60 + int(minutes or 0)) * 60 * TICKS_PER_S
    moved = ticks + ahead if sign == "-" else ticks - ahead
    return DateTime(min(max(moved, 0), MAX_TICKS), LOCAL_KIND)


def _moment(ticks: int, kind: int) -> DateTime | None:
    return DateTime(ticks, kind) if 0 <= ticks <= MAX_TICKS else None
