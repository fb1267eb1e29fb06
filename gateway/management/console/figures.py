"""Numbers and times in readable form."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.reading import durations

NOTHING = "–"


def count(number: int) -> str:
    """``12 345``, with a narrow space that does not break."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def rate(per_second: float) -> str:
    """A number of requests per second."""
    return count(round(per_second)) if per_second >= 100 else f"{per_second:.1f}"


def tick(number: float) -> str:
    """A number on an axis, which may be a half."""
    return count(round(number)) if number == round(number) else f"{number:g}"


def share(part: int, whole: int) -> str:
    """A part in percent; a dash if the whole is 0."""
    return f"{100 * part / whole:.1f} %" if whole else NOTHING


def milliseconds(seconds: float | None) -> str:
    """A latency."""
    if seconds is None:
        return NOTHING
    value = seconds * 1000
    return f"{value:.1f} ms" if value < 10 else f"{count(round(value))} ms"


def age(seconds: float | None) -> str:
    """``2h5m``: beyond an hour minutes are enough, beyond a day hours."""
    if seconds is None:
        return "never"
    whole = max(0, int(seconds))
    unit = 3_600 if whole >= 86_400 else 60 if whole >= 3_600 else 1
    return durations.format(whole - whole % unit)


def moment(epoch_s: float) -> str:
    """``2026-11-27 18:40:05`` UTC."""
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%d %H:%M:%S")
