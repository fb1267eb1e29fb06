"""Tuples and deconstruction."""

from __future__ import annotations

from tree_sitter import Node

from gateway.expressions.binding.binder import Binder, expression, field, named, text_of
from gateway.expressions.binding.bound import Bound, Frame, Meaning, Store
from gateway.expressions.binding.elements import assignable_value
from gateway.expressions.binding.typenames import bind_type, tuple_type
from gateway.expressions.clr import DYNAMIC, NULL, OBJECT, Type, certain
from gateway.expressions.dispatch import dynamic_member
from gateway.expressions.thrown import null_reference
from gateway.expressions.values import TupleValue


@expression("tuple_expression")
def bind_tuple(b: Binder, node: Node, target: Type | None) -> Meaning:
    """``(a, b)``. Element names are known as Item1, Item2 … only."""
    values = [named(argument)[-1] for argument in named(node)]
    items = _bound_items(b, values, target)
    made = tuple_type([OBJECT if item.type is NULL else item.type for item in items])
    runs = [item.run for item in items]
    return Bound(made, lambda frame: TupleValue([run(frame) for run in runs], made))


def _bound_items(b: Binder, values: list[Node], target: Type | None) -> list[Bound]:
    if target is None or target.definition.name != "ValueTuple" or len(target.args) != len(values):
        return [b.value(value) for value in values]
    return [b.converted(value, wanted) for value, wanted in zip(values, target.args, strict=True)]


def bind_deconstruction(b: Binder, left: Node, right: Node, declares: bool = False) -> Bound:
    """``(a, b) = t`` and ``var (a, b) = t``."""
    value = b.value(right)
    places = named(left)
    stores = deconstruction_stores(b, places, item_types(b, left, value.type, len(places)), declares)
    run = value.run

    def assign(frame: Frame) -> object:
        whole = run(frame)
        for store, item in zip(stores, parts_of(whole, len(stores)), strict=True):
            store(frame, item)
        return whole

    return Bound(value.type, assign)


def item_types(b: Binder, node: Node, made: Type, count: int) -> list[Type]:
    """The types that a value of type *made* comes apart into."""
    if made is DYNAMIC:
        return [DYNAMIC] * count
    if made.definition.name not in ("ValueTuple", "Tuple", "KeyValuePair") or len(made.args) != count:
        raise b.problem(node, "wrong-type", f"a {made.name} does not come apart into {count} values")
    return list(made.args)


def parts_of(value: object, count: int) -> list[object]:
    """The items of a tuple or pair."""
    if value is None:
        raise null_reference()
    if isinstance(value, TupleValue):
        return value.items
    return [dynamic_member(value, name) for name in ("Key", "Value")][:count]


def deconstruction_stores(b: Binder, places: list[Node], types: list[Type], declares: bool) -> list[Store]:
    """Where each part goes: a new local, a discard or something assignable."""
    return [_store(b, place, made, declares) for place, made in zip(places, types, strict=True)]


def _store(b: Binder, place: Node, made: Type, declares: bool) -> Store:
    inner = named(place)[-1] if place.type == "argument" else place
    if inner.type == "declaration_expression":
        type_node, name = field(inner, "type"), field(inner, "name")
        declared = made if type_node.type == "implicit_type" else bind_type(b, type_node)
        return _new_local(b, name, declared)
    if declares or text_of(inner) == "_":
        return _new_local(b, inner, made)
    return certain(assignable_value(b, inner).store)


def _new_local(b: Binder, name: Node, made: Type) -> Store:
    slot = b.declare(name, text_of(name), made).slot
    return lambda frame, value: frame.__setitem__(slot, value)
