"""
The docstrings of a model's fields, read when a schema or a page is written.

A docstring below a field is nowhere but in the source, and reading 200 classes takes a tenth of a start; so pydantic
is not asked to do it for each class that is defined.

Source: https://peps.python.org/pep-0257/#what-is-a-docstring (attribute docstrings).
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from functools import cache
from itertools import pairwise


@cache
def field_docstrings(model: type) -> dict[str, str]:
    """
    Field → what the string below it says, of *model* and what it inherits; a field that is declared anew has its own.

    Nothing where the package has been installed without its source.
    """
    documented: dict[str, str] = {}
    for parent in reversed(model.__mro__):
        own = parent.__dict__.get("__annotations__", {})
        if own and hasattr(parent, "model_fields"):
            documented = {name: text for name, text in documented.items() if name not in own} | dict(_written(parent))
    return {name: text for name, text in documented.items() if name in model.model_fields}  # type: ignore[attr-defined]


def _written(model: type) -> Iterator[tuple[str, str]]:
    try:
        source = textwrap.dedent(inspect.getsource(model))
    except OSError:
        return
    for field, below in pairwise(ast.parse(source).body[0].body):  # type: ignore[attr-defined]
        match field, below:
            case ast.AnnAssign(target=ast.Name(name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, inspect.cleandoc(text)
