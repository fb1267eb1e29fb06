"""
Durations as people write them in configuration: ``500ms``, ``10s``, ``9m30s``, ``2h``, ``1d12h``.

Inside the program a duration is a float in seconds and its name ends in ``_s``; only the border speaks text.
"""

from __future__ import annotations

import re

UNITS: dict[str, float] = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}

# Descending units, each at most once, so "9m30s" is clear and "30s9m" is taken for the typing mistake that it is.
_PATTERN = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?", re.ASCII)


def parse(text: str) -> float:
    """
    Seconds in a written duration.

    Args:
        text: Units ``d h m s ms`` in falling order, each at most once; only seconds may have decimals.

    Raises:
        ValueError: With the accepted form, for anything else: a bare number, a sign, an unknown unit, inner space.
    """
    match = _PATTERN.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        raise ValueError(f"{text!r} is not a duration; write it as 500ms, 10s, 9m30s or 2h")
    parts = zip(match.groups(), UNITS.values(), strict=True)
    return sum(float(count) * seconds for count, seconds in parts if count)


def format(seconds: float) -> str:
    """
    The shortest exact writing of a duration, to the millisecond: ``570.0`` is ``9m30s``, ``0`` is ``0s``.

    Raises:
        ValueError: For a negative or non-finite number.
    """
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"{seconds!r} is not a duration")
    rest = round(seconds * 1000)
    text = ""
    for unit, length in UNITS.items():
        count, rest = divmod(rest, round(length * 1000))
        text += f"{count}{unit}" if count else ""
    return text or "0s"
