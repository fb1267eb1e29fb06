"""The layout holds: imports point one way, registry and folder agree, files and functions stay small."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "gateway"
MODULES = sorted(PACKAGE.rglob("*.py"))

# What each part may import, beside itself and the parts that every part may use.
EVERYWHERE = {"errors", "durations", "addresses", "certificate_facts", "repetitions", ""}
WIRE = {"wire"}
ALLOWED = {
    "wire": set(),
    "expressions": WIRE | {"tokens"},
    "tokens": WIRE,
    "openapi": {"yaml_nodes"},
    "revocation": set(),
    "pipeline": WIRE | {"expressions", "tokens", "yaml_nodes", "openapi", "counters", "value_cache"},
    "policies": WIRE | {"expressions", "tokens", "pipeline", "openapi", "counters", "value_cache"},
    "routing": WIRE | {"pipeline"},
    "subscriptions": WIRE | {"pipeline"},
    "backends": WIRE | {"pipeline"},
    "counters": WIRE | {"redis_link"},
    "value_cache": WIRE | {"redis_link"},
    "redis_link": set(),
    "yaml_nodes": set(),
    "config": WIRE | {"yaml_nodes", "notifications", "openapi"},
    "notifications": set(),
    "emulators": set(),
    "management": WIRE | {"notifications"},
}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "common", "manager", "misc"}


def _part(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        yield from (name.split(".")[1] if "." in name else "" for name in names if name.split(".")[0] == "gateway")


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(ROOT)))
def test_imports_point_one_way(module: Path) -> None:
    """No part imports a part that stands above it."""
    part = _part(module)
    if part in ALLOWED:
        assert set(_imports(module)) <= ALLOWED[part] | EVERYWHERE | {part}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(ROOT)))
def test_modules_have_one_idea(module: Path) -> None:
    """A file stays under 500 lines and its name says what is in it."""
    assert len(module.read_text().splitlines()) <= 500
    assert module.stem not in FORBIDDEN_NAMES


def _functions(module: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            yield f"{module.name}:{node.name}", (node.end_lineno or 0) - first.lineno + 1


def test_functions_are_short() -> None:
    """No function is longer than 50 lines, and nine of ten have at most 25."""
    sizes = sorted(size for module in MODULES for _, size in _functions(module))
    longest = {name: size for module in MODULES for name, size in _functions(module) if size > 50}
    assert not longest
    assert sizes[int(len(sizes) * 0.9)] <= 25


def test_registry_and_folder_agree() -> None:
    """Every policy file is registered under its own element name, and nothing else is."""
    from gateway.policies import POLICIES

    for element, policy in POLICIES.items():
        assert policy.shape.name == element
        assert (PACKAGE / "policies" / f"{policy.__module__.rsplit('.', 1)[1]}.py").exists()
