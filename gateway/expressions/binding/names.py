"""Simple names, qualified names and member access."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tree_sitter import Node

from gateway.errors import LoadError
from gateway.expressions import clr
from gateway.expressions.binding import remedies
from gateway.expressions.binding.binder import Binder, dynamic_property, expression, field, named, text_of
from gateway.expressions.binding.bound import (
    NOT_CONSTANT,
    SHORT,
    Bound,
    Frame,
    Meaning,
    MethodGroup,
    Namespace,
    Run,
    TypeName,
)
from gateway.expressions.binding.closures import context_property, property_of
from gateway.expressions.binding.scope import read
from gateway.expressions.binding.typenames import bind_type, member_name, type_arguments
from gateway.expressions.clr import DYNAMIC, NULL, Candidate, Type, certain
from gateway.expressions.conversions import implicit
from gateway.expressions.runtime import assignable


@expression("identifier")
def bind_identifier(binder: Binder, node: Node, _target: Type | None) -> Meaning:
    """A local, a type or the first part of a namespace."""
    name = text_of(node).lstrip("@")
    variable = binder.scope.find(name)
    if variable is not None:
        if name == "context":
            binder.touched.add("context")
        return read(variable, binder.function)
    definition = clr.find_definition(name)
    if definition is not None:
        return TypeName(clr.make(definition))
    if name in clr.KEYWORDS:
        return TypeName(clr.KEYWORDS[name])
    if name in clr.NAMESPACES:
        return Namespace(name)
    raise unknown_name(binder, node, name)


def unknown_name(binder: Binder, node: Node, name: str) -> Exception:
    """The error for an unknown name; it names the most similar known one."""
    remedy = remedies.for_name(name, _locals(binder))
    code = "unknown-type" if name[:1].isupper() else "unknown-name"
    return binder.problem(node, code, f"the name {name} is not known", remedy)


def _locals(binder: Binder) -> list[str]:
    names: list[str] = []
    scope = binder.scope
    while scope is not None:
        names += scope.names
        scope = scope.outer  # type: ignore[assignment]
    return names


@expression("predefined_type", "nullable_type", "array_type")
def bind_keyword_type(binder: Binder, node: Node, _target: Type | None) -> Meaning:
    """``string`` in ``string.Empty``."""
    return TypeName(bind_type(binder, node))


@expression("generic_name")
def bind_generic_name(binder: Binder, node: Node, _target: Type | None) -> Meaning:
    """``List<string>`` as a type, or a local generic call's name."""
    return TypeName(bind_type(binder, node))


@expression("alias_qualified_name")
def bind_global(binder: Binder, node: Node, target: Type | None) -> Meaning:
    """``global::System``."""
    return binder.meaning(named(node)[-1], target)


@expression("qualified_name")
def bind_qualified(binder: Binder, node: Node, _target: Type | None) -> Meaning:
    """``System.Convert`` if the grammar took it for a type."""
    left, right = named(node)
    return member_of(binder, node, binder.meaning(left), right)


@expression("member_access_expression")
def bind_member_access(binder: Binder, node: Node, _target: Type | None) -> Meaning:
    """``receiver.Name``."""
    return bind_access(binder, node)


def bind_access(binder: Binder, node: Node, invoked: bool = False) -> Meaning:
    """``receiver.Name``; if it is *invoked*, a property that is not a function does not hide a method."""
    receiver = field(node, "expression")
    name = field(node, "name")
    if binder.source.is_conditional(receiver):
        return conditional_member(binder, node, binder.link(named(receiver)[0]), name, invoked)
    return member_of(binder, node, binder.meaning(receiver), name, invoked)


def conditional_member(binder: Binder, node: Node, receiver: Bound, name: Node, invoked: bool) -> Meaning:
    """``receiver?.Name``: the chain ends if the receiver is null; a method waits for its call."""
    if receiver.type.is_value:
        raise binder.problem(node, "no-operator", f"{receiver.type.name} is never null", "write . instead of ?.")
    value, slot = binder.temporary(clr.underlying(receiver.type))
    link = member_of(binder, node, value, name, invoked)
    guard = guarded(receiver.run, slot)
    if isinstance(link, Bound):
        run = link.run
        return Bound(link.type, lambda frame: SHORT if guard(frame) is SHORT else run(frame), conditional=True)
    waiting = Bound(value.type, guard, conditional=True)
    return replace(link, receiver=waiting) if isinstance(link, MethodGroup) else link


def guarded(run: Run, slot: int) -> Run:
    """The value, which is also put into *slot*; SHORT if it is null."""

    def guard(frame: Frame) -> object:
        value = run(frame)
        if value is None or value is SHORT:
            return SHORT
        frame[slot] = value
        return value

    return guard


def member_of(binder: Binder, node: Node, receiver: Meaning, name_node: Node, invoked: bool = False) -> Meaning:
    """The member *name_node* of whatever *receiver* means."""
    name = member_name(binder, name_node)
    if isinstance(receiver, Namespace):
        return _in_namespace(binder, node, receiver, name_node)
    type_args = type_arguments(binder, name_node)
    if isinstance(receiver, TypeName):
        return static_member(binder, name_node, receiver.type, name, type_args)
    if isinstance(receiver, MethodGroup):
        if receiver.candidates or receiver.receiver is None:
            raise binder.problem(node, "method-not-called", f"{receiver.name} is a method; call it")
        receiver = dynamic_property(receiver.receiver, receiver.name)
    return instance_member(binder, name_node, receiver, name, type_args, invoked)


def _in_namespace(binder: Binder, node: Node, namespace: Namespace, name_node: Node) -> Meaning:
    full = f"{namespace.name}.{member_name(binder, name_node)}"
    args = type_arguments(binder, name_node)
    if full in clr.NAMESPACES and not args:
        return Namespace(full)
    definition = clr.find_definition(full, len(args))
    if definition is None:
        remedy = remedies.for_type(full)
        raise binder.problem(node, "unknown-type", f"the type {full} is not allowed in policy expressions", remedy)
    return TypeName(clr.make(definition, *args))


def static_member(binder: Binder, node: Node, clr_type: Type, name: str, type_args: tuple[Type, ...]) -> Meaning:
    """``Type.Name``."""
    candidates = [candidate for candidate in clr_type.find(name) if candidate.member.static]
    if not candidates:
        raise unknown_member(binder, node, clr_type, name)
    binder.note_use(node, (candidate.member.owner for candidate in candidates), name)
    if candidates[0].member.kind == "method":
        return MethodGroup(name, tuple(candidates), None, type_args)
    member, bindings = candidates[0].member, candidates[0].bindings
    call, result = member.call, member.type.substitute(bindings)
    if member.kind == "constant":
        value = call()
        return Bound(result, lambda _frame: value, value)
    return Bound(result, lambda _frame: call())


def unknown_member(binder: Binder, node: Node, clr_type: Type, name: str) -> LoadError:
    """The error for a member that is not on the allow-list; it names the most similar one that is."""
    remedy = remedies.for_member(clr_type, name)
    return binder.problem(node, "unknown-member", f"{clr_type.name} has no member {name}", remedy)


def instance_member(
    binder: Binder, node: Node, receiver: Bound, name: str, type_args: tuple[Type, ...] = (), invoked: bool = False
) -> Meaning:
    """
    ``value.Name``: a property, or the methods and extension methods of that name.

    Source: C# language specification, "Member lookup" (ECMA-334 §12.5): in a call only what can be invoked counts.
    """
    clr_type = receiver.type
    if clr_type is NULL:
        raise binder.problem(node, "wrong-type", "null has no members")
    if clr_type is DYNAMIC:
        return _dynamic_member(binder, receiver, name, type_args)
    members = _instance_members(clr_type, name)
    invocable = _invocable(members)
    if _is_property(members) and (invocable == members or not invoked):
        _touch(binder, clr_type, name)
        binder.note_use(node, [members[0].member.owner], name)
        return property_value(binder, receiver, members[0])
    methods = (*invocable, *_extension_methods(name, clr_type))
    if not methods:
        raise _not_invocable(binder, node, clr_type, name, members)
    binder.note_use(node, (method.member.owner for method in methods), name)
    return MethodGroup(name, methods, receiver, type_args)


def _dynamic_member(binder: Binder, receiver: Bound, name: str, type_args: tuple[Type, ...]) -> MethodGroup:
    """What it is is known only when the expression runs; until then it may be the body of either message."""
    if name == "Body":
        binder.touched.update({"Request", "Response", "Body"})
    return MethodGroup(name, (), receiver, type_args)


def _is_property(members: list[Candidate]) -> bool:
    return bool(members) and members[0].member.kind == "property"


def _instance_members(clr_type: Type, name: str) -> list[Candidate]:
    return [candidate for candidate in clr_type.find(name) if not candidate.member.static]


def _invocable(members: list[Candidate]) -> list[Candidate]:
    return [member for member in members if member.member.kind == "method" or _callable(member)]


def _extension_methods(name: str, clr_type: Type) -> list[Candidate]:
    return [Candidate(member, {}) for member in clr.extensions(name) if extends(member, clr_type)]


def _not_invocable(binder: Binder, node: Node, clr_type: Type, name: str, members: list[Candidate]) -> LoadError:
    if members:
        remedy = remedies.for_property_call(name, members, _has_arguments(node))
        return binder.problem(node, "unknown-member", f"{name} is a property, not a method", remedy)
    return unknown_member(binder, node, clr_type, name)


def _has_arguments(callee: Node) -> bool:
    """Whether a call has any arguments."""
    call = (
        callee.parent
        if callee.parent is None or callee.parent.type == "invocation_expression"
        else callee.parent.parent
    )
    arguments = None if call is None else call.child_by_field_name("arguments")
    return arguments is not None and arguments.named_child_count > 0


def _callable(candidate: Candidate) -> bool:
    return candidate.member.type.substitute(candidate.bindings).kind in ("delegate", "dynamic")


def _touch(binder: Binder, clr_type: Type, name: str) -> None:
    owner = clr_type.name
    if name == "Body":
        binder.touched.add(f"{owner}.Body")
    elif owner == "IProxyContext":
        binder.touched.add(name)
    elif owner == "Jwt":
        binder.touched.add(owner)


def extends(member: clr.Member, clr_type: Type) -> bool:
    """Whether the extension method *member* may be called on a value of *clr_type*."""
    parameter = member.parameters[0].type
    if parameter.kind == "variable":
        return True
    if parameter.is_open:
        return clr_type.as_definition(parameter.definition) is not None
    return assignable(clr_type, parameter) or implicit(clr_type, parameter) is not None and not clr_type.is_value


def property_value(binder: Binder, receiver: Bound, candidate: Candidate) -> Bound:
    """The value of a property; on null it throws."""
    member = candidate.member
    binder.may_be_long |= member.long
    clr_type = member.type.substitute(candidate.bindings).closed()
    if receiver.conditional:
        return through(binder, receiver, lambda value: property_value(binder, value, candidate))
    run, setter = receiver.run, member.store

    def store(frame: Frame, value: object) -> None:
        certain(setter)(run(frame), value)

    return Bound(clr_type, _load(receiver, member.call), store=store if setter else None)


def _load(receiver: Bound, call: clr.Call) -> Run:
    """The closure that reads a property of *receiver* with *call*."""
    run = receiver.run
    if receiver.type.definition is clr.NULLABLE:
        return lambda frame: call(run(frame))
    is_context = receiver.type.definition.name == "IProxyContext" and run.__name__ == "load_here"
    return context_property(call) if is_context else property_of(run, call)


def through(binder: Binder, receiver: Bound, build: Callable[[Bound], Bound]) -> Bound:
    """One more link of a ``?.`` chain: *build* makes it from the receiver's value, which waits in a temporary slot."""
    value, slot = binder.temporary(receiver.type)
    link = build(value)
    run, link_run = receiver.run, link.run

    def proceed(frame: Frame) -> object:
        loaded = run(frame)
        if loaded is SHORT:
            return SHORT
        frame[slot] = loaded
        return link_run(frame)

    return Bound(link.type, proceed, NOT_CONSTANT, link.store, conditional=True)
