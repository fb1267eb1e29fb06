"""Each setting is declared once: what is made from settings has no default of its own for them."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from gateway.config.reference import models
from gateway.reading.settings import Block

ROOT = Path(__file__).parents[1]
NAMES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "gateway").rglob("*.py")
    if path.name != "__main__.py"
]


def _classes() -> Iterator[type[Any]]:
    """Every dataclass of the package."""
    for name in NAMES:
        for found in vars(import_module(name)).values():
            if inspect.isclass(found) and found.__module__ == name and dataclasses.is_dataclass(found):
                yield found


def _of_settings(block: type[Block]) -> dict[str, object]:
    """Defaults that *block* writes out, instead of taking them from the part that they belong to."""
    written = {
        node.target.id
        for node in ast.parse(textwrap.dedent(inspect.getsource(block))).body[0].body  # type: ignore[attr-defined]
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None
        if not any(isinstance(inner, ast.Name) for inner in ast.walk(node.value))
    }
    return {name: field.default for name, field in block.model_fields.items() if name in written}


def _of_class(made: type[Any]) -> dict[str, object]:
    return {field.name: field.default for field in dataclasses.fields(made) if field.default is not dataclasses.MISSING}


def _twins(ours: dict[str, object], theirs: dict[str, object]) -> set[str]:
    """Fields with the same default twice; one name in common is chance, and so is an empty value."""
    both = ours.keys() & theirs.keys()
    return {name for name in both if ours[name] and ours[name] == theirs[name]} if len(both) > 1 else set()


def test_no_default_is_declared_twice() -> None:
    """No class that is made from a mapping of the configuration repeats a default of it."""
    blocks = {block: _of_settings(block) for block in {block for _, block in models()}}
    found = {
        f"{made.__module__}.{made.__name__}: {', '.join(sorted(twins))} of {block.__name__}"
        for made in _classes()
        for block, defaults in blocks.items()
        if (twins := _twins(_of_class(made), defaults))
    }
    assert found == set()
