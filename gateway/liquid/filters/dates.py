"""
The Date filter: .NET formats, and the text itself where it is not a date.

Source: DotLiquid, "StandardFilters.Date", at the level of syntax 2.0.
"""

from __future__ import annotations

from typing import Any

from gateway.expressions import to_text
from gateway.expressions.formatting.composite import format_value
from gateway.expressions.formatting.dateparse import parse_date
from gateway.expressions.moments import DateTime, utc_now
from gateway.expressions.thrown import Thrown
from gateway.liquid.filters.signatures import anything, string, table
from gateway.liquid.values import text_of


def _date(value: Any, pattern: str | None) -> str | None:
    if value is None:
        return None
    written = None if isinstance(value, DateTime) else text_of(value)
    moment = value if written is None else _read(written)
    if moment is None:
        return written
    return format_value(moment, pattern) if pattern and not pattern.isspace() else _unformatted(moment, written)


def _unformatted(moment: DateTime, written: str | None) -> str:
    """The date without a format: text is returned unchanged, except for ``now``."""
    return to_text(moment) if written is None or _is_now(written) else written


def _read(written: str) -> DateTime | None:
    try:
        return utc_now() if _is_now(written) else parse_date(written)
    except Thrown:
        return None


def _is_now(written: str) -> bool:
    return written.lower() in ("now", "today")


DATES = table(("Date", _date, (anything("input"), string("format"))))
