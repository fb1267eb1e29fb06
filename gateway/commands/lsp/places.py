"""
Places in a text: offsets, the gateway's lines and columns, and the editor's, which count in units of an encoding.

A line ends with LF, CR LF or CR, and with nothing else.

Source: Language Server Protocol 3.17, "Position", "PositionEncodingKind".
"""

from __future__ import annotations

import re
from bisect import bisect_right

from lsprotocol.types import Position, Range

from gateway.errors import Location

_BREAK = re.compile(r"\r\n|\r|\n")
_WIDTHS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
# What a finding is about: a tag's name, a name, a number; else one character.
_WORD = re.compile(r"</?[^\W\d][\w.:-]*|[\w.-]+")


class Places:
    """One text; *encoding* is the one agreed on with the editor."""

    def __init__(self, text: str, encoding: str = "utf-16") -> None:
        self.text = text
        self._codec, self._width = _WIDTHS.get(encoding, _WIDTHS["utf-16"])
        self._starts = [0, *(line_end.end() for line_end in _BREAK.finditer(text))]

    def line(self, number: int) -> str:
        """A line without its end; *number* counts from 0."""
        if not 0 <= number < len(self._starts):
            return ""
        end = self._starts[number + 1] if number + 1 < len(self._starts) else len(self.text)
        return self.text[self._starts[number] : end].rstrip("\r\n")

    def offset(self, position: Position) -> int:
        """The offset of an editor's position; the nearest one where the text has no such place."""
        if position.line >= len(self._starts):
            return len(self.text)
        line = self.line(max(position.line, 0))
        units = line.encode(self._codec, "surrogatepass")[: max(position.character, 0) * self._width]
        return self._starts[max(position.line, 0)] + len(units.decode(self._codec, "ignore"))

    def position(self, offset: int) -> Position:
        """The editor's position of an offset."""
        offset = min(max(offset, 0), len(self.text))
        line = bisect_right(self._starts, offset) - 1
        before = self.text[self._starts[line] : offset].rstrip("\r\n")
        return Position(line, len(before.encode(self._codec, "surrogatepass")) // self._width)

    def range(self, start: int, end: int) -> Range:
        """The editor's range between two offsets."""
        return Range(self.position(start), self.position(end))

    def of(self, location: Location) -> int:
        """The offset of a line and column, both from 1; the nearest one where the text has no such place."""
        number = min(max(location.line, 1), len(self._starts)) - 1
        return self._starts[number] + min(max(location.column, 1) - 1, len(self.line(number)))

    def at(self, location: Location) -> Range:
        """The range of the word that begins at *location*, or of one character."""
        start = self.of(location)
        word = _WORD.match(self.text, start)
        return self.range(start, word.end() if word else min(start + 1, len(self.text)))
