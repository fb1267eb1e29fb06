"""
System.Linq.Enumerable: lazy where .NET is lazy. Every element that a sequence makes is one step of the meter.

Source: .NET API reference, "Enumerable".
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cmp_to_key

from gateway.expressions import primitives as p
from gateway.expressions.arithmetic import bounded
from gateway.expressions.clr import DYNAMIC, Type, define, definition_of, make
from gateway.expressions.collections import ArrayValue, Sequence
from gateway.expressions.conversions import NUMERIC_CONVERTERS, cast, to_decimal, to_double
from gateway.expressions.limits import tick, tick_many
from gateway.expressions.operators import dynamic_binary, unwrapped
from gateway.expressions.runtime import is_instance, iterate, represent, type_of
from gateway.expressions.thrown import Thrown, argument_null, out_of_range, thrown
from gateway.expressions.types.comparers import Comparer
from gateway.expressions.types.dictionaries import Dictionary
from gateway.expressions.types.lists import ListValue, SetValue, order, to_array
from gateway.expressions.values import TupleValue

Func = Callable[..., object]
Types = tuple[Type, ...]
KEYED = object()


def walk(source: object) -> Iterator[object]:
    """The items of *source*, each one a step."""
    if source is None:
        raise argument_null("source")
    for item in iterate(source):
        tick()
        yield item


def lazy(build: Callable[..., Iterator[object]], position: int = 0) -> Callable[..., Sequence]:
    """A LINQ operator that does nothing until its result is walked; *position*: which type argument the items have."""

    def operator(types: Types, source: object, *rest: object) -> Sequence:
        if source is None:
            raise argument_null("source")
        element = types[position] if position < len(types) else DYNAMIC
        return Sequence(lambda: build(source, *rest), element)

    return operator


def hashable(key: object) -> object:
    """A key for Python's dict that is equal exactly where .NET's Equals is."""
    made = type_of(key)
    if made in p.NUMERIC or made is p.BOOL:
        return (made, key)
    return (KEYED, id(key)) if key.__hash__ is None else key


def _no_elements() -> Thrown:
    return thrown("InvalidOperationException", "Sequence contains no elements")


def _no_match() -> Thrown:
    return thrown("InvalidOperationException", "Sequence contains no matching element")


def _where(source: object, test: Func) -> Iterator[object]:
    return (item for item in walk(source) if test(item))


def _where_index(source: object, test: Func) -> Iterator[object]:
    return (item for index, item in enumerate(walk(source)) if test(item, index))


def _select(source: object, selector: Func) -> Iterator[object]:
    return (selector(item) for item in walk(source))


def _select_index(source: object, selector: Func) -> Iterator[object]:
    return (selector(item, index) for index, item in enumerate(walk(source)))


def _select_many(source: object, selector: Func, result: Func | None = None) -> Iterator[object]:
    for item in walk(source):
        for inner in walk(selector(item)):
            yield inner if result is None else result(item, inner)


def _first(types: Types, source: object, *test: Func) -> object:
    for item in walk(source):
        if not test or test[0](item):
            return item
    raise _no_match() if test else _no_elements()


def default_of(types: Types) -> object:
    """``default(T)``."""
    return types[0].definition.default if types and types[0].is_value else None


def _first_or(types: Types, source: object, *test: object) -> object:
    check = test[0] if test and callable(test[0]) else None
    for item in walk(source):
        if check is None or check(item):
            return item
    return test[-1] if test and not callable(test[-1]) else default_of(types)


def _last(types: Types, source: object, *test: Func) -> object:
    items = [item for item in walk(source) if not test or test[0](item)]
    if not items:
        raise _no_match() if test else _no_elements()
    return items[-1]


def _last_or(types: Types, source: object, *test: Func) -> object:
    items = [item for item in walk(source) if not test or test[0](item)]
    return items[-1] if items else default_of(types)


def _single(types: Types, source: object, *test: Func) -> object:
    found = _single_or(types, source, *test, missing=KEYED)
    if found is KEYED:
        raise _no_match() if test else _no_elements()
    return found


def _single_or(types: Types, source: object, *test: Func, missing: object = None) -> object:
    items = [item for item in walk(source) if not test or test[0](item)]
    if len(items) > 1:
        what = "matching element" if test else "element"
        raise thrown("InvalidOperationException", f"Sequence contains more than one {what}")
    return items[0] if items else default_of(types) if missing is None else missing


def _any(source: object, *test: Func) -> bool:
    return any(not test or test[0](item) for item in walk(source))


def _all(source: object, test: Func) -> bool:
    return all(test(item) for item in walk(source))


def _count(source: object, *test: Func) -> int:
    return sum(1 for item in walk(source) if not test or test[0](item))


def _contains(source: object, item: object, comparer: Comparer | None = None) -> bool:
    from gateway.expressions.equality import equal

    if isinstance(source, SetValue) and comparer is None:
        return source.norm(item) in source.data
    if comparer is not None:
        wanted = comparer.norm(item)
        return any(comparer.norm(each) == wanted for each in walk(source))
    return any(equal(each, item) for each in walk(source))


def _distinct(source: object, comparer: Comparer | None = None) -> Iterator[object]:
    return _distinct_by(source, comparer.norm if comparer is not None else lambda item: item)


def _distinct_by(source: object, selector: Func) -> Iterator[object]:
    seen: set[object] = set()
    for item in walk(source):
        key = hashable(selector(item))
        if key not in seen:
            seen.add(key)
            yield item


def _except(source: object, other: object, comparer: Comparer | None = None) -> Iterator[object]:
    norm = comparer.norm if comparer is not None else lambda item: item
    gone = {hashable(norm(item)) for item in walk(other)}
    return (item for item in _distinct(source, comparer) if hashable(norm(item)) not in gone)


def _intersect(source: object, other: object, comparer: Comparer | None = None) -> Iterator[object]:
    norm = comparer.norm if comparer is not None else lambda item: item
    kept = {hashable(norm(item)) for item in walk(other)}
    return (item for item in _distinct(source, comparer) if hashable(norm(item)) in kept)


def _union(source: object, other: object, comparer: Comparer | None = None) -> Iterator[object]:
    return _distinct(Sequence(lambda: itertools.chain(walk(source), walk(other))), comparer)


def _concat(source: object, other: object) -> Iterator[object]:
    return itertools.chain(walk(source), walk(other))


def _skip(source: object, count: int) -> Iterator[object]:
    return itertools.islice(walk(source), max(count, 0), None)


def _take(source: object, count: int) -> Iterator[object]:
    return itertools.islice(walk(source), max(count, 0))


def _skip_last(source: object, count: int) -> Iterator[object]:
    items = list(walk(source))
    return iter(items[: max(len(items) - max(count, 0), 0)])


def _take_last(source: object, count: int) -> Iterator[object]:
    items = list(walk(source))
    return iter(items[max(len(items) - max(count, 0), 0) :])


def _reverse(source: object) -> Iterator[object]:
    return iter(list(walk(source))[::-1])


class Ordered(Sequence):
    """``IOrderedEnumerable<T>``: its source and the keys to sort by, most important first."""

    __slots__ = ("keys", "source")

    def __init__(self, source: object, keys: list[tuple[Func, bool, Comparer | None]], element: Type) -> None:
        super().__init__(self._sorted, element)
        self.source = source
        self.keys = keys

    def _sorted(self) -> Iterator[object]:
        items = list(walk(self.source))
        for selector, descending, comparer in reversed(self.keys):
            compare = comparer.compare if comparer is not None else order
            rank = cmp_to_key(compare)
            tick_many(len(items))
            items.sort(key=lambda item, s=selector, r=rank: r(s(item)), reverse=descending)  # type: ignore[misc]
        return iter(items)


def _order_by(descending: bool) -> Callable[..., Ordered]:
    def operator(types: Types, source: object, selector: Func, comparer: Comparer | None = None) -> Ordered:
        return Ordered(source, [(selector, descending, comparer)], types[0])

    return operator


def _then_by(descending: bool) -> Callable[..., Ordered]:
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
    """The groups of *source* in the order in which their keys come."""
    groups: dict[object, Grouping] = {}
    for item in walk(source):
        name = key(item)
        found = groups.setdefault(hashable(name), Grouping(name, types[1], types[-1] if element else types[0]))
        found.append(item if element is None else element(item))
    return list(groups.values())


def _group_by(types: Types, source: object, key: Func, element: Func | None = None) -> Sequence:
    definition = definition_of("System.Linq.IGrouping", 2)
    made = make(definition, types[1], types[-1] if element else types[0])
    return Sequence(lambda: iter(group(types, source, key, element)), made)


def _group_result(types: Types, source: object, key: Func, result: Func) -> Sequence:
    return Sequence(lambda: (result(each.key, each) for each in group(types, source, key)), types[-1])


def _join(outer: object, inner: object, outer_key: Func, inner_key: Func, result: Func) -> Iterator[object]:
    table: dict[object, list[object]] = {}
    for item in walk(inner):
        table.setdefault(hashable(inner_key(item)), []).append(item)
    for item in walk(outer):
        for match in table.get(hashable(outer_key(item)), ()):
            tick()
            yield result(item, match)


def _group_join(outer: object, inner: object, outer_key: Func, inner_key: Func, result: Func) -> Iterator[object]:
    table: dict[object, list[object]] = {}
    for item in walk(inner):
        table.setdefault(hashable(inner_key(item)), []).append(item)
    for item in walk(outer):
        yield result(item, ListValue(table.get(hashable(outer_key(item)), ()), DYNAMIC))


def _zip(source: object, other: object, result: Func | None = None) -> Iterator[object]:
    for left, right in zip(walk(source), walk(other), strict=False):
        yield TupleValue([left, right]) if result is None else result(left, right)


def _aggregate(source: object, combine: Func) -> object:
    items = walk(source)
    total = next(items, KEYED)
    if total is KEYED:
        raise _no_elements()
    for item in items:
        total = combine(total, item)
    return total


def _aggregate_seed(source: object, seed: object, combine: Func, result: Func | None = None) -> object:
    for item in walk(source):
        seed = combine(seed, item)
    return seed if result is None else result(seed)


def _numbers(source: object, selector: tuple[Func, ...]) -> list[object]:
    found = (unwrapped(selector[0](item) if selector else item) for item in walk(source))
    return [item for item in found if item is not None]


def _sum(types: Types, source: object, *selector: Func) -> object:
    made = types[-1]
    total: object = NUMERIC_CONVERTERS[made](0) if made in NUMERIC_CONVERTERS else 0
    for item in _numbers(source, selector):
        total = dynamic_binary("+", total, item)
        if isinstance(total, int) and not -(1 << 63) <= int(total) < 1 << 63:
            raise thrown("OverflowException", "Arithmetic operation resulted in an overflow.")
    return total


def _average(source: object, *selector: Func) -> object:
    items = _numbers(source, selector)
    if not items:
        raise _no_elements()
    if isinstance(items[0], Decimal):
        return bounded(sum((to_decimal(item) for item in items), Decimal(0)) / len(items))
    return math.fsum(to_double(item) for item in items) / len(items)


def _extreme(sign: int) -> Callable[..., object]:
    def operator(types: Types, source: object, *selector: Func) -> object:
        items = _numbers(source, selector)
        if not items:
            if types[-1].is_value:
                raise _no_elements()
            return None
        best = items[0]
        for item in items[1:]:
            best = item if order(item, best) * sign > 0 else best
        return best

    return operator


def _extreme_by(sign: int) -> Callable[..., object]:
    def operator(types: Types, source: object, selector: Func) -> object:
        items = [(selector(item), item) for item in walk(source)]
        if not items:
            return default_of(types)
        best = items[0]
        for pair in items[1:]:
            best = pair if order(pair[0], best[0]) * sign > 0 else best
        return best[1]

    return operator


def _element_at(source: object, index: int) -> object:
    found = next(itertools.islice(walk(source), index, None), KEYED) if index >= 0 else KEYED
    if found is KEYED:
        raise out_of_range(
            "index", "Index was out of range. Must be non-negative and less than the size of the collection."
        )
    return found


def _element_at_or(types: Types, source: object, index: int) -> object:
    return next(itertools.islice(walk(source), index, None), default_of(types)) if index >= 0 else default_of(types)


def _default_if_empty(types: Types, source: object, *default: object) -> Sequence:
    def start() -> Iterator[object]:
        items = walk(source)
        first = next(items, KEYED)
        if first is KEYED:
            yield default[0] if default else default_of(types)
        else:
            yield first
            yield from items

    return Sequence(start, types[0])


def _cast(types: Types, source: object) -> Sequence:
    return Sequence(lambda: (cast(item, types[0]) for item in walk(source)), types[0])


def _of_type(types: Types, source: object) -> Sequence:
    return Sequence(lambda: (item for item in walk(source) if is_instance(item, types[0])), types[0])


def _to_dictionary(types: Types, source: object, key: Func, *rest: object) -> Dictionary:
    value = rest[0] if rest and callable(rest[0]) else None
    comparer = next((each for each in rest if isinstance(each, Comparer)), None)
    made = Dictionary((types[1], types[2] if value is not None else types[0]), comparer)
    for item in walk(source):
        made.add(key(item), item if value is None else value(item))
    return made


def _to_set(types: Types, source: object, comparer: Comparer | None = None) -> SetValue:
    made = SetValue(types[0], comparer)
    for item in walk(source):
        made.add(item)
    return made


def _sequence_equal(source: object, other: object) -> bool:
    from gateway.expressions.equality import equal

    pairs = itertools.zip_longest(walk(source), walk(other), fillvalue=KEYED)
    return all(
        left is not KEYED and right is not KEYED and (left is right or equal(left, right)) for left, right in pairs
    )


def _range(start: int, count: int) -> Sequence:
    if count < 0 or start + count - 1 > 0x7FFFFFFF:
        raise out_of_range("count")
    return Sequence(lambda: iter(range(start, start + count)), p.INT)


def _repeat(types: Types, element: object, count: int) -> Sequence:
    if count < 0:
        raise out_of_range("count")
    return Sequence(lambda: itertools.repeat(element, count), types[0])


def _chunk(types: Types, source: object, size: int) -> Sequence:
    if size < 1:
        raise out_of_range("size")

    def start() -> Iterator[object]:
        items = walk(source)
        while part := list(itertools.islice(items, size)):
            yield to_array(part, types[0])

    return Sequence(start)


def _lazy(signature: str, build: Callable[..., Iterator[object]], position: int = 0) -> dict[str, object]:
    return {f"generic ext {signature}": lazy(build, position)}


define("System.Linq.IOrderedEnumerable", parameters=("T",), kind="interface", parents=("IEnumerable<T>",))
define("System.Linq.IGrouping", {"K Key": lambda each: each.key}, parameters=("K", "T"), kind="interface",
       parents=("IEnumerable<T>",))  # fmt: skip
define("System.Linq.ILookup", parameters=("K", "T"), kind="interface", parents=("IEnumerable<IGrouping<K, T>>",))
_E = "IEnumerable<T> source"
define("System.Linq.Enumerable", {
    **_lazy(f"IEnumerable<T> Where<T>({_E}, Func<T, bool> predicate)", _where),
    **_lazy(f"IEnumerable<T> Where<T>({_E}, Func<T, int, bool> predicate)", _where_index),
    **_lazy(f"IEnumerable<R> Select<T, R>({_E}, Func<T, R> selector)", _select, 1),
    **_lazy(f"IEnumerable<R> Select<T, R>({_E}, Func<T, int, R> selector)", _select_index, 1),
    **_lazy(f"IEnumerable<R> SelectMany<T, R>({_E}, Func<T, IEnumerable<R>> selector)", _select_many, 1),
    **_lazy(f"IEnumerable<R> SelectMany<T, C, R>({_E}, Func<T, IEnumerable<C>> many, Func<T, C, R> result)",
            _select_many, 2),
    **_lazy(f"IEnumerable<T> Distinct<T>({_E})", _distinct),
    **_lazy(f"IEnumerable<T> Distinct<T>({_E}, IEqualityComparer<T> comparer)", _distinct),
    **_lazy(f"IEnumerable<T> DistinctBy<T, K>({_E}, Func<T, K> keySelector)", _distinct_by),
    **_lazy(f"IEnumerable<T> Except<T>({_E}, IEnumerable<T> second)", _except),
    **_lazy(f"IEnumerable<T> Except<T>({_E}, IEnumerable<T> second, IEqualityComparer<T> comparer)", _except),
    **_lazy(f"IEnumerable<T> Intersect<T>({_E}, IEnumerable<T> second)", _intersect),
    **_lazy(f"IEnumerable<T> Intersect<T>({_E}, IEnumerable<T> second, IEqualityComparer<T> comparer)", _intersect),
    **_lazy(f"IEnumerable<T> Union<T>({_E}, IEnumerable<T> second)", _union),
    **_lazy(f"IEnumerable<T> Union<T>({_E}, IEnumerable<T> second, IEqualityComparer<T> comparer)", _union),
    **_lazy(f"IEnumerable<T> Concat<T>({_E}, IEnumerable<T> second)", _concat),
    **_lazy(f"IEnumerable<T> Append<T>({_E}, T element)", lambda source, item: itertools.chain(walk(source), [item])),
    **_lazy(f"IEnumerable<T> Prepend<T>({_E}, T element)", lambda source, item: itertools.chain([item], walk(source))),
    **_lazy(f"IEnumerable<T> Skip<T>({_E}, int count)", _skip),
    **_lazy(f"IEnumerable<T> Take<T>({_E}, int count)", _take),
    **_lazy(f"IEnumerable<T> SkipLast<T>({_E}, int count)", _skip_last),
    **_lazy(f"IEnumerable<T> TakeLast<T>({_E}, int count)", _take_last),
    **_lazy(f"IEnumerable<T> SkipWhile<T>({_E}, Func<T, bool> predicate)",
            lambda source, test: itertools.dropwhile(test, walk(source))),
    **_lazy(f"IEnumerable<T> TakeWhile<T>({_E}, Func<T, bool> predicate)",
            lambda source, test: itertools.takewhile(test, walk(source))),
    **_lazy(f"IEnumerable<T> Reverse<T>({_E})", _reverse),
    **_lazy(f"IEnumerable<T> AsEnumerable<T>({_E})", walk),
    **_lazy(f"IEnumerable<R> Zip<T, U, R>({_E}, IEnumerable<U> second, Func<T, U, R> resultSelector)", _zip, 2),
    **_lazy(f"IEnumerable<ValueTuple<T, U>> Zip<T, U>({_E}, IEnumerable<U> second)", _zip, 9),
    **_lazy(f"IEnumerable<R> Join<T, U, K, R>({_E}, IEnumerable<U> inner, Func<T, K> outerKeySelector, "
            "Func<U, K> innerKeySelector, Func<T, U, R> resultSelector)", _join, 3),
    **_lazy(f"IEnumerable<R> GroupJoin<T, U, K, R>({_E}, IEnumerable<U> inner, Func<T, K> outerKeySelector, "
            "Func<U, K> innerKeySelector, Func<T, IEnumerable<U>, R> resultSelector)", _group_join, 3),
    f"generic ext IOrderedEnumerable<T> OrderBy<T, K>({_E}, Func<T, K> keySelector)": _order_by(False),
    f"generic ext IOrderedEnumerable<T> OrderBy<T, K>({_E}, Func<T, K> keySelector, IComparer<K> comparer)":
        _order_by(False),
    f"generic ext IOrderedEnumerable<T> OrderByDescending<T, K>({_E}, Func<T, K> keySelector)": _order_by(True),
    f"generic ext IOrderedEnumerable<T> OrderByDescending<T, K>({_E}, Func<T, K> keySelector, IComparer<K> comparer)":
        _order_by(True),
    "generic ext IOrderedEnumerable<T> ThenBy<T, K>(IOrderedEnumerable<T> source, Func<T, K> keySelector)":
        _then_by(False),
    "generic ext IOrderedEnumerable<T> ThenByDescending<T, K>(IOrderedEnumerable<T> source, Func<T, K> keySelector)":
        _then_by(True),
    f"generic ext IEnumerable<IGrouping<K, T>> GroupBy<T, K>({_E}, Func<T, K> keySelector)": _group_by,
    f"generic ext IEnumerable<IGrouping<K, V>> GroupBy<T, K, V>({_E}, Func<T, K> keySelector, "
    "Func<T, V> elementSelector)": _group_by,
    f"generic ext IEnumerable<R> GroupBy<T, K, R>({_E}, Func<T, K> keySelector, "
    "Func<K, IEnumerable<T>, R> resultSelector)": _group_result,
    f"generic ext T First<T>({_E})": _first,
    f"generic ext T First<T>({_E}, Func<T, bool> predicate)": _first,
    f"generic ext T FirstOrDefault<T>({_E})": _first_or,
    f"generic ext T FirstOrDefault<T>({_E}, Func<T, bool> predicate)": _first_or,
    f"generic ext T FirstOrDefault<T>({_E}, T defaultValue)": _first_or,
    f"generic ext T Last<T>({_E})": _last,
    f"generic ext T Last<T>({_E}, Func<T, bool> predicate)": _last,
    f"generic ext T LastOrDefault<T>({_E})": _last_or,
    f"generic ext T LastOrDefault<T>({_E}, Func<T, bool> predicate)": _last_or,
    f"generic ext T Single<T>({_E})": _single,
    f"generic ext T Single<T>({_E}, Func<T, bool> predicate)": _single,
    f"generic ext T SingleOrDefault<T>({_E})": _single_or,
    f"generic ext T SingleOrDefault<T>({_E}, Func<T, bool> predicate)": _single_or,
    f"ext T ElementAt<T>({_E}, int index)": _element_at,
    f"generic ext T ElementAtOrDefault<T>({_E}, int index)": _element_at_or,
    f"ext bool Any<T>({_E})": _any,
    f"ext bool Any<T>({_E}, Func<T, bool> predicate)": _any,
    f"ext bool All<T>({_E}, Func<T, bool> predicate)": _all,
    f"ext int Count<T>({_E})": _count,
    f"ext int Count<T>({_E}, Func<T, bool> predicate)": _count,
    f"ext long LongCount<T>({_E})": lambda source: NUMERIC_CONVERTERS[p.LONG](_count(source)),
    f"ext bool Contains<T>({_E}, T value)": _contains,
    f"ext bool Contains<T>({_E}, T value, IEqualityComparer<T> comparer)": _contains,
    f"ext bool SequenceEqual<T>({_E}, IEnumerable<T> second)": _sequence_equal,
    f"ext T Aggregate<T>({_E}, Func<T, T, T> func)": _aggregate,
    f"ext A Aggregate<T, A>({_E}, A seed, Func<A, T, A> func)": _aggregate_seed,
    f"ext R Aggregate<T, A, R>({_E}, A seed, Func<A, T, A> func, Func<A, R> resultSelector)": _aggregate_seed,
    f"generic ext T Sum<T>({_E})": _sum,
    f"generic ext R Sum<T, R>({_E}, Func<T, R> selector)": _sum,
    f"generic ext T Min<T>({_E})": _extreme(-1),
    f"generic ext R Min<T, R>({_E}, Func<T, R> selector)": _extreme(-1),
    f"generic ext T Max<T>({_E})": _extreme(1),
    f"generic ext R Max<T, R>({_E}, Func<T, R> selector)": _extreme(1),
    f"generic ext T MinBy<T, K>({_E}, Func<T, K> keySelector)": _extreme_by(-1),
    f"generic ext T MaxBy<T, K>({_E}, Func<T, K> keySelector)": _extreme_by(1),
    "ext decimal Average(IEnumerable<decimal> source)": _average,
    "ext double Average(IEnumerable<int> source)": _average,
    "ext double Average(IEnumerable<long> source)": _average,
    "ext double Average(IEnumerable<double> source)": _average,
    f"ext double Average<T>({_E}, Func<T, double> selector)": _average,
    f"generic ext IEnumerable<T> DefaultIfEmpty<T>({_E})": _default_if_empty,
    f"generic ext IEnumerable<T> DefaultIfEmpty<T>({_E}, T defaultValue)": _default_if_empty,
    "generic ext IEnumerable<R> Cast<R>(IEnumerable source)": _cast,
    "generic ext IEnumerable<R> OfType<R>(IEnumerable source)": _of_type,
    f"generic ext T[] ToArray<T>({_E})": lambda types, source: to_array(walk(source), types[0]),
    f"generic ext List<T> ToList<T>({_E})": lambda types, source: ListValue(walk(source), types[0]),
    f"generic ext HashSet<T> ToHashSet<T>({_E})": _to_set,
    f"generic ext HashSet<T> ToHashSet<T>({_E}, IEqualityComparer<T> comparer)": _to_set,
    f"generic ext Dictionary<K, T> ToDictionary<T, K>({_E}, Func<T, K> keySelector)": _to_dictionary,
    f"generic ext Dictionary<K, T> ToDictionary<T, K>({_E}, Func<T, K> keySelector, IEqualityComparer<K> comparer)":
        _to_dictionary,
    f"generic ext Dictionary<K, V> ToDictionary<T, K, V>({_E}, Func<T, K> keySelector, Func<T, V> elementSelector)":
        _to_dictionary,
    f"generic ext Dictionary<K, V> ToDictionary<T, K, V>({_E}, Func<T, K> keySelector, Func<T, V> elementSelector, "
    "IEqualityComparer<K> comparer)": _to_dictionary,
    f"generic ext ILookup<K, T> ToLookup<T, K>({_E}, Func<T, K> keySelector)": _group_by,
    f"generic ext IEnumerable<T[]> Chunk<T>({_E}, int size)": _chunk,
    "static IEnumerable<int> Range(int start, int count)": _range,
    "static generic IEnumerable<T> Repeat<T>(T element, int count)": _repeat,
    "static generic IEnumerable<T> Empty<T>()": lambda types: ArrayValue([], types[0]),
}, kind="static")  # fmt: skip


def _grouping_type(value: Grouping) -> Type:
    definition = definition_of("System.Linq.IGrouping", 2)
    return make(definition, value.key_type, value.element)


def _ordered_type(value: Ordered) -> Type:
    definition = definition_of("System.Linq.IOrderedEnumerable", 1)
    return make(definition, value.element)


represent(Grouping, _grouping_type, list.__iter__)
represent(Ordered, _ordered_type, iter)
