"""
The words of OData's expressions, in a text that is percent-decoded already.

Source: OData ABNF Construction Rules 4.01, "Literal Data Values", "Names and identifiers".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.odata.failures import ODataMismatch, shown
from gateway.wire.slices import rest

MOST_CHARACTERS = 8192
MOST_TOKENS = 2000

_GUID = r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,12})?)?"
_NAME = r"[^\W\d]\w{0,127}"
_TOKEN = re.compile(
    rf"""
    (?P<string>'(?:[^']|'')*')
    | (?P<guid>{_GUID})(?![\w-])
    | (?P<moment>{_DATE}[Tt]{_TIME}(?:[Zz]|[+-][0-9]{{2}}:[0-9]{{2}}))
    | (?P<date>{_DATE})(?![\w:])
    | (?P<time>{_TIME})(?![\w:])
    | (?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?!\w)
    | (?P<name>{_NAME}(?:\.{_NAME})*)
    | (?P<dollar>\$[a-zA-Z]+)
    | (?P<alias>@{_NAME})
    | (?P<space>[ \t]+)
    | (?P<mark>[(),/:;=*\-])
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Word:
    """
    One word.

    Attributes:
        kind: ``string``, ``guid``, ``moment``, ``date``, ``time``, ``number``, ``name``, ``dollar``, ``alias``,
            ``space``, ``mark``, or ``end``.
    """

    kind: str
    text: str
    start: int


class WordStream:
    """The words of one text, read from the front; *part* names it in errors."""

    def __init__(self, text: str, part: str) -> None:
        """Raises ODataMismatch: it is too long, or has something that is no word."""
        self.text = text
        self.part = part
        rest()  # a list may have hundreds of expressions
        self._tokens = _split(text, part)
        self._index = 0

    @property
    def here(self) -> Word:
        """The next word."""
        return self._tokens[self._index]

    def ahead(self, count: int) -> Word:
        """The word *count* behind the next."""
        return self._tokens[min(self._index + count, len(self._tokens) - 1)]

    def take(self) -> Word:
        """The next word, which is then behind."""
        token = self.here
        self._index = min(self._index + 1, len(self._tokens) - 1)
        return token

    def skip_space(self) -> bool:
        """Whether there was white space, which is then behind."""
        if self.here.kind != "space":
            return False
        self.take()
        return True

    def takes(self, text: str) -> bool:
        """Whether the next word is the mark or name *text*, which is then behind."""
        if self.here.text != text or self.here.kind == "string":
            return False
        self.take()
        return True

    def expect(self, text: str) -> None:
        """Take the mark *text*. Raises ODataMismatch: something else is there."""
        if not self.takes(text):
            raise self.error(f"{text} is expected")

    def takes_word(self, *words: str) -> str | None:
        """The operator among *words* that comes next, between white space, which is then behind."""
        word, behind = self.ahead(1), self.ahead(2)
        stands = self.here.kind == "space" and behind.kind in ("space", "mark")
        if not stands or word.kind != "name" or word.text not in words:
            return None
        self.take()
        return self.take().text

    def end(self) -> None:
        """Raises ODataMismatch: there is more."""
        if self.here.kind != "end":
            raise self.error("nothing more is expected")

    def error(self, message: str) -> ODataMismatch:
        """*message* about the next word."""
        place = shown(self.text[self.here.start :][:20]) if self.here.kind != "end" else "the end"
        return ODataMismatch(self.part, f"{message} at {place}")


def _split(text: str, part: str) -> list[Word]:
    if len(text) > MOST_CHARACTERS:
        raise ODataMismatch(part, f"longer than {MOST_CHARACTERS} characters")
    tokens: list[Word] = []
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None or len(tokens) >= MOST_TOKENS:
            why = f"{shown(text[place : place + 20])} cannot be read" if match is None else "it is too long"
            raise ODataMismatch(part, why)
        tokens.append(Word(str(match.lastgroup), match[0], place))
        place = match.end()
    return [*tokens, Word("end", "", len(text))]
