"""
Operators that sort, group and join by keys.

Source: .NET API reference, "Enumerable".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cmp_to_key

from gateway.expressions.clr import DYNAMIC, Type, definition_of, make
from gateway.expressions.collections import ArrayValue, LazySequence
from gateway.expressions.equality import key_of
from gateway.expressions.formatting.text import TEXT
from gateway.expressions.limits import tick
from gateway.expressions.linq.lazy import Func, Types, walk
from gateway.expressions.ordering import order, sorting
from gateway.expressions.runtime import represent
from gateway.expressions.types.comparers import Comparer
from gateway.expressions.types.dictionaries import Dictionary
from gateway.expressions.types.lists import ListValue, SetValue, sort


class Ordered(LazySequence):
    """``IOrderedEnumerable<T>``: the source, and the keys to sort by, most important first."""

    __slots__ = ("keys", "source")

    def __init__(self, source: object, keys: list[tuple[Func, bool, Comparer | None]], element: Type) -> None:
        super().__init__(self._sorted, element)
        self.source = source
        self.keys = keys

    def _sorted(self) -> Iterator[object]:
        items = list(walk(self.source))
        for selector, descending, comparer in reversed(self.keys):
            rank = cmp_to_key(sorting(comparer.compare if comparer is not None else order))  # type: ignore[arg-type]
            sort(items, lambda item, s=selector, r=rank: r(s(item)), descending)  # type: ignore[misc]
        return iter(items)


def order_by(descending: bool) -> Callable[..., Ordered]:
    """``OrderBy``."""

    def operator(types: Types, source: object, selector: Func, comparer: Comparer | None = None) -> Ordered:
        return Ordered(source, [(selector, descending, comparer)], types[0])

    return operator


def order_itself(descending: bool) -> Callable[..., Ordered]:
    """``Order``: by the items themselves."""

    def operator(types: Types, source: object, comparer: Comparer | None = None) -> Ordered:
        return Ordered(source, [(lambda item: item, descending, comparer)], types[0])

    return operator


def then_by(descending: bool) -> Callable[..., Ordered]:
    """``ThenBy``."""

    def operator(types: Types, source: Ordered, selector: Func, comparer: Comparer | None = None) -> Ordered:
        return Ordered(source.source, [*source.keys, (selector, descending, comparer)], types[0])

    return operator


class Grouping(ListValue):
    """``IGrouping<K, T>``."""

    __slots__ = ("key", "key_type")

    def __init__(self, key: object, key_type: Type, element: Type) -> None:
        super().__init__([], element)
        self.key = key
        self.key_type = key_type


def group(types: Types, source: object, key: Func, element: Func | None = None) -> list[Grouping]:
    """The groups of *source* in the order in which their keys first occur."""
    groups: dict[object, Grouping] = {}
    for item in walk(source):
        name = key(item)
        members = groups.setdefault(key_of(name), Grouping(name, types[1], types[-1] if element else types[0]))
        members.append(item if element is None else element(item))
    return list(groups.values())


class Lookup(ArrayValue):
    """``ILookup<K, T>``: the groups in order, and by key."""

    __slots__ = ("by_key", "key_type", "value_type")

    def __init__(self, groups: list[Grouping], key_type: Type, value_type: Type) -> None:
        super().__init__(groups)
        self.by_key = {key_of(grouping.key): grouping for grouping in groups}
        self.key_type = key_type
        self.value_type = value_type

    def find(self, key: object) -> ArrayValue | Grouping:
        """``lookup[key]``: the items under *key*; empty if there is no such key."""
        return self.by_key.get(key_of(key)) or ArrayValue([], self.value_type)


def to_lookup(types: Types, source: object, key: Func, element: Func | None = None) -> Lookup:
    """``ToLookup``."""
    return Lookup(group(types, source, key, element), types[1], types[-1] if element else types[0])


def group_by(types: Types, source: object, key: Func, element: Func | None = None) -> LazySequence:
    """``GroupBy``."""
    definition = definition_of("System.Linq.IGrouping", 2)
    clr_type = make(definition, types[1], types[-1] if element else types[0])
    return LazySequence(lambda: iter(group(types, source, key, element)), clr_type)


def group_result(types: Types, source: object, key: Func, result: Func) -> LazySequence:
    """``GroupBy`` with a result selector."""
    return LazySequence(lambda: (result(grouping.key, grouping) for grouping in group(types, source, key)), types[-1])


def group_elements(types: Types, source: object, key: Func, element: Func, result: Func) -> LazySequence:
    """``GroupBy`` with an element and a result selector."""
    kinds = types[:3]
    return LazySequence(
        lambda: (result(grouping.key, grouping) for grouping in group(kinds, source, key, element)), types[-1]
    )


def join(outer: object, inner: object, outer_key: Func, inner_key: Func, result: Func) -> Iterator[object]:
    """``Join``."""
    table: dict[object, list[object]] = {}
    for item in walk(inner):
        table.setdefault(key_of(inner_key(item)), []).append(item)
    for item in walk(outer):
        for match in table.get(key_of(outer_key(item)), ()):
            tick()
            yield result(item, match)


def group_join(outer: object, inner: object, outer_key: Func, inner_key: Func, result: Func) -> Iterator[object]:
    """``GroupJoin``."""
    table: dict[object, list[object]] = {}
    for item in walk(inner):
        table.setdefault(key_of(inner_key(item)), []).append(item)
    for item in walk(outer):
        yield result(item, ListValue(table.get(key_of(outer_key(item)), ()), DYNAMIC))


def to_dictionary(types: Types, source: object, key: Func, *rest: object) -> Dictionary:
    """``ToDictionary``."""
    value = rest[0] if rest and callable(rest[0]) else None
    comparer = next((argument for argument in rest if isinstance(argument, Comparer)), None)
    dictionary = Dictionary((types[1], types[2] if value is not None else types[0]), comparer)
    for item in walk(source):
        dictionary.add(key(item), item if value is None else value(item))
    return dictionary


def to_set(types: Types, source: object, comparer: Comparer | None = None) -> SetValue:
    """``ToHashSet``."""
    distinct = SetValue(types[0], comparer)
    for item in walk(source):
        distinct.add(item)
    return distinct


def _grouping_type(value: Grouping) -> Type:
    definition = definition_of("System.Linq.IGrouping", 2)
    return make(definition, value.key_type, value.element)


def _ordered_type(value: Ordered) -> Type:
    definition = definition_of("System.Linq.IOrderedEnumerable", 1)
    return make(definition, value.element)


represent(Grouping, _grouping_type, list.__iter__)


def _grouping_text(value: Grouping) -> str:
    """The text of LINQ's internal classes: only their names."""
    names = ",".join(clr_type.full_name for clr_type in (value.key_type, value.element))
    return f"System.Linq.Grouping`2[{names}]"


TEXT[Grouping] = _grouping_text
represent(Ordered, _ordered_type, iter)


def _lookup_type(value: Lookup) -> Type:
    return make(definition_of("System.Linq.ILookup", 2), value.key_type, value.value_type)


represent(Lookup, _lookup_type, list.__iter__)
