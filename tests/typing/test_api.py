"""The public API is what its page lists: every name exists, and tests/typing/api.py uses it under mypy --strict."""

from __future__ import annotations

import ast
import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| `(gateway[\w.]*)` \| ([^|]+) \|", re.MULTILINE)
PAGE = (ROOT / "docs" / "public-api.md").read_text()
LISTED = {(module, name) for module, names in ROW.findall(PAGE) for name in re.findall(r"`(\w+)`", names)}


@pytest.mark.parametrize(("module", "name"), sorted(LISTED))
def test_listed_names_exist(module: str, name: str) -> None:
    """What the page lists can be imported."""
    assert hasattr(import_module(module), name)


def test_listed_names_are_type_tested() -> None:
    """The file that the type checker reads uses exactly the names of the page."""
    tree = ast.parse(Path(__file__).with_name("api.py").read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    used = {(node.module, alias.name) for node in imports for alias in node.names}
    assert {(module, name) for module, name in used if module and module.startswith("gateway")} == LISTED


def test_emulators_export_what_the_page_lists() -> None:
    """Each emulator's ``__all__`` and the page agree."""
    for room in ("entra", "d365", "receiver"):
        module = f"gateway.emulators.{room}"
        assert set(import_module(module).__all__) == {name for listed, name in LISTED if listed == module}


def test_the_type_checker_reads_the_file() -> None:
    """mypy is strict and looks at tests; users' type checkers look at the package (PEP 561)."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
    assert settings["strict"] is True
    assert "tests" in settings["files"]
    assert (ROOT / "gateway" / "py.typed").exists()
