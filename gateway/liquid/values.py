"""
The values that templates see, and their texts.

Numbers, strings and dates are those of policy expressions (``gateway.expressions.values``). A list is a JSON array or
another list with places; a tuple or a range only has an order, as the results of Map and Where have. A dict is a hash.

Source: DotLiquid, "Variable.Render", "Context.Liquidize", "Hash"; .NET API reference, "KeyValuePair".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any, TypeGuard

from gateway.expressions import to_text
from gateway.expressions.limits import charge_items, tick_many
from gateway.expressions.runtime import type_of
from gateway.expressions.values import Char

_SOME = 1024


@dataclass(frozen=True, slots=True)
class HashMember:
    """One member of a hash, as a loop over it yields."""

    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class NestedMember:
    """A member that is itself a hash: its own members are found through it. Its text is empty."""

    key: str
    value: dict[str, Any]

    def find(self, name: object) -> Any:
        """The key, the value or a member of it. Raises KeyError."""
        if name in ("0", "Key", "itemName"):
            return self.key
        return self.value if name in ("1", "Value") else self.value[str(name)]


@dataclass(frozen=True, slots=True)
class Quality:
    """``empty`` or ``blank``: equal to any value that has this quality."""

    holds: Callable[[object], bool]


class Texts(list[Any]):
    """An array of strings, as Split gives."""


class AnyCase(dict[str, Any]):
    """An immutable hash whose names are found in any letter case, an exact match first."""

    _names: dict[str, str] | None = None

    def __missing__(self, name: object) -> Any:
        if self._names is None:
            self._names = {known.casefold(): known for known in reversed(self)}
        return dict.__getitem__(self, self._names[str(name).casefold()])

    def __contains__(self, name: object) -> bool:
        try:
            self[name]  # type: ignore[index]
        except KeyError:
            return False
        return True


class Described(AnyCase):
    """A hash that is also a text: an element with attributes, a URL."""

    text = ""


def is_text(value: object) -> TypeGuard[str]:
    """Whether it is a string: a single character, as a loop over a string yields, is not."""
    return isinstance(value, str) and value.__class__ is not Char


def is_sequence(value: object) -> bool:
    """Whether it is an IEnumerable: strings are."""
    return isinstance(value, str | list | tuple | range | dict) and value.__class__ is not Char


def items(value: object) -> Iterator[Any]:
    """The items of a loop over an IEnumerable."""
    if isinstance(value, dict):
        return (HashMember(key, member) for key, member in value.items())
    if isinstance(value, str):
        return map(Char, value)
    return iter(value)  # type: ignore[call-overload, no-any-return]


def part(value: object, start: int, end: int | None) -> Iterator[Any]:
    """Some of the items; reaching the first of them takes no time, except in a hash."""
    if isinstance(value, dict):
        return islice(items(value), start, end)
    return items(value[start:end])  # type: ignore[index]


def last(value: object) -> Any:
    """The last item, or None."""
    if not value:
        return None
    if isinstance(value, dict):
        return HashMember(*next(reversed(value.items())))
    return next(items(value[-1:]))  # type: ignore[index]


def held(values: Iterable[Any]) -> list[Any]:
    """A list of *values*, charged as it grows. Raises LimitExceeded: there are too many."""
    source, kept = iter(values), []
    while some := list(islice(source, _SOME)):
        tick_many(len(some))
        charge_items(len(some))
        kept += some
    return kept


def flattened(values: Iterable[Any]) -> Iterator[Any]:
    """The items of nested lists; strings and hashes are not taken apart."""
    for value in values:
        if isinstance(value, list | tuple | range):
            yield from flattened(value)
        else:
            yield value


def text_of(value: object) -> str:
    """``value.ToString()``; empty for null."""
    if isinstance(value, HashMember):
        return f"[{value.key}, {text_of(value.value)}]"
    if isinstance(value, Described):
        return value.text
    return type_name(value) if isinstance(value, _UNWRITTEN) else to_text(value)


def written(value: object) -> str:
    """The text of ``{{ value }}``: booleans in lower case, the items of a list one after another."""
    if value.__class__ is str:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, NestedMember | Quality):
        return "" if isinstance(value, NestedMember) else "DotLiquid.Util.Symbol"
    if isinstance(value, Described):
        return value.text
    if is_sequence(value):
        return "".join(map(_item, held(items(value))))
    return _item(value)


def _item(value: object) -> str:
    """A decimal without trailing zeros; anything else as ToString() writes it."""
    if not isinstance(value, Decimal):
        return text_of(value)
    shown = to_text(value)
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


_UNWRITTEN = (dict, list, tuple, range, NestedMember, Quality)  # values whose text is the name of their type
_NAMES: dict[type, str] = {
    Texts: "System.String[]",
    list: "System.Collections.Generic.List`1[System.Object]",
    tuple: "System.Collections.Generic.IEnumerable`1[System.Object]",
    range: "DotLiquid.Util.Range+<Inclusive>d__12`1[System.Int32]",
    HashMember: "System.Collections.Generic.KeyValuePair`2[System.String,System.Object]",
    NestedMember: "DotLiquid.Tags.LegacyKeyValueDrop",
    Quality: "DotLiquid.Util.Symbol",
}


# In a message about a cast .NET names the assembly, too.
LIST_NAME = (
    "System.Collections.Generic.List`1[[System.Object, System.Private.CoreLib, Version=8.0.0.0, Culture=neutral, "
    "PublicKeyToken=7cec85d7bea7798e]]"
)


def type_name(value: object) -> str:
    """The .NET type, for error messages."""
    if isinstance(value, dict):
        return "DotLiquid.Hash"
    return _NAMES.get(value.__class__) or type_of(value).full_name
