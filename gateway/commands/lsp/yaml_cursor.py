"""
Where in a YAML text the cursor is, by the indentation of its lines: the text need not be YAML yet.

Values in flow style (``{id: a, path: b}``) are understood within the line of the cursor.

Source: YAML 1.2 §6.1, §7.4, §8.1, §8.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

ITEM = "[]"  # a step into a list
_KEY = re.compile(r"""(?P<name>"[^"]*"|'[^']*'|[^\s#"'{\[\-?&*!|>%@`][^#:{\[]*?|-[^\s:][^:]*?)\s*:(?=\s|$)""")
_DASH = re.compile(r"-(?=\s|$)\s*")
_BLOCK = re.compile(r":?\s[|>][+-]?\d?[+-]?\s*(?:#.*)?$|^[|>][+-]?\s*$")
_FLOW = re.compile(
    r"""
      (?P<open>[{\[]) | (?P<close>[}\]]) | (?P<comma>,)
    | (?P<text>"(?:\\.|[^"\\])*"|'(?:''|[^'])*') | (?P<broken>["'].*)
    | (?P<colon>:(?=\s|$)) | (?P<word>[^\s{}\[\],"':]+(?::[^\s{}\[\],"':]+)*)
    """,
    re.VERBOSE,
)
_FAR = 5_000  # lines that are searched for what encloses the cursor
MAX_STEPS = 100


@dataclass(slots=True)
class YamlPlace:
    """
    What the cursor is in.

    Attributes:
        kind: key, value, item (of a list: a value, or the first key of a mapping) or block (a text of several lines).
        path: Keys and ITEM from the root to what encloses it; of a value, with its own key.
        siblings: Keys beside it.
        written: What is written of it before the cursor, quotes included; of a block all its lines.
        start: Offset of *written*.
    """

    kind: str = "key"
    path: tuple[str, ...] = ()
    siblings: frozenset[str] = frozenset()
    written: str = ""
    start: int = 0


class _Token(NamedTuple):
    """A dash or a key in a line, and its column."""

    column: int
    key: str | None


@dataclass(slots=True)
class _Upwards:
    """What encloses a node that begins at *column*; *item* says that the node is a list's."""

    column: int
    item: bool = False
    path: list[str] = field(default_factory=list)
    siblings: set[str] = field(default_factory=set)

    def take(self, token: _Token) -> None:
        """Look at a token of a line above."""
        if token.key is None:
            if token.column < self.column:
                self.path.append(ITEM)
                self.column, self.item = token.column, True
        elif token.column < self.column or (self.item and token.column == self.column):
            self.path.append(token.key)
            self.column, self.item = token.column, False
        elif token.column == self.column and not self.path:
            self.siblings.add(token.key)

    @property
    def at_root(self) -> bool:
        return (self.column == 0 and not self.item) or len(self.path) > MAX_STEPS


def place_in(text: str, offset: int) -> YamlPlace:
    """The place of the cursor at *offset*."""
    start = text.rfind("\n", 0, offset) + 1
    above = text[:start].split("\n")[:-1][-_FAR:]
    line = text[start:offset]
    if (block := _block(above, line)) is not None:
        return _in_block(block, text, start, offset, above)
    tokens, rest = _tokens(line)
    column = tokens[0].column if tokens else rest
    upwards = _Upwards(column, item=bool(tokens) and tokens[0].key is None)
    _climb(upwards, above)
    path = upwards.path[::-1] + [ITEM if token.key is None else token.key for token in tokens]
    siblings = upwards.siblings | set(_below(text[offset:].split("\n")[1:_FAR], column)) if not tokens else set()
    return _on_line(line, rest, start, path, siblings, tokens)


def _on_line(
    line: str, rest: int, start: int, path: list[str], siblings: Iterable[str], tokens: list[_Token]
) -> YamlPlace:
    written = line[rest:]
    if written.startswith(("{", "[")):
        return _in_flow(written, start + rest, path)
    kind = "key" if not tokens else "item" if tokens[-1].key is None else "value"
    return YamlPlace(kind, tuple(path), frozenset(siblings), written, start + rest)


def _tokens(line: str) -> tuple[list[_Token], int]:
    """The dashes and the key that a line begins with, and the column behind them."""
    column = len(line) - len(line.lstrip(" "))
    tokens: list[_Token] = []
    while dash := _DASH.match(line, column):
        tokens.append(_Token(column, None))
        column = dash.end()
    if (key := _KEY.match(line, column)) and key.end() <= len(line):
        tokens.append(_Token(column, key["name"].strip("\"'")))
        column = key.end() + len(line[key.end() :]) - len(line[key.end() :].lstrip(" "))
    return tokens, column


def _climb(upwards: _Upwards, above: list[str]) -> None:
    for line in reversed(above):
        if upwards.at_root:
            return
        # A line deeper than the node says nothing about what encloses it.
        tokens = _tokens(line)[0] if _says(line, upwards.column) else ()
        for token in reversed(tokens):
            upwards.take(token)


def _says(line: str, column: int) -> bool:
    """Whether a line has something, and not deeper than *column*."""
    stripped = line.lstrip(" ")
    return bool(stripped) and not stripped.startswith("#") and len(line) - len(stripped) <= column


def _below(lines: Iterable[str], column: int) -> Iterator[str]:
    """Keys of the same mapping behind the cursor's line."""
    for line in lines:
        stripped = line.lstrip(" ")
        indent = len(line) - len(stripped)
        if not stripped or stripped.startswith("#") or indent > column:
            continue
        tokens = _tokens(line)[0]
        if indent < column or not tokens or tokens[0].key is None:
            return
        yield tokens[0].key


# -- texts of several lines
def _block(above: list[str], line: str) -> int | None:
    """How many lines above the cursor's is the one whose value is a text that the cursor is in."""
    limit = len(line) - len(line.lstrip(" ")) if line.strip() else len(line)
    for distance, upper in enumerate(reversed(above), 1):
        if _opens_block(upper, limit):
            return distance
        if upper.strip():
            limit = min(limit, len(upper) - len(upper.lstrip(" ")))
        if limit == 0:
            return None
    return None


def _opens_block(line: str, column: int) -> bool:
    """Whether the value of the line is a text on the lines below, as far as they are at *column* or deeper."""
    tokens = _tokens(line)[0] if _BLOCK.search(line) else []
    return bool(tokens) and column > tokens[-1].column


def _in_block(distance: int, text: str, start: int, offset: int, above: list[str]) -> YamlPlace:
    opener = above[-distance]
    tokens, _ = _tokens(opener)
    upwards = _Upwards(tokens[0].column, item=tokens[0].key is None)
    _climb(upwards, above[:-distance])
    path = upwards.path[::-1] + [ITEM if token.key is None else token.key for token in tokens]
    begin = start - sum(len(line) + 1 for line in above[len(above) - distance + 1 :])
    return YamlPlace("block", tuple(path), frozenset(), text[begin:offset], begin)


# -- flow style
@dataclass(slots=True)
class _Flow:
    """An open ``{`` or ``[``: its keys so far, the key whose value is being read, and where its last part begins."""

    opener: str
    keys: list[str] = field(default_factory=list)
    last: str = ""
    key: str | None = None
    start: int = 0


def _in_flow(written: str, start: int, path: list[str]) -> YamlPlace:
    flows: list[_Flow] = []
    for token in _FLOW.finditer(written):
        _flow_token(flows, token)
        if not 0 < len(flows) <= MAX_STEPS:
            return YamlPlace("nothing", tuple(path))
    inner = flows[-1]
    for flow in flows:
        path = [*path, *([ITEM] if flow.opener == "[" else [flow.key] if flow.key is not None else [])]
    begin = inner.start + len(written[inner.start :]) - len(written[inner.start :].lstrip())
    kind = "item" if inner.opener == "[" else "key" if inner.key is None else "value"
    return YamlPlace(kind, tuple(path[:]), frozenset(inner.keys), written[begin:], start + begin)


def _flow_token(flows: list[_Flow], token: re.Match[str]) -> None:
    kind = token.lastgroup
    if kind == "open":
        flows.append(_Flow(token[0], start=token.end()))
    elif not flows:
        return
    elif kind == "close":
        flows.pop()
    elif kind == "comma":
        flows[-1].key, flows[-1].start = None, token.end()
    elif kind == "colon" and flows[-1].opener == "{":
        flows[-1].key = flows[-1].last
        flows[-1].keys.append(flows[-1].last)
        flows[-1].start = token.end()
    else:
        flows[-1].last = token[0].strip("\"'")


_ESCAPES = {'"': re.compile(r'\\(["\\/])'), "'": re.compile("''()")}


def unquoted(written: str) -> str:
    """What a value means as far as it is written; escapes of a quoted one are resolved where code has them."""
    quote = written[:1]
    if quote == '"':
        return _ESCAPES[quote].sub(r"\1", written[1:])
    return written[1:].replace("''", "'") if quote == "'" else written
