"""One source text of Terraform, and the places in it."""

from __future__ import annotations

from bisect import bisect_right

from gateway.errors import Location

LONGEST_SOURCE = 60


class SourceText:
    """
    The bytes of a file, and what places in them are called.

    Args:
        content: UTF-8.
        file: Its name in locations.
        first_line: How many lines of *content* come before the file's first one.
    """

    def __init__(self, content: bytes, file: str, first_line: int = 0) -> None:
        self.content = content
        self._file = file
        self._first_line = first_line
        self._starts = [0]
        place = content.find(b"\n")
        while place >= 0:
            self._starts.append(place + 1)
            place = content.find(b"\n", place + 1)

    def location(self, offset: int) -> Location:
        """The place of the byte at *offset*."""
        line = bisect_right(self._starts, offset)
        column = len(self.content[self._starts[line - 1] : offset].decode("utf-8", "replace"))
        return Location(self._file, line - self._first_line, column + 1)

    def text(self, start: int, end: int) -> str:
        """The characters from byte *start* to byte *end*."""
        return self.content[start:end].decode("utf-8", "replace")

    def named(self, start: int, end: int) -> str:
        """The same in one line, shortened, as a name for what is written there."""
        text = " ".join(self.text(start, min(end, start + 4 * LONGEST_SOURCE)).split())
        return text if len(text) <= LONGEST_SOURCE else f"{text[: LONGEST_SOURCE - 1]}…"
