"""
Vectors and what was kept beside them: the nearest one of a partition answers.

A vector is the bytes of 32-bit floats, little-endian, of length 1; the distance of two is 1 less their cosine, from 0
(the same) to 2. A partition is a text of fixed length: vectors of two partitions are never compared.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Awaitable
from typing import Any, NamedTuple, Protocol

# The largest embedding model in use has 3,072; a server must not make us keep more.
MAX_DIMENSIONS = 4096

# APIM's own bound for a cached value.
MAX_VALUE_BYTES = 2 * 1024 * 1024
FLOAT_BYTES = 4

# Shorter ones have no direction that can be trusted.
SHORTEST = 1e-12

# Of a distance: what rounding to 32 bits may add to that of two equal vectors.
ROUNDING = 1e-6


class Unready(NamedTuple):
    """Why vectors cannot be kept, and what to do: the parts of a load error."""

    code: str
    message: str
    remedy: str


class VectorCache(Protocol):
    """Values by vectors. Like ``ValueCache`` it never fails, and may forget at any time."""

    def prepare(self) -> Unready | None:
        """Called at load by each policy that uses it; what stands in the way."""

    def nearest(self, partition: str, vector: bytes, distance: float) -> bytes | None | Awaitable[bytes | None]:
        """The value of the nearest vector of *partition*, if it is no further away than *distance*."""

    def store(
        self, partition: str, vector: bytes, value: bytes, ttl_s: float, owner: str = ""
    ) -> Awaitable[None] | None:
        """Keep *value* for *ttl_s* seconds beside *vector*; 0 or less keeps nothing. *owner*: whose request it was."""


def unit_vector(numbers: object) -> bytes | None:
    """*numbers*, as JSON has them, as a vector of length 1; None: they are no vector that has a direction."""
    if not isinstance(numbers, list) or not 0 < len(numbers) <= MAX_DIMENSIONS:
        return None
    try:
        length = _length(numbers)
        return array("f", [number / length for number in numbers]).tobytes() if length else None
    except (OverflowError, TypeError, ValueError):
        return None


def _length(numbers: list[Any]) -> float:
    """0 where there is no direction. Raises TypeError, OverflowError or ValueError: these are no usable numbers."""
    if not {int, float}.issuperset(map(type, numbers)):
        raise TypeError("not a number")
    length = math.sqrt(math.fsum(number * number for number in numbers))
    return length if math.isfinite(length) and length >= SHORTEST else 0.0


def dimensions(vector: bytes) -> int:
    """How many numbers *vector* has."""
    return len(vector) // FLOAT_BYTES
