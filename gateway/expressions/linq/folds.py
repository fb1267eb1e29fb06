"""
Operators that iterate over a sequence immediately and return one value.

Source: .NET API reference, "Enumerable".
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from decimal import Decimal

from gateway.expressions import primitives as p
from gateway.expressions.arithmetic import bounded
from gateway.expressions.clr import NULLABLE, underlying
from gateway.expressions.conversions import NUMERIC_CONVERTERS, to_decimal, to_double
from gateway.expressions.linq.lazy import KEYED, Func, Types, default_of, walk
from gateway.expressions.operators import dynamic_binary, unwrapped
from gateway.expressions.ordering import order
from gateway.expressions.thrown import Thrown, out_of_range, thrown
from gateway.expressions.types.comparers import Comparer
from gateway.expressions.types.lists import SetValue
from gateway.expressions.values import Single, to_single


def _no_elements() -> Thrown:
    return thrown("InvalidOperationException", "Sequence contains no elements")


def _no_match() -> Thrown:
    return thrown("InvalidOperationException", "Sequence contains no matching element")


def first(types: Types, source: object, *test: Func) -> object:
    """``First``."""
    for item in walk(source):
        if not test or test[0](item):
            return item
    raise _no_match() if test else _no_elements()


def first_or_default(types: Types, source: object, *test: object) -> object:
    """``FirstOrDefault``."""
    check = test[0] if test and callable(test[0]) else None
    for item in walk(source):
        if check is None or check(item):
            return item
    return test[-1] if test and not callable(test[-1]) else default_of(types)


def last(types: Types, source: object, *test: Func) -> object:
    """``Last``."""
    items = [item for item in walk(source) if not test or test[0](item)]
    if not items:
        raise _no_match() if test else _no_elements()
    return items[-1]


def last_or_default(types: Types, source: object, *test: Func) -> object:
    """``LastOrDefault``."""
    items = [item for item in walk(source) if not test or test[0](item)]
    return items[-1] if items else default_of(types)


def single(types: Types, source: object, *test: Func) -> object:
    """``Single``."""
    item = single_or_default(types, source, *test, missing=KEYED)
    if item is KEYED:
        raise _no_match() if test else _no_elements()
    return item


def single_or_default(types: Types, source: object, *test: Func, missing: object = None) -> object:
    """``SingleOrDefault``."""
    items = [item for item in walk(source) if not test or test[0](item)]
    if len(items) > 1:
        what = "matching element" if test else "element"
        raise thrown("InvalidOperationException", f"Sequence contains more than one {what}")
    return items[0] if items else default_of(types) if missing is None else missing


def any_item(source: object, *test: Func) -> bool:
    """``Any``."""
    return any(not test or test[0](item) for item in walk(source))


def all_items(source: object, test: Func) -> bool:
    """``All``."""
    return all(test(item) for item in walk(source))


def count(source: object, *test: Func) -> int:
    """``Count``."""
    return sum(1 for item in walk(source) if not test or test[0](item))


def contains(source: object, item: object, comparer: Comparer | None = None) -> bool:
    """``Contains``."""
    from gateway.expressions.equality import equal

    if isinstance(source, SetValue) and comparer is None:
        return source.norm(item) in source.data
    if comparer is not None:
        wanted = comparer.norm(item)
        return any(comparer.norm(other) == wanted for other in walk(source))
    return any(equal(other, item) for other in walk(source))


def aggregate(source: object, combine: Func) -> object:
    """``Aggregate``."""
    items = walk(source)
    total = next(items, KEYED)
    if total is KEYED:
        raise _no_elements()
    for item in items:
        total = combine(total, item)
    return total


def aggregate_seed(source: object, seed: object, combine: Func, result: Func | None = None) -> object:
    """``Aggregate`` from a seed."""
    for item in walk(source):
        seed = combine(seed, item)
    return seed if result is None else result(seed)


def _numbers(source: object, selector: tuple[Func, ...]) -> list[object]:
    values = (unwrapped(selector[0](item) if selector else item) for item in walk(source))
    return [item for item in values if item is not None]


def sum_of(types: Types, source: object, *selector: Func) -> object:
    """``Sum``."""
    number = underlying(types[-1])
    items = _numbers(source, selector)
    if number in (p.INT, p.LONG):
        whole = sum(int(item) for item in walk(items))  # type: ignore[call-overload]
        bits = 31 if number is p.INT else 63
        if not -(1 << bits) <= whole < 1 << bits:
            raise thrown("OverflowException", "Arithmetic operation resulted in an overflow.")
        return NUMERIC_CONVERTERS[number](whole)
    total: object = NUMERIC_CONVERTERS[number](0) if number in NUMERIC_CONVERTERS else 0
    for item in walk(items):
        total = dynamic_binary("+", total, item)
    return total


def average_of(optional: bool) -> Callable[[object], object]:
    """``Average`` of a sequence of numbers; null without any, where they may be null."""
    return lambda source: _average(_numbers(source, ()), optional)


def average_by(types: Types, source: object, selector: Func) -> object:
    """``Average`` of what *selector* gives."""
    return _average(_numbers(source, (selector,)), types[-1].definition is NULLABLE)


def _average(items: list[object], optional: bool) -> object:
    if not items:
        if optional:
            return None
        raise _no_elements()
    if isinstance(items[0], Decimal):
        return bounded(sum((to_decimal(item) for item in items), Decimal(0)) / len(items))
    if all(isinstance(item, int) for item in items):
        total = sum(items)  # type: ignore[arg-type]
        return to_double(total) / len(items)
    mean = _plain_sum(items) / len(items)
    return to_single(mean) if isinstance(items[0], Single) else mean


def _plain_sum(items: list[object]) -> float:
    """One addition after the other, as .NET adds doubles."""
    total = 0.0
    for item in items:
        total += to_double(item)
    return total


def otherwise(operator: Func) -> Callable[..., object]:
    """An operator with a predicate and the value to give where nothing passes."""

    def run(types: Types, source: object, test: Func, default: object) -> object:
        if not any_item(source, test):
            return default
        return operator(types, source, test)

    return run


def extreme(sign: int) -> Callable[..., object]:
    """``Min`` or ``Max``."""

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


def extreme_by(sign: int) -> Callable[..., object]:
    """``MinBy`` or ``MaxBy``."""

    def operator(types: Types, source: object, selector: Func) -> object:
        items = [(selector(item), item) for item in walk(source)]
        if not items and types[0].is_value:
            raise _no_elements()
        if not items:
            return None
        best = items[0]
        for pair in items[1:]:
            best = pair if order(pair[0], best[0]) * sign > 0 else best
        return best[1]

    return operator


def element_at(source: object, index: int) -> object:
    """``ElementAt``."""
    item = next(itertools.islice(walk(source), index, None), KEYED) if index >= 0 else KEYED
    if item is KEYED:
        raise out_of_range("index")
    return item


def element_at_or_default(types: Types, source: object, index: int) -> object:
    """``ElementAtOrDefault``."""
    return next(itertools.islice(walk(source), index, None), default_of(types)) if index >= 0 else default_of(types)


def sequence_equal(source: object, other: object) -> bool:
    """``SequenceEqual``."""
    from gateway.expressions.equality import equal

    pairs = itertools.zip_longest(walk(source), walk(other), fillvalue=KEYED)
    return all(
        left is not KEYED and right is not KEYED and (left is right or equal(left, right)) for left, right in pairs
    )
