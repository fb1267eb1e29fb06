"""Python files as trees, each parsed once for all tests that look at the code."""

from __future__ import annotations

import ast
import functools
from pathlib import Path


@functools.cache
def parsed(file: Path) -> ast.Module:
    """The tree of *file*; nobody changes it."""
    return ast.parse(file.read_text())


@functools.cache
def nodes(file: Path) -> tuple[ast.AST, ...]:
    """Every node of *file*'s tree, in the order of ``ast.walk``."""
    return tuple(ast.walk(parsed(file)))


def forget() -> None:
    """Let the trees go: a million nodes make every collection of garbage long."""
    parsed.cache_clear()
    nodes.cache_clear()
