"""
``Comparer<T>.Default``: which of two values comes first.

Source: .NET API reference, "Comparer<T>.Default".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal

from gateway.expressions import primitives as p
from gateway.expressions.clr import Type
from gateway.expressions.runtime import type_of
from gateway.expressions.thrown import Thrown, thrown
from gateway.expressions.values import Char, EnumValue, TupleValue

Compare = Callable[[object, object], int]
ORDERS: dict[type, Callable[..., int]] = {}  # classes with their own CompareTo: string, JValue …
_COMPARABLE = frozenset({*p.NUMERIC, p.BOOL, p.STRING})


def order(left: object, right: object) -> int:
    """
    The sign of the difference; null comes first, strings are compared by culture.

    Raises:
        Thrown: ArgumentException for types that have no order, or different types.
    """
    if left is None or right is None:
        return (left is not None) - (right is not None)
    own = ORDERS.get(left.__class__)
    if own is not None:
        return own(left, right)
    clr_type = type_of(left)
    if not _is_comparable(clr_type):
        raise thrown("ArgumentException", "At least one object must implement IComparable.")
    if type_of(right) is not clr_type:
        raise thrown("ArgumentException", f"Object must be of type {clr_type.definition.name}.")
    return sign(left, right)


def _is_comparable(clr_type: Type) -> bool:
    return clr_type in _COMPARABLE or p.COMPARABLE in clr_type.ancestors


def sign(left: object, right: object) -> int:
    """The sign of the difference of two values of one type; NaN is less than any number."""
    if isinstance(left, float | Decimal) and (math.isnan(left) or math.isnan(right)):  # type: ignore[arg-type]
        return math.isnan(right) - math.isnan(left)  # type: ignore[arg-type]
    return int(left > right) - int(left < right)  # type: ignore[operator]


def sorting(compare: Compare) -> Compare:
    """*compare* for a sort, which wraps an exception of the comparison in an InvalidOperationException."""

    def run(left: object, right: object) -> int:
        try:
            return compare(left, right)
        except Thrown as error:
            message = "Failed to compare two elements in the array."
            failed = thrown("InvalidOperationException", message)
            failed.value.inner = error.value
            raise failed from error

    return run


def _by_items(left: TupleValue, right: object) -> int:
    """Item by item."""
    others = right.items if isinstance(right, TupleValue) else []
    return next((sign for pair in zip(left.items, others, strict=False) if (sign := order(*pair))), 0)


ORDERS[TupleValue] = _by_items


def _by_number(number: Callable[..., int]) -> Callable[..., int]:
    def compare(left: object, right: object) -> int:
        if type_of(left) is not type_of(right):
            raise thrown("ArgumentException", f"Object must be of type {type_of(left).definition.name}.")
        return sign(number(left), number(right))

    return compare


ORDERS[EnumValue] = _by_number(lambda value: value.value)
ORDERS[Char] = _by_number(ord)
