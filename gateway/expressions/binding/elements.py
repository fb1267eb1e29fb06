"""Element access, conditional access (``?.`` and ``?[]``) and what can be assigned to."""

from __future__ import annotations

from collections.abc import Sequence

from tree_sitter import Node

from gateway.expressions.binding.binder import Binder, expression, named, text_of
from gateway.expressions.binding.bound import NOT_CONSTANT, SHORT, Bound, Frame, Meaning, MethodGroup, Run, Store
from gateway.expressions.binding.calls import bind_arguments, fill, settle
from gateway.expressions.binding.names import instance_member, through
from gateway.expressions.binding.overloads import choose
from gateway.expressions.binding.typenames import type_arguments
from gateway.expressions.clr import DYNAMIC, Type, underlying
from gateway.expressions.dispatch import dynamic_assign, dynamic_index, dynamic_store_index
from gateway.expressions.thrown import null_reference


def chain_value(b: Binder, node: Node) -> Bound:
    """The receiver of a link: SHORT goes on through it."""
    meaning = b.meaning(node)
    if isinstance(meaning, MethodGroup):
        return settle(b, node, meaning)
    return meaning if isinstance(meaning, Bound) else b.value(node)


@expression("element_access_expression")
def bind_element(b: Binder, node: Node, _target: Type | None) -> Meaning:
    """``x[i]``."""
    receiver_node = node.child_by_field_name("expression")
    subscript = node.child_by_field_name("subscript")
    assert receiver_node is not None
    assert subscript is not None
    return element_of(b, node, chain_value(b, receiver_node), named(subscript))


def element_of(b: Binder, node: Node, receiver: Bound, arguments: Sequence[Node]) -> Bound:
    """The element of *receiver* at *arguments*."""
    if receiver.conditional:
        return through(b, receiver, lambda value: element_of(b, node, value, arguments), null_too=False)
    written = bind_arguments(b, arguments)
    if receiver.type is DYNAMIC:
        return _dynamic_element(receiver, [each.bound.run for each in written if each.bound is not None])
    candidates = receiver.type.find("this")
    plan = choose(candidates, [each.seen for each in written])
    if plan is None:
        what = "has no indexer" if not candidates else "cannot be indexed by this"
        raise b.problem(node, "no-indexer", f"{receiver.type.name} {what}", "cast it first, such as ((JObject)x)[…]")
    return _element(b, receiver, plan.result, plan.candidate.member.call, plan.candidate.member.store, fill(b, plan, written))


def _element(b: Binder, receiver: Bound, made: Type, call: Run, setter: Run | None, runs: list[Run]) -> Bound:
    run, index = receiver.run, runs[0]

    def load(frame: Frame) -> object:
        value = run(frame)
        if value is None:
            raise null_reference()
        return call(value, index(frame))  # type: ignore[call-arg]

    def store(frame: Frame, new: object) -> None:
        value = run(frame)
        if value is None:
            raise null_reference()
        assert setter
        setter(value, index(frame), new)  # type: ignore[call-arg]

    return Bound(made, load, NOT_CONSTANT, store if setter else None)


def _dynamic_element(receiver: Bound, runs: list[Run]) -> Bound:
    run = receiver.run

    def store(frame: Frame, new: object) -> None:
        dynamic_store_index(run(frame), [each(frame) for each in runs], new)

    return Bound(DYNAMIC, lambda frame: dynamic_index(run(frame), [each(frame) for each in runs]), store=store)


@expression("conditional_access_expression")
def bind_conditional_access(b: Binder, node: Node, _target: Type | None) -> Meaning:
    """``x?.Name`` and ``x?[i]``; a method waits for its call."""
    receiver_node, binding = named(node)
    receiver = chain_value(b, receiver_node)
    if receiver.type.is_value:
        raise b.problem(node, "no-operator", f"{receiver.type.name} is never null", "write . instead of ?.")
    value, slot = b.temporary(underlying(receiver.type))
    link = _binding(b, node, value, binding)
    guard = _guard(receiver.run, slot)
    if isinstance(link, Bound):
        run = link.run
        return Bound(link.type, lambda frame: SHORT if guard(frame) is SHORT else run(frame), conditional=True)
    assert isinstance(link, MethodGroup)
    return MethodGroup(link.name, link.candidates, Bound(value.type, guard, conditional=True), link.type_args)


def _guard(run: Run, slot: int) -> Run:
    def guard(frame: Frame) -> object:
        found = run(frame)
        if found is None or found is SHORT:
            return SHORT
        frame[slot] = found
        return found

    return guard


def _binding(b: Binder, node: Node, value: Bound, binding: Node) -> Meaning:
    if binding.type == "element_binding_expression":
        return element_of(b, node, value, named(binding))
    if binding.type == "member_binding_expression":
        name = named(binding)[-1]
        plain = name if name.type == "identifier" else named(name)[0]
        return instance_member(b, name, value, text_of(plain), type_arguments(b, name))
    raise b.problem(binding, "unsupported-syntax", f"{binding.type} is not supported after ?.")


def bind_assignable(b: Binder, node: Node) -> Bound:
    """What stands on the left of ``=``; a member of a dynamic value is a property."""
    meaning = b.meaning(node)
    if isinstance(meaning, MethodGroup) and meaning.receiver is not None and not meaning.candidates:
        run, name = meaning.receiver.run, meaning.name
        store: Store = lambda frame, new: dynamic_assign(run(frame), name, new)  # noqa: E731
        return Bound(DYNAMIC, settle(b, node, meaning).run, store=store)
    return settle(b, node, meaning)
