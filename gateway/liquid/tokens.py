"""
A template's text taken apart: text, ``{{ values }}`` and ``{% tags %}``, with the blanks that hyphens remove left out.

Source: DotLiquid, "Tokenizer", at the level of syntax 2.0.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from gateway.liquid.errors import LiquidSyntaxError

_LITERAL = (re.compile(r"\{\{\{\s?"), re.compile(r"\}\}\}\Z"))
_COMMENT = (re.compile(r"\{\s?#\s?"), re.compile(r"#\s?\}\Z"))
_TRIMMED_END = re.compile(r"-(\}\}|%\})(?:\n|\r\n|[ \t]+)?")
_START = re.compile(r"(\{\{|\{%)(-)?")
_END = {"{{": re.compile(r"""\}\}|['"]"""), "{%": re.compile(r"""%\}|['"]""")}
_TAG = re.compile(r"\{%\s*(\w+)\s*(.*)%\}")
_VALUE = re.compile(r"\{\{(.*)\}\}")
_NAME = re.compile(r"\{%\s*(\w+)")
# Tags whose content is not read.
_RAW = ("raw", "comment")


@dataclass(frozen=True, slots=True)
class LiquidToken:
    """
    One piece.

    Attributes:
        kind: ``text``, ``value`` or ``tag``.
        name: Name of a tag.
        text: The text itself, the value's markup, or what follows the tag's name.
        written: The piece as written, without hyphens.
        line: Where it begins, from 1.
    """

    kind: str
    written: str
    line: int
    name: str = ""
    text: str = ""


class _TrimmedSource:
    """The text without hyphens and the white space that they trim; it knows the original line numbers."""

    def __init__(self, text: str) -> None:
        pieces: list[str] = []
        self._starts, self._shifts = [0], [0]
        position = removed = 0
        for trimmed in _TRIMMED_END.finditer(text):
            pieces += [text[position : trimmed.start()], trimmed[1]]
            position = trimmed.end()
            removed += len(trimmed[0]) - len(trimmed[1])
            self._starts.append(trimmed.end() - removed)
            self._shifts.append(removed)
        self._line_ends = [end.start() for end in re.finditer("\n", text)]
        self.text = "".join([*pieces, text[position:]])

    def line(self, offset: int) -> int:
        shift = self._shifts[bisect_right(self._starts, offset) - 1]
        return bisect_left(self._line_ends, offset + shift) + 1


def tokens(text: str) -> list[LiquidToken]:
    """
    The pieces of *text*.

    Raises:
        LiquidSyntaxError: A value or tag is not closed on its own line.
    """
    source = _TrimmedSource(_without_shorthand(text))
    tokens: list[LiquidToken] = []
    position = 0
    while start := _START.search(source.text, position):
        before = source.text[position : start.start()]
        _add_text(tokens, before.rstrip("\t ") if start[2] else before, source.line(position))
        end = _end(source, start)
        token = _token(start[1] + source.text[start.end() : end], source.line(start.start()))
        tokens.append(token)
        position = end + _add_raw(tokens, source, token, end)
    _add_text(tokens, source.text[position:], source.line(position))
    return tokens


def _without_shorthand(text: str) -> str:
    """A whole template within ``{{{ }}}`` or ``{# #}`` is a literal or a comment."""
    literal = _enclosed(text, *_LITERAL)
    if literal is not None:
        text = f"{{% literal %}}{literal}{{% endliteral %}}"
    comment = _enclosed(text, *_COMMENT)
    return text if comment is None else f"{{% comment %}}{comment}{{% endcomment %}}"


def _enclosed(text: str, opening: re.Pattern[str], closing: re.Pattern[str]) -> str | None:
    """What is between *opening* and *closing*, without the blanks at its end; None where it is not on one line."""
    # In pieces: one expression for all of it would look for the closing brackets behind each blank again.
    begin, end = opening.match(text), closing.search(text, max(0, len(text) - 3))
    if begin is None or end is None or begin.end() > end.start():
        return None
    inner = text[begin.end() : end.start()].rstrip()
    return None if "\n" in inner else inner


def _add_text(tokens: list[LiquidToken], text: str, line: int) -> None:
    if text:
        tokens.append(LiquidToken("text", text, line, text=text))


def _end(source: _TrimmedSource, start: re.Match[str]) -> int:
    """Offset after the closing brackets; brackets within quotes do not count."""
    position = start.end()
    while mark := _END[start[1]].search(source.text, position):
        if mark[0] not in "'\"":
            return mark.end()
        position = source.text.find(mark[0], mark.end()) + 1
        if not position:
            break
    what, closing = ("value", "}}") if start[1] == "{{" else ("tag", "%}")
    raise LiquidSyntaxError(f"a {what} is not closed with {closing}", source.line(start.start()))


def _token(written: str, line: int) -> LiquidToken:
    if written.startswith("{{"):
        value = _VALUE.fullmatch(written)
        if value:
            return LiquidToken("value", written, line, text=value[1])
        raise LiquidSyntaxError("a value is written on one line", line)
    tag = _TAG.fullmatch(written)
    if tag:
        return LiquidToken("tag", written, line, tag[1], tag[2])
    raise LiquidSyntaxError("a tag has a name and is written on one line", line)


def _add_raw(tokens: list[LiquidToken], source: _TrimmedSource, token: LiquidToken, position: int) -> int:
    """Add the content of a raw tag as text; returns its length."""
    if token.kind != "tag" or token.name not in _RAW:
        return 0
    end = re.compile(rf"\{{%-?\s*end{token.name}\s*-?%\}}").search(source.text, position)
    if end is None:
        raise LiquidSyntaxError(f"{token.name} is not closed with {{% end{token.name} %}}", token.line)
    _add_text(tokens, source.text[position : end.start()], source.line(position))
    return end.start() - position
