"""
How .NET values look in Python (ADR 0013).

A value always carries its exact .NET type, so that ``object``, ``dynamic`` and casts see what C# would see. The
types that
other code stores in variables are Python's own: ``int`` is Int32, ``float`` Double, ``str`` String, ``bytes`` and
``bytearray`` Byte[], ``list`` an array, ``dict`` a Dictionary, ``None`` null. The rest are small subclasses or
classes here.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.expressions.clr import Type


class SByte(int):
    """System.SByte."""

    __slots__ = ()


class Byte(int):
    """System.Byte."""

    __slots__ = ()


class Int16(int):
    """System.Int16."""

    __slots__ = ()


class UInt16(int):
    """System.UInt16."""

    __slots__ = ()


class UInt32(int):
    """System.UInt32."""

    __slots__ = ()


class Int64(int):
    """System.Int64."""

    __slots__ = ()


class UInt64(int):
    """System.UInt64."""

    __slots__ = ()


class BigInteger(int):
    """System.Numerics.BigInteger, the type of JSON numbers beyond Int64; expressions cannot name it."""

    __slots__ = ()


class Single(float):
    """System.Single; the value is always one that fits 32 bits."""

    __slots__ = ()


class Char(str):
    """System.Char: one UTF-16 unit in C#, one code point here."""

    __slots__ = ()


class EnumValue:
    """A value of an enumeration: its type and its number."""

    __slots__ = ("type", "value")

    def __init__(self, enum_type: Type, value: int) -> None:
        self.type = enum_type
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EnumValue) and self.type is other.type and self.value == other.value

    def __hash__(self) -> int:
        return hash((id(self.type), self.value))


class Ref:
    """Receives the value of an ``out`` argument."""

    __slots__ = ("value",)

    def __init__(self, value: object = None) -> None:
        self.value = value


class TypeObject:
    """The result of ``typeof(T)`` and ``x.GetType()``: a name that leads to nothing else."""

    __slots__ = ("type",)

    def __init__(self, clr_type: Type) -> None:
        self.type = clr_type

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TypeObject) and self.type is other.type

    def __hash__(self) -> int:
        return hash(id(self.type))


class Anonymous:
    """An anonymous object: its properties by name, in order."""

    __slots__ = ("fields", "type")

    def __init__(self, anonymous_type: Type, fields: dict[str, object]) -> None:
        self.type = anonymous_type
        self.fields = fields

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Anonymous) and self.fields == other.fields

    def __hash__(self) -> int:
        return hash(tuple(self.fields.items()))


class TupleValue:
    """A System.Tuple or, if *mutable*, a value tuple."""

    __slots__ = ("items", "mutable", "type")

    def __init__(self, items: list[object], tuple_type: Type | None = None, mutable: bool = True) -> None:
        self.items = items
        self.type = tuple_type
        self.mutable = mutable

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TupleValue) and self.items == other.items

    def __hash__(self) -> int:
        return hash(tuple(self.items))


# Python class of each integral type, least value, greatest value.
INTEGRALS: dict[str, tuple[Callable[[int], int], int, int]] = {
    "sbyte": (SByte, -0x80, 0x7F),
    "byte": (Byte, 0, 0xFF),
    "short": (Int16, -0x8000, 0x7FFF),
    "ushort": (UInt16, 0, 0xFFFF),
    "int": (int, -0x80000000, 0x7FFFFFFF),
    "uint": (UInt32, 0, 0xFFFFFFFF),
    "long": (Int64, -0x8000000000000000, 0x7FFFFFFFFFFFFFFF),
    "ulong": (UInt64, 0, 0xFFFFFFFFFFFFFFFF),
}


def wrapper(name: str) -> Callable[[int], int]:
    """The function that wraps any Python int into the integral type *name*, as an unchecked C# conversion does."""
    make, low, high = INTEGRALS[name]
    span = high - low + 1

    def wrap(number: int) -> int:
        return make(number) if low <= number <= high else make((number - low) % span + low)

    def wrap_int(number: int) -> int:
        return number if low <= number <= high else (number - low) % span + low

    return wrap_int if name == "int" else wrap


def to_single(number: float) -> Single:
    """Round to 32 bits, as a cast to float does."""
    try:
        return Single(struct.unpack("<f", struct.pack("<f", number))[0])
    except OverflowError:
        return Single("inf" if number > 0 else "-inf")
