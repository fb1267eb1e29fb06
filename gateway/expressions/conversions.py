"""
Conversions: which exist between two static types, and the functions that carry them out.

Source: C# language specification, "Conversions"; the user-defined ones are those of the .NET types, registered by
``types/``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from gateway.expressions import primitives as p
from gateway.expressions.clr import DYNAMIC, NULL, NULLABLE, OBJECT, VOID, Type, underlying
from gateway.expressions.runtime import KNOWN, assignable, is_instance, type_of
from gateway.expressions.thrown import invalid_cast, null_reference, thrown
from gateway.expressions.values import INTEGRALS, Char, EnumValue, TupleValue, to_single, wrapper

Convert = Callable[[object], object]


@dataclass(frozen=True, slots=True)
class Conversion:
    """
    A conversion that exists.

    Attributes:
        cost: The lower, the better the overload.
        run: None if the value is not changed.
        is_cast: It only checks the value's run-time type, see ``cast``.
    """

    cost: int
    run: Convert | None = None
    is_cast: bool = False


IDENTITY = Conversion(0)
_BOXING = Conversion(60)
IMPLICIT: dict[Type, dict[Type, Convert]] = {}  # source → target → function; user-defined
EXPLICIT: dict[Type, dict[Type, Convert]] = {}
# Classes that define how a dynamic value becomes a static type, such as JValue.
DYNAMIC_CONVERT: dict[type, Callable[[object, Type], object]] = {}
_USER_COST = 30
_DYNAMIC_COST = 1

_WRAP = {name: wrapper(name) for name in INTEGRALS}


def _integer(value: object) -> int:
    return ord(value) if value.__class__ is Char else int(value)  # type: ignore[call-overload]


def _truncate(value: float, name: str) -> int:
    """An unchecked cast from floating point; out of range, .NET's result is undefined; x64 gives the least value."""
    _, low, high = INTEGRALS[name]
    if math.isnan(value) or math.isinf(value) or not low - 1 < value < high + 1:
        return _WRAP[name](int(value)) if math.isfinite(value) and abs(value) < 2**63 else low
    return int(value)


def _from_decimal(value: Decimal, name: str) -> int:
    number = int(value)
    _, low, high = INTEGRALS[name]
    if not low <= number <= high:
        raise thrown("OverflowException", f"Value was either too large or too small for a {name}.")
    return number


def to_integral(name: str) -> Convert:
    """The unchecked explicit conversion of any number or char to the integral type *name*."""
    wrap = _WRAP[name]

    def convert(value: object) -> object:
        if isinstance(value, float):
            return wrap(_truncate(value, name))
        if isinstance(value, Decimal):
            return wrap(_from_decimal(value, name))
        return wrap(_integer(value))

    return convert


def to_decimal(value: object) -> Decimal:
    """Any number as a decimal; a double keeps 15 significant digits, a float 7."""
    if isinstance(value, float):
        if not math.isfinite(value) or abs(value) > 7.9228162514264338e28:
            raise thrown("OverflowException", "Value was either too large or too small for a Decimal.")
        digits = 7 if type_of(value) is p.FLOAT else 15
        return Decimal(f"{value:.{digits}g}").normalize() + 0
    return value if isinstance(value, Decimal) else Decimal(_integer(value))


def to_double(value: object) -> float:
    """Any number or char as a double."""
    return float(_integer(value) if value.__class__ is Char else value)  # type: ignore[arg-type]


_TO_USHORT = to_integral("ushort")


def _to_char(value: object) -> Char:
    return Char(chr(_integer(_TO_USHORT(value))))


NUMERIC_CONVERTERS: dict[Type, Convert] = {
    **{clr_type: to_integral(name) for clr_type, name in p.INTEGRAL.items()},
    p.CHAR: _to_char,
    p.FLOAT: lambda value: to_single(to_double(value)),
    p.DOUBLE: to_double,
    p.DECIMAL: to_decimal,
}


def implicit(source: Type, target: Type, constant: object = None) -> Conversion | None:
    """
    The implicit conversion from *source*, or None; *constant* is the value of a constant int, which may be narrowed.

    Source: C# language specification, "Implicit conversions" (ECMA-334 §10.2).
    """
    if source is target or source.plain is target.plain:
        return IDENTITY
    if VOID in (source, target):
        return None
    if source is DYNAMIC:
        return _from_dynamic(target)
    if source is NULL:
        return _from_null(target)
    return _static(source, target, constant)


def _static(source: Type, target: Type, constant: object) -> Conversion | None:
    if target.definition is NULLABLE:
        return _to_nullable(source, target, constant)
    if target.definition is source.definition and target.definition.name == "ValueTuple":
        return _tuple(source, target)
    return _numeric(source, target, constant) or _reference(source, target) or _user(source, target)


def _tuple(source: Type, target: Type) -> Conversion | None:
    """Source: C# language specification, "Implicit tuple conversions" (ECMA-334 §10.2.13)."""
    parts = [implicit(item, wanted) for item, wanted in zip(source.args, target.args, strict=True)]
    conversions = [part for part in parts if part is not None]
    if len(conversions) < len(parts):
        return None
    plain = target.plain

    def convert(value: object) -> object:
        items = value.items  # type: ignore[attr-defined]
        changed = [part.run(item) if part.run else item for part, item in zip(conversions, items, strict=True)]
        return TupleValue(changed, plain)

    return Conversion(1 + max(part.cost for part in conversions), convert)


def _from_null(target: Type) -> Conversion | None:
    return None if target.is_value else Conversion(1 + 10 * (target is OBJECT))


def _from_dynamic(target: Type) -> Conversion:
    if target is OBJECT or target is DYNAMIC:
        return Conversion(_DYNAMIC_COST)
    return Conversion(_DYNAMIC_COST, lambda value: convert_dynamic(value, target))


def _to_nullable(source: Type, target: Type, constant: object) -> Conversion | None:
    inner = implicit(underlying(source), target.args[0], constant)
    if inner is None:
        return None
    return Conversion(inner.cost + 1, lift(inner.run) if inner.run else None)


def lift(run: Convert) -> Convert:
    """*run*, made to pass null through."""
    return lambda value: None if value is None else run(value)


def _numeric(source: Type, target: Type, constant: object) -> Conversion | None:
    source_name, target_name = p.NUMERIC.get(source, ""), p.NUMERIC.get(target, "")
    if not source_name or not target_name:
        return _zero_enum(source, target, constant)
    targets = p.WIDENING.get(source_name, [])
    if target_name in targets:
        return Conversion(2 + targets.index(target_name), NUMERIC_CONVERTERS[target])
    if type(constant) is int and source is p.INT and target_name in INTEGRALS:
        _, low, high = INTEGRALS[target_name]
        return Conversion(12, NUMERIC_CONVERTERS[target]) if low <= constant <= high else None
    return None


def _zero_enum(source: Type, target: Type, constant: object) -> Conversion | None:
    if source is p.INT and target.kind == "enum" and type(constant) is int and constant == 0:
        return Conversion(12, lambda _value: EnumValue(target, 0))
    return None


def _reference(source: Type, target: Type) -> Conversion | None:
    if target is OBJECT or target is DYNAMIC:
        return _BOXING
    if source.kind == "delegate":
        return IDENTITY if target.kind == "delegate" and len(source.args) == len(target.args) else None
    if target in source.ancestors:
        return Conversion(2 + source.ancestors.index(target))
    return Conversion(25) if assignable(source, target) else None


def _user(source: Type, target: Type) -> Conversion | None:
    for ancestor in source.ancestors:
        table = IMPLICIT.get(ancestor)
        if table and target in table:
            return Conversion(_USER_COST, table[target])
    if source.definition is NULLABLE:
        inner = _user(source.args[0], target)
        return inner and Conversion(inner.cost + 1, inner.run and lift(inner.run))
    # A number is widened before a user-defined conversion is applied (int → long → JToken).
    return None


def explicit(source: Type, target: Type, constant: object = None) -> Conversion | None:
    """The conversion that a cast ``(target)value`` means, or None if C# refuses it."""
    conversion = implicit(source, target, constant)
    if conversion is not None:
        return conversion
    if NULL in (source, target) or VOID in (source, target):
        return None
    if source.definition is NULLABLE:
        return _from_nullable(source, target)
    if target.definition is NULLABLE:
        return _explicit_nullable(source, target)
    return _explicit_value(source, target) or _explicit_user(source, target) or _downcast(source, target)


def _from_nullable(source: Type, target: Type) -> Conversion | None:
    inner = explicit(source.args[0], underlying(target))
    if inner is None:
        return None
    if not target.is_value:
        return Conversion(inner.cost, inner.run and lift(inner.run))
    run = inner.run or (lambda value: value)
    return Conversion(inner.cost, lambda value: run(_has_value(value)))


def _has_value(value: object) -> object:
    if value is None:
        raise thrown("InvalidOperationException", "Nullable object must have a value.")
    return value


def _explicit_nullable(source: Type, target: Type) -> Conversion | None:
    user = EXPLICIT.get(source, {}).get(target)
    if user:
        return Conversion(_USER_COST, user)
    inner = explicit(source, target.args[0])
    return inner and Conversion(inner.cost, inner.run and lift(inner.run))


def _explicit_value(source: Type, target: Type) -> Conversion | None:
    if source in p.NUMERIC and target in p.NUMERIC:
        return Conversion(40, NUMERIC_CONVERTERS[target])
    if source.kind == "enum" and target in p.NUMERIC:
        convert = NUMERIC_CONVERTERS[target]
        return Conversion(40, lambda value: convert(value.value))  # type: ignore[attr-defined]
    if target.kind == "enum" and source in p.NUMERIC:
        to_int = NUMERIC_CONVERTERS[p.INT]
        return Conversion(40, lambda value: EnumValue(target, to_int(value)))  # type: ignore[arg-type]
    return None


def _explicit_user(source: Type, target: Type) -> Conversion | None:
    for ancestor in source.ancestors:
        operator = EXPLICIT.get(ancestor, {}).get(target)
        if operator:
            return Conversion(_USER_COST, operator)
    return None


def _downcast(source: Type, target: Type) -> Conversion | None:
    """Unboxing and casts down or across a hierarchy; between unrelated sealed types there is none."""
    possible = (
        source is OBJECT
        or source.kind == "interface"
        or (target.kind in ("interface", "delegate") and not source.is_value)
        or assignable(target, source)
    )
    return Conversion(50, lambda value: cast(value, target), is_cast=True) if possible else None


def cast(value: object, target: Type) -> object:
    """A run-time reference cast or unboxing: the exact type or an ancestor of it, else InvalidCastException."""
    if KNOWN.get(value.__class__) is target:  # the usual case: a class that represents only this type
        return value
    if value is None:
        if target.is_value:
            raise null_reference()
        return None
    if is_instance(value, target):
        return value
    return _unboxed_enum(value, target)


def _unboxed_enum(value: object, target: Type) -> object:
    """A boxed enum unboxes to its number, and a number to an enum."""
    wanted = underlying(target)
    if isinstance(value, EnumValue) and wanted is p.INT:
        return value.value
    if type(value) is int and wanted.kind == "enum":
        return EnumValue(wanted, value)
    raise invalid_cast(type_of(value).full_name, target.full_name)


def convert_dynamic(value: object, target: Type) -> object:
    """A dynamic value where a static type is expected: the implicit conversion of its run-time type."""
    if value is None:
        _check_null(target)
        return None
    if is_instance(value, target):
        return value
    own = DYNAMIC_CONVERT.get(value.__class__)
    if own is not None:
        return own(value, target)
    conversion = implicit(type_of(value), target)
    if conversion is None:
        source = type_of(value).name
        message = f"Cannot implicitly convert type '{source}' to '{target.name}'"
        raise thrown("RuntimeBinderException", message)
    return conversion.run(value) if conversion.run else value


def _check_null(target: Type) -> None:
    if target.is_value:
        raise thrown(
            "RuntimeBinderException",
            f"Cannot convert null to '{target.name}' because it is a non-nullable value type",
        )


def cast_dynamic(value: object, target: Type) -> object:
    """``(target)value`` for a dynamic value: the cast of its run-time type."""
    if value is None or is_instance(value, target):
        return convert_dynamic(value, target)
    conversion = explicit(type_of(value), target)
    if conversion is None:
        raise thrown("RuntimeBinderException", f"Cannot convert type '{type_of(value).name}' to '{target.name}'")
    return conversion.run(value) if conversion.run else value


def declare_implicit(source: Type, target: Type, run: Convert) -> None:
    """A user-defined implicit conversion operator of a .NET type."""
    IMPLICIT.setdefault(source, {})[target] = run


def declare_explicit(source: Type, target: Type, run: Convert) -> None:
    """A user-defined explicit conversion operator of a .NET type."""
    EXPLICIT.setdefault(source, {})[target] = run
