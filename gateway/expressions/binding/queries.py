"""
LINQ query syntax. The range variables in scope travel as one tuple, a *row*; each clause makes rows of rows.

Source: C# language specification, "Query expressions".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cmp_to_key

from tree_sitter import Node

from gateway.expressions.binding.binder import Binder, expression, field, named, text_of
from gateway.expressions.binding.bound import Bound, Frame, Meaning
from gateway.expressions.binding.loops import element_type
from gateway.expressions.clr import DYNAMIC, Type, definition_of, make
from gateway.expressions.collections import LazySequence
from gateway.expressions.limits import enter, leave, tick
from gateway.expressions.primitives import BOOL
from gateway.expressions.runtime import iterate, sequence_of

Row = tuple[object, ...]
Rows = Callable[[Frame], Iterator[Row]]
Compute = Callable[[Frame, Row], object]


@dataclass(slots=True)
class Query:
    """The part of the query read so far: the range variables and the rows."""

    names: list[tuple[Node, Type]]
    rows: Rows


@expression("query_expression")
def bind_query(binder: Binder, node: Node, _target: Type | None) -> Meaning:
    """``from x in xs where … select …``."""
    clauses = named(node)
    query = _first(binder, clauses[0])
    for position, clause in enumerate(clauses[1:], 1):
        close = _CLOSING.get(clause.type)
        if close is None:
            query = _CLAUSES[clause.type](binder, query, clause) if clause.type in _CLAUSES else query
            continue
        result = close(binder, query, clause)
        rest = clauses[position + 1 :]
        if not rest:
            return result
        query = _continued(binder, rest[0], result)
    raise binder.problem(node, "syntax-error", "a query ends with select or group")


def _computed(
    binder: Binder, query: Query, node: Node, extra: list[tuple[Node, Type]] | None = None
) -> tuple[Compute, Type]:
    """An expression over the range variables."""
    with binder.nested_function(None) as function:
        for name, clr_type in [*query.names, *(extra or [])]:
            binder.declare(name, text_of(name), clr_type)
        bound = binder.value(node)
    run, count = bound.run, len(query.names) + len(extra or [])

    def compute(frame: Frame, row: Row) -> object:
        enter()
        try:
            return run([frame, *row, *[None] * (function.size - 1 - count)])
        finally:
            leave()

    return compute, bound.type


def _source(clause: Node) -> tuple[Node, Node]:
    """The range variable and the sequence of a ``from`` or ``join``."""
    name = field(clause, "name")
    after = [child for child in named(clause) if child.start_byte > name.start_byte]
    return name, after[0]


def _first(binder: Binder, clause: Node) -> Query:
    name, source = _source(clause)
    bound = binder.value(source)
    run = bound.run

    def rows(frame: Frame) -> Iterator[Row]:
        for item in iterate(run(frame)):
            tick()
            yield (item,)

    return Query([(name, element_type(binder, source, bound.type))], rows)


def _from(binder: Binder, query: Query, clause: Node) -> Query:
    name, source = _source(clause)
    compute, source_type = _computed(binder, query, source)
    before = query.rows

    def rows(frame: Frame) -> Iterator[Row]:
        for row in before(frame):
            for item in iterate(compute(frame, row)):
                tick()
                yield (*row, item)

    return Query([*query.names, (name, element_type(binder, source, source_type))], rows)


def _where(binder: Binder, query: Query, clause: Node) -> Query:
    node = named(clause)[0]
    compute, clr_type = _computed(binder, query, node)
    binder.convert(Bound(clr_type, lambda _frame: None), BOOL, node)
    before = query.rows
    return Query(query.names, lambda frame: (row for row in before(frame) if compute(frame, row)))


def _let(binder: Binder, query: Query, clause: Node) -> Query:
    name, value = named(clause)
    compute, clr_type = _computed(binder, query, value)
    before = query.rows
    return Query([*query.names, (name, clr_type)], lambda frame: ((*row, compute(frame, row)) for row in before(frame)))


def _join(binder: Binder, query: Query, clause: Node) -> Query:
    parts = named(clause)
    name, source, outer, inner = parts[0], parts[1], parts[2], parts[3]
    bound = binder.value(source)
    element = element_type(binder, source, bound.type)
    outer_key, _ = _computed(binder, query, outer)
    inner_key, _ = _computed(binder, Query([(name, element)], query.rows), inner)
    before, items = query.rows, bound.run

    def rows(frame: Frame) -> Iterator[Row]:
        from gateway.expressions.equality import key_of

        table: dict[object, list[object]] = {}
        for item in iterate(items(frame)):
            table.setdefault(key_of(inner_key(frame, (item,))), []).append(item)
        for row in before(frame):
            for item in table.get(key_of(outer_key(frame, row)), ()):
                tick()
                yield (*row, item)

    return Query([*query.names, (name, element)], rows)


def _order(binder: Binder, query: Query, clause: Node) -> Query:
    keys: list[tuple[Compute, bool]] = []
    for child in clause.children:
        if child.type == "descending":
            keys[-1] = (keys[-1][0], True)
        elif child.is_named and child.type != "comment":
            keys.append((_computed(binder, query, child)[0], False))
    before = query.rows

    def rows(frame: Frame) -> Iterator[Row]:
        from gateway.expressions.ordering import order

        rank = cmp_to_key(order)
        ordered = list(before(frame))
        for compute, descending in reversed(keys):
            ordered.sort(key=lambda row, c=compute: rank(c(frame, row)), reverse=descending)  # type: ignore[misc]
        return iter(ordered)

    return Query(query.names, rows)


def _select(binder: Binder, query: Query, clause: Node) -> Bound:
    compute, item_type = _computed(binder, query, named(clause)[0])
    before = query.rows

    def run(frame: Frame) -> LazySequence:
        return LazySequence(lambda: (compute(frame, row) for row in before(frame)), item_type)

    return Bound(sequence_of(item_type), run)


def _group(binder: Binder, query: Query, clause: Node) -> Bound:
    item, key = named(clause)
    compute, item_type = _computed(binder, query, item)
    key_of, key_type = _computed(binder, query, key)
    before = query.rows
    definition = definition_of("System.Linq.IGrouping", 2)
    grouping = make(definition, key_type, item_type)

    def run(frame: Frame) -> LazySequence:
        from gateway.expressions.linq.keyed import group

        def start() -> Iterator[object]:
            items = LazySequence(lambda: iter(before(frame)), DYNAMIC)
            return iter(
                group(
                    (DYNAMIC, key_type, item_type),
                    items,
                    lambda row: key_of(frame, row),
                    lambda row: compute(frame, row),
                )
            )

        return LazySequence(start, grouping)

    return Bound(sequence_of(grouping), run)


def _continued(binder: Binder, name: Node, result: Bound) -> Query:
    """``into name``: continue with the result."""
    run = result.run
    return Query([(name, result.type.args[0])], lambda frame: ((item,) for item in iterate(run(frame))))


_CLAUSES: dict[str, Callable[[Binder, Query, Node], Query]] = {
    "from_clause": _from,
    "where_clause": _where,
    "let_clause": _let,
    "join_clause": _join,
    "order_by_clause": _order,
}
_CLOSING: dict[str, Callable[[Binder, Query, Node], Bound]] = {"select_clause": _select, "group_clause": _group}
