"""Dates from text: ISO 8601, the formats of the invariant culture, and ``ParseExact``."""

from __future__ import annotations

import re

from gateway.expressions.formatting.dates import DAYS, MONTHS, STANDARD
from gateway.expressions.moments import (
    LOCAL_KIND,
    TICKS_PER_DAY,
    TICKS_PER_S,
    UNSPECIFIED,
    UTC_KIND,
    DateTime,
    TimeSpan,
    from_parts,
    utc_now,
)
from gateway.expressions.thrown import Thrown, argument_null, thrown

_ISO = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)(?:[T ]\s*(\d\d?):(\d\d?)(?::(\d\d?)(?:\.(\d{1,16}))?)?\s*(AM|PM)?)?"
    r"\s*(Z|GMT|[+-]\d\d:?(?:\d\d)?)?",
    re.ASCII | re.IGNORECASE,
)
_COMPACT_ZONE = re.compile(r"([+-])(\d\d):?(\d\d)?")
_MONTH = "|".join(f"{name}|{name[:3]}" for name in MONTHS)
_DAY_NAME = rf"(?:(?:{'|'.join(f'{name}|{name[:3]}' for name in DAYS)}),?\s+)?"
_CLOCK = r"(?:[T\s,]+(\d\d?):(\d\d)(?::(\d\d)(?:\.(\d{1,16}))?)?\s*(AM|PM)?)?\s*(Z|GMT|UTC|[+-]\d\d:?(?:\d\d)?)?"
_SLASHED = re.compile(rf"{_DAY_NAME}(\d\d?)[/-](\d\d?)[/-](\d\d\d\d|\d\d?){_CLOCK}", re.ASCII | re.IGNORECASE)
_YEAR_FIRST = re.compile(rf"(\d{{4}})[/.](\d\d?)[/.](\d\d?){_CLOCK}", re.ASCII | re.IGNORECASE)
_DAY_MONTH = re.compile(rf"{_DAY_NAME}(\d\d?)[\s-]({_MONTH})[\s,-]+(\d{{4}}|\d\d){_CLOCK}", re.ASCII | re.IGNORECASE)
_MONTH_DAY = re.compile(rf"{_DAY_NAME}({_MONTH})\s+(\d\d?),?\s+(\d{{4}}){_CLOCK}", re.ASCII | re.IGNORECASE)
_YEAR_MONTH = re.compile(r"(\d{4})[-/](\d\d?)", re.ASCII)
_MONTH_YEAR = re.compile(rf"(\d\d?|{_MONTH})[\s/-]\s*(\d{{4}})", re.ASCII | re.IGNORECASE)
_ONLY_CLOCK = re.compile(r"(\d\d?):(\d\d)(?::(\d\d)(?:\.(\d{1,16}))?)?\s*(AM|PM)?()", re.ASCII | re.IGNORECASE)

_KNOWN = re.compile(rf"{_MONTH}|{'|'.join(f'{name}|{name[:3]}' for name in DAYS)}|AM|PM|T|Z|GMT|UTC", re.IGNORECASE)

# A moment as read: ticks of its local time, and minutes ahead of UTC, or None if the text names no zone.
Read = tuple[int, int | None]


def not_a_date(text: str) -> Thrown:
    """The exception that Parse throws."""
    if _has_wrong_day(text):
        message = f"String '{text}' was not recognized as a valid DateTime because the day of week was incorrect."
        return thrown("FormatException", message)
    unknown = next((match for match in re.finditer(r"[A-Za-z]+", text) if not _KNOWN.fullmatch(match[0])), None)
    if unknown is None:
        return thrown("FormatException", f"String '{text}' was not recognized as a valid DateTime.")
    message = f"The string '{text}' was not recognized as a valid DateTime."
    return thrown("FormatException", f"{message} There is an unknown word starting at index '{unknown.start()}'.")


def _has_wrong_day(text: str) -> bool:
    """Whether nothing is wrong with *text* but the name of the day."""
    word = _FIRST_WORD.match(text)
    return word is not None and read_date(text) is None and read_date(text[word.end() :].lstrip(", ")) is not None


def _zone(text: str | None) -> int | None:
    if not text:
        return None
    match = _COMPACT_ZONE.fullmatch(text)
    if match is None:
        return 0
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    return -minutes if match[1] == "-" else minutes


def _clock_ticks(
    hour: str | None, minute: str | None, second: str | None, fraction: str | None, half: str | None
) -> int:
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
    if not 1 <= hours <= 12:
        raise ValueError
    return hours % 12 + (12 if half.upper() == "PM" else 0)


def read_date(text: str) -> Read | None:
    """A date in any form that the invariant culture reads, or None."""
    text = text.strip()
    if len(text) > 100:
        return None
    try:
        moment = _read(text)
    except (ValueError, Thrown):
        return None
    return None if moment is None or _is_other_day(text, moment[0]) else moment


_FIRST_WORD = re.compile(r"[A-Za-z]+")


def _is_other_day(text: str, ticks: int) -> bool:
    """Whether *text* begins with the name of a day of the week that its date is not."""
    word = _FIRST_WORD.match(text)
    if word is None:
        return False
    name = word[0].lower()
    day = next((place for place, known in enumerate(DAYS) if name in (known.lower(), known[:3].lower())), None)
    return day is not None and ticks // TICKS_PER_DAY % 7 != day


def _read(text: str) -> Read | None:
    if match := _ISO.fullmatch(text):
        year, month, day, hour, minute, second, fraction, half, zone = match.groups()
        if half and "T" in text.upper():
            return None
        ticks = from_parts(int(year), int(month), int(day), _clock_ticks(hour, minute, second, fraction, half))
        return ticks, _zone(zone)
    for pattern, order in ((_SLASHED, "mdy"), (_YEAR_FIRST, "ymd"), (_DAY_MONTH, "dmy"), (_MONTH_DAY, "mdy")):
        if match := pattern.fullmatch(text):
            parts = dict(zip(order, match.groups()[:3], strict=True))
            hour, minute, second, fraction, half, zone = match.groups()[3:]
            clock = _clock_ticks(hour, minute, second, fraction, half)
            return from_parts(_year(parts["y"]), _month(parts["m"]), int(parts["d"]), clock), _zone(zone)
    return _read_part(text)


def _read_part(text: str) -> Read | None:
    """A month, which begins on its first day, or a time of today."""
    if match := _YEAR_MONTH.fullmatch(text):
        return from_parts(int(match[1]), int(match[2]), 1), None
    if match := _MONTH_YEAR.fullmatch(text):
        return from_parts(int(match[2]), _month(match[1]), 1), None
    if match := _ONLY_CLOCK.fullmatch(text):
        today = utc_now()
        return today.ticks - today.time_ticks + _clock_ticks(*match.groups()[:5]), None
    return None


def _year(text: str) -> int:
    year = int(text)
    return year if len(text) > 2 else year + (2000 if year < 50 else 1900)


def _month(text: str) -> int:
    if text.isdigit():
        return int(text)
    return next(index for index, name in enumerate(MONTHS, 1) if name[:3].lower() == text[:3].lower())


def iso_date(text: str) -> DateTime | None:
    """An ISO date as the JSON reader creates it: Z is UTC, an offset is converted to local time (UTC here)."""
    moment = read_date(text)
    if moment is None:
        return None
    ticks, zone = moment
    if zone is None:
        return DateTime(ticks, UNSPECIFIED)
    kind = UTC_KIND if text.endswith("Z") else LOCAL_KIND
    return DateTime(ticks - zone * 60 * TICKS_PER_S, kind)


# DateTimeStyles
ASSUME_LOCAL, ASSUME_UNIVERSAL, ADJUST, ROUNDTRIP = 32, 64, 16, 128


def parse_date(text: str | None, styles: int = 0) -> DateTime:
    """``DateTime.Parse``: a zone in the text moves the moment to local time, which is UTC here."""
    if text is None:
        raise argument_null("s")
    moment = read_date(text)
    if moment is None:
        raise not_a_date(text)
    return with_styles(moment, styles, text)


def with_styles(moment: Read, styles: int, text: str) -> DateTime:
    """A moment as read, converted to the kind that DateTimeStyles ask for."""
    ticks, zone = moment
    if zone is None:
        if styles & ASSUME_UNIVERSAL:
            return DateTime(ticks, UTC_KIND if styles & ADJUST else LOCAL_KIND)
        return DateTime(ticks, LOCAL_KIND if styles & ASSUME_LOCAL else UNSPECIFIED)
    moved = ticks - zone * 60 * TICKS_PER_S
    utc = styles & ADJUST or (styles & ROUNDTRIP and text.rstrip().endswith(("Z", "z")))
    return DateTime(moved, UTC_KIND if utc else LOCAL_KIND)


_TOKEN = re.compile(r"\\(.)|'([^']*)'|\"([^\"]*)\"|(%)|([dfFghHKmMstyz])\5*|(.)", re.DOTALL)
_FIELDS = {
    "d": r"(?P<d>\d\d?)", "dd": r"(?P<d>\d\d)", "ddd": "[A-Za-z]{3}", "dddd": "[A-Za-z]+",
    "M": r"(?P<M>\d\d?)", "MM": r"(?P<M>\d\d)", "MMM": "(?P<M>[A-Za-z]{3})", "MMMM": "(?P<M>[A-Za-z]+)",
    "y": r"(?P<y>\d\d?)", "yy": r"(?P<y>\d\d)", "yyy": r"(?P<y>\d{3,4})", "yyyy": r"(?P<y>\d{4})",
    "H": r"(?P<H>\d\d?)", "HH": r"(?P<H>\d\d)", "h": r"(?P<h>\d\d?)", "hh": r"(?P<h>\d\d)",
    "m": r"(?P<m>\d\d?)", "mm": r"(?P<m>\d\d)", "s": r"(?P<s>\d\d?)", "ss": r"(?P<s>\d\d)",
    "t": "(?P<t>[AP])", "tt": "(?P<t>AM|PM)", "z": r"(?P<z>[+-]\d\d?)", "zz": r"(?P<z>[+-]\d\d)",
    "zzz": r"(?P<z>[+-]\d\d:?\d\d)", "K": r"(?P<z>Z|[+-]\d\d:?\d\d)?",
}  # fmt: skip


def parse_exact(text: str | None, pattern: str | None) -> Read:
    """``ParseExact`` by a standard or custom format."""
    if text is None or pattern is None:
        raise argument_null("s" if text is None else "format")
    match = _exact_pattern(pattern).fullmatch(text)
    if match is None:
        raise not_a_date(text)
    try:
        return _from_fields({name: value for name, value in match.groupdict().items() if value})
    except (ValueError, StopIteration):
        raise not_a_date(text) from None


def _exact_pattern(pattern: str) -> re.Pattern[str]:
    pattern = STANDARD.get(pattern, pattern) if len(pattern) == 1 else pattern
    seen: set[str] = set()
    parts = []
    for match in _TOKEN.finditer(pattern):
        part = _field(match)
        name = re.match(r"\(\?P<(\w)>", part)
        # A field that occurs twice must have the same value both times.
        parts.append(f"(?P={name[1]})" if name and name[1] in seen else part)
        seen.update({name[1]} if name else ())
    return re.compile("".join(parts), re.ASCII | re.IGNORECASE)


def _field(match: re.Match[str]) -> str:
    letter, written = match[5], match[0]
    if letter is None:
        return "(?P<z>Z|GMT)" if match[6] == "Z" else re.escape(_literal(match))
    if letter in "fF":
        return rf"(?P<f>\d{{{'' if letter == 'f' else '0,'}{len(written)}}})"
    return _FIELDS.get(written, "A\\.D\\." if letter == "g" else _FIELDS.get(letter * 4, ""))


def _literal(match: re.Match[str]) -> str:
    """Text that is not a field: an escaped, quoted or any other character; nothing for a ``%``."""
    return "" if match[4] else match[1] or match[2] or match[3] or match[6] or ""


def _from_fields(fields: dict[str, str]) -> Read:
    half = f"{fields['t'][0]}M" if "t" in fields and "h" in fields else None
    hour = fields.get("H") or fields.get("h")
    clock = _clock_ticks(hour, fields.get("m"), fields.get("s"), fields.get("f"), half)
    try:
        return from_parts(*_day(fields), clock), _zone(fields.get("z"))
    except Thrown:
        raise ValueError from None


def _day(fields: dict[str, str]) -> tuple[int, int, int]:
    """Year, month and day: today if the format has none of them; the first if it has only some."""
    today = utc_now().date
    month, day = (1, 1) if fields.keys() & {"y", "M", "d"} else (today.month, today.day)
    return (
        _year(fields["y"]) if "y" in fields else today.year,
        _month(fields["M"]) if "M" in fields else month,
        int(fields["d"]) if "d" in fields else day,
    )


_SPAN = re.compile(
    r"(-)?(?:(\d{1,8})(?:\.|$|:(?=\d\d?:\d\d?:\d)))?(?:(\d\d?):(\d\d?)(?::(\d\d?)(?:\.(\d{1,7}))?)?)?", re.ASCII
)


def read_span(text: str | None) -> TimeSpan | None:
    """``TimeSpan.Parse``: ``d``, ``hh:mm``, ``d.hh:mm:ss.fffffff``, or None."""
    match = _SPAN.fullmatch((text or "").strip())
    if match is None or not (match[2] or match[3]):
        return None
    days, hours, minutes, seconds, fraction = map(int, _span_numbers(match))
    if hours > 23 or max(minutes, seconds) > 59:
        return None
    ticks = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * TICKS_PER_S + fraction
    return TimeSpan.checked(-ticks if match[1] else ticks)


def _span_numbers(match: re.Match[str]) -> tuple[str, ...]:
    *whole, fraction = match.groups("0")[1:]
    return (*whole, fraction.ljust(7, "0"))
