"""
``System.Convert``: changing a value to another simple type by its content, rounding half to even, throwing on overflow.

Source: .NET API reference, "Convert".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal

from gateway.expressions import primitives as p
from gateway.expressions.clr import NULLABLE, OBJECT, Type
from gateway.expressions.conversions import NUMERIC_CONVERTERS, to_decimal
from gateway.expressions.formatting.text import text
from gateway.expressions.runtime import is_instance, type_of
from gateway.expressions.thrown import Thrown, invalid_cast, thrown
from gateway.expressions.types.numbers import parse_bool, parse_decimal, parse_double, parse_integer
from gateway.expressions.values import INTEGRALS, Char, EnumValue, to_single

LAST_CHAR = 0xFFFF
CHANGERS: dict[Type, Callable[[object], object]] = {}  # other targets: DateTime, Guid, Uri, TimeSpan …


def change_type(value: object, target: Type) -> object:
    """*value* as *target*; null is 0, false or the empty date, as in ``Convert``."""
    if target is OBJECT or is_instance(value, target):
        return value
    if value is None:
        return target.default
    if isinstance(value, EnumValue) and target is not p.STRING:
        value = value.value
    changer = CHANGERS.get(target)
    if changer is None:
        raise _no_change(value, target)
    return changer(value)


# Classes that implement IConvertible themselves, such as JValue.
CONVERTIBLES: dict[type, Callable[[object, Type], object]] = {}
# The types that Convert knows, besides DateTime, which is declared further up.
_BASIC = frozenset({*p.NUMERIC, p.BOOL, p.STRING})


def convert_to(value: object, target: Type, casts: bool = False) -> object:
    """
    ``Convert.ChangeType``: unlike a serializer it knows the simple types and DateTime only.

    Raises:
        Thrown: It cannot be converted; with *casts*, as in ``Convert.ToInt32``, a type that converts to nothing fails
            in a cast.
    """
    if value is None or target is OBJECT:
        return change_type(value, target)
    source = type_of(value)
    if source is target:
        return value
    own = CONVERTIBLES.get(value.__class__)
    if own is not None and target is not p.STRING:
        return own(value, target)
    if not _is_convertible(source):
        raise _not_convertible(source, casts)
    _check_conversion(source, target)
    return change_type(value, target)


def _check_conversion(source: Type, target: Type) -> None:
    if target.definition is NULLABLE or (target not in _BASIC and target.name != "DateTime"):
        raise _no_conversion(source.full_name, target.full_name)
    if _is_date_and_other(source, target):
        raise _no_conversion(source.definition.name, target.definition.name)


def _not_convertible(source: Type, casts: bool) -> Thrown:
    if casts:
        return invalid_cast(source.full_name, "System.IConvertible")
    return thrown("InvalidCastException", "Object must implement IConvertible.")


def _is_convertible(source: Type) -> bool:
    return p.CONVERTIBLE in source.ancestors or source.definition.kind == "enum" or source.name in _OTHERS


def _is_date_and_other(source: Type, target: Type) -> bool:
    """Whether one is a DateTime and the other neither that nor a text that may be read as one."""
    names = (source.name, target.name)
    return "DateTime" in names and names != ("DateTime", "DateTime") and not {"string", "JValue"} & {*names}


_OTHERS = ("DateTime", "JValue")  # that implement IConvertible, and are declared further up


def _no_conversion(source: str, target: str) -> Thrown:
    return thrown("InvalidCastException", f"Invalid cast from '{source}' to '{target}'.")


def _no_change(value: object, target: Type) -> Thrown:
    source = type_of(value)
    if source in _BASIC and target in _BASIC:
        return _no_conversion(source.definition.name, target.definition.name)
    return invalid_cast(type_of(value).full_name, target.full_name)


_SIZES = {
    "byte": "an unsigned byte", "sbyte": "a signed byte", "short": "an Int16", "int": "an Int32", "long": "an Int64",
    "ushort": "a UInt16", "uint": "a UInt32", "ulong": "a UInt64",
}  # fmt: skip


def _integral(target: Type) -> Callable[[object], object]:
    name = p.INTEGRAL[target]
    make, low, high = INTEGRALS[name]

    def change(value: object) -> object:
        if isinstance(value, str) and value.__class__ is not Char:
            return parse_integer(value, name)
        number = _whole(value, target)
        if not low <= number <= high:
            raise thrown("OverflowException", f"Value was either too large or too small for {_SIZES[name]}.")
        return make(number)

    return change


def _whole(value: object, target: Type) -> int:
    if isinstance(value, Char):
        return ord(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            size = _SIZES.get(str(target.definition.keyword), "a number")
            raise thrown("OverflowException", f"Value was either too large or too small for {size}.")
        return round(value)
    if isinstance(value, int | Decimal):
        return round(value)
    raise _no_change(value, target)


def _bool(value: object) -> bool:
    if isinstance(value, str) and not isinstance(value, Char):
        return parse_bool(value)
    if isinstance(value, int | float | Decimal):
        return value != 0
    raise _no_change(value, p.BOOL)


def _double(value: object, target: Type = p.DOUBLE) -> float:
    if isinstance(value, str) and not isinstance(value, Char):
        return parse_double(value)
    if isinstance(value, int | float | Decimal):
        return float(value)
    raise _no_change(value, target)


def _decimal(value: object) -> Decimal:
    if isinstance(value, str) and not isinstance(value, Char):
        return parse_decimal(value)
    if isinstance(value, int | float | Decimal):
        return to_decimal(int(value) if isinstance(value, bool) else value)
    raise _no_change(value, p.DECIMAL)


def _char(value: object) -> Char:
    if isinstance(value, int) and not 0 <= value <= LAST_CHAR:
        raise thrown("OverflowException", "Value was either too large or too small for a character.")
    if isinstance(value, str):
        if len(value) != 1:
            raise thrown("FormatException", "String must be exactly one character long.")
        return Char(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return NUMERIC_CONVERTERS[p.CHAR](value)  # type: ignore[return-value]
    raise _no_change(value, p.CHAR)


CHANGERS.update({
    **{clr_type: _integral(clr_type) for clr_type in p.INTEGRAL},
    p.BOOL: _bool,
    p.CHAR: _char,
    p.DOUBLE: _double,
    p.FLOAT: lambda value: to_single(_double(value, p.FLOAT)),
    p.DECIMAL: _decimal,
    p.STRING: text,
})  # fmt: skip
