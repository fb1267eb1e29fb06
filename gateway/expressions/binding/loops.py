"""``for``, ``foreach``, ``while``, ``do``, ``break``, ``continue``. Every turn is one step of the meter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tree_sitter import Node

from gateway.expressions.binding.binder import Binder, Statement, field, named, statement, text_of
from gateway.expressions.binding.bound import NOT_CONSTANT, Bound, Frame, Run, Store
from gateway.expressions.binding.signals import BREAK, CONTINUE
from gateway.expressions.binding.statements import declarations, embedded
from gateway.expressions.binding.tuples import deconstruction_stores, item_types, parts_of
from gateway.expressions.binding.typenames import bind_type
from gateway.expressions.clr import DYNAMIC, OBJECT, Type
from gateway.expressions.conversions import explicit
from gateway.expressions.grids import grid_element
from gateway.expressions.limits import tick
from gateway.expressions.primitives import ENUMERABLE, ENUMERABLE_OF
from gateway.expressions.runtime import FOREACH, iterate
from gateway.expressions.thrown import null_reference


@statement("break_statement")
def bind_break(_b: Binder, _node: Node) -> Statement:
    """``break;``."""
    return Statement(lambda _frame: BREAK, completes=False, breaks=True)


@statement("continue_statement")
def bind_continue(_b: Binder, _node: Node) -> Statement:
    """``continue;``."""
    return Statement(lambda _frame: CONTINUE, completes=False)


def _always(bound: Bound | None) -> bool:
    return bound is None or (bound.constant is not NOT_CONSTANT and bound.constant is True)


@statement("while_statement")
def bind_while(binder: Binder, node: Node) -> Statement:
    """``while (test) body``."""
    with binder.block():
        test_node, body_node = named(node)
        condition = binder.value(test_node)
        test = binder.truth(condition, test_node)
        with binder.loop_body():
            body = embedded(binder, body_node)
    return Statement(_loop(test, body.run, []), not _always(condition) or body.breaks)


def _loop(test: Run, body: Run, updates: Sequence[Run]) -> Run:
    def loop(frame: Frame) -> object:
        while test(frame):
            tick()
            signal = body(frame)
            if signal is not None and signal is not CONTINUE:
                return None if signal is BREAK else signal
            for update in updates:
                update(frame)
        return None

    return loop


@statement("do_statement")
def bind_do(binder: Binder, node: Node) -> Statement:
    """``do body while (test);``."""
    body_node, test_node = named(node)
    with binder.loop_body():
        body = embedded(binder, body_node)
    condition = binder.value(test_node)
    run, test = body.run, binder.truth(condition, test_node)

    def loop(frame: Frame) -> object:
        while True:
            tick()
            signal = run(frame)
            if signal is not None and signal is not CONTINUE:
                return None if signal is BREAK else signal
            if not test(frame):
                return None

    reaches_test = body.completes or "continue" in text_of(body_node)
    return Statement(loop, body.breaks or (reaches_test and not _always(condition)))


@statement("for_statement")
def bind_for(binder: Binder, node: Node) -> Statement:
    """``for (init; test; update) body``."""
    fields = {name: _fields(node, name) for name in ("initializer", "condition", "update")}
    body_node = field(node, "body")
    with binder.block():
        starts = [run for child in fields["initializer"] for run in _initializer(binder, child)]
        condition = binder.value(fields["condition"][0]) if fields["condition"] else None
        test: Run = binder.truth(condition, fields["condition"][0]) if condition is not None else lambda _frame: True
        with binder.loop_body():
            body = embedded(binder, body_node)
        loop = _loop(test, body.run, [binder.value(update).run for update in fields["update"]])

    def run(frame: Frame) -> object:
        for start in starts:
            start(frame)
        return loop(frame)

    return Statement(run, not _always(condition) or body.breaks)


def _fields(node: Node, name: str) -> list[Node]:
    return [child for child in node.children_by_field_name(name) if child.is_named]


def _initializer(binder: Binder, node: Node) -> list[Run]:
    return declarations(binder, node) if node.type == "variable_declaration" else [binder.value(node).run]


@statement("foreach_statement")
def bind_foreach(binder: Binder, node: Node) -> Statement:
    """``foreach (var x in items) body``."""
    left, right = field(node, "left"), field(node, "right")
    body_node = field(node, "body")
    items = binder.value(right)
    element, walk = FOREACH.get(items.type) or (element_type(binder, right, items.type), iterate)
    with binder.block(), binder.loop_body():
        store = _foreach_store(binder, node, left, element)
        body = embedded(binder, body_node).run
    return Statement(_foreach(items.run, walk, store, body))


def _foreach(items: Run, walk: Callable[..., Iterable[object]], store: Store, body: Run) -> Run:
    def loop(frame: Frame) -> object:
        value = items(frame)
        if value is None:
            raise null_reference()
        for item in walk(value):
            tick()
            store(frame, item)
            signal = body(frame)
            if signal is not None and signal is not CONTINUE:
                return None if signal is BREAK else signal
        return None

    return loop


def _foreach_store(binder: Binder, node: Node, left: Node, element: Type) -> Store:
    if left.type in ("tuple_expression", "tuple_pattern"):
        places = named(left)
        stores = deconstruction_stores(
            binder, places, item_types(binder, left, element, len(places)), left.type == "tuple_pattern"
        )
        return lambda frame, value: [s(frame, v) for s, v in zip(stores, parts_of(value, len(stores)), strict=True)]
    type_node = field(node, "type")
    declared = element if type_node.type == "implicit_type" else bind_type(binder, type_node)
    slot = binder.declare(left, text_of(left), declared).slot
    conversion = explicit(element, declared)
    if conversion is None:
        raise binder.problem(left, "wrong-type", f"an item is a {element.name}, not a {declared.name}", "write var")
    convert = conversion.run
    if convert is None:
        return lambda frame, value: frame.__setitem__(slot, value)
    return lambda frame, value: frame.__setitem__(slot, convert(value))


def element_type(binder: Binder, node: Node, clr_type: Type) -> Type:
    """The type of the items when a value of type *clr_type* is enumerated."""
    if clr_type is DYNAMIC:
        return DYNAMIC
    sequence = clr_type.as_definition(ENUMERABLE_OF.definition)
    if sequence is not None:
        return sequence.args[0]
    item = grid_element(clr_type)
    if item is not None:
        return item
    if ENUMERABLE in clr_type.ancestors:
        return OBJECT
    raise binder.problem(node, "wrong-type", f"a {clr_type.name} cannot be iterated by foreach")
