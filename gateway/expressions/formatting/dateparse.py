"""Dates from text: ISO 8601, the formats of the invariant culture, and ``ParseExact``."""

from __future__ import annotations

import re

from gateway.expressions.formatting.dates import DAYS, MONTHS, STANDARD
from gateway.expressions.formatting.datewords import Read, clock_ticks, month_of, read_words, year_of, zone_minutes
from gateway.expressions.moments import (
    LOCAL_KIND,
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
    r"(\d{4})-(\d\d?)-(\d\d?)(?:[T ]\s*(\d\d?):(\d\d?)(?::(\d\d?)(?:[.,](\d{1,16}))?)?\s*(AM|PM)?)?"
    r"\s*(Z|GMT|[+-]\d\d:?(?:\d\d)?)?",
    re.ASCII | re.IGNORECASE,
)
_MONTH = "|".join(f"{name}|{name[:3]}" for name in MONTHS)
_KNOWN = re.compile(rf"{_MONTH}|{'|'.join(f'{name}|{name[:3]}' for name in DAYS)}|AM|PM|T|Z|GMT", re.IGNORECASE)


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


def _no_such_day(text: str) -> Thrown:
    """The exception of a text that has the format of a date, and numbers that no date has."""
    message = f"The DateTime represented by the string '{text}' is not supported in calendar"
    return thrown("FormatException", f"{message} 'System.Globalization.GregorianCalendar'.")


def _has_wrong_day(text: str) -> bool:
    """Whether nothing is wrong with *text* but the name of the day."""
    word = _FIRST_WORD.match(text)
    return word is not None and read_date(text) is None and read_date(text[word.end() :].lstrip(", ")) is not None


def read_date(text: str) -> Read | None:
    """A date in any form that the invariant culture reads, or None."""
    text = text.strip()
    if len(text) > 100:
        return None
    try:
        return _read(text)
    except (ValueError, Thrown):
        return None


_FIRST_WORD = re.compile(r"[A-Za-z]+")


def _read(text: str) -> Read | None:
    if match := _ISO.fullmatch(text):
        year, month, day, hour, minute, second, fraction, half, zone = match.groups()
        if half and "T" in text.upper():
            return None
        ticks = from_parts(int(year), int(month), int(day), clock_ticks(hour, minute, second, fraction, half))
        return ticks, zone_minutes(zone)
    return read_words(text)


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
        raise thrown("FormatException", f"String '{text}' was not recognized as a valid DateTime.")
    try:
        return _from_fields({name: value for name, value in match.groupdict().items() if value})
    except (ValueError, StopIteration):
        raise _no_such_day(text) from None


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
    clock = clock_ticks(hour, fields.get("m"), fields.get("s"), fields.get("f"), half)
    try:
        return from_parts(*_day(fields), clock), zone_minutes(fields.get("z"))
    except Thrown:
        raise ValueError from None


def _day(fields: dict[str, str]) -> tuple[int, int, int]:
    """Year, month and day: today if the format has none of them; the first if it has only some."""
    today = utc_now().date
    month, day = (1, 1) if fields.keys() & {"y", "M", "d"} else (today.month, today.day)
    return (
        year_of(fields["y"]) if "y" in fields else today.year,
        month_of(fields["M"]) if "M" in fields else month,
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
