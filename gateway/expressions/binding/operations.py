"""Operators, casts, the conditional operator; what assigns is in ``assignments``."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from tree_sitter import Node

from gateway.expressions import primitives as p
from gateway.expressions.arithmetic import checked_conversion, checked_operator
from gateway.expressions.binding.binder import Binder, common_type, expression, field, named, text_of
from gateway.expressions.binding.bound import NOT_CONSTANT, Bound, Frame, Meaning, Run, constant
from gateway.expressions.binding.closures import reference_cast
from gateway.expressions.binding.typenames import bind_type
from gateway.expressions.clr import DYNAMIC, NULL, VOID, Type, underlying
from gateway.expressions.conversions import Convert, cast_dynamic, explicit, implicit
from gateway.expressions.limits import SMALL, spend
from gateway.expressions.operators import OperatorOverload, binary, concat, unary
from gateway.expressions.runtime import is_instance
from gateway.expressions.thrown import Thrown
from gateway.expressions.values import INTEGRALS, EnumValue, Int64, TypeObject

COMPARED_S = 2e-10  # for each character of two compared texts


@expression("parenthesized_expression")
def bind_parentheses(binder: Binder, node: Node, target: Type | None) -> Meaning:
    """``(x)``; it ends a ``?.`` chain."""
    meaning = binder.meaning(named(node)[0], target)
    return binder.finished(meaning) if isinstance(meaning, Bound) else meaning


@expression("checked_expression")
def bind_checked(binder: Binder, node: Node, target: Type | None) -> Meaning:
    """``checked(x)`` and ``unchecked(x)``."""
    with checked_region(binder, node):
        return binder.value(named(node)[0], target)


@contextmanager
def checked_region(binder: Binder, node: Node) -> Iterator[None]:
    """Whether integer arithmetic inside *node* throws on overflow."""
    before, binder.checked = binder.checked, text_of(node).startswith("checked")
    binder.unchecked = not binder.checked
    try:
        yield
    finally:
        binder.checked = before
        binder.unchecked = False


@expression("binary_expression")
def bind_binary(binder: Binder, node: Node, target: Type | None) -> Meaning:
    """``left op right``. A long ``a + b + c …`` is a deep tree; it is walked down its left side without recursion."""
    spine = [node]
    while (left := _left(spine[-1])).type == "binary_expression":
        spine.append(left)
    name = _operator(spine[-1])
    bound = binder.value(left, target if name == "??" else None)
    for operation in reversed(spine):
        bound = _binary(binder, operation, bound, target)
    return bound


@expression("declaration_expression")
def bind_product(binder: Binder, node: Node, _target: Type | None) -> Meaning:
    """``a * b`` as an argument, which the grammar mistakes for the declaration of a pointer."""
    pointer, name = field(node, "type"), field(node, "name")
    if pointer.type != "pointer_type":
        raise binder.problem(node, "unsupported-syntax", "a declaration is not allowed here")
    return apply_operator(binder, node, "*", binder.value(named(pointer)[0]), binder.value(name))


def _left(node: Node) -> Node:
    left = field(node, "left")
    return left


def _operator(node: Node) -> str:
    operator = field(node, "operator")
    return text_of(operator)


def _binary(binder: Binder, node: Node, left: Bound, target: Type | None) -> Bound:
    name = _operator(node)
    right_node = field(node, "right")
    if name in ("&&", "||"):
        return _short_circuit(binder, node, left, right_node, name)
    if name == "??":
        return coalesce(binder, node, left, binder.value(right_node, target or left.type))
    return apply_operator(binder, node, name, left, binder.value(right_node))


def _short_circuit(binder: Binder, node: Node, left: Bound, right_node: Node, name: str) -> Bound:
    first = binder.truth(left, _left(node))
    second = binder.condition(right_node)
    if name == "&&":
        return Bound(p.BOOL, lambda frame: first(frame) and second(frame))
    return Bound(p.BOOL, lambda frame: first(frame) or second(frame))


def apply_operator(binder: Binder, node: Node, name: str, left: Bound, right: Bound) -> Bound:
    """``left name right`` for two bound operands; constants are folded."""
    operation = binary(name, left.type, right.type, left.constant_value, right.constant_value)
    if operation is None:
        raise binder.problem(
            node,
            "no-operator",
            f"operator {name} cannot be applied to {left.type.name} and {right.type.name}",
            "cast one side, such as (string)…",
        )
    binder.may_be_long |= _writes_trees(operation, left, right)
    first, second = _operand(binder, left, operation.left, node), _operand(binder, right, operation.right, node)
    if NOT_CONSTANT not in (first.constant, second.constant) and operation.run is not concat:
        return _folded(binder, node, name, operation, first, second)
    if binder.checked and name in "+-*" and operation.type in p.INTEGRAL:
        operation = replace(operation, run=checked_operator(p.INTEGRAL[operation.type], name))
    return Bound(operation.type, _binary_run(name, operation, first, second))


def _writes_trees(operation: OperatorOverload, left: Bound, right: Bound) -> bool:
    return operation.run is concat and not (is_scalar(left.type) and is_scalar(right.type))


def is_scalar(clr_type: Type) -> bool:
    """Whether its text is short, or already exists."""
    return clr_type.is_value or clr_type in (p.STRING, NULL)


def _operand(binder: Binder, bound: Bound, clr_type: Type | None, node: Node) -> Bound:
    return bound if clr_type is None else binder.convert(bound, clr_type, node)


def _binary_run(name: str, operation: OperatorOverload, left: Bound, right: Bound) -> Run:
    first, second, apply = left.run, right.run, operation.run
    if left.type is right.type is p.STRING and name in ("==", "!="):
        return _texts_compared(first, second, name == "==")
    if right.type is NULL and name in ("==", "!="):
        if name == "==":
            return lambda frame: first(frame) is None
        return lambda frame: first(frame) is not None
    if operation.left is p.INT and right.constant is not NOT_CONSTANT:
        value = right.constant
        return lambda frame: apply(first(frame), value)
    return lambda frame: apply(first(frame), second(frame))


def _texts_compared(first: Run, second: Run, wanted: bool) -> Run:
    """Whether the equality of two texts is *wanted*; long ones are charged."""

    def compare(frame: Frame) -> bool:
        text, other = first(frame), second(frame)
        if text is not None and len(text) > SMALL:
            spend(len(text), COMPARED_S)
        return (text == other) is wanted

    return compare


def _folded(binder: Binder, node: Node, name: str, operation: OperatorOverload, left: Bound, right: Bound) -> Bound:
    """Constant arithmetic is done at load, where overflow and division by zero are errors."""
    try:
        value = operation.run(left.constant, right.constant)
    except Thrown as error:
        raise binder.problem(node, "constant-error", error.value.message, "correct the constant") from error
    keyword = operation.type.definition.keyword
    if (
        keyword in INTEGRALS
        and not isinstance(left.constant, EnumValue)
        and name in "+-*"
        and not binder.unchecked
        and _exact(name, left.constant, right.constant) != value
    ):
        raise binder.problem(
            node, "overflow", f"the constant does not fit {keyword}", "use a long (1L) or unchecked(…)"
        )
    return constant(operation.type, value)


def _exact(name: str, left: object, right: object) -> object:
    first, second = int(left), int(right)  # type: ignore[call-overload]
    return first + second if name == "+" else first - second if name == "-" else first * second


def coalesce(binder: Binder, node: Node, left: Bound, right: Bound) -> Bound:
    """``left ?? right``."""
    if left.type.is_value:
        raise binder.problem(node, "no-operator", f"{left.type.name} is never null", "drop the ??")
    clr_type = _coalesced(left.type, right)
    if clr_type is None:
        raise binder.problem(
            node, "wrong-type", f"?? cannot combine {left.type.name} and {right.type.name}", "cast one side"
        )
    first, second = left.run, binder.convert(right, clr_type, node).run
    convert = implicit(underlying(left.type) if clr_type is not left.type else left.type, clr_type)
    change = convert.run if convert is not None else None

    def either(frame: Frame) -> object:
        value = first(frame)
        if value is None:
            return second(frame)
        return value if change is None else change(value)

    return Bound(clr_type, either)


def _coalesced(left: Type, right: Bound) -> Type | None:
    """Source: C# language specification, "The null coalescing operator" (ECMA-334 §12.15)."""
    if left is NULL:
        return right.type
    if right.type is VOID:
        return left
    inner = underlying(left)
    for candidate in (inner, left):
        if implicit(right.type, candidate, right.constant_value) and right.type is not DYNAMIC:
            return candidate
    return right.type if implicit(inner, right.type) else None


# The only literals that are out of range without their minus sign.
_LOWEST = {"2147483648": constant(p.INT, -(2**31)), "9223372036854775808": constant(p.LONG, Int64(-(2**63)))}


def prefix_operator(binder: Binder, node: Node, name: str, inner: Node) -> Bound:
    """``-x``, ``+x``, ``!x``, ``~x``."""
    if name not in ("+", "-", "!", "~"):
        raise binder.problem(node, "unsupported-syntax", f"the operator {name} before a value is not supported")
    if name == "-" and inner.type == "integer_literal" and (lowest := _LOWEST.get(text_of(inner).replace("_", ""))):
        return lowest
    operand = binder.value(inner)
    operation = unary(name, operand.type)
    if operation is None:
        raise binder.problem(node, "no-operator", f"operator {name} cannot be applied to {operand.type.name}")
    converted = _operand(binder, operand, operation.left, node)
    apply, run = operation.run, converted.run
    if converted.constant is not NOT_CONSTANT:
        return constant(operation.type, apply(converted.constant))
    return Bound(operation.type, lambda frame: apply(run(frame)))


@expression("conditional_expression")
def bind_conditional(binder: Binder, node: Node, target: Type | None) -> Meaning:
    """``test ? a : b``."""
    test_node, yes_node, no_node = named(node)
    test = binder.condition(test_node)
    yes, no = binder.value(yes_node, target), binder.value(no_node, target)
    clr_type = common_type([yes.type, no.type]) or _constants(yes, no) or target
    if clr_type is None or clr_type is DYNAMIC and target is None and DYNAMIC not in (yes.type, no.type):
        raise binder.problem(
            node, "wrong-type", f"{yes.type.name} and {no.type.name} have no common type", "cast one of the two"
        )
    first, second = binder.convert(yes, clr_type, yes_node).run, binder.convert(no, clr_type, no_node).run
    return Bound(clr_type, lambda frame: first(frame) if test(frame) else second(frame))


def _constants(yes: Bound, no: Bound) -> Type | None:
    for source, target in ((yes, no), (no, yes)):
        if implicit(source.type, target.type, source.constant_value):
            return target.type
    return None


@expression("cast_expression")
def bind_cast(binder: Binder, node: Node, _target: Type | None) -> Meaning:
    """``(T)x``. ``(a) - 1`` looks like a cast to the grammar; where a is a local it is a subtraction."""
    type_node, value_node = field(node, "type"), field(node, "value")
    local = type_node.type == "identifier" and binder.scope.find(text_of(type_node)) is not None
    if local and value_node.type == "prefix_unary_expression" and text_of(value_node)[0] in "+-":
        operand = binder.value(named(value_node)[0])
        return apply_operator(binder, node, text_of(value_node)[0], binder.value(type_node), operand)
    clr_type = bind_type(binder, type_node)
    return cast_to(binder, node, binder.value(value_node, clr_type), clr_type)


def cast_to(binder: Binder, node: Node, value: Bound, clr_type: Type) -> Bound:
    """*value* cast to *clr_type*."""
    run = value.run
    if value.type is DYNAMIC and clr_type is not DYNAMIC:
        return Bound(clr_type, lambda frame: cast_dynamic(run(frame), clr_type))
    conversion = explicit(value.type, clr_type, value.constant_value)
    if conversion is None:
        raise binder.problem(
            node,
            "wrong-type",
            f"cannot convert {value.type.name} to {clr_type.name}",
            f"parse it: {clr_type.name}.Parse(…)",
        )
    if conversion.run is None:
        return Bound(clr_type, run, value.constant if clr_type.is_value or clr_type is p.STRING else NOT_CONSTANT)
    if conversion.is_cast:
        return Bound(clr_type, reference_cast(run, clr_type))
    return _converted_cast(binder, node, conversion.run, value, clr_type)


def _converted_cast(binder: Binder, node: Node, convert: Convert, value: Bound, clr_type: Type) -> Bound:
    if clr_type in p.NUMERIC and value.type in p.NUMERIC:
        if value.constant is not NOT_CONSTANT:
            return _constant_cast(binder, node, convert, value, clr_type)
        if binder.checked and clr_type in p.INTEGRAL:
            convert = checked_conversion(p.INTEGRAL[clr_type])
    run = value.run
    return Bound(clr_type, lambda frame: convert(run(frame)))


def _constant_cast(binder: Binder, node: Node, convert: Convert, value: Bound, clr_type: Type) -> Bound:
    try:
        result = convert(value.constant)
    except Thrown as error:
        raise binder.problem(node, "constant-error", error.value.message, "correct the constant") from error
    if clr_type in p.INTEGRAL and not binder.unchecked and _is_cut(result, value.constant):
        raise binder.problem(node, "overflow", f"the constant does not fit {clr_type.name}", "use unchecked(…)")
    return constant(clr_type, result)


def _is_cut(result: object, constant: object) -> bool:
    """Whether the cast loses more than a fraction."""
    exact = ord(constant) if isinstance(constant, str) else constant
    whole = math.trunc(exact) if not isinstance(exact, float) or math.isfinite(exact) else None  # type: ignore[arg-type]
    return int(result) != whole  # type: ignore[call-overload,no-any-return]


@expression("as_expression")
def bind_as(binder: Binder, node: Node, _target: Type | None) -> Meaning:
    """``x as T``: null where a cast would throw."""
    type_node = field(node, "right")
    clr_type = bind_type(binder, type_node)
    if clr_type.is_value:
        raise binder.problem(
            node, "wrong-type", f"as needs a type that can be null, not {clr_type.name}", f"write {clr_type.name}?"
        )
    run = binder.value(_left(node)).run

    def as_type(frame: Frame) -> object:
        value = run(frame)
        return value if is_instance(value, clr_type) else None

    return Bound(clr_type, as_type)


@expression("default_expression")
def bind_default(binder: Binder, node: Node, target: Type | None) -> Meaning:
    """``default(T)`` and ``default``."""
    type_node = node.child_by_field_name("type")
    clr_type = bind_type(binder, type_node) if type_node is not None else target
    if clr_type is None:
        raise binder.problem(node, "wrong-type", "default needs a type here", "write default(T)")
    if clr_type.args or clr_type.kind in ("class", "interface"):
        return Bound(clr_type, lambda _frame: clr_type.default)
    return constant(clr_type, clr_type.default)


@expression("typeof_expression")
def bind_typeof(binder: Binder, node: Node, _target: Type | None) -> Meaning:
    """``typeof(T)``: its name only."""
    type_node = field(node, "type")
    return constant(p.TYPE, TypeObject(bind_type(binder, type_node)))
