"""
.NET's sort, which is not stable: items that compare as equal end where its steps leave them.

Source: .NET API reference, "List.Sort": introspective sort with insertion sort for partitions of up to 16 items and
heapsort where the partitions get too many.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.expressions.limits import tick

Compare = Callable[[Any, Any], int]

SMALL = 16


def sort(found: list[Any], compare: Compare) -> list[Any]:
    """*found* itself, in order. Raises what *compare* raises."""

    def counted(left: Any, right: Any) -> int:
        tick()
        return compare(left, right)

    if len(found) > 1:
        _sort(found, 0, len(found) - 1, 2 * len(found).bit_length(), counted)
    return found


def _sort(found: list[Any], low: int, high: int, depth: int, compare: Compare) -> None:
    while high > low:
        size = high - low + 1
        if size <= SMALL:
            _sort_few(found, low, high, compare)
            return
        if depth == 0:
            _sort_heap(found, low, size, compare)
            return
        depth -= 1
        pivot = _partition(found, low, high, compare)
        _sort(found, pivot + 1, high, depth, compare)
        high = pivot - 1


def _swap_if_greater(found: list[Any], left: int, right: int, compare: Compare) -> None:
    if compare(found[left], found[right]) > 0:
        found[left], found[right] = found[right], found[left]


def _sort_few(found: list[Any], low: int, high: int, compare: Compare) -> None:
    """Two or three items are swapped into order, more are inserted."""
    if high - low > 2:
        _insert(found, low, high, compare)
        return
    pairs = ((low, high),) if high - low == 1 else ((low, high - 1), (low, high), (high - 1, high))
    for left, right in pairs:
        _swap_if_greater(found, left, right, compare)


def _insert(found: list[Any], low: int, high: int, compare: Compare) -> None:
    for index in range(low, high):
        item = found[index + 1]
        place = index
        while place >= low and compare(item, found[place]) < 0:
            found[place + 1] = found[place]
            place -= 1
        found[place + 1] = item


def _partition(found: list[Any], low: int, high: int, compare: Compare) -> int:
    """Smaller items before a median of three, greater ones behind it; where it is."""
    middle = low + (high - low) // 2
    for left, right in ((low, middle), (low, high), (middle, high)):
        _swap_if_greater(found, left, right, compare)
    pivot = found[middle]
    found[middle], found[high - 1] = found[high - 1], found[middle]
    left, right = low, high - 1
    while left < right:
        left = _first_from(found, left + 1, 1, lambda item: compare(item, pivot) < 0)
        right = _first_from(found, right - 1, -1, lambda item: compare(pivot, item) < 0)
        if left >= right:
            break
        found[left], found[right] = found[right], found[left]
    if left != high - 1:
        found[left], found[high - 1] = found[high - 1], found[left]
    return left


def _first_from(found: list[Any], place: int, step: int, passed: Callable[[Any], bool]) -> int:
    while passed(found[place]):
        place += step
    return place


def _sort_heap(found: list[Any], low: int, size: int, compare: Compare) -> None:
    for root in range(size // 2, 0, -1):
        _sink(found, low, root, size, compare)
    for last in range(size, 1, -1):
        found[low], found[low + last - 1] = found[low + last - 1], found[low]
        _sink(found, low, 1, last - 1, compare)


def _sink(found: list[Any], low: int, root: int, size: int, compare: Compare) -> None:
    item = found[low + root - 1]
    while root <= size // 2:
        child = 2 * root
        if child < size and compare(found[low + child - 1], found[low + child]) < 0:
            child += 1
        if compare(item, found[low + child - 1]) >= 0:
            break
        found[low + root - 1] = found[low + child - 1]
        root = child
    found[low + root - 1] = item
