"""``new``: objects with initialisers, arrays, anonymous objects."""

from __future__ import annotations

from collections.abc import Callable

from tree_sitter import Node

from gateway.expressions import primitives as p
from gateway.expressions.binding.binder import Binder, common_type, expression, field, named, text_of
from gateway.expressions.binding.bound import Bound, Frame, Meaning, MethodGroup, Run
from gateway.expressions.binding.calls import (
    as_seen,
    bind_arguments,
    call_group,
    emit_call,
    no_overload,
    value_argument,
)
from gateway.expressions.binding.elements import element_of
from gateway.expressions.binding.names import instance_member
from gateway.expressions.binding.overloads import choose
from gateway.expressions.binding.typenames import bind_type
from gateway.expressions.clr import NULL, VOID, Candidate, Member, Type, TypeDef, array_of, make
from gateway.expressions.collections import ArrayValue, new_array
from gateway.expressions.grids import Grid, new_grid, rank_of
from gateway.expressions.values import Anonymous

Step = Callable[[Frame], object]


@expression("object_creation_expression", "implicit_object_creation_expression")
def bind_creation(binder: Binder, node: Node, target: Type | None) -> Meaning:
    """``new T(arguments) { initialiser }``."""
    type_node = node.child_by_field_name("type")
    clr_type = bind_type(binder, type_node) if type_node is not None else target
    if clr_type is None:
        raise binder.problem(node, "wrong-type", "new needs a type here", "write new T(…)")
    arguments = node.child_by_field_name("arguments")
    bound = _construct(binder, node, clr_type, named(arguments) if arguments is not None else [])
    initializer = node.child_by_field_name("initializer")
    return bound if initializer is None else _initialised(binder, bound, initializer)


def _construct(binder: Binder, node: Node, clr_type: Type, arguments: list[Node]) -> Bound:
    if clr_type.kind == "delegate" and arguments:
        return binder.value(named(arguments[0])[-1], clr_type)
    constructors = [candidate for candidate in clr_type.find("new") if candidate.member.owner is clr_type.definition]
    if not constructors or (clr_type.is_value and not arguments):
        return _default_value(binder, node, clr_type, arguments)
    return _constructed(binder, node, clr_type, constructors, arguments)


def _constructed(
    binder: Binder, node: Node, clr_type: Type, constructors: list[Candidate], arguments: list[Node]
) -> Bound:
    written = bind_arguments(binder, arguments)
    binder.note_use(node, [clr_type.definition], ".ctor")
    plan = choose(constructors, as_seen(written))
    if plan is None:
        raise no_overload(binder, node, MethodGroup("new", tuple(constructors)), written)
    if clr_type.args:
        plan.bindings.update(clr_type.bindings)
    return emit_call(binder, plan, written, None).of_type(clr_type)


def _default_value(binder: Binder, node: Node, clr_type: Type, arguments: list[Node]) -> Bound:
    """``new T()`` of a struct without constructors of its own."""
    if not clr_type.is_value or arguments:
        raise binder.problem(
            node, "no-constructor", f"a {clr_type.name} cannot be created with new in a policy expression"
        )
    return Bound(clr_type, lambda _frame: clr_type.default)


def _initialised(binder: Binder, bound: Bound, initializer: Node) -> Bound:
    """Run the constructor, then each entry of the initialiser on the new object."""
    value, slot = binder.temporary(bound.type)
    if len({entry.type == "assignment_expression" for entry in named(initializer)}) > 1:
        raise binder.problem(initializer, "syntax-error", "an initialiser either sets members or adds items, not both")
    steps = [_entry(binder, value, entry) for entry in named(initializer)]
    run = bound.run

    def create(frame: Frame) -> object:
        value = run(frame)
        frame[slot] = value
        for step in steps:
            step(frame)
            frame[slot] = value  # an entry may have evaluated this same expression again
        return value

    return Bound(bound.type, create)


def _entry(binder: Binder, value: Bound, entry: Node) -> Step:
    if entry.type == "assignment_expression":
        return _assigned_entry(binder, value, entry)
    arguments = named(entry) if entry.type == "initializer_expression" else [entry]
    group = instance_member(binder, entry, value, "Add")
    if not isinstance(group, MethodGroup):
        raise binder.problem(entry, "unknown-member", f"{value.type.name} has no Add")
    return _call_add(binder, entry, group, arguments)


def _call_add(binder: Binder, entry: Node, group: MethodGroup, arguments: list[Node]) -> Step:
    if group.receiver is not None and not group.candidates:
        return call_group(binder, entry, group, entry).run
    written = [value_argument(binder, argument) for argument in arguments]
    plan = choose(group.candidates, [argument.seen for argument in written])
    if plan is None:
        raise no_overload(binder, entry, group, written)
    return emit_call(binder, plan, written, group.receiver).run


def _assigned_entry(binder: Binder, value: Bound, entry: Node) -> Step:
    left, right = field(entry, "left"), field(entry, "right")
    if left.type == "element_binding_expression":
        place = element_of(binder, left, value, named(left))
    else:
        meaning = instance_member(binder, left, value, text_of(left))
        if not isinstance(meaning, Bound):
            raise binder.problem(left, "not-a-variable", f"{text_of(left)} is not a property")
        place = meaning
    if right.type == "initializer_expression":
        return _nested(binder, place, right)
    if place.store is None:
        raise binder.problem(left, "not-a-variable", f"{text_of(left)} cannot be set", "leave it out")
    store, run = place.store, binder.converted(right, place.type).run
    return lambda frame: store(frame, run(frame))


def _nested(binder: Binder, place: Bound, right: Node) -> Step:
    """``Items = { a, b }``: adds to what the property holds."""
    return _initialised(binder, place, right).run


@expression("array_creation_expression")
def bind_array(binder: Binder, node: Node, _target: Type | None) -> Meaning:
    """``new T[n]``, ``new T[m, n]`` and ``new T[] { … }``."""
    type_node = field(node, "type")
    clr_type = bind_type(binder, type_node)
    items = next((child for child in named(node) if child.type == "initializer_expression"), None)
    if items is not None:
        return array_initializer(binder, items, clr_type)
    counts = [binder.converted(size, p.INT).run for size in _sizes(binder, node, type_node, rank_of(clr_type))]
    element, count = clr_type.args[0], counts[0]
    if len(counts) > 1:
        return Bound(clr_type, lambda frame: new_grid(element, tuple(count_of(frame) for count_of in counts)))
    return Bound(clr_type, lambda frame: new_array(element, count(frame)))


def _sizes(binder: Binder, node: Node, type_node: Node, rank: int) -> list[Node]:
    written = type_node.child_by_field_name("rank")
    sizes = named(written) if written is not None else []
    if len(sizes) != rank:
        raise binder.problem(node, "syntax-error", "an array needs a size or its items", "write new T[n]")
    return sizes


def array_initializer(binder: Binder, node: Node, clr_type: Type) -> Bound:
    """``{ 1, 2 }`` as an array of this type, ``{ { 1, 2 }, { 3, 4 } }`` as one of several dimensions."""
    if rank_of(clr_type) == 1:
        return array_literal(binder, node, clr_type.args[0])
    shape: tuple[int, ...] = ()
    items = [node]
    for _ in range(rank_of(clr_type)):
        items, count = _next_dimension(binder, node, items)
        shape = (*shape, count)
    element = clr_type.args[0]
    runs = [binder.converted(item, element).run for item in items]
    return Bound(clr_type, lambda frame: Grid([run(frame) for run in runs], shape, element))


def _next_dimension(binder: Binder, node: Node, rows: list[Node]) -> tuple[list[Node], int]:
    """The contents of the braces of all *rows*, and how many there are in each."""
    counts = {len(named(row)) for row in rows}
    if len(counts) != 1 or {row.type for row in rows} != {"initializer_expression"}:
        raise binder.problem(node, "syntax-error", "all rows need the same number of items")
    return [item for row in rows for item in named(row)], counts.pop()


@expression("implicit_array_creation_expression")
def bind_implicit_array(binder: Binder, node: Node, _target: Type | None) -> Meaning:
    """``new[] { … }``: its element type is the one to which all items convert."""
    items = named(node)[-1]
    values = [binder.value(item) for item in named(items)]
    element = common_type([value.type for value in values])
    if element is None:
        raise binder.problem(node, "wrong-type", "the items have no common type", "name the type: new object[] { … }")
    return array_literal(binder, items, element)


@expression("initializer_expression", "collection_expression")
def bind_array_initializer(binder: Binder, node: Node, target: Type | None) -> Meaning:
    """``T[] x = { … }``."""
    if target is None or not target.args:
        raise binder.problem(node, "syntax-error", "an initialiser needs new before it", "write new[] { … }")
    return array_initializer(binder, node, target)


def array_literal(binder: Binder, node: Node, element: Type) -> Bound:
    """The items in braces as an array of *element*."""
    runs = [binder.converted(item, element).run for item in named(node)]
    array_type = array_of(element)
    if element is p.BYTE:
        return Bound(array_type, lambda frame: bytearray([run(frame) for run in runs]))
    return Bound(array_type, lambda frame: ArrayValue([run(frame) for run in runs], element))


@expression("anonymous_object_creation_expression")
def bind_anonymous(binder: Binder, node: Node, _target: Type | None) -> Meaning:
    """``new { A = 1, x.B }``."""
    members = list(_anonymous_members(binder, node))
    values = {name: binder.value(value) for name, value in members}
    for name, value in values.items():
        if value.type in (NULL, VOID):
            raise binder.problem(node, "wrong-type", f"{name} has no type", "cast the null: (string)null")
    clr_type = anonymous_type({name: value.type for name, value in values.items()})
    runs: list[tuple[str, Run]] = [(name, value.run) for name, value in values.items()]
    return Bound(clr_type, lambda frame: Anonymous(clr_type, {name: run(frame) for name, run in runs}))


def _anonymous_members(binder: Binder, node: Node) -> list[tuple[str, Node]]:
    children = [child for child in node.children if child.type not in ("new", "{", "}", ",", "comment")]
    members: list[tuple[str, Node]] = []
    position = 0
    while position < len(children):
        if position + 1 < len(children) and children[position + 1].type == "=":
            members.append((text_of(children[position]), children[position + 2]))
            position += 3
            continue
        members.append((_implied_name(binder, children[position]), children[position]))
        position += 1
    return members


def _implied_name(binder: Binder, node: Node) -> str:
    if node.type == "identifier":
        return text_of(node)
    if node.type in ("member_access_expression", "conditional_access_expression"):
        return text_of(named(node)[-1]).lstrip(".")
    raise binder.problem(node, "syntax-error", "this member of the anonymous object needs a name", "write Name = …")


_ANONYMOUS: dict[tuple[tuple[str, Type], ...], Type] = {}


def anonymous_type(fields: dict[str, Type]) -> Type:
    """The type of anonymous objects with these properties in this order."""
    key = tuple(fields.items())
    if key not in _ANONYMOUS:
        _ANONYMOUS[key] = _new_anonymous_type(fields)
    return _ANONYMOUS[key]


def _new_anonymous_type(fields: dict[str, Type]) -> Type:
    definition = TypeDef("AnonymousType")
    clr_type = make(definition)
    definition.members = {
        name: [Member(name, "property", definition, field_type, _field(name))] for name, field_type in fields.items()
    }
    return clr_type


def _field(name: str) -> Callable[[Anonymous], object]:
    return lambda value: value.fields[name]
