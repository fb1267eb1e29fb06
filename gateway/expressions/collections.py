"""Run-time classes of the .NET collections; the tables of their members are in ``types/``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from gateway.expressions import primitives as p
from gateway.expressions.clr import DYNAMIC, OBJECT, Type, array_of
from gateway.expressions.limits import charge
from gateway.expressions.runtime import represent, sequence_of
from gateway.expressions.thrown import out_of_range, thrown

MAX_ARRAY = 0x7FFFFFC7  # Array.MaxLength


class ArrayValue(list[object]):
    """A ``T[]`` made by an expression; to other code it is a list."""

    __slots__ = ("element",)

    def __init__(self, items: Iterable[object], element: Type = OBJECT) -> None:
        super().__init__(items)
        self.element = element


class LazySequence:
    """A lazy ``IEnumerable<T>``: *start* gives a fresh iterator each time it is walked."""

    __slots__ = ("element", "start")

    def __init__(self, start: Callable[[], Iterator[object]], element: Type = DYNAMIC) -> None:
        self.start = start
        self.element = element

    def __iter__(self) -> Iterator[object]:
        return self.start()


def _array_type(value: ArrayValue) -> Type:
    return array_of(value.element)


def _sequence_type(value: LazySequence) -> Type:
    return sequence_of(value.element)


represent(ArrayValue, _array_type, iter)
represent(LazySequence, _sequence_type, iter)


def new_array(element: Type, size: int) -> object:
    """``new T[size]``, every element the default of T."""
    if size < 0:
        raise thrown("OverflowException", "Arithmetic operation resulted in an overflow.")
    charge(size)
    if element is p.BYTE:
        return bytearray(size)
    return ArrayValue([element.default for _ in range(size)], element)


def strings(items: Iterable[str | None]) -> ArrayValue:
    """``string[]``."""
    return ArrayValue(items, p.STRING)


def checked_index(index: int, count: int) -> int:
    """*index*, if it is valid in a List of *count* items."""
    if not 0 <= index < count:
        raise out_of_range(
            "index", "Index was out of range. Must be non-negative and less than the size of the collection."
        )
    return index


def check_capacity(capacity: int) -> None:
    """Refuse an initial capacity that no collection can have; any other is only a hint."""
    if capacity < 0:
        raise out_of_range("capacity")
    if capacity > MAX_ARRAY:
        raise thrown("OutOfMemoryException", "Array dimensions exceeded supported range.")


def array_index(index: int, count: int) -> int:
    """*index*, if it is valid in an array of *count* items."""
    if not 0 <= index < count:
        raise thrown("IndexOutOfRangeException", "Index was outside the bounds of the array.")
    return index
