"""``Equals`` and ``GetHashCode``: values are equal only when their types are."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal

from gateway.expressions.runtime import type_of
from gateway.expressions.values import Anonymous, Char, EnumValue, Int64, TupleValue, UInt64, wrapper

EQUALS: dict[type, Callable[[object, object], bool]] = {}  # classes with an Equals of their own, such as JValue
# The value as a key for Python's dict: equal exactly if Equals is true.
KEYS: dict[type, Callable[..., object]] = {}
_BY_IDENTITY = (list, dict)
_IDENTITY = object()
wrap = wrapper("int")


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
    """Unlike ``==``, ``Equals`` considers NaN equal to NaN."""
    return all(isinstance(value, float | Decimal) and math.isnan(value) for value in (left, right))


def key_of(value: object) -> object:
    """*value* as a key for Python's dict: two keys are equal exactly if .NET's Equals is true."""
    own = KEYS.get(value.__class__)
    if own is not None:
        return own(value)
    return (_IDENTITY, id(value)) if value.__hash__ is None or isinstance(value, bytes) else value


def _number_key(value: object) -> object:
    return (value.__class__, "NaN" if value != value else value)  # noqa: PLR0124  (NaN alone is not itself)


def hash_code(value: object) -> int:
    """``GetHashCode()``: a number that equal values share; .NET promises nothing else."""
    if isinstance(value, int):
        number = int(value)
        return wrap(number ^ (number >> 32)) if value.__class__ in (Int64, UInt64) else wrap(number)
    return hash(key_of(value)) & 0x7FFFFFFF


KEYS[str] = lambda value: value
for _class in (bool, float, Decimal, Char, int, *int.__subclasses__(), *float.__subclasses__()):
    KEYS[_class] = _number_key
KEYS[TupleValue] = lambda value: (TupleValue, value.mutable, *map(key_of, value.items))
KEYS[Anonymous] = lambda value: (Anonymous, *((name, key_of(item)) for name, item in value.fields.items()))
EQUALS[TupleValue] = EQUALS[Anonymous] = lambda left, right: (
    left.__class__ is right.__class__ and key_of(left) == key_of(right)
)
KEYS[EnumValue] = lambda value: value
