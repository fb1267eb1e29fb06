"""Functions stay simple and names stay distinct, measured over every module of the package."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sources import nodes, parsed

pytestmark = pytest.mark.usefixtures("parsed_once")

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "gateway"
MODULES = sorted(PACKAGE.rglob("*.py"))

FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)
BRANCHES = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.match_case)
OWN_SCOPE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
MOST_COMPLEX = 8
DEEPEST = 2

# Functions that may stay above a limit, "module:function" with the reason; ten at most.
EXCEPTIONS: dict[str, str] = {}


def _functions() -> Iterator[tuple[str, FUNCTION]]:
    for module in MODULES:
        for node in nodes(module):
            if isinstance(node, FUNCTION):
                yield f"{module.relative_to(PACKAGE)}:{node.name}", node


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """What lies below *node*, without the insides of nested functions and classes."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, OWN_SCOPE):
            yield child
            yield from _own_nodes(child)


def _branches(node: ast.AST) -> int:
    if isinstance(node, ast.BoolOp):
        return len(node.values) - 1
    if isinstance(node, ast.comprehension):
        return 1 + len(node.ifs)
    return int(isinstance(node, BRANCHES))


def complexity(function: ast.AST) -> int:
    """McCabe's number by a strict count: each ``and``, ``or``, comprehension and case is a branch as well."""
    return 1 + sum(_branches(node) for node in _own_nodes(function))


def depth(node: ast.AST, level: int = 0) -> int:
    """How many block statements enclose the innermost one; ``elif`` is no deeper than its ``if``."""
    deepest = level
    for child in ast.iter_child_nodes(node):
        if isinstance(child, OWN_SCOPE):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        deepest = max(deepest, depth(child, level + (isinstance(child, BLOCKS) and not is_elif)))
    return deepest


def test_functions_are_simple() -> None:
    """No function has a complexity above 8, save the listed exceptions."""
    names = [name for name, node in _functions() if complexity(node) > MOST_COMPLEX and name not in EXCEPTIONS]
    assert not names


def test_functions_are_flat() -> None:
    """No function nests more than two block statements, save the listed exceptions."""
    names = [name for name, node in _functions() if depth(node) > DEEPEST and name not in EXCEPTIONS]
    assert not names


def test_exceptions_are_few_and_alive() -> None:
    """At most ten exceptions, each of a function that exists and is above a limit."""
    above = {name for name, node in _functions() if complexity(node) > MOST_COMPLEX or depth(node) > DEEPEST}
    assert len(EXCEPTIONS) <= 10
    assert set(EXCEPTIONS) <= above


# Names that say nothing of what they hold. Most that are left are the operands of an operator, called a and b.
EMPTY_NAMES = {"found", "made", "each", "one", "b"}
MOST_EMPTY_NAMES = 28  # only ever lowered


def _fields(tree: ast.AST) -> set[ast.expr]:
    """The fields that classes declare; they are no variables."""
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    return {part.target for node in classes for part in node.body if isinstance(part, ast.AnnAssign)}


def _names_given(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Each parameter and each store to a variable: its name and line."""
    fields = _fields(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.MatchAs | ast.MatchStar | ast.ExceptHandler) and node.name:
            yield node.name, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node not in fields:
            yield node.id, node.lineno


def test_names_say_what_they_hold() -> None:
    """Variables and parameters have names that say what they are; the number of exceptions never grows."""
    empty = [
        f"{module.relative_to(ROOT)}:{line}: {name}"
        for module in MODULES
        for name, line in _names_given(parsed(module))
        if name in EMPTY_NAMES
    ]
    assert len(empty) <= MOST_EMPTY_NAMES, empty


# Calls with more than seven positional arguments, "module:callee" with the reason.
POSITIONAL = {
    "data_plane/recording.py:RequestRecord": "made for each refused request; keywords would cost time",
    "liquid/filters/lists.py:table": "rows of one table",
    "liquid/filters/numbers.py:table": "rows of one table",
    "liquid/filters/texts.py:table": "rows of one table",
    "notifications/store/tables.py:sa.Table": "SQLAlchemy takes a table's columns so",
    "notifications/api/openapi.py:_problems": "a list of status codes",
    "tokens/validator.py:Verdict": "made for each token; keywords would cost time",
    "pipeline/context.py:cls": "made for each refused request; keywords would cost time",
    "wire/server/request_head.py:RequestHead": "made for each request; keywords would cost time",
}


def test_long_lists_of_arguments_have_names() -> None:
    """No call passes more than seven arguments by position alone, save what is listed."""
    found = {
        f"{module.relative_to(PACKAGE)}:{ast.unparse(node.func)}"
        for module in MODULES
        for node in nodes(module)
        if isinstance(node, ast.Call) and len(node.args) > 7
    }
    assert found == set(POSITIONAL)


def test_one_name_one_thing() -> None:
    """A class name is defined in one module only."""
    places: dict[str, set[str]] = defaultdict(set)
    for module in MODULES:
        for node in nodes(module):
            if isinstance(node, ast.ClassDef):
                places[node.name].add(str(module.relative_to(ROOT)))
    assert {name: sorted(modules) for name, modules in places.items() if len(modules) > 1} == {}
