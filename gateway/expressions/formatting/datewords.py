"""
Dates as people write them: numbers and names in the order that they have, read as the invariant culture reads them.

``5/1/2024``, ``May 5``, ``24 May`` (a month of a year), ``10 PM 1/5/2024``. A number of more than two digits is a year;
of two numbers the first is the month. Two parts of a date cannot be followed by a clock without AM or PM, because its
hour would be the third part.

Source: .NET API reference, "DateTime.Parse"; the results are .NET 8's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gateway.expressions.formatting.dates import DAYS, MONTHS
from gateway.expressions.moments import TICKS_PER_DAY, TICKS_PER_S, from_parts, utc_now

# A moment as read: ticks of its local time, and minutes ahead of UTC, or None if the text names no zone.
Read = tuple[int, int | None]

_TOKEN = re.compile(
    r"(?P<clock>\d\d?:\d\d?(?::\d\d?(?:[.,]\d{1,16})?)?(?:\s*[AP]M\b)?|\d\d?\s*[AP]M\b)"
    r"|(?P<zone>(?:Z|GMT)\b|[+-]\d\d?(?::?\d\d)?(?=\s*$))"
    r"|(?P<number>\d{1,4})(?!\d)|(?P<word>[A-Z]{3,9})|(?P<join>T)|(?P<gap>\s*[/.,-]\s*|\s+)",
    re.ASCII | re.IGNORECASE,
)
_CLOCK = re.compile(r"(\d\d?)(?::(\d\d?)(?::(\d\d?)(?:[.,](\d+))?)?)?\s*([AP]M)?", re.ASCII | re.IGNORECASE)
_COMPACT_ZONE = re.compile(r"([+-])(\d\d?)(?::?(\d\d))?")


@dataclass(slots=True)
class DateWords:
    """What the text has: the numbers and the month of its date in their order, its clock, zone and day of the week."""

    date: list[str] = field(default_factory=list)
    clock: re.Match[str] | None = None
    zone: str | None = None
    day: int | None = None
    joined: bool = False  # a T that the clock must follow
    clock_is_last: bool = False


def read_words(text: str) -> Read | None:
    """The moment that *text* means, or None. Raises ValueError or Thrown: a part is out of range."""
    words = DateWords()
    if not all(_take(words, kind, part) for kind, part in _tokens(text)) or _is_unfinished(words):
        return None
    ticks = _day_ticks(words) + (clock_ticks(*words.clock.groups()) if words.clock else 0)
    if words.day is not None and words.date and ticks // TICKS_PER_DAY % 7 != words.day:
        return None
    return ticks, zone_minutes(words.zone)


def _is_unfinished(words: DateWords) -> bool:
    if words.joined or len(words.date) == 1 or not (words.date or words.clock):
        return True
    return len(words.date) == 2 and words.clock_is_last and not _is_hour_with_half(words.clock)


def _is_hour_with_half(clock: re.Match[str] | None) -> bool:
    """Whether it is ``10 PM``: the hour of any other clock would be the third part of a date."""
    return clock is not None and clock[2] is None and clock[5] is not None


def _day_ticks(words: DateWords) -> int:
    if words.date:
        return from_parts(*_date(words.date))
    return utc_now().ticks // TICKS_PER_DAY * TICKS_PER_DAY


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """The kinds and texts of all tokens but gaps; "other" where there is none, which ends it."""
    place, gap = 0, True
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None or (match.lastgroup == "gap" and gap and match[0].strip()):
            yield "other", text[place:]
            return
        place, gap = match.end(), match.lastgroup == "gap"
        if not gap:
            yield str(match.lastgroup), match[0]


def _take(words: DateWords, kind: str, part: str) -> bool:
    """Add one token to what is found; False where it cannot be there."""
    if kind not in _TAKE or words.zone is not None or (words.joined and kind != "clock"):
        return False
    if kind == "zone" and part[0] == "-" and 0 < len(words.date) < 3:
        return _take_number(words, part[1:])
    return _TAKE[kind](words, part)


def _take_number(words: DateWords, part: str) -> bool:
    if not part.isdigit() or not _is_open(words):
        return False
    words.date.append(part)
    return True


def _is_open(words: DateWords) -> bool:
    """Whether the date may have more parts: it is in one piece."""
    return len(words.date) < 3 and not words.clock_is_last


def _take_clock(words: DateWords, part: str) -> bool:
    if words.clock:
        return False
    words.clock, words.joined, words.clock_is_last = _CLOCK.fullmatch(part), False, bool(words.date)
    return True


def _take_join(words: DateWords, _part: str) -> bool:
    words.joined = len(words.date) == 3 and not words.clock
    return words.joined


def _take_zone(words: DateWords, part: str) -> bool:
    words.zone = part
    return words.clock is not None or len(words.date) == 3


def _take_word(words: DateWords, word: str) -> bool:
    """The name of a month or of a day of the week."""
    day = _place(word, DAYS)
    if day is not None and words.day is None:
        words.day = day
        return True
    if _place(word, MONTHS) is None or not _is_open(words) or not all(part.isdigit() for part in words.date):
        return False
    words.date.append(word)
    return True


_TAKE: dict[str, Callable[[DateWords, str], bool]] = {
    "number": _take_number,
    "word": _take_word,
    "clock": _take_clock,
    "join": _take_join,
    "zone": _take_zone,
}


def _place(word: str, names: tuple[str, ...] | list[str]) -> int | None:
    """Which of *names* it is, whole or its first three letters, from 0."""
    lower = word.lower()
    return next((place for place, name in enumerate(names) if lower in (name.lower(), name[:3].lower())), None)


def _date(parts: list[str]) -> tuple[int, int, int]:
    """Year, month and day. Raises ValueError: a part is not a year, a month or a day."""
    order = _order(parts)
    named = dict(zip(order, parts, strict=True))
    if any(len(part) > 2 for letter, part in named.items() if letter == "d" or (letter == "m" and part.isdigit())):
        raise ValueError
    year = year_of(named["y"]) if "y" in named else utc_now().date.year
    return year, month_of(named["m"]), int(named.get("d", "1"))


def _order(parts: list[str]) -> str:
    """Which part is the year, the month and the day."""
    year_first = len(parts[0]) > 2 and parts[0].isdigit()
    if len(parts) == 3:
        return "ymd" if year_first else _order_of_three(parts[1])
    if year_first or (parts[0].isdigit() and not parts[1].isdigit()):
        return "ym"
    return "my" if len(parts[1]) > 2 else "md"


def _order_of_three(middle: str) -> str:
    return "mdy" if middle.isdigit() else "dmy"


def year_of(text: str) -> int:
    """A year; one of two digits is between 1950 and 2049."""
    year = int(text)
    return year if len(text) > 2 else year + (2000 if year < 50 else 1900)


def month_of(text: str) -> int:
    """A month, from 1, by number or name. Raises StopIteration: it is neither."""
    if text.isdigit():
        return int(text)
    return next(index for index, name in enumerate(MONTHS, 1) if name[:3].lower() == text[:3].lower())


def zone_minutes(text: str | None) -> int | None:
    """Minutes ahead of UTC, or None without a zone."""
    if not text:
        return None
    match = _COMPACT_ZONE.fullmatch(text)
    if match is None:
        return 0
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    return -minutes if match[1] == "-" else minutes


def clock_ticks(
    hour: str | None, minute: str | None, second: str | None, fraction: str | None, half: str | None
) -> int:
    """Ticks since midnight. Raises ValueError: there is no such time."""
    hours = _hours(int(hour or 0), half)
    minutes, seconds = int(minute or 0), int(second or 0)
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueError
    ticks = int((fraction or "0").ljust(8, "0")[:8])
    return (hours * 3600 + minutes * 60 + seconds) * TICKS_PER_S + (ticks + 5) // 10


def _hours(hours: int, half: str | None) -> int:
    """Hours since midnight; *half* is AM or PM."""
    if not half:
        return hours
    if half.upper() == "PM":
        return hours + 12 if hours < 12 else hours
    if hours > 12:
        raise ValueError
    return hours % 12
