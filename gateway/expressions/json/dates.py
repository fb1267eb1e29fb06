"""Which strings of a JSON text are dates: ISO 8601, date and time. Source: Newtonsoft.Json, DateParseHandling."""

from __future__ import annotations

import re

from gateway.expressions.formatting.dateparse import iso_date
from gateway.expressions.moments import DateTime

SHORTEST = 19  # characters of a date with its time
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,7})?(?:Z|[+-]\d\d:?\d\d)?", re.ASCII)


def read_moment(raw: str) -> DateTime | None:
    """The date and time in *raw*, or None."""
    return iso_date(raw) if len(raw) >= SHORTEST and raw[4:5] == "-" and _DATE.fullmatch(raw) else None
