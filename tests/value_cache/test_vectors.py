"""vectors.py: what is a vector, and what is none."""

from __future__ import annotations

import math
from array import array

import pytest

from gateway.value_cache.vectors import MAX_DIMENSIONS, dimensions, unit_vector


def test_vectors_get_length_one() -> None:
    """Only the direction counts, so that the scalar product of two is their cosine."""
    vector = unit_vector([3, 4.0])
    assert vector is not None
    assert list(array("f", vector)) == pytest.approx([0.6, 0.8])
    assert dimensions(vector) == 2


NO_VECTORS: dict[str, object] = {
    "empty": [],
    "too long": [1.0] * (MAX_DIMENSIONS + 1),
    "without direction": [0.0, 0.0],
    "not a number": [1.0, math.nan],
    "infinite": [1.0, math.inf],
    "too large to square": [1e200, 1e200],
    "texts": ["1"],
    "booleans": [True],
    "no list": "AAAA",
    "nothing": None,
    "large whole numbers": [10**400],
}


@pytest.mark.parametrize("name", NO_VECTORS)
def test_what_is_no_vector(name: str) -> None:
    """What a server sends instead of one makes a miss, never an error."""
    assert unit_vector(NO_VECTORS[name]) is None
