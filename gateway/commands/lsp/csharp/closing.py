"""
C# up to the cursor, made whole: what is open there is closed, so that the parser sees a complete expression.

What stands behind the cursor is not looked at: while somebody types, it seldom fits.

Source: C# language specification, "Lexical structure".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MARK = "__cursor__"  # stands where the name is that the editor asks for

_CODE = re.compile(
    r"""
      (?P<line>//[^\n]*\n?) | (?P<block>/\*.*?(?:\*/|\Z))
    | (?P<string>(?:\$@|@\$|\$|@)?")
    | (?P<char>'(?:\\[^\n]{1,9}?|[^'\\\n])')
    | (?P<open>[(\[{]) | (?P<close>[)\]}])
    """,
    re.VERBOSE | re.DOTALL,
)
_TEXTS = {
    '"': re.compile(r'(?:\\.|[^"\\\n])*'),
    '@"': re.compile(r'(?:""|[^"])*'),
    '$"': re.compile(r'(?:\\.|\{\{|\}\}|[^"\\{\n])*'),
    '$@"': re.compile(r'(?:""|\{\{|\}\}|[^"{])*'),
}
_TEXTS['@$"'] = _TEXTS['$@"']
_CLOSERS = {"(": ")", "[": "]", "{": ";}", "{=": "}", "hole": "}"} | dict.fromkeys(_TEXTS, '"')
_OPENERS = {")": "(", "]": "[", "}": "{"}
_WORD = re.compile(r"@?(?:[^\W\d]\w*)?\Z")
# What stands before a brace that holds values instead of statements.
_VALUES = re.compile(r"(?:\bnew|\bswitch|\bis|[\w>\]]\s*)\s*\Z")
_STATEMENTS = re.compile(r"\b(?:else|do|try|finally|checked|unchecked)\s*\Z")
_CREATED = re.compile(r"\bnew\s+[\w.<>,\s\[\]?]+\Z")
_INSERTIONS = ("", " : null", " select 0", " in new int[0]", "; 0; 0", " => 0", " in new int[0] select 0")


@dataclass(slots=True)
class _OpenBracket:
    """Something that is open at the cursor: a bracket, a string, or a hole of one; and where its inside begins."""

    kind: str
    start: int


@dataclass(slots=True)
class UnfinishedCode:
    """
    An expression up to the cursor.

    Attributes:
        text: From its ``@`` on.
        word: The name that the cursor is in or behind, as far as it is written; empty in texts and comments.
        quoted: What is written of the string that the cursor is in; None outside of strings.
        commented: The cursor is in a comment.
    """

    text: str
    word: str = ""
    quoted: str | None = None
    commented: bool = False
    _open: list[_OpenBracket] = field(default_factory=list)

    @property
    def depth(self) -> int:
        """How many brackets and strings are open at the cursor."""
        return len(self._open)

    @property
    def before(self) -> str:
        """The text before the word."""
        return self.text[: len(self.text) - len(self.word)]

    def completions(self) -> list[str]:
        """Whole expressions with the mark for the word; the first that is C# is the one that is meant."""
        behind = "".join(_CLOSERS[opened.kind] for opened in reversed(self._open))
        return [f"{self.before}{MARK}{insertion}{behind}" for insertion in _INSERTIONS]


def unfinished(text: str) -> UnfinishedCode:
    """*text*, which begins with ``@(`` or ``@{`` and ends at the cursor, with what is open there."""
    reading = UnfinishedCode(text)
    position = 1
    while position < len(text):
        inside = _string_of(reading)
        position = _in_code(reading, position) if inside is None else _in_text(reading, inside, position)
    if inside := _string_of(reading):
        reading.quoted = text[inside.start :]
    elif not reading.commented and (word := _WORD.search(text)):
        reading.word = word[0].removeprefix("@")
    return reading


def _string_of(reading: UnfinishedCode) -> _OpenBracket | None:
    """The string that the place is in, if it is in one."""
    inside = reading._open[-1] if reading._open else None
    return inside if inside is not None and inside.kind in _TEXTS else None


def _in_text(reading: UnfinishedCode, inside: _OpenBracket, position: int) -> int:
    """Offset behind the next piece of a string."""
    body = _TEXTS[inside.kind].match(reading.text, position)
    end = position if body is None else body.end()
    if end == len(reading.text):
        return end
    if reading.text[end] == "{":
        reading._open.append(_OpenBracket("hole", end + 1))
        return end + 1
    reading._open.pop()  # its quote, or the end of a line, which ends it as well
    return end + 1


def _in_code(reading: UnfinishedCode, position: int) -> int:
    """Offset behind the next bracket, string or comment."""
    token = _CODE.search(reading.text, position)
    if token is None:
        return len(reading.text)
    kind = token.lastgroup
    if kind == "string":
        reading._open.append(_OpenBracket(token[0], token.end()))
    elif kind == "open":
        reading._open.append(_OpenBracket(_kind(reading, token), token.end()))
    elif kind == "close":
        _close(reading, token[0])
    elif kind in ("line", "block") and token.end() == len(reading.text):
        reading.commented = not token[0].endswith(("\n", "*/"))
    return token.end()


def _kind(reading: UnfinishedCode, token: re.Match[str]) -> str:
    """The kind of an opening bracket; of a brace, whether it holds values or statements."""
    if token[0] != "{" or token.start() <= 1:
        return token[0]
    before = reading.text[max(0, token.start() - 200) : token.start()]
    if before.rstrip().endswith(")"):
        before = before[: before.rindex("(")] if "(" in before else ""
        return "{=" if _CREATED.search(before) else "{"
    values = _VALUES.search(before) is not None and _STATEMENTS.search(before) is None
    return "{=" if values else "{"


def _close(reading: UnfinishedCode, bracket: str) -> None:
    """Close the innermost bracket of that kind; what is open inside of it ends with it."""
    opener = _OPENERS[bracket]
    kinds = ("{", "{=", "hole") if opener == "{" else (opener,)
    places = [place for place, opened in enumerate(reading._open) if opened.kind in kinds]
    if places and not any(opened.kind in _TEXTS for opened in reading._open[places[-1] + 1 :]):
        del reading._open[places[-1] :]
