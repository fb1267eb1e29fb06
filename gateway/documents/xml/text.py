"""
Attribute values and element content: literal text, expressions and CDATA put together into what the author meant.

An expression is C#, not XML: it is found by its own brackets, and quotes, ``<`` and ``&&`` inside it mean nothing here.

Source: APIM "Policy expressions", formats ``xml`` and ``rawxml``; XML 1.0 §2.4, §3.3.3, §4.6.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import takewhile

from gateway.documents.model import Text
from gateway.documents.xml.source import Source
from gateway.expressions.scan import Unbalanced, is_expression, scan_expression, unescape_expression

_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_REFERENCE = re.compile(r"&(?:#(\d{1,7});|#x([0-9a-fA-F]{1,6});|([A-Za-z][\w.-]*);)?")


@dataclass(frozen=True, slots=True)
class Piece:
    """
    A part of a value, and where it begins.

    Attributes:
        fixed: CDATA and expressions: white space at their ends belongs to them.
    """

    offset: int
    value: str
    fixed: bool = False


def literal(source: Source, start: int, end: int) -> Piece:
    """Literal text with its character references resolved."""

    def character(reference: re.Match[str]) -> str:
        value = _resolve(reference)
        if value is None:
            message = f"{reference[0]!r} is not a character reference of XML"
            remedy = "write &amp; for an ampersand; fill in template placeholders before"
            raise source.error(start + reference.start(), "unknown-entity", message, remedy)
        return value

    raw = source.text[start:end]
    return Piece(start, _REFERENCE.sub(character, raw) if "&" in raw else raw)


def _resolve(reference: re.Match[str]) -> str | None:
    decimal, hexadecimal, name = reference.groups()
    if name:
        return _NAMED.get(name)
    number = int(decimal) if decimal else int(hexadecimal or "0", 16)
    allowed = number in (9, 10, 13) or 0x20 <= number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF
    return chr(number) if allowed else None


def expression(source: Source, start: int) -> tuple[Piece, int]:
    """
    The expression at *start*, and the offset after it.

    Raises:
        LoadError: unbalanced-expression.
    """
    try:
        end = scan_expression(source.text, start)
    except Unbalanced as error:
        remedy = "check its brackets, quotes and comments"
        message = f"the expression does not end: {error}"
        raise source.error(max(start, error.position), "unbalanced-expression", message, remedy) from None
    return Piece(start, unescape_expression(source.text[start:end]), fixed=True), end


def attribute_value(source: Source, pieces: list[Piece], start: int) -> Text:
    """An attribute's value; line breaks stay, because comments in an expression end there."""
    value = "".join(piece.value for piece in pieces)
    if is_expression(value):
        return Text(value.strip(), source.location(_first(pieces)))
    return Text(value, source.location(start))


def content(source: Source, pieces: list[Piece], verbatim: bool) -> Text | None:
    """
    An element's content, or None when it is nothing but white space.

    White space at the ends is layout and dropped, unless it stands in CDATA or the element is *verbatim*.
    """
    if not any(piece.fixed or piece.value.strip() for piece in pieces):
        return None
    value = "".join(piece.value for piece in pieces)
    if is_expression(value):
        return Text(value.strip(), source.location(_first(pieces)))
    if verbatim:
        return Text(value, source.location(pieces[0].offset))
    head, tail = _layout(pieces)
    return Text(value[head : len(value) - tail], source.location(_first(pieces)))


def _first(pieces: list[Piece]) -> int:
    """Offset of the first character that is not layout."""
    piece = next(piece for piece in pieces if piece.fixed or piece.value.strip())
    return piece.offset + len(piece.value) - len(piece.value.lstrip())


def _layout(pieces: list[Piece]) -> tuple[int, int]:
    """How many characters of layout stand before and behind what is visible or fixed."""
    head = "".join(piece.value for piece in takewhile(_is_loose, pieces))
    tail = "".join(piece.value[::-1] for piece in takewhile(_is_loose, reversed(pieces)))
    return len(head) - len(head.lstrip()), len(tail) - len(tail.lstrip())


def _is_loose(piece: Piece) -> bool:
    return not piece.fixed
