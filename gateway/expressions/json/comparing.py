"""
When two JSON leaves are equal, and which comes first.

Source: Newtonsoft.Json, JValue.Compare, JValue.Equals, JToken.DeepEquals.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable
from decimal import Decimal

from gateway.expressions import primitives as p
from gateway.expressions.change_type import change_type
from gateway.expressions.equality import EQUALS, KEYS, key_of
from gateway.expressions.json.tree import (
    BOOLEAN,
    BYTES,
    COMMENT,
    DATE,
    FLOAT,
    GUID,
    INTEGER,
    RAW,
    SPAN,
    STRING,
    JObject,
    JProperty,
    JToken,
    JValue,
)
from gateway.expressions.limits import tick
from gateway.expressions.moments import DateTime, DateTimeOffset, TimeSpan
from gateway.expressions.ordering import ORDERS, sign
from gateway.expressions.signatures import read_type
from gateway.expressions.thrown import Thrown, thrown
from gateway.expressions.values import BigInteger, UInt64

_EPSILON = 2.220446049250313e-16


def compare_leaves(kind: int, left: object, right: object) -> int:
    """``JValue.Compare``: two values compared as values of the JTokenType *kind*; null comes first."""
    if left is None or right is None:
        return (left is not None) - (right is not None)
    compare = _COMPARE.get(kind)
    if compare is None:
        raise thrown("ArgumentOutOfRangeException", "Unexpected value type. (Parameter 'valueType')", "valueType")
    return compare(left, right)


def _numbers(left: object, right: object) -> int:
    if isinstance(left, BigInteger) or isinstance(right, BigInteger):
        return sign(int(left), int(right))  # type: ignore[call-overload]
    if isinstance(left, Decimal | UInt64) or isinstance(right, Decimal | UInt64):
        return sign(change_type(left, p.DECIMAL), change_type(right, p.DECIMAL))
    if isinstance(left, float) or isinstance(right, float):
        return _floats(left, right)
    return sign(change_type(left, p.LONG), change_type(right, p.LONG))


def _floats(left: object, right: object) -> int:
    """Values that differ only in the last digit are equal."""
    first, second = change_type(left, p.DOUBLE), change_type(right, p.DOUBLE)
    tolerance = (abs(first) + abs(second) + 10.0) * _EPSILON  # type: ignore[arg-type]
    near = math.isfinite(tolerance) and -tolerance < first - second < tolerance  # type: ignore[operator]
    return 0 if near else sign(first, second)


def _float_kind(left: object, right: object) -> int:
    whole = isinstance(left, Decimal | UInt64 | BigInteger) or isinstance(right, Decimal | UInt64 | BigInteger)
    return _numbers(left, right) if whole else _floats(left, right)


def _texts(left: object, right: object) -> int:
    """Ordinal: how far apart the first different characters are."""
    first, second = str(change_type(left, p.STRING)), str(change_type(right, p.STRING))
    differences = (ord(left) - ord(right) for left, right in zip(first, second, strict=False) if left != right)
    return next(differences, len(first) - len(second))


def _dates(left: object, right: object) -> int:
    if isinstance(left, DateTimeOffset):
        return sign(left, right if isinstance(right, DateTimeOffset) else DateTimeOffset(_date(right).ticks))
    return sign(_date(left), _date(right))


def _date(value: object) -> DateTime:
    if isinstance(value, DateTimeOffset):
        return DateTime(value.ticks)
    date = change_type(value, read_type("System.DateTime"))
    return date if isinstance(date, DateTime) else DateTime(0)


def _only(kinds: tuple[type, ...], name: str) -> Callable[[object, object], int]:
    def compare(left: object, right: object) -> int:
        if not isinstance(right, kinds):
            raise _wrong_type(name)
        return sign(left, right)

    return compare


def _wrong_type(name: str) -> Thrown:
    return thrown("ArgumentException", f"Object must be of type {name}.")


_COMPARE: dict[int, Callable[[object, object], int]] = {
    INTEGER: _numbers,
    FLOAT: _float_kind,
    **dict.fromkeys((COMMENT, STRING, RAW), _texts),
    BOOLEAN: lambda left, right: sign(change_type(left, p.BOOL), change_type(right, p.BOOL)),
    DATE: _dates,
    BYTES: _only((bytes, bytearray), "byte[]"),
    GUID: _only((uuid.UUID,), "Guid"),
    SPAN: _only((TimeSpan,), "TimeSpan"),
}


def same_leaf(left: JValue, right: JValue) -> bool:
    """Whether two leaves have the same type and equal values."""
    return left is right or (left.type == right.type and compare_leaves(left.type, left.value, right.value) == 0)


def order_leaves(left: JValue, right: object) -> int:
    """``JValue.CompareTo``; a string beside a leaf of another type is compared as that type."""
    if right is None:
        return 1
    kind, value = left.type, right
    if isinstance(right, JValue):
        kind, value = right.type if left.type == STRING else left.type, right.value
    return compare_leaves(kind, left.value, value)


def deep_equals(left: JToken | None, right: JToken | None) -> bool:
    """``JToken.DeepEquals``."""
    tick()
    if left is None or right is None:
        return left is right
    if isinstance(left, JValue) and isinstance(right, JValue):
        return same_leaf(left, right)
    return left.kind == right.kind and _containers_equal(left, right)


def _containers_equal(left: JToken, right: JToken) -> bool:
    if isinstance(left, JObject) and isinstance(right, JObject):
        return _properties_equal(left, right)
    named = isinstance(left, JProperty) and isinstance(right, JProperty)
    same_name = not named or left.name == right.name  # type: ignore[attr-defined]
    return same_name and _children_equal(left.children(), right.children())


def _properties_equal(left: JObject, right: JObject) -> bool:
    """In any order."""
    return left.properties.keys() == right.properties.keys() and all(
        deep_equals(child.value, right.properties[name].value) for name, child in left.properties.items()
    )


def _children_equal(left: list[JToken], right: list[JToken]) -> bool:
    return len(left) == len(right) and all(map(deep_equals, left, right))


def deep_key(token: JToken | None) -> object:
    """*token* as a key: two keys are equal if DeepEquals is true."""
    if token is None or isinstance(token, JValue):
        return None if token is None else key_of(token)
    if isinstance(token, JObject):
        return frozenset((name, deep_key(child.value)) for name, child in token.properties.items())
    name = token.name if isinstance(token, JProperty) else None
    return (token.kind, name, *map(deep_key, token.children()))


EQUALS[JValue] = lambda left, right: isinstance(right, JValue) and same_leaf(left, right)  # type: ignore[arg-type]
KEYS[JValue] = lambda leaf: (JValue, leaf.type, int(leaf.value) if leaf.type == INTEGER else key_of(leaf.value))
ORDERS[JValue] = order_leaves
