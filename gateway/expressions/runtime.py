"""
The run-time type of a value, and how a value is walked: what ``is``, ``as``, casts, ``dynamic`` and ``foreach``
rest on.

Values of classes that are not registered have the type object and no members.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

from gateway.expressions import primitives as p
from gateway.expressions.clr import DYNAMIC, NULL, NULLABLE, OBJECT, Type, array_of, make
from gateway.expressions.thrown import null_reference, thrown
from gateway.expressions.values import (
    Anonymous,
    Byte,
    Char,
    EnumValue,
    Int16,
    Int64,
    SByte,
    Single,
    TypeObject,
    UInt16,
    UInt32,
    UInt64,
)

TypeSource = Type | Callable[..., Type]

KNOWN: dict[type, TypeSource] = {
    type(None): NULL,
    str: p.STRING,
    int: p.INT,
    bool: p.BOOL,
    float: p.DOUBLE,
    Char: p.CHAR,
    SByte: p.SBYTE,
    Byte: p.BYTE,
    Int16: p.SHORT,
    UInt16: p.USHORT,
    UInt32: p.UINT,
    Int64: p.LONG,
    UInt64: p.ULONG,
    Single: p.FLOAT,
    Decimal: p.DECIMAL,
    bytes: array_of(p.BYTE),
    bytearray: array_of(p.BYTE),
    types.FunctionType: p.DELEGATE,
    types.BuiltinFunctionType: p.DELEGATE,
    types.MethodType: p.DELEGATE,
    TypeObject: p.TYPE,
}
_CLASSIFIERS: list[Callable[[object], TypeSource | None]] = []
_ITERATORS: dict[type, Callable[[object], Iterable[object]]] = {}


def represent(python: type, source: TypeSource, walk: Callable[..., Iterable[object]] | None = None) -> None:
    """Declare that values of the class *python* have a .NET type, and how ``foreach`` walks them."""
    KNOWN[python] = source
    if walk is not None:
        _ITERATORS[python] = walk


def classify(classifier: Callable[[object], TypeSource | None]) -> None:
    """Add a rule for classes of other packages, such as the pipeline's request."""
    _CLASSIFIERS.append(classifier)


def type_of(value: object) -> Type:
    """The run-time .NET type of *value*; NULL for None."""
    source = KNOWN.get(value.__class__)
    if source is None:
        source = KNOWN[value.__class__] = _classified(value)
    return source if source.__class__ is Type else source(value)  # type: ignore[operator]


def _classified(value: object) -> TypeSource:
    sources = (classifier(value) for classifier in _CLASSIFIERS)
    return next((source for source in sources if source is not None), OBJECT)


# Types whose GetEnumerator yields other items than their IEnumerable: element type and walk.
FOREACH: dict[Type, tuple[Type, Callable[..., Iterable[object]]]] = {}


def iterate(value: object) -> Iterator[object]:
    """Walk *value* as ``foreach`` does."""
    if value is None:
        raise null_reference()
    walk = _ITERATORS.get(value.__class__)
    if walk is None:
        raise thrown("InvalidCastException", f"{type_of(value).full_name} is not a sequence.")
    return iter(walk(value))


def assignable(source: Type, target: Type) -> bool:
    """Whether every *source* is a *target*: identity, inheritance, interfaces, variance, boxing."""
    source, target = source.plain, target.plain
    if source is target or target is OBJECT or target is DYNAMIC:
        return True
    return any(
        ancestor is target or (ancestor.definition is target.definition and _variant(ancestor.args, target.args))
        for ancestor in source.ancestors
    )


def _variant(sources: tuple[Type, ...], targets: tuple[Type, ...]) -> bool:
    return len(sources) == len(targets) and all(
        DYNAMIC in (source, target)
        or source is target
        or (not source.is_value and not target.is_value and assignable(source, target))
        for source, target in zip(sources, targets, strict=True)
    )


def is_instance(value: object, target: Type) -> bool:
    """C#'s ``value is target``."""
    if value is None:
        return False
    if target.definition is NULLABLE:
        target = target.args[0]
    if target.kind == "delegate":
        return callable(value)
    return assignable(type_of(value), target)


def _anonymous_type(value: Anonymous) -> Type:
    return value.type


def _enum_type(value: EnumValue) -> Type:
    return value.type


def _chars(value: object) -> Iterator[Char]:
    return map(Char, str(value))


def _byte_items(value: bytes | bytearray) -> Iterator[Byte]:
    return map(Byte, value)


def _list_type(value: list[object]) -> Type:
    """The type of a list that other code stored: an array of text if it holds only text."""
    kinds = {type_of(item) for item in value}
    return array_of(kinds.pop() if len(kinds) == 1 and NULL not in kinds else OBJECT)


represent(str, p.STRING, _chars)
represent(bytes, array_of(p.BYTE), _byte_items)
represent(bytearray, array_of(p.BYTE), _byte_items)
represent(list, _list_type, iter)
represent(Anonymous, _anonymous_type)
represent(EnumValue, _enum_type)


def sequence_of(element: Type) -> Type:
    """``IEnumerable<element>``."""
    return make(p.ENUMERABLE_OF.definition, element)


# Values that change their type when they leave an expression: a mutable byte[] becomes bytes.
EXPORTS: dict[type, Callable[..., object]] = {bytearray: bytes}
