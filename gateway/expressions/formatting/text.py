"""``ToString()`` of every value, invariant culture."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from functools import reduce
from operator import or_

from gateway.expressions.clr import OBJECT, Type
from gateway.expressions.operators import use_text
from gateway.expressions.runtime import type_of
from gateway.expressions.values import (
    Anonymous,
    Byte,
    Char,
    EnumValue,
    Int16,
    Int64,
    SByte,
    Single,
    TupleValue,
    TypeObject,
    UInt16,
    UInt32,
    UInt64,
    to_single,
)

TEXT: dict[type, Callable[..., str]] = {}
NEW_LINE = "\r\n"  # Environment.NewLine where APIM's own gateway runs: Windows


def text(value: object) -> str:
    """``value.ToString()``; empty for null, as in concatenation."""
    if value.__class__ is str:
        return value
    write = TEXT.get(value.__class__)
    if write is None:
        write = TEXT[value.__class__] = _declared(type_of(value))
    return write(value)


def _declared(clr_type: Type) -> Callable[..., str]:
    """The ToString() in the type's own table; without one, the type's name."""
    for candidate in clr_type.find("ToString"):
        member = candidate.member
        if not member.parameters and not member.static and member.owner is not OBJECT.definition:
            return member.call  # type: ignore[return-value]
    return lambda value: type_of(value).full_name


def _integer(value: int) -> str:
    return int.__repr__(value)


def _exponential(digits: str, position: int) -> str:
    """Scientific notation of 0.digits × 10^position."""
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    exponent = position - 1
    return f"{digits[0]}{fraction}E{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def _fixed(digits: str, position: int) -> str:
    if position <= 0:
        return f"0.{'0' * -position}{digits}"
    if position >= len(digits):
        return digits + "0" * (position - len(digits))
    return f"{digits[:position]}.{digits[position:]}"


def _shortest(value: float, shown: str, precision: int) -> str:
    """The shortest text that reads back as the same number. Source: .NET "Double.ToString", .NET Core 3.0 and later."""
    if not math.isfinite(value):
        return _not_finite(value)
    number = Decimal(shown)
    sign, mantissa, _ = number.as_tuple()
    digits = "".join(map(str, mantissa)).rstrip("0")
    if not digits:
        return "-0" if sign else "0"
    position = number.adjusted() + 1
    scientific = position > max(len(digits), precision) or position < -3
    body = _exponential(digits, position) if scientific else _fixed(digits, position)
    return f"-{body}" if sign else body


def _not_finite(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def double_text(value: float) -> str:
    """A double."""
    return _shortest(value, repr(float(value)), 17)


def single_text(value: float) -> str:
    """A float: the shortest digits that give the same 32 bits."""
    if not math.isfinite(value):
        return double_text(value)
    shown = next(s for digits in range(1, 10) if to_single(float(s := f"{value:.{digits}g}")) == value)
    return _shortest(value, shown, 9)


def decimal_text(value: Decimal) -> str:
    """A decimal; trailing zeros are kept according to its scale."""
    shown = f"{value:f}"
    return shown[1:] if not value and shown.startswith("-") else shown


def enum_text(value: EnumValue) -> str:
    """An enum value: its name, the names of its flags, or its number."""
    names = {number: name for name, number in reversed(value.type.definition.values.items())}
    if value.value in names:
        return names[value.value]
    flags = sorted(number for number in names if number and value.value & number == number)
    if reduce(or_, flags, 0) != value.value:
        return str(value.value)
    return ", ".join(names[number] for number in flags)


def _anonymous(value: Anonymous) -> str:
    inner = ", ".join(f"{name} = {text(item)}" for name, item in value.fields.items())
    return f"{{ {inner} }}"


_INTEGERS: tuple[type, ...] = (int, SByte, Byte, Int16, UInt16, UInt32, Int64, UInt64)
TEXT.update({
    type(None): lambda _value: "",
    str: lambda value: value,
    bool: lambda value: "True" if value else "False",
    **dict.fromkeys(_INTEGERS, _integer),
    float: double_text,
    Single: single_text,
    Decimal: decimal_text,
    Char: str.__str__,
    EnumValue: enum_text,
    Anonymous: _anonymous,
    TupleValue: lambda value: f"({', '.join(text(item) for item in value.items)})",
    TypeObject: lambda value: value.type.full_name,
})  # fmt: skip
use_text(text)
