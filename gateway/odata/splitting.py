"""
Lists in query options: parts between commas or semicolons that are outside brackets and quotation marks.

Source: OData ABNF Construction Rules 4.01, "expandItem", "selectItem", "orderby".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.odata.failures import ODataMismatch

MOST_PARTS = 200
MOST_BRACKETS = 32
_STOP = re.compile(r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|[()',;"]""")


def split(text: str, separator: str, part: str) -> list[str]:
    """The parts of *text*. Raises ODataMismatch: brackets or quotation marks do not match, or there are too many."""
    cuts = list(_cuts(text, separator, part))
    if len(cuts) > MOST_PARTS:
        raise ODataMismatch(part, f"more than {MOST_PARTS} items")
    starts = [0, *(cut + 1 for cut in cuts)]
    return [text[start:end].strip(" \t") for start, end in zip(starts, [*cuts, len(text)], strict=True)]


def _cuts(text: str, separator: str, part: str) -> Iterator[int]:
    """Where *separator* is outside brackets."""
    depth = 0
    for stop in _STOP.finditer(text):
        mark = stop[0]
        depth += (mark == "(") - (mark == ")")
        if mark in ("'", '"') or not 0 <= depth <= MOST_BRACKETS:
            raise ODataMismatch(part, "brackets or quotation marks do not match, or are nested too deep")
        if mark == separator and depth == 0:
            yield stop.start()
    if depth:
        raise ODataMismatch(part, "a bracket is not closed")


def head_and_options(item: str, part: str) -> tuple[str, str | None]:
    """``Orders($top=1)`` → ``Orders`` and ``$top=1``; None: no brackets. Raises ODataMismatch: more follows."""
    head, bracket, rest = item.partition("(")
    if not bracket:
        return head.strip(), None
    if not rest.endswith(")"):
        raise ODataMismatch(part, "nothing can follow the brackets of an item")
    return head.strip(), rest[:-1]
