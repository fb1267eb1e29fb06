"""Operators, casts, the conditional operator; what assigns is in ``assignments``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from tree_sitter import Node

from gateway.expressions import primitives as p
from gateway.expressions.arithmetic import checked_conversion, checked_operator
from gateway.expressions.binding.binder import Binder, common_type, expression, field, named, text_of
from gateway.expressions.binding.bound import NOT_CONSTANT, Bound, Frame, Meaning, Run, constant
from gateway.expressions.binding.typenames import bind_type
from gateway.expressions.clr import DYNAMIC, NULL, NULLABLE, VOID, Type, underlying
from gateway.expressions.conversions import Convert, cast_dynamic, explicit, implicit
from gateway.expressions.operators import Operation, binary, concat, unary
from gateway.expressions.runtime import is_instance
from gateway.expressions.thrown import Thrown
from gateway.expressions.values import INTEGRALS, Int64, TypeObject


@expression("parenthesized_expression")
def bind_parentheses(b: Binder, node: Node, target: Type | None) -> Meaning:
    """``(x)``; it ends a ``?.`` chain."""
    meaning = b.meaning(named(node)[0], target)
    return b.finished(meaning) if isinstance(meaning, Bound) else meaning


@expression("checked_expression")
def bind_checked(b: Binder, node: Node, target: Type | None) -> Meaning:
    """``checked(x)`` and ``unchecked(x)``."""
    with checked_region(b, node):
        return b.value(named(node)[0], target)


@contextmanager
def checked_region(b: Binder, node: Node) -> Iterator[None]:
    """Whether integer arithmetic inside *node* throws on overflow."""
    before, b.checked = b.checked, text_of(node).startswith("checked")
    b.unchecked = not b.checked
    try:
        yield
    finally:
        b.checked = before
        b.unchecked = False


@expression("binary_expression")
def bind_binary(b: Binder, node: Node, target: Type | None) -> Meaning:
    """``left op right``. A long ``a + b + c …`` is a deep tree; it is walked down its left side without recursion."""
    spine = [node]
    while (left := _left(spine[-1])).type == "binary_expression":
        spine.append(left)
    name = _operator(spine[-1])
    bound = b.value(left, target if name == "??" else None)
    for each in reversed(spine):
        bound = _binary(b, each, bound, target)
    return bound


def _left(node: Node) -> Node:
    left = field(node, "left")
    return left


def _operator(node: Node) -> str:
    operator = field(node, "operator")
    return text_of(operator)


def _binary(b: Binder, node: Node, left: Bound, target: Type | None) -> Bound:
    name = _operator(node)
    right_node = field(node, "right")
    if name in ("&&", "||"):
        return _short_circuit(b, node, left, right_node, name)
    if name == "??":
        return coalesce(b, node, left, b.value(right_node, target or left.type))
    return apply_operator(b, node, name, left, b.value(right_node))


def _short_circuit(b: Binder, node: Node, left: Bound, right_node: Node, name: str) -> Bound:
    first = b.convert(left, p.BOOL, _left(node)).run
    second = b.condition(right_node)
    if name == "&&":
        return Bound(p.BOOL, lambda frame: first(frame) and second(frame))
    return Bound(p.BOOL, lambda frame: first(frame) or second(frame))


def apply_operator(b: Binder, node: Node, name: str, left: Bound, right: Bound) -> Bound:
    """``left name right`` for two bound operands; constants are folded."""
    operation = binary(name, left.type, right.type, left.constant_value, right.constant_value)
    if operation is None:
        raise b.problem(
            node,
            "no-operator",
            f"operator {name} cannot be applied to {left.type.name} and {right.type.name}",
            "cast one side, such as (string)…",
        )
    first, second = _operand(b, left, operation.left, node), _operand(b, right, operation.right, node)
    if NOT_CONSTANT not in (first.constant, second.constant) and operation.run is not concat:
        return _folded(b, node, name, operation, first, second)
    if b.checked and name in "+-*" and operation.type in p.INTEGRAL:
        operation = replace(operation, run=checked_operator(p.INTEGRAL[operation.type], name))
    return Bound(operation.type, _binary_run(name, operation, first, second))


def _operand(b: Binder, bound: Bound, made: Type | None, node: Node) -> Bound:
    return bound if made is None else b.convert(bound, made, node)


def _binary_run(name: str, operation: Operation, left: Bound, right: Bound) -> Run:
    first, second, apply = left.run, right.run, operation.run
    if left.type is right.type is p.STRING and name == "==":
        return lambda frame: first(frame) == second(frame)
    if right.type is NULL and name in ("==", "!="):
        if name == "==":
            return lambda frame: first(frame) is None
        return lambda frame: first(frame) is not None
    if operation.left is p.INT and right.constant is not NOT_CONSTANT:
        value = right.constant
        return lambda frame: apply(first(frame), value)
    return lambda frame: apply(first(frame), second(frame))


def _folded(b: Binder, node: Node, name: str, operation: Operation, left: Bound, right: Bound) -> Bound:
    """Constant arithmetic happens at load, where overflow and division by zero are mistakes."""
    try:
        value = operation.run(left.constant, right.constant)
    except Thrown as error:
        raise b.problem(node, "constant-error", error.value.message, "correct the constant") from error
    keyword = operation.type.definition.keyword
    if (
        keyword in INTEGRALS
        and name in "+-*"
        and not b.unchecked
        and _exact(name, left.constant, right.constant) != value
    ):
        raise b.problem(node, "overflow", f"the constant does not fit {keyword}", "use a long (1L) or unchecked(…)")
    return constant(operation.type, value)


def _exact(name: str, left: object, right: object) -> object:
    first, second = int(left), int(right)  # type: ignore[call-overload]
    return first + second if name == "+" else first - second if name == "-" else first * second


def coalesce(b: Binder, node: Node, left: Bound, right: Bound) -> Bound:
    """``left ?? right``."""
    if left.type.is_value:
        raise b.problem(node, "no-operator", f"{left.type.name} is never null", "drop the ??")
    made = _coalesced(left.type, right)
    if made is None:
        raise b.problem(
            node, "wrong-type", f"?? cannot combine {left.type.name} and {right.type.name}", "cast one side"
        )
    first, second = left.run, b.convert(right, made, node).run
    convert = implicit(underlying(left.type) if made is not left.type else left.type, made)
    change = convert.run if convert is not None else None

    def either(frame: Frame) -> object:
        value = first(frame)
        if value is None:
            return second(frame)
        return value if change is None else change(value)

    return Bound(made, either)


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


# The only values whose digits alone are out of their type's range.
_LOWEST = {"2147483648": constant(p.INT, -(2**31)), "9223372036854775808": constant(p.LONG, Int64(-(2**63)))}


def prefix_operator(b: Binder, node: Node, name: str, inner: Node) -> Bound:
    """``-x``, ``+x``, ``!x``, ``~x``."""
    if name not in ("+", "-", "!", "~"):
        raise b.problem(node, "unsupported-syntax", f"the operator {name} before a value is not supported")
    if name == "-" and inner.type == "integer_literal" and (lowest := _LOWEST.get(text_of(inner).replace("_", ""))):
        return lowest
    operand = b.value(inner)
    operation = unary(name, operand.type)
    if operation is None:
        raise b.problem(node, "no-operator", f"operator {name} cannot be applied to {operand.type.name}")
    converted = _operand(b, operand, operation.left, node)
    apply, run = operation.run, converted.run
    if converted.constant is not NOT_CONSTANT:
        return constant(operation.type, apply(converted.constant))
    return Bound(operation.type, lambda frame: apply(run(frame)))


@expression("conditional_expression")
def bind_conditional(b: Binder, node: Node, target: Type | None) -> Meaning:
    """``test ? a : b``."""
    test_node, yes_node, no_node = named(node)
    test = b.condition(test_node)
    yes, no = b.value(yes_node, target), b.value(no_node, target)
    made = common_type([yes.type, no.type]) or _constants(yes, no) or target
    if made is None or made is DYNAMIC and target is None and DYNAMIC not in (yes.type, no.type):
        raise b.problem(
            node, "wrong-type", f"{yes.type.name} and {no.type.name} have no common type", "cast one of the two"
        )
    first, second = b.convert(yes, made, yes_node).run, b.convert(no, made, no_node).run
    return Bound(made, lambda frame: first(frame) if test(frame) else second(frame))


def _constants(yes: Bound, no: Bound) -> Type | None:
    for source, target in ((yes, no), (no, yes)):
        if implicit(source.type, target.type, source.constant_value):
            return target.type
    return None


@expression("cast_expression")
def bind_cast(b: Binder, node: Node, _target: Type | None) -> Meaning:
    """``(T)x``. ``(a) - 1`` looks like a cast to the grammar; where a is a local it is a subtraction."""
    type_node, value_node = field(node, "type"), field(node, "value")
    local = type_node.type == "identifier" and b.scope.find(text_of(type_node)) is not None
    if local and value_node.type == "prefix_unary_expression" and text_of(value_node)[0] in "+-":
        operand = b.value(named(value_node)[0])
        return apply_operator(b, node, text_of(value_node)[0], b.value(type_node), operand)
    made = bind_type(b, type_node)
    return cast_to(b, node, b.value(value_node, made), made)


def cast_to(b: Binder, node: Node, value: Bound, made: Type) -> Bound:
    """*value* cast to *made*."""
    run = value.run
    if value.type is DYNAMIC and made is not DYNAMIC:
        return Bound(made, lambda frame: cast_dynamic(run(frame), made))
    conversion = explicit(value.type, made, value.constant_value)
    if conversion is None:
        raise b.problem(
            node, "wrong-type", f"cannot convert {value.type.name} to {made.name}", f"parse it: {made.name}.Parse(…)"
        )
    if conversion.run is None:
        return Bound(made, run, value.constant if made.is_value or made is p.STRING else NOT_CONSTANT)
    return _converted_cast(b, node, conversion.run, value, made)


def _converted_cast(b: Binder, node: Node, convert: Convert, value: Bound, made: Type) -> Bound:
    if made in p.NUMERIC and value.type in p.NUMERIC:
        if value.constant is not NOT_CONSTANT:
            return _constant_cast(b, node, convert, value, made)
        if b.checked and made in p.INTEGRAL:
            convert = checked_conversion(p.INTEGRAL[made])
    run = value.run
    return Bound(made, lambda frame: convert(run(frame)))


def _constant_cast(b: Binder, node: Node, convert: Convert, value: Bound, made: Type) -> Bound:
    try:
        result = convert(value.constant)
    except Thrown as error:
        raise b.problem(node, "constant-error", error.value.message, "correct the constant") from error
    integral = made in p.INTEGRAL and value.type in p.INTEGRAL and not b.unchecked
    if integral and result != value.constant:
        raise b.problem(node, "overflow", f"the constant does not fit {made.name}", "use unchecked(…)")
    return constant(made, result)


@expression("as_expression")
def bind_as(b: Binder, node: Node, _target: Type | None) -> Meaning:
    """``x as T``: null where a cast would throw."""
    type_node = field(node, "right")
    made = bind_type(b, type_node)
    if made.is_value:
        raise b.problem(node, "wrong-type", f"as needs a type that can be null, not {made.name}", f"write {made.name}?")
    run = b.value(_left(node)).run

    def as_type(frame: Frame) -> object:
        value = run(frame)
        return value if is_instance(value, made) else None

    return Bound(made, as_type)


@expression("default_expression")
def bind_default(b: Binder, node: Node, target: Type | None) -> Meaning:
    """``default(T)`` and ``default``."""
    type_node = node.child_by_field_name("type")
    made = bind_type(b, type_node) if type_node is not None else target
    if made is None:
        raise b.problem(node, "wrong-type", "default needs a type here", "write default(T)")
    value = None if made.definition is NULLABLE else made.definition.default
    return Bound(made, lambda _frame: value, NOT_CONSTANT if made.kind in ("class", "interface") else value)


@expression("typeof_expression")
def bind_typeof(b: Binder, node: Node, _target: Type | None) -> Meaning:
    """``typeof(T)``: its name only."""
    type_node = field(node, "type")
    return constant(p.TYPE, TypeObject(bind_type(b, type_node)))
