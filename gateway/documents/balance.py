"""
Where an expression is unbalanced: the place at which its bracket belongs, not the end of the document.

An expression whose bracket is missing swallows what follows, quotes and tags included. Where its value was meant to end
can be told from the mark-up behind it, and the part up to there shows what is missing.

Source: APIM "Policy expressions", "Syntax".
"""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.errors import Location, Problem
from gateway.expressions.scan import Unbalanced, scan_expression

CODE = "unbalanced-expression"
# Quotes as JSON, YAML and shells escape them: a backslash where C# would begin a text.
_ESCAPED_QUOTE = re.compile(r'[(,=\[\s]\\"')
_LINE_END = re.compile(r"[\r\n]")


def unbalanced(
    text: str, start: int, error: Unbalanced, place: Callable[[int], Location], ends: re.Pattern[str] | None = None
) -> Problem:
    """
    What is wrong with the expression at *start*, which *error* has refused.

    Args:
        text: The document, or the value alone.
        place: Where an offset into *text* is.
        ends: What stands behind the value of an expression that is complete; None where *text* ends with it.
    """
    end = len(text) if ends is None else _end(text, start, ends)
    error = error if end is None else _within(text[:end], start, error)
    if end is not None and (quote := _ESCAPED_QUOTE.search(text, start, end)):
        message = "C# writes a text between plain quotes, without a backslash before them"
        return Problem(place(quote.end() - 2), CODE, message, 'write " for \\"')
    if error.opened is None:
        return Problem(place(max(start, error.position)), CODE, str(error), error.remedy)
    opened = place(error.opened)
    message = f"{error}: the {text[error.opened]} of line {opened.line}, column {opened.column} is not closed"
    return Problem(place(error.position), CODE, message, error.remedy)


def _end(text: str, start: int, ends: re.Pattern[str]) -> int | None:
    """Where the value was meant to end, without the white space before its closing mark-up."""
    end = ends.search(text, start)
    return None if end is None else start + len(text[start : end.start()].rstrip())


def _within(text: str, start: int, error: Unbalanced) -> Unbalanced:
    """The mistake in the part of a document that ends with the value."""
    try:
        scan_expression(text, start)
    except Unbalanced as inner:
        return _with_brackets(text, start, inner) if inner.quote else inner
    return error


def _with_brackets(value: str, start: int, error: Unbalanced) -> Unbalanced:
    """*error*, a text that is not closed, and the brackets that are missing, too, where it ends before others."""
    line_end = _LINE_END.search(value, error.position)
    text = value[: line_end.start() if line_end else None].rstrip(")]}; \t")
    try:
        scan_expression(text + error.quote + value[len(text) :], start)
    except Unbalanced as behind:
        if behind.missing:
            message = f"{error}, and {behind.missing} is missing behind it"
            return Unbalanced(message, error.position, f"{error.remedy}, and write {behind.missing} behind it")
    return error
