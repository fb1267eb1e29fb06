"""Every kind of construct there is; importing them registers them with the binder."""

from gateway.expressions.binding import (
    assignments,
    calls,
    creation,
    elements,
    lambdas,
    literals,
    loops,
    names,
    operations,
    patterns,
    queries,
    statements,
    switches,
    throwing,
    trying,
    tuples,
)

__all__ = [
    "assignments",
    "calls",
    "creation",
    "elements",
    "lambdas",
    "literals",
    "loops",
    "names",
    "operations",
    "patterns",
    "queries",
    "statements",
    "switches",
    "throwing",
    "trying",
    "tuples",
]
