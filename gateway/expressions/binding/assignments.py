"""Assignments, compound assignments, ``++`` and ``--``; ``(a, b) = t`` is in ``tuples``."""

from __future__ import annotations

from collections.abc import Callable

from tree_sitter import Node

from gateway.expressions import primitives as p
from gateway.expressions.binding.binder import Binder, expression, field, named, text_of
from gateway.expressions.binding.bound import Bound, Frame, Meaning, Run, Store, constant
from gateway.expressions.binding.elements import assignable_value
from gateway.expressions.binding.operations import apply_operator, coalesce, prefix_operator
from gateway.expressions.binding.tuples import bind_deconstruction
from gateway.expressions.clr import Type, certain
from gateway.expressions.conversions import explicit


@expression("assignment_expression")
def bind_assignment(binder: Binder, node: Node, _target: Type | None) -> Meaning:
    """``x = y``, ``x += y``, ``x ??= y``, ``(a, b) = t``."""
    left, right = field(node, "left"), field(node, "right")
    if left.type in ("tuple_expression", "tuple_pattern"):
        return bind_deconstruction(binder, left, right)
    if left.type == "identifier" and text_of(left) == "_" and binder.scope.find("_") is None:
        return binder.value(right)
    name, variable = text_of(field(node, "operator")), assignable_value(binder, left)
    if name == "=":
        return _assign(variable, binder.converted(right, variable.type))
    if name == "??=":
        return _assign(variable, coalesce(binder, node, variable, binder.value(right, variable.type)))
    return _compound(binder, node, name[:-1], variable, right)


def _compound(binder: Binder, node: Node, name: str, variable: Bound, right: Node) -> Bound:
    """Source: C# language specification, "Compound assignment" (ECMA-334 §12.21.4)."""
    value = apply_operator(binder, node, name, variable.of_type(variable.type), binder.value(right))
    convert = _narrowed(binder, node, value.type, variable.type)
    run = value.run
    return _assign(variable, Bound(variable.type, lambda frame: convert(run(frame))))


def _assign(variable: Bound, value: Bound) -> Bound:
    store, run = certain(variable.store), value.run

    def assign(frame: Frame) -> object:
        result = run(frame)
        store(frame, result)
        return result

    return Bound(variable.type, assign)


@expression("prefix_unary_expression")
def bind_prefix(binder: Binder, node: Node, _target: Type | None) -> Meaning:
    """``-x``, ``!x``, ``~x``, ``++x``."""
    name, inner = node.children[0].type, named(node)[0]
    if name in ("++", "--"):
        return _step(binder, node, inner, name[0], prefix=True)
    return prefix_operator(binder, node, name, inner)


@expression("postfix_unary_expression")
def bind_postfix(binder: Binder, node: Node, _target: Type | None) -> Meaning:
    """``x++``, ``x--``; ``x!`` has no effect at run time."""
    inner = named(node)[0]
    name = node.children[-1].type
    return binder.meaning(inner) if name == "!" else _step(binder, node, inner, name[0], prefix=False)


def _step(binder: Binder, node: Node, inner: Node, name: str, prefix: bool) -> Bound:
    variable = assignable_value(binder, inner)
    changed = apply_operator(binder, node, name, variable.of_type(variable.type), constant(p.INT, 1))
    conversion = explicit(changed.type, variable.type)
    load, store, change = variable.run, certain(variable.store), changed.run
    if conversion is not None and conversion.run is None:
        return Bound(variable.type, _plain_step(load, store, change, prefix))
    convert = _narrowed(binder, node, changed.type, variable.type)

    def step(frame: Frame) -> object:
        before = load(frame)
        after = convert(change(frame))
        store(frame, after)
        return after if prefix else before

    return Bound(variable.type, step)


def _plain_step(load: Run, store: Store, change: Run, prefix: bool) -> Run:
    """The same without a conversion, as loop counters need it."""

    def step(frame: Frame) -> object:
        before = load(frame)
        after = change(frame)
        store(frame, after)
        return after if prefix else before

    return step


def _narrowed(binder: Binder, node: Node, source: Type, target: Type) -> Callable[[object], object]:
    """Compound assignment casts the result back if necessary."""
    conversion = explicit(source, target)
    if conversion is None:
        raise binder.problem(
            node, "wrong-type", f"cannot convert {source.name} to {target.name}", "write the assignment out"
        )
    return conversion.run or (lambda value: value)
