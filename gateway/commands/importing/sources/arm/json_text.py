"""
The JSON of templates, with places: comments, texts over several lines and tabs are allowed, as Resource Manager does.

A text's place is that of its first character. All lines of a text with ``\\n`` in it are in the one line of the file,
so a place inside such a text is the place of the text.

Source: RFC 8259; "Comments and metadata", "Multi-line strings" in "Syntax and expressions in ARM templates".
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field

from gateway.errors import LoadError, Location
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode

MAX_CHARACTERS = 1 << 24
MAX_DEPTH = 100
_TOKEN = re.compile(
    r"""
    (?P<blank>[\s\ufeff]+|//[^\n]*|/\*.*?\*/)
    | (?P<text>"(?:[^"\\]|\\.)*")
    | (?P<plain>-?[0-9][0-9.eE+-]*|true|false|null)
    | (?P<mark>[{}\[\],:])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_HALF = re.compile("[\ud800-\udfff]")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


@dataclass(slots=True)
class _Level:
    """A list or mapping whose end has not been reached."""

    location: Location
    closing: str
    items: list[YamlNode] = field(default_factory=list)
    keys: list[Scalar] = field(default_factory=list)


def parse(content: str | bytes, file: str) -> YamlNode:
    """
    The value in *content*; of a key that occurs twice the last one counts, as in JSON.

    Raises:
        LoadError: Not JSON, too long, too deep; with its place in *file*.
    """
    return _JsonParser(_decoded(content, file), file).value()


def _decoded(content: str | bytes, file: str) -> str:
    if isinstance(content, str):
        text = content
    else:
        try:
            text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        except UnicodeDecodeError:
            raise LoadError.at(
                Location(file), "bad-encoding", "these bytes are not UTF-8", "save it as UTF-8"
            ) from None
    if len(text) > MAX_CHARACTERS:
        raise LoadError.at(Location(file), "too-large", f"the file is longer than {MAX_CHARACTERS:,} characters")
    return text


class _JsonParser:
    """Tokens → nodes, with a stack of its own: depth costs no recursion."""

    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._stack: list[_Level] = []
        self._expects_value = True
        self._root: YamlNode | None = None

    def value(self) -> YamlNode:
        position = 0
        while position < len(self._text):
            token = _TOKEN.match(self._text, position)
            if token is None:
                raise self._error(position, f"{self._text[position]!r} is not JSON here")
            if token.lastgroup != "blank":
                self._take(token)
            position = token.end()
        if self._root is None or self._stack:
            raise self._error(position, "the JSON ends too early")
        return self._root

    def _take(self, token: re.Match[str]) -> None:
        if self._root is not None and not self._stack:
            raise self._error(token.start(), "something follows the end of the JSON")
        if token.lastgroup == "text":
            self._add(Scalar(_unescaped(token[0][1:-1]), self._place(token.start() + 1)), token.start())
        elif token.lastgroup == "plain":
            null = token[0] == "null"
            self._add(Scalar("" if null else token[0], self._place(token.start()), null, plain=True), token.start())
        else:
            self._mark(token[0], token.start())

    def _mark(self, mark: str, position: int) -> None:
        if mark in "{[":
            if len(self._stack) == MAX_DEPTH:
                raise self._error(position, f"values are nested more than {MAX_DEPTH} deep")
            self._stack.append(_Level(self._place(position), "}" if mark == "{" else "]"))
        elif mark in "}]":
            self._close(mark, position)
        elif mark == ":":
            self._colon(position)

    def _colon(self, position: int) -> None:
        """The value before is a key."""
        level = self._stack[-1] if self._stack else None
        key = level.items.pop() if level is not None and len(level.items) > len(level.keys) else None
        if level is None or level.closing == "]" or not isinstance(key, Scalar) or key.plain:
            raise self._error(position, "a colon that follows no key")
        level.keys.append(key)

    def _close(self, mark: str, position: int) -> None:
        level = self._stack.pop() if self._stack else None
        if level is None or level.closing != mark:
            raise self._error(position, f"{mark} closes nothing")
        if mark == "]":
            return self._add(Sequence(tuple(level.items), level.location), position)
        if len(level.keys) != len(level.items):
            raise self._error(position, "a key without a value")
        entries = {key.value: (key, value) for key, value in zip(level.keys, level.items, strict=True)}
        return self._add(Mapping(tuple(entries.values()), level.location), position)

    def _add(self, value: YamlNode, position: int) -> None:
        if not self._stack:
            self._root = value
            return
        level = self._stack[-1]
        if level.closing == "}" and len(level.items) > len(level.keys):
            raise self._error(position, "a key without a value")
        level.items.append(value)

    def _place(self, position: int) -> Location:
        line = bisect_right(self._starts, position)
        return Location(self._file, line, position - self._starts[line - 1] + 1)

    def _error(self, position: int, message: str) -> LoadError:
        return LoadError.at(self._place(position), "bad-json", message, "check quotes, commas and brackets")


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text.replace("\r\n", "\n")
    text = _ESCAPE.sub(_character, text)
    text = _PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)
    return _HALF.sub("\ufffd", text)


def _character(escape: re.Match[str]) -> str:
    code = escape[1]
    return chr(int(code[1:], 16)) if len(code) == 5 else _ESCAPED.get(code, code)
