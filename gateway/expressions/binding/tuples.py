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
def bind_tuple(binder: Binder, node: Node, target: Type | None) -> Meaning:
    """``(a, b)``, ``(x: a, y: b)``."""
    values = [named(argument)[-1] for argument in named(node)]
    items = _bound_items(binder, values, target)
    types = [OBJECT if item.type is NULL else item.type for item in items]
    clr_type = tuple_type(types, _names(named(node), values))
    runs, plain = [item.run for item in items], clr_type.plain
    return Bound(clr_type, lambda frame: TupleValue([run(frame) for run in runs], plain))


def _names(arguments: list[Node], values: list[Node]) -> list[str]:
    """As written, or inferred from the value's name; a name that two elements would share is dropped."""
    names = [_name(argument, value) for argument, value in zip(arguments, values, strict=True)]
    return [name if names.count(name) == 1 else "" for name in names]


def _name(argument: Node, value: Node) -> str:
    written = argument.child_by_field_name("name")
    if written is not None:
        return text_of(written)
    if value.type == "member_access_expression":
        value = field(value, "name")
    name = text_of(value) if value.type == "identifier" else ""
    return "" if name in _RESERVED or name.startswith("Item") else name


_RESERVED = ("ToString", "Equals", "GetHashCode", "CompareTo", "Rest")


def _bound_items(binder: Binder, values: list[Node], target: Type | None) -> list[Bound]:
    if target is None or target.definition.name != "ValueTuple" or len(target.args) != len(values):
        return [binder.value(value) for value in values]
    return [binder.converted(value, wanted) for value, wanted in zip(values, target.args, strict=True)]


def bind_deconstruction(binder: Binder, left: Node, right: Node, declares: bool = False) -> Bound:
    """``(a, b) = t`` and ``var (a, b) = t``."""
    value = binder.value(right)
    places = named(left)
    stores = deconstruction_stores(binder, places, item_types(binder, left, value.type, len(places)), declares)
    run = value.run

    def assign(frame: Frame) -> object:
        whole = run(frame)
        for store, item in zip(stores, parts_of(whole, len(stores)), strict=True):
            store(frame, item)
        return whole

    return Bound(value.type, assign)


def item_types(binder: Binder, node: Node, clr_type: Type, count: int) -> list[Type]:
    """The types of the parts of a value of type *clr_type*."""
    if clr_type is DYNAMIC:
        return [DYNAMIC] * count
    if clr_type.definition.name not in ("ValueTuple", "Tuple", "KeyValuePair") or len(clr_type.args) != count:
        raise binder.problem(node, "wrong-type", f"a {clr_type.name} cannot be deconstructed into {count} values")
    return list(clr_type.args)


def parts_of(value: object, count: int) -> list[object]:
    """The items of a tuple or pair."""
    if value is None:
        raise null_reference()
    if isinstance(value, TupleValue):
        return value.items
    return [dynamic_member(value, name) for name in ("Key", "Value")][:count]


def deconstruction_stores(binder: Binder, places: list[Node], types: list[Type], declares: bool) -> list[Store]:
    """Where each part goes: a new local, a discard or something assignable."""
    return [_store(binder, place, clr_type, declares) for place, clr_type in zip(places, types, strict=True)]


def _store(binder: Binder, place: Node, clr_type: Type, declares: bool) -> Store:
    inner = named(place)[-1] if place.type == "argument" else place
    if inner.type in ("tuple_pattern", "tuple_expression"):
        places = named(inner)
        stores = deconstruction_stores(binder, places, item_types(binder, inner, clr_type, len(places)), declares)
        return lambda frame, value: [s(frame, v) for s, v in zip(stores, parts_of(value, len(stores)), strict=True)]
    if inner.type == "declaration_expression":
        type_node, name = field(inner, "type"), field(inner, "name")
        declared = clr_type if type_node.type == "implicit_type" else bind_type(binder, type_node)
        return _new_local(binder, name, declared)
    if declares or text_of(inner) == "_":
        return _new_local(binder, inner, clr_type)
    return certain(assignable_value(binder, inner).store)


def _new_local(binder: Binder, name: Node, clr_type: Type) -> Store:
    slot = binder.declare(name, text_of(name), clr_type).slot
    return lambda frame, value: frame.__setitem__(slot, value)
