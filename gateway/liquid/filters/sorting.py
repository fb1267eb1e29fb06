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


def sort(items: list[Any], compare: Compare) -> list[Any]:
    """*items* itself, in order. Raises what *compare* raises."""

    def counted(left: Any, right: Any) -> int:
        tick()
        return compare(left, right)

    if len(items) > 1:
        _sort(items, 0, len(items) - 1, 2 * len(items).bit_length(), counted)
    return items


def _sort(items: list[Any], low: int, high: int, depth: int, compare: Compare) -> None:
    while high > low:
        size = high - low + 1
        if size <= SMALL:
            _sort_few(items, low, high, compare)
            return
        if depth == 0:
            _sort_heap(items, low, size, compare)
            return
        depth -= 1
        pivot = _partition(items, low, high, compare)
        _sort(items, pivot + 1, high, depth, compare)
        high = pivot - 1


def _swap_if_greater(items: list[Any], left: int, right: int, compare: Compare) -> None:
    if compare(items[left], items[right]) > 0:
        items[left], items[right] = items[right], items[left]


def _sort_few(items: list[Any], low: int, high: int, compare: Compare) -> None:
    """Sort few items: two or three by swapping, more by insertion."""
    if high - low > 2:
        _insert(items, low, high, compare)
        return
    pairs = ((low, high),) if high - low == 1 else ((low, high - 1), (low, high), (high - 1, high))
    for left, right in pairs:
        _swap_if_greater(items, left, right, compare)


def _insert(items: list[Any], low: int, high: int, compare: Compare) -> None:
    for index in range(low, high):
        item = items[index + 1]
        place = index
        while place >= low and compare(item, items[place]) < 0:
            items[place + 1] = items[place]
            place -= 1
        items[place + 1] = item


def _partition(items: list[Any], low: int, high: int, compare: Compare) -> int:
    """Move smaller items before a median of three and greater ones after it; returns its position."""
    middle = low + (high - low) // 2
    for left, right in ((low, middle), (low, high), (middle, high)):
        _swap_if_greater(items, left, right, compare)
    pivot = items[middle]
    items[middle], items[high - 1] = items[high - 1], items[middle]
    left, right = low, high - 1
    while left < right:
        left = _first_from(items, left + 1, 1, lambda item: compare(item, pivot) < 0)
        right = _first_from(items, right - 1, -1, lambda item: compare(pivot, item) < 0)
        if left >= right:
            break
        items[left], items[right] = items[right], items[left]
    if left != high - 1:
        items[left], items[high - 1] = items[high - 1], items[left]
    return left


def _first_from(items: list[Any], place: int, step: int, passed: Callable[[Any], bool]) -> int:
    while passed(items[place]):
        place += step
    return place


def _sort_heap(items: list[Any], low: int, size: int, compare: Compare) -> None:
    for root in range(size // 2, 0, -1):
        _sink(items, low, root, size, compare)
    for last in range(size, 1, -1):
        items[low], items[low + last - 1] = items[low + last - 1], items[low]
        _sink(items, low, 1, last - 1, compare)


def _sink(items: list[Any], low: int, root: int, size: int, compare: Compare) -> None:
    item = items[low + root - 1]
    while root <= size // 2:
        child = 2 * root
        if child < size and compare(items[low + child - 1], items[low + child]) < 0:
            child += 1
        if compare(item, items[low + child - 1]) >= 0:
            break
        items[low + root - 1] = items[low + child - 1]
        root = child
    items[low + root - 1] = item
