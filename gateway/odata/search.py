"""
``$search``: words and phrases, joined by AND, OR and NOT.

Source: OData URL Conventions 4.01 §5.1.8; OData ABNF Construction Rules 4.01, "searchExpr".
"""

from __future__ import annotations

import re

from gateway.odata.failures import ODataMismatch, shown

PART = "$search"
MOST_WORDS = 200
MOST_DEPTH = 20

_WORD = re.compile(r'[ \t]*(?:(?P<phrase>"(?:[^"\\]|\\["\\])+")|(?P<mark>[()])|(?P<word>[^\s"()]+))[ \t]*')


def check_search(text: str) -> None:
    """Raises ODataMismatch: *text* is not a search expression."""
    words = _SearchWords(text)
    words.expression()
    if words.here:
        raise ODataMismatch(PART, f"nothing more is expected at {shown(words.here)}")


class _SearchWords:
    def __init__(self, text: str) -> None:
        self._words: list[str] = []
        self._depth = 0
        place = 0
        while place < len(text):
            match = _WORD.match(text, place)
            if match is None or len(self._words) >= MOST_WORDS:
                raise ODataMismatch(PART, "it is too long" if match else f"{shown(text[place:])} cannot be read")
            self._words.append(match[0].strip())
            place = match.end()

    @property
    def here(self) -> str:
        """The next word; empty at the end."""
        return self._words[0] if self._words else ""

    def expression(self) -> None:
        """Words, each joined to the next by AND, OR or nothing."""
        self._term()
        while self.here not in ("", ")"):
            if self.here in ("AND", "OR"):
                self._words.pop(0)
            self._term()

    def _term(self) -> None:
        if self.here == "NOT":
            self._words.pop(0)
        word = self._words.pop(0) if self._words else ""
        if word == "(":
            self._group()
        elif word in ("", ")", "AND", "OR", "NOT"):
            raise ODataMismatch(PART, "a word is expected")

    def _group(self) -> None:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise ODataMismatch(PART, f"nested deeper than {MOST_DEPTH}")
        self.expression()
        if self.here != ")":
            raise ODataMismatch(PART, "a bracket is not closed")
        self._words.pop(0)
        self._depth -= 1
