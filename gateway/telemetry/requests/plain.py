"""
Values that a record may keep: plain, short, and masked before anyone reads them.

What a caller has sent is cut where it is recorded, so that no request decides how much memory its record needs. It is
masked where it is read, because most records are never read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from gateway.telemetry.logs import clean

Plain: TypeAlias = "str | int | float | bool | None | list[Plain] | dict[str, Plain]"

MAX_CHARACTERS = 200
MAX_ITEMS = 20
MAX_TOTAL_CHARACTERS = 2_000

_MAX_DEPTH = 3
_MAX_VALUES = 48


def cut(text: str, characters: int = MAX_CHARACTERS) -> str:
    """*text*, at most that long."""
    return text if len(text) <= characters else f"{text[:characters]}…"


class PlainList(list[Plain]):
    """A list that is reduced already."""

    __slots__ = ()


class PlainMembers(dict[str, Plain]):
    """A mapping that is reduced already."""

    __slots__ = ()


def plain(value: object) -> Plain:
    """*value* as a record keeps it: texts cut, long lists shortened, anything unknown by its type only."""
    if value is None or isinstance(value, int | PlainList | PlainMembers):
        return value
    if isinstance(value, str):
        return cut(value)
    return _Reduction().of(value, _MAX_DEPTH)


def plain_members(members: Mapping[str, object]) -> PlainMembers:
    """*members* as a record keeps them; all their texts share ``MAX_TOTAL_CHARACTERS``."""
    if _are_few_and_short(members):
        return PlainMembers(members)  # type: ignore[arg-type]
    reduction = _Reduction()
    return PlainMembers([(name, reduction.of(value, _MAX_DEPTH)) for name, value in members.items()])


def _are_few_and_short(members: Mapping[str, object]) -> bool:
    """Whether nothing of them would be cut: the usual case."""
    return len(members) <= MAX_TOTAL_CHARACTERS // MAX_CHARACTERS and all(map(_is_short, members.values()))


def _is_short(value: object) -> bool:
    return type(value) is int or (type(value) is str and len(value) <= MAX_CHARACTERS)


class _Reduction:
    """What is made smaller; its texts share ``MAX_TOTAL_CHARACTERS``, in at most ``_MAX_VALUES`` values."""

    def __init__(self) -> None:
        self._left = MAX_TOTAL_CHARACTERS
        self._values = _MAX_VALUES

    def of(self, value: object, depth: int) -> Plain:
        """*value*, with *depth* levels of lists and mappings."""
        self._values -= 1
        value = value if self._values >= 0 else "…"
        if isinstance(value, str):
            return self._text(value)
        return value if type(value) is int else self._reduced(value, depth)

    def _reduced(self, value: object, depth: int) -> Plain:
        match value:
            case None | bool() | int() | float():
                return value
            case list() | tuple() if depth:
                return self._list(value, depth - 1)
            case Mapping() if depth:
                items = list(value.items())[:MAX_ITEMS]
                return PlainMembers([(self._text(str(key)), self.of(item, depth - 1)) for key, item in items])
            case set() | frozenset() if depth:
                return self._list(sorted(value, key=str), depth - 1)
        return f"({type(value).__name__})"

    def _list(self, values: list[object] | tuple[object, ...], depth: int) -> PlainList:
        more = ["…"] if len(values) > MAX_ITEMS else []
        return PlainList([*[self.of(value, depth) for value in values[:MAX_ITEMS]], *more])

    def _text(self, text: str) -> str:
        if len(text) <= MAX_CHARACTERS and len(text) <= self._left:
            self._left -= len(text)
            return text
        shown = cut(text, min(MAX_CHARACTERS, max(0, self._left)))
        self._left -= len(shown)
        return shown


def masked(value: Plain) -> Plain:
    """*value* without tokens, credentials, and secrets of the configuration."""
    match value:
        case str():
            return str(clean(value))
        case list():
            return [masked(item) for item in value]
        case dict():
            return {str(clean(key)): masked(item) for key, item in value.items()}
    return value
