"""
The operators of conditions.

Source: DotLiquid, "Condition.Operators", "ObjectExtensionMethods.SafeTypeInsensitiveEqual"; .NET, "Convert.ChangeType".
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import zip_longest

from gateway.expressions.change_type import change_type
from gateway.expressions.limits import spend, tick
from gateway.expressions.moments import DateTime
from gateway.expressions.runtime import type_of
from gateway.expressions.thrown import Thrown, thrown
from gateway.expressions.types.strings import compare as compare_text
from gateway.liquid.values import LIST_NAME, Quality, is_sequence, is_text, items, type_name

_PLAIN = (bool, int, float, Decimal, str, DateTime)
_NOTHING = object()
MEMBER_S = 1e-7  # for each member of a hash that is compared


def same(left: object, right: object) -> bool:
    """``==`` of values; values of different types are equal if one converts to the other, the second first."""
    if left is None or right is None or left is _NOTHING or right is _NOTHING:
        return left is right
    if _is_list(left) and _is_list(right):
        return all(map(_same_items, zip_longest(items(left), items(right), fillvalue=_NOTHING)))
    return bool(left == right) if left.__class__ is right.__class__ else _same_converted(left, right)


def _is_list(value: object) -> bool:
    return is_sequence(value) and not isinstance(value, str)


def _same_items(pair: tuple[object, object]) -> bool:
    tick()
    return same(*pair)


def _same_converted(left: object, right: object) -> bool:
    try:
        return converted(right, left) == left
    except Thrown:
        pass
    try:
        return converted(left, right) == right
    except Thrown:
        return False


def converted(value: object, like: object) -> object:
    """*value* converted to the type of *like*. Raises Thrown: it cannot be converted."""
    if value is like or value.__class__ is like.__class__:
        return value
    if not isinstance(value, _PLAIN):
        raise thrown("InvalidCastException", "Object must implement IConvertible.")
    if not isinstance(like, _PLAIN):
        message = (
            f"Invalid cast from '{type_name(value)}' to '{LIST_NAME if like.__class__ is list else type_name(like)}'."
        )
        raise thrown("InvalidCastException", message)
    return change_type(value, type_of(like))


def equal(left: object, right: object) -> bool:
    """``==`` in a condition; ``empty`` and ``blank`` test for a property of the value."""
    if isinstance(left, Quality):
        return left.holds(right)
    return right.holds(left) if isinstance(right, Quality) else same(left, right)


def ordered(left: object, right: object) -> int:
    """The sign of ``Comparer.Default.Compare``. Raises Thrown: the left value has no order."""
    if left is right:
        return 0
    if is_text(left) and is_text(right):
        return compare_text(left, right)
    if not isinstance(left, _PLAIN) or left.__class__ is not right.__class__:
        raise thrown("ArgumentException", "At least one object must implement IComparable.")
    return int(left > right) - int(left < right)  # type: ignore[operator]


def _comparison(holds: Callable[[int, int], bool]) -> Callable[[object, object], bool]:
    def compare(left: object, right: object) -> bool:
        return left is not None and right is not None and holds(ordered(left, converted(right, left)), 0)

    return compare


def _contains(left: object, right: object) -> bool:
    if is_text(left) and right is not None:
        return _text(right) in left
    return is_sequence(left) and any(_alike(item, right) for item in items(left))


def _text(value: object) -> str:
    if not isinstance(value, str):
        message = f"Unable to cast object of type '{type_name(value)}' to type 'System.String'."
        raise thrown("InvalidCastException", message)
    return value


def _alike(item: object, wanted: object) -> bool:
    """Whether two values are equal, and both numbers or both text: in a list ``'3'`` is not 3."""
    tick()
    kinds = {_kind(item), _kind(wanted)}
    return (len(kinds) == 1 or item is None or wanted is None) and same(item, wanted)


def _kind(value: object) -> object:
    if isinstance(value, str):
        return str
    return int if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else value.__class__


def _ends(place: int, test: Callable[[str, str], bool]) -> Callable[[object, object], bool]:
    def check(left: object, right: object) -> bool:
        if isinstance(left, list):
            present = [item for item in left if item is not None]
            return equal(present[place] if present else None, right)
        return is_text(left) and is_text(right) and test(left, right)

    return check


def _has_key(left: object, right: object) -> bool:
    return isinstance(left, dict) and right is not None and right in left


def _has_value(left: object, right: object) -> bool:
    if not isinstance(left, dict):
        return False
    spend(len(left), MEMBER_S)
    return any(value is right or (value.__class__ is right.__class__ and value == right) for value in left.values())


_OPERATORS: Mapping[str, Callable[[object, object], bool]] = {
    "==": equal,
    "!=": lambda left, right: not equal(left, right),
    "<>": lambda left, right: not equal(left, right),
    "<": _comparison(operator.lt),
    ">": _comparison(operator.gt),
    "<=": _comparison(operator.le),
    ">=": _comparison(operator.ge),
    "contains": _contains,
    "startsWith": _ends(0, str.startswith),
    "endsWith": _ends(-1, str.endswith),
    "hasKey": _has_key,
    "hasValue": _has_value,
}
_SPELLED = {spelling: name for name in _OPERATORS for spelling in (name.lower(), name[0].upper() + name[1:], name)}


def operator_of(name: str) -> Callable[[object, object], bool]:
    """
    The operator of this name: ``contains``, ``Contains``, ``startswith`` …

    Raises:
        Thrown: There is none; the message is written in place of the condition.
    """
    if name not in _SPELLED:
        raise thrown("ArgumentException", f"Unknown operator {name}")
    return _OPERATORS[_SPELLED[name]]
