"""
What pydantic found, in the words of the file: which value belongs there, and how it is written.

Source: https://docs.pydantic.dev/latest/errors/validation_errors/.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

# What belongs there, in YAML's words instead of Python's, and how it is written; by the beginning of pydantic's type.
_WANTED = {
    "tuple": ("a list", "write [one, two], or each behind a - on a line of its own"),
    "list": ("a list", "write [one, two], or each behind a - on a line of its own"),
    "frozen_set": ("a list", "write [one, two], or each behind a - on a line of its own"),
    "dict": ("a mapping", "write key: value"),
    "model": ("a mapping", "write key: value"),
    "bool": ("true or false", ""),
    "int": ("a whole number", ""),
    "float": ("a number", ""),
    "finite": ("a finite number", ""),
    "string": ("a text", "put it into quotes"),
    "path": ("the path of a file", "put it into quotes"),
    "datetime": ("a date", "write 2026-01-31 or 2026-01-31T12:00:00Z"),
}
_KINDS = re.compile(rf"(?P<kind>{'|'.join(_WANTED)})_(?:number|(?:from_\w+_)?(?:type|parsing))")
# A value of the right type that is not allowed: what is wrong with it, and what to write; ``{…}`` is in the context.
_LIMITS = {
    "greater_than_equal": ("too small", "write at least {ge}"),
    "less_than_equal": ("too large", "write at most {le}"),
    "too_long": ("longer than {max_length} characters", "shorten it"),
    "int_parsing_size": ("too large", "write a smaller number"),
    "literal_error": ("not one of the values that are possible here", "write one of: {expected}"),
}


def worded(kind: str, context: Mapping[str, object]) -> tuple[str, str] | None:
    """What is wrong and its remedy, for pydantic's error type *kind* and its *context*; None: it has words already."""
    if known := _KINDS.fullmatch(kind):
        wanted, remedy = _WANTED[known["kind"]]
        return f"{wanted} belongs here", remedy
    if kind not in _LIMITS:
        return None
    message, remedy = _LIMITS[kind]
    plain = {key: str(value).replace("'", "").replace(" or ", ", ") for key, value in context.items()}
    return message.format_map(plain), remedy.format_map(plain)
