"""
``ToString(format)``, ``string.Format`` and the holes of interpolated strings.

Source: .NET "Composite formatting".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal

from gateway.expressions.formatting.digits import bad_format
from gateway.expressions.formatting.numbers import format_number
from gateway.expressions.formatting.text import text
from gateway.expressions.limits import charge, charged, spend
from gateway.expressions.thrown import Thrown, argument_null, thrown
from gateway.expressions.values import EnumValue

FORMATTERS: dict[type, Callable[..., str]] = {}  # classes that are IFormattable, beside numbers
HOLE_S = 1e-6  # for each character of a format string
_ITEM = re.compile(r"\{\{|\}\}|\{(\d{1,6})\s*(?:,\s*(-?\d{1,9})\s*)?(?::((?:[^{}]|\{\{|\}\})*))?\}|[{}]")


def format_value(value: object, pattern: str) -> str:
    """``value.ToString(pattern)``; types that have no formats ignore it."""
    if not pattern or value is None:
        return text(value)
    own = FORMATTERS.get(value.__class__)
    if own is not None:
        return own(value, pattern)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return text(value)
    return format_number(value, pattern)


def format_hole(value: object, width: int, pattern: str) -> str:
    """One ``{value,width:pattern}``."""
    shown = format_value(value, pattern)
    if abs(width) > len(shown):
        charge(abs(width))
    return shown.rjust(width) if width > 0 else shown.ljust(-width)


def format_composite(pattern: str | None, values: Sequence[object] | None) -> str:
    """``string.Format(pattern, values)``."""
    if pattern is None or values is None:
        raise argument_null("format" if pattern is None else "args")

    def fill(match: re.Match[str]) -> str:
        if match[1] is None:
            return _brace(match[0])
        index = int(match[1])
        if index >= len(values):
            raise thrown(
                "FormatException",
                "Index (zero based) must be greater than or equal to zero and less than the size of the argument list.",
            )
        hole = (match[3] or "").replace("{{", "{").replace("}}", "}")
        return format_hole(values[index], int(match[2] or 0), hole)

    spend(len(pattern), HOLE_S)
    return charged(_ITEM.sub(fill, pattern))


def _brace(braces: str) -> str:
    if len(braces) == 1:
        raise _malformed()
    return braces[0]


def _malformed() -> Thrown:
    return thrown("FormatException", "Input string was not in a correct format.")


def _enum(value: EnumValue, pattern: str) -> str:
    if pattern in "GgFf":
        return text(value)
    if pattern in "Dd":
        return str(value.value)
    if pattern in "Xx":
        return f"{value.value & 0xFFFFFFFF:08X}"
    raise bad_format()


FORMATTERS[EnumValue] = _enum
