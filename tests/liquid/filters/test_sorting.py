"""The sort leaves equal items where .NET's does, and sorts whatever it gets."""

from __future__ import annotations

import random

import pytest

from gateway.liquid.filters.sorting import sort


def compared(left: tuple[int, int], right: tuple[int, int]) -> int:
    """By the first part alone."""
    return left[0] - right[0]


@pytest.mark.parametrize(
    ("keys", "order"),
    [
        # What List<T>.Sort of .NET 8 does with items of these keys: the places that they come from.
        ([2, 2, 1], [2, 1, 0]),
        ([1, 1, 1, 1], [0, 1, 2, 3]),
        ([1] * 17, [0, 14, 13, 12, 11, 10, 9, 15, 8, 6, 5, 4, 3, 2, 1, 7, 16]),
    ],
)
def test_equal_items(keys: list[int], order: list[int]) -> None:
    """The order of equal items is .NET's own."""
    found = sort([(key, place) for place, key in enumerate(keys)], compared)
    assert [place for _, place in found] == order


@pytest.mark.parametrize("count", [0, 1, 2, 3, 16, 17, 40, 500])
def test_any_items(count: int) -> None:
    """Whatever the items and their order, the result is in order and has all of them."""
    source = random.Random(count)
    for keys in (1, 3, 1000):
        items = [(source.randrange(keys), place) for place in range(count)]
        for given in (items, sorted(items), sorted(items, reverse=True), [*items[::2], *items[1::2]]):
            found = sort(list(given), compared)
            assert [key for key, _ in found] == sorted(key for key, _ in items)
            assert sorted(found) == sorted(items)


@pytest.mark.timed
def test_a_bad_pivot_ends_in_heapsort() -> None:
    """Items made to defeat the choice of the pivot are not sorted in quadratic time."""
    steps = 0

    def counted(left: int, right: int) -> int:
        nonlocal steps
        steps += 1
        return left - right

    count = 4_000
    found = sort([*range(1, count, 2), *range(0, count, 2)], counted)
    assert found == sorted(found)
    assert steps < 60 * count
