"""
.NET's regular expressions in the dialect of the ``regex`` package.

Source: .NET "Regular expression language".
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from gateway.expressions.limits import LimitExceeded
from gateway.expressions.thrown import thrown

if TYPE_CHECKING:
    import regex

_FLAGS = {1: "IGNORECASE", 2: "MULTILINE", 16: "DOTALL", 32: "VERBOSE", 256: "ASCII"}  # by the bit of RegexOptions
MAX_PATTERN = 10_000

# What differs between the two dialects: named groups in quotes, \z, \Z before a last line break, $ the same.
_TRANSLATE = re.compile(r"\\(.)|\(\?'(\w+)'|\(\?<(\w+)>|\[(?:\\.|[^\]\\])*\]|(\$)", re.DOTALL)


def translate(pattern: str, multiline: bool = False) -> str:
    """A .NET pattern in the dialect of the ``regex`` package."""

    def change(match: re.Match[str]) -> str:
        escaped, quoted, named, dollar = match.groups()
        if escaped is not None:
            return {"z": r"\Z", "Z": r"(?=\n?\Z)", "e": r"\x1b"}.get(escaped, match[0])
        if quoted or named:
            return f"(?P<{quoted or named}>"
        if dollar and not multiline:
            return r"(?=\n?\Z)"
        return match[0]

    return _TRANSLATE.sub(change, pattern)


@lru_cache(maxsize=512)
def compiled(pattern: str, options: int = 0) -> regex.Pattern[str]:
    """A compiled pattern; the same one is compiled once."""
    if len(pattern) > MAX_PATTERN:
        raise LimitExceeded(f"a regular expression may have {MAX_PATTERN:,} characters")
    import regex  # large, and few policies match patterns

    flags = regex.VERSION0
    for bit, name in _FLAGS.items():
        flags |= getattr(regex, name) if options & bit else 0
    try:
        return regex.compile(translate(pattern, bool(options & 2)), flags)
    except regex.error as error:
        message = f"Invalid pattern '{pattern}' at offset {error.pos or 0}. {error.msg}."
        raise thrown("ArgumentException", message) from None
