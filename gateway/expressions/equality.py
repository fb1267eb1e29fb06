"""``Equals`` and ``GetHashCode``: values are equal only when their types are."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal

from gateway.expressions.runtime import type_of

EQUALS: dict[type, Callable[[object, object], bool]] = {}  # classes with an Equals of their own, such as JValue
_BY_IDENTITY = (list, dict)


def equal(left: object, right: object) -> bool:
    """``object.Equals(left, right)``."""
    if left is right:
        return True
    if left is None or right is None:
        return False
    own = EQUALS.get(left.__class__)
    if own is not None:
        return own(left, right)
    if isinstance(left, _BY_IDENTITY + (bytes, bytearray)):
        return False
    return type_of(left) is type_of(right) and (left == right or _both_not_a_number(left, right))


def _both_not_a_number(left: object, right: object) -> bool:
    """Unlike ``==``, ``Equals`` says that NaN is NaN."""
    return all(isinstance(value, float | Decimal) and math.isnan(value) for value in (left, right))


def hash_code(value: object) -> int:
    """``GetHashCode()``: some number that equal values share. .NET promises no more."""
    return (hash(value) if value.__hash__ is not None else id(value)) & 0x7FFFFFFF
