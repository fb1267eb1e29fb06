"""Element access (``x[i]``, ``x?[i]``) and what can be assigned to."""

from __future__ import annotations

from collections.abc import Sequence

from tree_sitter import Node

from gateway.expressions.binding.binder import Binder, child_of_type, expression, field, named, settle, text_of
from gateway.expressions.binding.bound import NOT_CONSTANT, SHORT, Bound, Frame, Meaning, MethodGroup, Run
from gateway.expressions.binding.calls import as_seen, bind_arguments, fill
from gateway.expressions.binding.closures import item_at, item_of
from gateway.expressions.binding.names import guarded, through
from gateway.expressions.binding.overloads import Plan, choose
from gateway.expressions.clr import DYNAMIC, Type, certain
from gateway.expressions.dispatch import dynamic_assign, dynamic_index, dynamic_store_index
from gateway.expressions.thrown import null_reference


@expression("element_access_expression")
def bind_element(binder: Binder, node: Node, _target: Type | None) -> Meaning:
    """``x[i]``."""
    receiver_node = field(node, "expression")
    subscript = field(node, "subscript")
    if (
        receiver_node.type == "array_creation_expression"
        and child_of_type(receiver_node, "initializer_expression") is None
    ):
        raise binder.problem(node, "syntax-error", "new T[n][i] is not C#", "put the new array in brackets")
    if binder.source.is_conditional(receiver_node):
        return _conditional_element(binder, node, binder.link(named(receiver_node)[0]), named(subscript))
    return element_of(binder, node, binder.link(receiver_node), named(subscript))


def _conditional_element(binder: Binder, node: Node, receiver: Bound, arguments: Sequence[Node]) -> Bound:
    """``x?[i]``."""
    if receiver.type.is_value:
        raise binder.problem(node, "no-operator", f"{receiver.type.name} is never null", "write [ instead of ?[")
    value, slot = binder.temporary(receiver.type)
    element = element_of(binder, node, value, arguments)
    guard, run = guarded(receiver.run, slot), element.run
    return Bound(element.type, lambda frame: SHORT if guard(frame) is SHORT else run(frame), conditional=True)


def element_of(binder: Binder, node: Node, receiver: Bound, arguments: Sequence[Node]) -> Bound:
    """The element of *receiver* at *arguments*."""
    if receiver.conditional:
        return through(binder, receiver, lambda value: element_of(binder, node, value, arguments))
    written = bind_arguments(binder, arguments)
    if receiver.type is DYNAMIC:
        return _dynamic_element(receiver, [argument.bound.run for argument in written if argument.bound is not None])
    candidates = receiver.type.find("this")
    plan = choose(candidates, as_seen(written))
    if plan is None:
        what = "has no indexer" if not candidates else "cannot be indexed by this"
        raise binder.problem(
            node, "no-indexer", f"{receiver.type.name} {what}", "cast it first, such as ((JObject)x)[…]"
        )
    binder.may_be_long |= plan.candidate.member.long
    runs = fill(binder, plan, written)
    if len(runs) > 1:
        return _grid_element(receiver, plan, runs)
    return _element(receiver, plan, runs[0], written[0].bound)


def _element(receiver: Bound, plan: Plan, index: Run, written: Bound | None) -> Bound:
    """The element at *index*; *written* is the argument's node."""
    run, call, setter = receiver.run, plan.candidate.member.call, plan.candidate.member.store

    def store(frame: Frame, new: object) -> None:
        value = run(frame)
        if value is None:
            raise null_reference()
        certain(setter)(value, index(frame), new)

    is_constant = written is not None and written.run is index and written.constant is not NOT_CONSTANT
    load = item_at(run, call, written.constant) if written and is_constant else item_of(run, call, index)
    return Bound(plan.result, load, NOT_CONSTANT, store if setter else None)


def _grid_element(receiver: Bound, plan: Plan, runs: list[Run]) -> Bound:
    """``x[i, j]``."""
    run, call, setter = receiver.run, plan.candidate.member.call, plan.candidate.member.store

    def load(frame: Frame) -> object:
        value = run(frame)
        if value is None:
            raise null_reference()
        return call(value, *[evaluate(frame) for evaluate in runs])

    def store(frame: Frame, new: object) -> None:
        value = run(frame)
        if value is None:
            raise null_reference()
        certain(setter)(value, *[evaluate(frame) for evaluate in runs], new)

    return Bound(plan.result, load, NOT_CONSTANT, store if setter else None)


def _dynamic_element(receiver: Bound, runs: list[Run]) -> Bound:
    run = receiver.run

    def store(frame: Frame, new: object) -> None:
        dynamic_store_index(run(frame), [evaluate(frame) for evaluate in runs], new)

    return Bound(DYNAMIC, lambda frame: dynamic_index(run(frame), [evaluate(frame) for evaluate in runs]), store=store)


def bind_assignable(binder: Binder, node: Node) -> Bound:
    """The left side of ``=``; a member of a dynamic value is a property."""
    meaning = binder.meaning(node)
    if isinstance(meaning, MethodGroup) and meaning.receiver is not None and not meaning.candidates:
        run, name = meaning.receiver.run, meaning.name

        def store(frame: Frame, new: object) -> None:
            dynamic_assign(run(frame), name, new)

        return Bound(DYNAMIC, settle(binder, node, meaning).run, store=store)
    return settle(binder, node, meaning)


def assignable_value(binder: Binder, node: Node) -> Bound:
    """A variable, settable property or element."""
    bound = bind_assignable(binder, node)
    if bound.store is None:
        remedy = "use the policy set-variable" if text_of(node).startswith("context.Variables") else "assign to a local"
        raise binder.problem(node, "not-a-variable", f"{text_of(node)} cannot be assigned to", remedy)
    return bound
