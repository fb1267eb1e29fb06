"""
Arrays of two and three dimensions.

Source: C# language specification, "Arrays" (ECMA-334 §17).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from gateway.expressions.clr import Type, TypeDef, make
from gateway.expressions.collections import array_index
from gateway.expressions.limits import charge
from gateway.expressions.runtime import represent
from gateway.expressions.thrown import thrown

MAX_RANK = 3


class Grid:
    """
    ``T[,]`` or ``T[,,]``.

    Attributes:
        items: All items, row by row.
        sizes: The length of each dimension.
    """

    __slots__ = ("element", "items", "sizes")

    def __init__(self, items: list[object], sizes: tuple[int, ...], element: Type) -> None:
        self.items = items
        self.sizes = sizes
        self.element = element

    def size(self, dimension: int) -> int:
        """``GetLength(dimension)``."""
        return self.sizes[array_index(dimension, len(self.sizes))]

    def place(self, indices: Sequence[int]) -> int:
        """The position in *items* of the item at *indices*."""
        offset = 0
        for index, size in zip(indices, self.sizes, strict=True):
            offset = offset * size + array_index(index, size)
        return offset

    def load(self, *indices: int) -> object:
        """``grid[i, j]``."""
        return self.items[self.place(indices)]

    def store(self, *indices_and_value: object) -> None:
        """``grid[i, j] = value``."""
        *indices, value = indices_and_value
        self.items[self.place(indices)] = value  # type: ignore[arg-type]


def new_grid(element: Type, sizes: tuple[int, ...]) -> Grid:
    """``new T[m, n]``, every item the default of T."""
    if min(sizes) < 0:
        raise thrown("OverflowException", "Arithmetic operation resulted in an overflow.")
    charge(math.prod(sizes))
    return Grid([element.default for _ in range(math.prod(sizes))], sizes, element)


def _definition(rank: int) -> TypeDef:
    names = ", ".join(f"int index{number}" for number in range(1, rank + 1))
    table: dict[str, object] = {
        f"T this[{names}]": (Grid.load, Grid.store),
        "int Length": lambda grid: len(grid.items),
        "int Rank": lambda grid: len(grid.sizes),
        "int GetLength(int dimension)": Grid.size,
        "int GetLowerBound(int dimension)": lambda grid, dimension: 0 * grid.size(dimension),
        "int GetUpperBound(int dimension)": lambda grid, dimension: grid.size(dimension) - 1,
    }
    return TypeDef(f"System.Array[{',' * (rank - 1)}]", ("T",), "class", ("System.Collections.IEnumerable",), table)


GRIDS = {rank: _definition(rank) for rank in range(2, MAX_RANK + 1)}


def _type(grid: Grid) -> Type:
    return make(GRIDS[len(grid.sizes)], grid.element)


represent(Grid, _type, lambda grid: grid.items)


def grid_element(clr_type: Type) -> Type | None:
    """The T of ``T[,]``; None for any other type."""
    return clr_type.args[0] if clr_type.definition in GRIDS.values() else None


def rank_of(clr_type: Type) -> int:
    """The number of dimensions of an array type."""
    return next((rank for rank, definition in GRIDS.items() if clr_type.definition is definition), 1)
