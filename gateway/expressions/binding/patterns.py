"""
``is`` and the patterns of ``switch``: each becomes a test of (value, frame) that also fills the variables it declares.

Source: C# language specification, "Patterns".
"""

from __future__ import annotations

from collections.abc import Callable

from tree_sitter import Node

from gateway.expressions import primitives as p
from gateway.expressions.binding.binder import Binder, expression, field, named, text_of
from gateway.expressions.binding.bound import NOT_CONSTANT, Bound, Frame, Meaning, TypeName
from gateway.expressions.binding.names import instance_member
from gateway.expressions.binding.typenames import bind_type
from gateway.expressions.clr import DYNAMIC, NULL, OBJECT, Type, underlying
from gateway.expressions.conversions import explicit, implicit
from gateway.expressions.equality import equal
from gateway.expressions.operators import binary, dynamic_binary
from gateway.expressions.runtime import is_instance

Test = Callable[[object, Frame], bool]


@expression("is_pattern_expression")
def bind_is_pattern(binder: Binder, node: Node, _target: Type | None) -> Meaning:
    """``x is pattern``."""
    value_node, pattern = field(node, "expression"), field(node, "pattern")
    value = binder.value(value_node)
    test, run = bind_pattern(binder, pattern, value.type), value.run
    return Bound(p.BOOL, lambda frame: test(run(frame), frame))


@expression("is_expression")
def bind_is(binder: Binder, node: Node, _target: Type | None) -> Meaning:
    """``x is T``."""
    left, right = field(node, "left"), field(node, "right")
    value = binder.value(left)
    test, run = type_test(binder, node, value.type, bind_type(binder, right), True), value.run
    return Bound(p.BOOL, lambda frame: test(run(frame), frame))


def bind_pattern(binder: Binder, node: Node, clr_type: Type) -> Test:
    """The test that *node* means, on values of static type *clr_type*."""
    bind = _PATTERNS.get(node.type)
    if bind is not None:
        return bind(binder, node, clr_type)
    if node.type in ("predefined_type", "nullable_type", "array_type", "generic_name"):
        return type_test(binder, node, clr_type, bind_type(binder, node))
    return _constant_test(binder, node, node, clr_type)


def type_test(binder: Binder, node: Node, clr_type: Type, wanted: Type, may_fail: bool = False) -> Test:
    """``is T``; *may_fail*: that a value never is one is no error, as in a plain ``is`` of two classes."""
    impossible = clr_type is not DYNAMIC and explicit(clr_type, wanted) is None and wanted.kind != "interface"
    if impossible and not may_fail:
        raise binder.problem(node, "wrong-type", f"a {clr_type.name} can never be a {wanted.name}")
    return lambda value, _frame: is_instance(value, wanted)


def _declaration(binder: Binder, node: Node, clr_type: Type) -> Test:
    type_node, name = field(node, "type"), node.child_by_field_name("name")
    if type_node.type == "implicit_type":
        return _var(binder, node, clr_type)
    wanted = bind_type(binder, type_node)
    test = type_test(binder, node, clr_type, wanted)
    if name is None or text_of(name) == "_":
        return test
    slot = binder.declare(name, text_of(name), wanted).slot

    def capture(value: object, frame: Frame) -> bool:
        if not test(value, frame):
            return False
        frame[slot] = value
        return True

    return capture


def _var(binder: Binder, node: Node, clr_type: Type) -> Test:
    name = node.child_by_field_name("name") or named(node)[-1]
    slot = binder.declare(name, text_of(name), clr_type).slot

    def capture(value: object, frame: Frame) -> bool:
        frame[slot] = value
        return True

    return capture


def _constant(binder: Binder, node: Node, clr_type: Type) -> Test:
    inner = named(node)[0]
    return _constant_test(binder, node, inner, clr_type)


def _constant_test(binder: Binder, node: Node, inner: Node, clr_type: Type) -> Test:
    meaning = binder.meaning(inner)
    if isinstance(meaning, TypeName):
        return type_test(binder, node, clr_type, meaning.type, True)
    bound = binder.value(inner, clr_type) if not isinstance(meaning, Bound) else binder.finished(meaning)
    if bound.constant is NOT_CONSTANT:
        raise binder.problem(node, "not-constant", "a pattern must be a constant or a type", "use == instead")
    if bound.type is NULL:
        return lambda value, _frame: value is None
    if clr_type not in (OBJECT, DYNAMIC) and implicit(bound.type, underlying(clr_type), bound.constant):
        bound = binder.convert(bound, underlying(clr_type), node)
    wanted = bound.constant
    return lambda value, _frame: value is not None and equal(value, wanted)


def _relational(binder: Binder, node: Node, clr_type: Type) -> Test:
    name, inner = node.children[0].type, named(node)[0]
    bound = binder.value(inner)
    if clr_type in (OBJECT, DYNAMIC):
        kind, wanted = bound.type, bound.constant
        return lambda value, _frame: is_instance(value, kind) and bool(dynamic_binary(name, value, wanted))
    operation = binary(name, underlying(clr_type), bound.type, None, bound.constant_value)
    if operation is None:
        raise binder.problem(node, "no-operator", f"operator {name} cannot be applied to {clr_type.name}")
    limit = binder.convert(bound, operation.right, inner).constant if operation.right is not None else bound.constant
    run = operation.run
    return lambda value, _frame: value is not None and bool(run(value, limit))


def _not(binder: Binder, node: Node, clr_type: Type) -> Test:
    test = bind_pattern(binder, named(node)[0], clr_type)
    return lambda value, frame: not test(value, frame)


def _both(binder: Binder, node: Node, clr_type: Type) -> Test:
    left, right = (bind_pattern(binder, part, clr_type) for part in (named(node)[0], named(node)[-1]))
    if node.type == "and_pattern":
        return lambda value, frame: left(value, frame) and right(value, frame)
    return lambda value, frame: left(value, frame) or right(value, frame)


def _inside(binder: Binder, node: Node, clr_type: Type) -> Test:
    return bind_pattern(binder, named(node)[0], clr_type)


def _discard(_b: Binder, _node: Node, _made: Type) -> Test:
    return lambda _value, _frame: True


def _recursive(binder: Binder, node: Node, clr_type: Type) -> Test:
    """``T { Property: pattern } name``."""
    type_node, name = node.child_by_field_name("type"), node.child_by_field_name("name")
    wanted = bind_type(binder, type_node) if type_node is not None else clr_type
    slot = binder.declare(name, text_of(name), wanted).slot if name is not None else binder.function.slot()
    clause = next((child for child in named(node) if child.type == "property_pattern_clause"), None)
    subpatterns = named(clause) if clause is not None else []
    tests = [_property_test(binder, subpattern, wanted, slot) for subpattern in subpatterns]
    has_type = type_node is not None

    def matches(value: object, frame: Frame) -> bool:
        if value is None or (has_type and not is_instance(value, wanted)):
            return False
        frame[slot] = value
        return all(test(frame) for test in tests)

    return matches


def _property_test(binder: Binder, node: Node, clr_type: Type, slot: int) -> Callable[[Frame], bool]:
    name, pattern = named(node)[0], named(node)[-1]
    meaning = instance_member(binder, name, Bound(clr_type, lambda frame: frame[slot]), text_of(name))
    if not isinstance(meaning, Bound):
        raise binder.problem(name, "unknown-member", f"{text_of(name)} is not a property of {clr_type.name}")
    test, run = bind_pattern(binder, pattern, meaning.type), meaning.run
    return lambda frame: test(run(frame), frame)


_PATTERNS: dict[str, Callable[[Binder, Node, Type], Test]] = {
    "declaration_pattern": _declaration,
    "var_pattern": _var,
    "constant_pattern": _constant,
    "relational_pattern": _relational,
    "negated_pattern": _not,
    "and_pattern": _both,
    "or_pattern": _both,
    "parenthesized_pattern": _inside,
    "discard": _discard,
    "recursive_pattern": _recursive,
}
