"""
``$apply``: transformations one after the other, and the names that they make.

Source: OData Extension for Data Aggregation 4.0 §3; what is not listed here is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from gateway.odata.expressions import ExpressionScope, ODataExpression
from gateway.odata.failures import ODataMismatch, shown
from gateway.odata.search import check_search
from gateway.odata.splitting import split
from gateway.odata.tokens import WordStream

PART = "$apply"
MOST_TRANSFORMATIONS = 20
MOST_DEPTH = 5

_TRANSFORMATION = re.compile(r"(?P<name>[a-z]+)(?:\((?P<inside>.*)\))?", re.DOTALL)
_METHODS = ("sum", "min", "max", "average", "countdistinct")
_GROUPS = re.compile(r"\((?P<names>[^()]*)\)(?:,(?P<then>.*))?", re.DOTALL)
_COUNTED = re.compile(r"\$count[ \t]+as[ \t]+(?P<name>[^\W\d]\w{0,127})")


def transformed(text: str, scope: ExpressionScope, depth: int = 0) -> list[str]:
    """The names that ``$apply`` makes. Raises ODataMismatch: a transformation is not known, or not possible."""
    steps = _steps(text)
    if len(steps) > MOST_TRANSFORMATIONS or depth > MOST_DEPTH:
        raise ODataMismatch(PART, "too many transformations, or nested too deep")
    names: list[str] = []
    for step in steps:
        names += _names_of(step, replace(scope, dynamic=frozenset({*scope.dynamic, *names})), depth)
    return names


def _steps(text: str) -> list[str]:
    """The transformations between slashes outside brackets."""
    steps, depth, start = [], 0, 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if character == "/" and depth == 0:
            steps.append(text[start:place])
            start = place + 1
    return [*steps, text[start:]]


def _names_of(step: str, scope: ExpressionScope, depth: int) -> list[str]:
    match = _TRANSFORMATION.fullmatch(step.strip(" \t"))
    if match is None:
        raise ODataMismatch(PART, f"{shown(step)} is not a transformation")
    name, inside = match["name"], match["inside"]
    if name == "identity" and inside is None:
        return []
    if inside is None:
        raise ODataMismatch(PART, f"{shown(name)} is not a transformation")
    if name == "groupby":
        return _grouped(inside, scope, depth)
    return _joined(inside, scope, depth) if name == "concat" else list(_simple(name, inside, scope))


def _joined(inside: str, scope: ExpressionScope, depth: int) -> list[str]:
    """``concat``: the names of each of its sequences."""
    return [name for part in split(inside, ",", PART) for name in transformed(part, scope, depth + 1)]


def _simple(name: str, inside: str, scope: ExpressionScope) -> Iterator[str]:
    if name == "filter":
        tokens = WordStream(inside.strip(" \t"), PART)
        ODataExpression(tokens, scope).condition()
        tokens.end()
    elif name == "search":
        check_search(inside)
    elif name in ("top", "skip"):
        if not re.fullmatch(r"[0-9]{1,18}", inside):
            raise ODataMismatch(PART, f"{name} takes a number")
    elif name in ("aggregate", "compute"):
        for item in split(inside, ",", PART):
            yield _aggregated(item, scope) if name == "aggregate" else _named_value(item, scope, ())
    else:
        raise ODataMismatch(PART, f"{shown(name)} is not a transformation that is known here")


def _aggregated(item: str, scope: ExpressionScope) -> str:
    counted = _COUNTED.fullmatch(item)
    return counted["name"] if counted else _named_value(item, scope, _METHODS)


def _named_value(item: str, scope: ExpressionScope, methods: tuple[str, ...]) -> str:
    """``expression with method as Name``, or without a method where *methods* is empty."""
    tokens = WordStream(item, PART)
    ODataExpression(tokens, scope).value()
    if methods and (tokens.takes_word("with") is None or not tokens.skip_space() or tokens.take().text not in methods):
        raise tokens.error(f"with and one of {', '.join(methods)} are expected")
    if tokens.takes_word("as") is None or not tokens.skip_space() or tokens.here.kind != "name":
        raise tokens.error("as and a name are expected")
    name = tokens.take().text
    tokens.end()
    return name


def _grouped(inside: str, scope: ExpressionScope, depth: int) -> list[str]:
    match = _GROUPS.fullmatch(inside.strip(" \t"))
    if match is None:
        raise ODataMismatch(PART, "groupby takes properties in brackets, and then transformations")
    for path in split(match["names"], ",", PART):
        tokens = WordStream(path, PART)
        ODataExpression(tokens, scope).value()
        tokens.end()
    return [] if match["then"] is None else transformed(match["then"], scope, depth + 1)
