"""
Which operator an expression means, by the static types of its operands; and the same choice at run time for
``dynamic``.

Source: C# language specification, "Operator overload resolution", "Binary numeric promotions", "Lifted operators".
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass

from gateway.expressions import primitives as p
from gateway.expressions.arithmetic import ARITHMETIC, COMPARISON, Operator
from gateway.expressions.clr import DYNAMIC, NULL, NULLABLE, OBJECT, Type, nullable, underlying
from gateway.expressions.conversions import NUMERIC_CONVERTERS, implicit
from gateway.expressions.limits import charged
from gateway.expressions.runtime import assignable, type_of
from gateway.expressions.thrown import thrown
from gateway.expressions.values import EnumValue, wrapper

_SHIFTS = ("<<", ">>")
_PROMOTED_TO_INT = ("sbyte", "byte", "short", "ushort", "char")
_EQUALITY = ("==", "!=")
_LOGIC: dict[str, Operator] = {"&": operator.and_, "|": operator.or_, "^": operator.xor}
_BY_NAME = {name: clr_type for clr_type, name in p.NUMERIC.items()}


@dataclass(frozen=True, slots=True)
class OperatorOverload:
    """A chosen operator: its result type, its function, and the types to which the operands are converted first."""

    type: Type
    run: Operator
    left: Type | None = None
    right: Type | None = None


# (operator, left, right) → OperatorOverload, declared by the .NET types themselves (DateTime - TimeSpan …).
USER_OPERATORS: dict[tuple[str, Type, Type], OperatorOverload] = {}
_TEXT: list[Callable[[object], str]] = []


def use_text(to_text: Callable[[object], str]) -> None:
    """Set how ``+`` turns an operand into text; called once by the formatting part."""
    _TEXT[:] = [to_text]


USER_UNARY: dict[tuple[str, Type], OperatorOverload] = {}


def declare_unary(name: str, operand: Type, run: Operator) -> None:
    """Declare a unary operator that a .NET type overloads."""
    USER_UNARY[name, operand] = OperatorOverload(operand, run, operand)


def declare_operator(name: str, left: Type, right: Type, result: Type, run: Operator) -> None:
    """Declare a binary operator that a .NET type overloads."""
    USER_OPERATORS[name, left, right] = OperatorOverload(result, run, left, right)


def declare_comparison(clr_type: Type, ordered: bool = True) -> None:
    """Declare ``==`` and ``!=`` (and the order operators) for a type whose Python class compares as .NET does."""
    for name, run in COMPARISON.items():
        if ordered or name in _EQUALITY:
            declare_operator(name, clr_type, clr_type, p.BOOL, run)


def promoted(left: Type, right: Type, left_constant: object = None, right_constant: object = None) -> str | None:
    """The type to which both operands of an arithmetic operator are converted; None if there is none in C#."""
    names = {p.NUMERIC.get(left, ""), p.NUMERIC.get(right, "")}
    if "" in names:
        return None
    if "decimal" in names:
        return None if names & {"double", "float"} else "decimal"
    for wide in ("double", "float"):
        if wide in names:
            return wide
    if "ulong" in names:
        return _with_ulong(left, right, left_constant, right_constant)
    return _promoted_integral(names, left, left_constant, right_constant)


def _with_ulong(left: Type, right: Type, left_constant: object, right_constant: object) -> str | None:
    for operand, constant in ((left, left_constant), (right, right_constant)):
        signed = p.NUMERIC[operand] in ("sbyte", "short", "int", "long")
        if signed and not (isinstance(constant, int) and constant >= 0):
            return None
    return "ulong"


def _promoted_integral(names: set[str], left: Type, left_constant: object, right_constant: object) -> str:
    if "long" in names:
        return "long"
    if "uint" not in names:
        return "int"
    constant = right_constant if p.NUMERIC[left] == "uint" else left_constant
    fits = names == {"uint", "int"} and isinstance(constant, int) and constant >= 0
    return "long" if names & {"sbyte", "short", "int"} and not fits else "uint"


def binary(
    name: str, left: Type, right: Type, left_constant: object = None, right_constant: object = None
) -> OperatorOverload | None:
    """Choose the operator *name* for two static types; None when there is none."""
    if DYNAMIC in (left, right):
        result = p.BOOL if name in COMPARISON else p.STRING if p.STRING in (left, right) and name == "+" else DYNAMIC
        return OperatorOverload(result, lambda a, b: dynamic_binary(name, a, b))
    if NULLABLE in (left.definition, right.definition):
        return _lifted(name, left, right, left_constant, right_constant)
    for choose in (_user, _text, _numeric, _logic, _enum, _tuples, _equality):
        overload = choose(name, left, right, left_constant, right_constant)
        if overload is not None:
            return overload
    return None


def _user(name: str, left: Type, right: Type, _lc: object, _rc: object) -> OperatorOverload | None:
    operation = USER_OPERATORS.get((name, left, right))
    if operation is not None or left is right:
        return operation
    if name in COMPARISON and NULL not in (left, right):
        operation = _user_comparison(name, left, right)
    return operation or _converted_user(name, left, right)


def _user_comparison(name: str, left: Type, right: Type) -> OperatorOverload | None:
    """The comparison of one operand's type to which the other converts."""
    for common in (left, right):
        operation = USER_OPERATORS.get((name, common, common))
        if operation and implicit(left, common) and implicit(right, common):
            return operation
    return None


def _converted_user(name: str, left: Type, right: Type) -> OperatorOverload | None:
    """``ns + "name"``: an overload of the left type to whose right operand the text converts."""
    for (operator_name, first, second), operation in USER_OPERATORS.items():
        if operator_name == name and first is left and second is not left and implicit(right, second):
            return operation
    return None


def concat(left: object, right: object) -> str:
    """String ``+``: null is empty, everything else its ToString()."""
    if left.__class__ is not str:
        left = _TEXT[0](left)
    if right.__class__ is not str:
        right = _TEXT[0](right)
    return charged(left + right)


def _text(name: str, left: Type, right: Type, _lc: object, _rc: object) -> OperatorOverload | None:
    if p.STRING not in (left, right):
        return None
    if name == "+":
        return OperatorOverload(p.STRING, concat)
    if name in _EQUALITY and left is right:
        return OperatorOverload(p.BOOL, COMPARISON[name])
    return None


def _numeric(
    name: str, left: Type, right: Type, left_constant: object, right_constant: object
) -> OperatorOverload | None:
    if left not in p.NUMERIC or right not in p.NUMERIC:
        return None
    if name in _SHIFTS:
        return _shift(name, left)
    common = promoted(left, right, left_constant, right_constant)
    if common is None:
        return None
    operand = _BY_NAME[common]
    if name in COMPARISON:
        return OperatorOverload(p.BOOL, COMPARISON[name], operand, operand)
    run = ARITHMETIC[common].get(name)
    return OperatorOverload(operand, run, operand, operand) if run else None


def _shift(name: str, left: Type) -> OperatorOverload | None:
    common = "int" if p.NUMERIC[left] in _PROMOTED_TO_INT else p.NUMERIC[left]
    run = ARITHMETIC.get(common, {}).get(name)
    return OperatorOverload(_BY_NAME[common], run, _BY_NAME[common], p.INT) if run else None


def _logic(name: str, left: Type, right: Type, _lc: object, _rc: object) -> OperatorOverload | None:
    if left is not p.BOOL or right is not p.BOOL:
        return None
    if name in _LOGIC:
        return OperatorOverload(p.BOOL, _LOGIC[name])
    return OperatorOverload(p.BOOL, COMPARISON[name]) if name in _EQUALITY else None


def _enum(name: str, left: Type, right: Type, left_constant: object, right_constant: object) -> OperatorOverload | None:
    enum = left if left.kind == "enum" else right
    if enum.kind != "enum":
        return None
    if name in ("+", "-"):
        return _enum_sum(name, left, right)
    if implicit(left, enum, left_constant) and implicit(right, enum, right_constant):
        return _enum_pair(name, enum)
    return None


def _enum_pair(name: str, enum: Type) -> OperatorOverload | None:
    if name in COMPARISON:
        compare = COMPARISON[name]
        return OperatorOverload(p.BOOL, lambda a, b: compare(a.value, b.value), enum, enum)
    if name in _LOGIC:
        combine = _LOGIC[name]
        return OperatorOverload(enum, lambda a, b: EnumValue(enum, combine(a.value, b.value)), enum, enum)  # type: ignore[arg-type]
    return None


def _enum_sum(name: str, left: Type, right: Type) -> OperatorOverload | None:
    """``E + 1``, ``1 + E`` and ``E - 1`` are an E; the difference of two is a number."""
    if left is right:
        return OperatorOverload(p.INT, lambda a, b: _WRAP(a.value - b.value)) if name == "-" else None
    if left.kind == "enum" and implicit(right, p.INT):
        add = 1 if name == "+" else -1
        return OperatorOverload(left, lambda a, b: EnumValue(left, _WRAP(a.value + add * b)), left, p.INT)
    if name == "+" and implicit(left, p.INT):
        return OperatorOverload(right, lambda a, b: EnumValue(right, _WRAP(a + b.value)), p.INT, right)
    return None


_WRAP = wrapper("int")


def _tuples(name: str, left: Type, right: Type, _lc: object, _rc: object) -> OperatorOverload | None:
    """Source: C# language specification, "Tuple equality operators" (ECMA-334 §12.12.11)."""
    if name not in _EQUALITY or {left.definition.name, right.definition.name} != {"ValueTuple"}:
        return None
    parts = [_same_items(a, b) for a, b in zip(left.args, right.args, strict=False)]
    if len(left.args) != len(right.args) or None in parts:
        return None

    def same(a: object, b: object) -> bool:
        return all(part(x, y) for part, x, y in zip(parts, a.items, b.items, strict=True))  # type: ignore[attr-defined,misc]

    return OperatorOverload(p.BOOL, same if name == "==" else lambda a, b: not same(a, b))


def _same_items(left: Type, right: Type) -> Operator | None:
    """``==`` of two elements."""
    part = binary("==", left, right)
    if part is None:
        return None
    return lambda a, b: part.run(_brought(a, left, part.left), _brought(b, right, part.right))


def _equality(name: str, left: Type, right: Type, _lc: object, _rc: object) -> OperatorOverload | None:
    if name not in _EQUALITY or not _may_be_same(left, right):
        return None
    return OperatorOverload(p.BOOL, _same if name == "==" else _different)


def _may_be_same(left: Type, right: Type) -> bool:
    """Whether C# compares references of these types: one converts to the other, or an interface is among them."""
    if NULL in (left, right):
        return True
    if left.is_value or right.is_value:
        return False
    return assignable(left, right) or assignable(right, left) or "interface" in (left.kind, right.kind)


def _same(left: object, right: object) -> bool:
    """Reference equality; two boxes are never the same object in C#."""
    return left is right and not type_of(left).is_value


def _different(left: object, right: object) -> bool:
    return not _same(left, right)


def _lifted(
    name: str, left: Type, right: Type, left_constant: object = None, right_constant: object = None
) -> OperatorOverload | None:
    if NULL in (left, right):
        return OperatorOverload(p.BOOL, _same_null if name == "==" else _not_same_null) if name in _EQUALITY else None
    inner = binary(name, underlying(left), underlying(right), left_constant, right_constant)
    if inner is None or inner.run is concat:
        return inner
    return _lift(name, inner)


def _lift(name: str, inner: OperatorOverload) -> OperatorOverload:
    """The operator for operands that may be null: null gives null, or false in a comparison."""
    run = inner.run
    left_type, right_type = (None if operand is None else nullable(operand) for operand in (inner.left, inner.right))
    if name in _EQUALITY:
        unequal = name == "!="
        return OperatorOverload(
            p.BOOL,
            lambda a, b: run(a, b) if a is not None and b is not None else (a is b) != unequal,
            left_type,
            right_type,
        )
    if name in COMPARISON:
        return OperatorOverload(
            p.BOOL, lambda a, b: a is not None and b is not None and run(a, b), left_type, right_type
        )
    if inner.type is p.BOOL and name in "&|":
        return OperatorOverload(nullable(p.BOOL), _and3 if name == "&" else _or3)
    result = nullable(inner.type)
    return OperatorOverload(result, lambda a, b: None if a is None or b is None else run(a, b), left_type, right_type)


def _same_null(left: object, right: object) -> bool:
    return left is None and right is None


def _not_same_null(left: object, right: object) -> bool:
    return not _same_null(left, right)


def _and3(left: object, right: object) -> object:
    return False if left is False or right is False else None if left is None or right is None else True


def _or3(left: object, right: object) -> object:
    return True if left is True or right is True else None if left is None or right is None else False


def dynamic_binary(name: str, left: object, right: object) -> object:
    """The operator that C#'s run-time binder would choose for these two values."""
    result = _own_binary(name, left, unwrapped(right))
    if result is not NotImplemented:
        return result
    left_type, right_type = type_of(left), type_of(right)
    if left_type is NULL and right_type is NULL:
        left_type = right_type = OBJECT
    operation = binary(name, left_type, right_type)
    if operation is None:
        if NULL in (left_type, right_type) and name not in _EQUALITY:
            return None if name not in COMPARISON else False
        message = f"Operator '{name}' cannot be applied to operands of type '{left_type.name}' and '{right_type.name}'"
        raise thrown("RuntimeBinderException", message)
    return operation.run(_brought(left, left_type, operation.left), _brought(right, right_type, operation.right))


def _own_binary(name: str, left: object, right: object) -> object:
    own = DYNAMIC_BINARY.get(left.__class__)
    return NotImplemented if own is None else own(name, left, right)


def _brought(value: object, source: Type, target: Type | None) -> object:
    if target is None or source is target:
        return value
    conversion = implicit(source, target) or implicit(source, target, value)
    if conversion is None:
        return NUMERIC_CONVERTERS[target](value)
    return conversion.run(value) if conversion.run else value


# Classes with their own operators in dynamic code, such as JValue: (operator, left, plain right).
DYNAMIC_BINARY: dict[type, Callable[[str, object, object], object]] = {}
UNWRAP: dict[type, Callable[[object], object]] = {}  # classes that represent a value in dynamic code, such as JValue


def unwrapped(value: object) -> object:
    """The plain value behind a dynamic operand."""
    unwrap = UNWRAP.get(value.__class__)
    return unwrap(value) if unwrap else value


def unary(name: str, operand: Type, constant: object = None) -> OperatorOverload | None:
    """Choose ``-``, ``+``, ``~`` or ``!``; None when there is none."""
    if operand is DYNAMIC:
        return OperatorOverload(p.BOOL if name == "!" else DYNAMIC, lambda value: dynamic_unary(name, value))
    if operand.definition is NULLABLE:
        return _lifted_unary(unary(name, operand.args[0]))
    if name == "!":
        return OperatorOverload(p.BOOL, operator.not_) if operand is p.BOOL else None
    return USER_UNARY.get((name, operand)) or _unary_enum(name, operand) or _unary_number(name, operand)


def _lifted_unary(inner: OperatorOverload | None) -> OperatorOverload | None:
    if inner is None:
        return None
    run = inner.run
    return OperatorOverload(nullable(inner.type), lambda value: None if value is None else run(value))


def _unary_enum(name: str, operand: Type) -> OperatorOverload | None:
    if name != "~" or operand.kind != "enum":
        return None
    return OperatorOverload(operand, lambda value: EnumValue(operand, ~value.value))


def _unary_number(name: str, operand: Type) -> OperatorOverload | None:
    if operand not in p.NUMERIC:
        return None
    unsigned = p.NUMERIC[operand] in ("ulong", "uint")
    common = promoted(operand, operand if unsigned else p.INT) or "int"
    if name == "-":  # the negative of a uint is a long; a ulong has none
        common = {"uint": "long", "ulong": ""}.get(common, common)
    run = ARITHMETIC.get(common, {}).get({"-": "neg", "+": "pos"}.get(name, name))
    return OperatorOverload(_BY_NAME[common], run, _BY_NAME[common]) if run else None


def dynamic_unary(name: str, value: object) -> object:
    """A unary operator on a dynamic value."""
    value = unwrapped(value)
    operation = unary(name, type_of(value))
    if operation is None:
        raise thrown("RuntimeBinderException", f"Operator '{name}' cannot be applied to '{type_of(value).name}'")
    return operation.run(_brought(value, type_of(value), operation.left))
