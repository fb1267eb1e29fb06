"""
Formats of ParseExact and TryParseExact: one of a single letter is a standard format, or a mistake.

Source: .NET API reference, "DateTime.TryParseExact".
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.expressions.formatting.dates import STANDARD
from gateway.expressions.thrown import Thrown, thrown
from gateway.expressions.types.numbers import try_parse

BAD_FORMAT = "Input string was not in a correct format."


def check_format(value: str, pattern: object) -> None:
    """A format of one letter is a standard one. Raises Thrown: it is not, and there is a text to read."""
    if value and isinstance(pattern, str) and len(pattern) == 1 and pattern not in STANDARD:
        raise thrown("FormatException", BAD_FORMAT)


def try_exact(parse: Callable[..., object], default: object) -> Callable[..., bool]:
    """``TryParseExact`` from ``ParseExact``: a format that does not exist is not a fault of the text."""

    def checked(value: str | None, pattern: object, *rest: object) -> object:
        try:
            return parse(value, pattern, *rest)
        except Thrown as error:
            if error.value.message == BAD_FORMAT:
                raise _WrongFormat from None
            raise

    attempt = try_parse(checked, default)

    def exactly(*given: object) -> bool:
        try:
            return attempt(*given)
        except _WrongFormat:
            raise thrown("FormatException", BAD_FORMAT) from None

    return exactly


class _WrongFormat(Exception):
    """A standard format that does not exist, where ``TryParse`` would otherwise answer false."""
