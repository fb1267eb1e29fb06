"""
A document's text as the XML reader sees it: decoded, line ends in one form, each offset traceable to line and column.

Source: XML 1.0 §2.2 (characters), §2.11 (line ends), appendix F (encodings).
"""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right

from gateway.errors import LoadError, Location

MAX_CHARACTERS = 1 << 20  # APIM takes 512 KB

_BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# A declared utf-16 is not believed: .NET writes it into files that it then saves as UTF-8.
_DECLARED = re.compile(rb"""^<\?xml[^>]*encoding=["'](iso-8859-1|windows-1252)["']""", re.IGNORECASE)
_FORBIDDEN = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Source:
    """One document's text and name; offsets into ``text`` become locations."""

    __slots__ = ("_lines", "file", "text")

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self._lines: list[int] | None = None

    def location(self, offset: int) -> Location:
        """Line and column of *offset*."""
        if self._lines is None:
            self._lines = [0, *(found.end() for found in re.finditer("\n", self.text))]
        line = bisect_right(self._lines, offset)
        return Location(self.file, line, offset - self._lines[line - 1] + 1)

    def error(self, offset: int, code: str, message: str, remedy: str = "") -> LoadError:
        """A LoadError at *offset*, to be raised."""
        return LoadError.at(self.location(offset), code, message, remedy)


def read(text: str | bytes, file: str) -> Source:
    """
    The source of *text*.

    Raises:
        LoadError: too-large, bad-encoding or forbidden-character.
    """
    decoded = _decode(text, file) if isinstance(text, bytes) else text
    if len(decoded) > MAX_CHARACTERS:
        message = f"the document is longer than {MAX_CHARACTERS} characters"
        raise LoadError.at(Location(file), "too-large", message, "split it into fragments")
    source = Source(decoded.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"), file)
    if found := _FORBIDDEN.search(source.text):
        message = f"the character U+{ord(found[0]):04X} cannot stand in XML"
        raise source.error(found.start(), "forbidden-character", message, "remove it")
    return source


def _decode(data: bytes, file: str) -> str:
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if data.startswith(mark)), "utf-8")
    if declared := _DECLARED.match(data):
        encoding = declared[1].decode("ascii")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        lines = data[: error.start].split(b"\n")
        location = Location(file, len(lines), len(lines[-1]) + 1)
        raise LoadError.at(location, "bad-encoding", f"these bytes are not {encoding}", "save it as UTF-8") from None
