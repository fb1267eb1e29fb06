"""
Operators that do nothing until their result is iterated. Every element that a sequence yields is one step of the meter.

Source: .NET API reference, "Enumerable".
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from gateway.expressions import primitives as p
from gateway.expressions.clr import DYNAMIC, Type
from gateway.expressions.collections import LazySequence
from gateway.expressions.conversions import cast
from gateway.expressions.equality import key_of
from gateway.expressions.limits import tick
from gateway.expressions.linq.seen import SeenKeys
from gateway.expressions.runtime import is_instance, iterate
from gateway.expressions.thrown import argument_null, out_of_range
from gateway.expressions.types.comparers import Comparer
from gateway.expressions.types.lists import to_array
from gateway.expressions.values import TupleValue

Func = Callable[..., object]
Types = tuple[Type, ...]
KEYED = object()


def walk(source: object) -> Iterator[object]:
    """The items of *source*; each counts as a step."""
    if source is None:
        raise argument_null("source")
    for item in iterate(source):
        tick()
        yield item


def lazy(build: Callable[..., Iterator[object]], position: int = 0) -> Callable[..., LazySequence]:
    """A lazy LINQ operator; *position*: which type argument is the type of its items."""

    def operator(types: Types, source: object, *rest: object) -> LazySequence:
        if source is None:
            raise argument_null("source")
        element = types[position] if position < len(types) else DYNAMIC
        return LazySequence(lambda: build(source, *rest), element)

    return operator


def where(source: object, test: Func) -> Iterator[object]:
    """``Where``."""
    return (item for item in walk(source) if test(item))


def where_indexed(source: object, test: Func) -> Iterator[object]:
    """``Where`` with the position."""
    return (item for index, item in enumerate(walk(source)) if test(item, index))


def select(source: object, selector: Func) -> Iterator[object]:
    """``Select``."""
    return (selector(item) for item in walk(source))


def select_indexed(source: object, selector: Func) -> Iterator[object]:
    """``Select`` with the position."""
    return (selector(item, index) for index, item in enumerate(walk(source)))


def select_many(source: object, selector: Func, result: Func | None = None) -> Iterator[object]:
    """``SelectMany``."""
    for item in walk(source):
        for inner in walk(selector(item)):
            yield inner if result is None else result(item, inner)


def default_of(types: Types) -> object:
    """``default(T)``."""
    return types[0].default if types else None


def distinct(source: object, comparer: Comparer | None = None) -> Iterator[object]:
    """``Distinct``."""
    return distinct_by(source, comparer.norm if comparer is not None else lambda item: item)


def distinct_by(source: object, selector: Func) -> Iterator[object]:
    """``DistinctBy``."""
    seen = SeenKeys()
    for item in walk(source):
        if seen.add(key_of(selector(item))):
            yield item


def except_items(source: object, other: object, comparer: Comparer | None = None) -> Iterator[object]:
    """``Except``."""
    norm = comparer.norm if comparer is not None else lambda item: item
    gone = SeenKeys(key_of(norm(item)) for item in walk(other))
    return (item for item in distinct(source, comparer) if key_of(norm(item)) not in gone)


def intersect(source: object, other: object, comparer: Comparer | None = None) -> Iterator[object]:
    """``Intersect``."""
    norm = comparer.norm if comparer is not None else lambda item: item
    kept = SeenKeys(key_of(norm(item)) for item in walk(other))
    return (item for item in distinct(source, comparer) if key_of(norm(item)) in kept)


def union(source: object, other: object, comparer: Comparer | None = None) -> Iterator[object]:
    """``Union``."""
    return distinct(LazySequence(lambda: itertools.chain(walk(source), walk(other))), comparer)


def except_by(source: object, keys: object, selector: Func) -> Iterator[object]:
    """``ExceptBy``."""
    gone = {key_of(key) for key in walk(keys)}
    return (item for item in distinct_by(source, selector) if key_of(selector(item)) not in gone)


def intersect_by(source: object, keys: object, selector: Func) -> Iterator[object]:
    """``IntersectBy``."""
    kept = {key_of(key) for key in walk(keys)}
    return (item for item in distinct_by(source, selector) if key_of(selector(item)) in kept)


def union_by(source: object, other: object, selector: Func) -> Iterator[object]:
    """``UnionBy``."""
    return distinct_by(LazySequence(lambda: itertools.chain(walk(source), walk(other))), selector)


def concat(source: object, other: object) -> Iterator[object]:
    """``Concat``."""
    return itertools.chain(walk(source), walk(other))


def skip(source: object, count: int) -> Iterator[object]:
    """``Skip``."""
    return itertools.islice(walk(source), max(count, 0), None)


def take(source: object, count: int) -> Iterator[object]:
    """``Take``."""
    return itertools.islice(walk(source), max(count, 0))


def skip_last(source: object, count: int) -> Iterator[object]:
    """``SkipLast``."""
    items = list(walk(source))
    return iter(items[: max(len(items) - max(count, 0), 0)])


def take_last(source: object, count: int) -> Iterator[object]:
    """``TakeLast``."""
    items = list(walk(source))
    return iter(items[max(len(items) - max(count, 0), 0) :])


def reverse(source: object) -> Iterator[object]:
    """``Reverse``."""
    return iter(list(walk(source))[::-1])


def zip_items(source: object, other: object, result: Func | None = None) -> Iterator[object]:
    """``Zip``."""
    for left, right in zip(walk(source), walk(other), strict=False):
        yield TupleValue([left, right]) if result is None else result(left, right)


def default_if_empty(types: Types, source: object, *default: object) -> LazySequence:
    """``DefaultIfEmpty``."""

    def start() -> Iterator[object]:
        items = walk(source)
        first = next(items, KEYED)
        if first is KEYED:
            yield default[0] if default else default_of(types)
        else:
            yield first
            yield from items

    return LazySequence(start, types[0])


def cast_items(types: Types, source: object) -> LazySequence:
    """``Cast``."""
    return LazySequence(lambda: (cast(item, types[0]) for item in walk(source)), types[0])


def of_type(types: Types, source: object) -> LazySequence:
    """``OfType``."""
    return LazySequence(lambda: (item for item in walk(source) if is_instance(item, types[0])), types[0])


def number_range(start: int, count: int) -> LazySequence:
    """``Range``."""
    if count < 0 or start + count - 1 > 0x7FFFFFFF:
        raise out_of_range("count")
    return LazySequence(lambda: iter(range(start, start + count)), p.INT)


def repeated(types: Types, element: object, count: int) -> LazySequence:
    """``Repeat``."""
    if count < 0:
        raise out_of_range("count")
    return LazySequence(lambda: itertools.repeat(element, count), types[0])


def chunk(types: Types, source: object, size: int) -> LazySequence:
    """``Chunk``."""
    if size < 1:
        raise out_of_range("size")

    def start() -> Iterator[object]:
        items = walk(source)
        while part := list(itertools.islice(items, size)):
            yield to_array(part, types[0])

    return LazySequence(start)
