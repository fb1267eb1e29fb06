"""Every kind of construct there is; importing them registers them with the binder."""

from gateway.expressions.binding import (
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
    trying,
    tuples,
)

__all__ = [
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
    "trying",
    "tuples",
]
