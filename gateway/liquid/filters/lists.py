"""
Filters of lists, hashes and text taken as a list of characters.

Source: DotLiquid, "StandardFilters"; .NET API reference, "Enumerable.Distinct".
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

from gateway.expressions.casing import upper
from gateway.expressions.limits import charge
from gateway.expressions.thrown import Thrown, argument_null, thrown
from gateway.expressions.types.strings import compare_ordinal
from gateway.expressions.values import BigInteger
from gateway.liquid.equality import ordered, same
from gateway.liquid.filters.signatures import anything, sequence, string, table
from gateway.liquid.filters.sorting import sort
from gateway.liquid.values import (
    AnyCase,
    HashMember,
    Texts,
    flattened,
    held,
    is_sequence,
    is_text,
    items,
    last,
    text_of,
)


def _size(value: Any) -> int:
    return len(value) if is_sequence(value) else 0


def _split(value: str | None, separator: str | None) -> Texts:
    """The parts that are not empty; without a separator, the characters."""
    if not value or value.isspace():
        return Texts([value])
    return Texts(held(part for part in value.split(separator) if part) if separator else held(value))


def _join(values: Any, glue: str | None) -> str | None:
    if values is None:
        return None
    parts = [text_of(value) for value in held(items(values))]
    charge(sum(map(len, parts)) + len(glue or "") * len(parts))
    return (glue or "").join(parts)


def _first(values: Any) -> Any:
    return None if values is None else next(items(values), None)


def _last(values: Any) -> Any:
    return None if values is None else last(values)


def _reverse(values: Any) -> Any:
    return values if values is None or isinstance(values, str) else held(items(values))[::-1]


def _concat(left: Any, right: Any) -> Any:
    if left is None or right is None:
        return right if left is None else left
    return tuple(held(chain(items(left), items(right))))


def _flat(value: Any) -> list[Any]:
    return held(flattened(items(value))) if is_sequence(value) else [value]


def _compact(value: Any) -> Any:
    return None if value is None else [item for item in _flat(value) if item is not None]


def _uniq(value: Any) -> Any:
    """The first of equal items; hashes and lists are equal only to themselves."""
    if value is None:
        return None
    first: dict[Any, Any] = {}
    for item in _flat(value):
        first.setdefault(_identity(item), item)
    return list(first.values())


def _identity(value: Any) -> Any:
    if isinstance(value, dict | list | tuple):
        return value.__class__, id(value)
    if isinstance(value, HashMember):
        return value.__class__, value.key, _identity(value.value)
    # Python's hash of an integer is a remainder: the author of a body could choose many numbers with the same hash.
    return value.__class__, format(value, "x") if isinstance(value, BigInteger) else value


def _map(values: Any, name: str | None) -> Any:
    """One member of each item; the results have an order but cannot be indexed."""
    if values is None:
        return None
    members = held(items(values))
    if members and name is None and all(isinstance(item, dict) for item in members):
        raise argument_null("key")
    return tuple(_property(item, name or "") for item in members)


def _property(item: Any, name: str) -> Any:
    """A member of a hash; null otherwise."""
    if not isinstance(item, dict):
        return None
    return item[name] if isinstance(item, AnyCase) and name in item else item.get(name)


def _where(values: Any, name: str | None, wanted: Any) -> Any:
    """The items whose member has this value; without a value, those where it is true."""
    if values is None:
        return None
    if not name or name.isspace():
        raise thrown("ArgumentNullException", "'propertyName' cannot be null or empty. (Parameter 'propertyName')")
    return tuple(item for item in held(items(values)) if _matches(_property(item, name), wanted))


def _matches(value: Any, wanted: Any) -> bool:
    if value is None or wanted is None:
        return value is not None and value is not False and not (isinstance(value, str) and value.lower() == "false")
    return same(value, wanted)


def _sort(value: Any, name: str | None) -> Any:
    """Sort by the items, or by one of their members; text without regard to case."""
    if value is None:
        return None
    key: Callable[[Any], Any] = (lambda item: _property(item, name)) if name else lambda item: item
    return sort(_flat(value), lambda left, right: _in_order(key(left), key(right)))


def _in_order(left: Any, right: Any) -> int:
    if left is right:
        return 0
    if left is None or right is None:
        return -1 if left is None else 1
    if is_text(left) and is_text(right):
        return compare_ordinal(upper(left), upper(right))
    try:
        return ordered(left, right)
    except Thrown:
        raise thrown("InvalidOperationException", "Failed to compare two elements in the array.") from None


_VALUES = sequence("input")
LISTS = table(
    ("Size", _size, (anything("input"),)),
    ("Split", _split, (string("input"), string("pattern"))),
    ("Join", _join, (_VALUES, string("glue", " "))),
    ("First", _first, (sequence("array"),)),
    ("Last", _last, (sequence("array"),)),
    ("Reverse", _reverse, (_VALUES,)),
    ("Concat", _concat, (sequence("left"), sequence("right"))),
    ("Compact", _compact, (anything("input"),)),
    ("Uniq", _uniq, (anything("input"),)),
    ("Map", _map, (sequence("enumerableInput"), string("property"))),
    ("Where", _where, (_VALUES, string("propertyName"), anything("targetValue", None))),
    ("Sort", _sort, (anything("input"), string("property", None))),
    ("SortNatural", _sort, (anything("input"), string("property", None))),
)
