"""Tests are found where their module is: one file for each, by name, or the reason why another one covers it."""

from __future__ import annotations

import ast
import functools
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.sources import nodes

pytestmark = pytest.mark.usefixtures("parsed_once")

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "gateway"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """
    Where modules without a file of their own are tested.

    Attributes:
        tests: Files or folders below ``tests``.
        reason: Why not by name.
    """

    tests: str
    reason: str


# Modules by name, ``*`` for one step, ``**`` for all that is below. The first pattern that fits counts.
EXCEPTIONS = {
    "__main__": Elsewhere("test_packaging.py", "it is the entry point that the built wheel starts"),
    "*/settings": Elsewhere("config", "declarations, read as what they are: part of a configuration file"),
    "*/__init__": Elsewhere("config policies/test_registry.py", "doors that load what is behind them on demand"),
    "assembly/*": Elsewhere("acceptance assembly", "it joins parts that have tests; what it has joined is run whole"),
    "commands/**": Elsewhere("commands acceptance", "a command's parts are tested by its results: output and status"),
    "config/*": Elsewhere("config/test_loading.py", "models and checks of one file: the table of files is theirs"),
    "data_plane/envoy/*": Elsewhere("data_plane/envoy config", "parts of one listener, asked over gRPC"),
    "data_plane/envoy/ext_authz/*": Elsewhere("data_plane/envoy/ext_authz acceptance", "parts of one service"),
    "data_plane/envoy/ext_proc/*": Elsewhere("data_plane/envoy/ext_proc", "parts of one exchange, run through Envoy"),
    "data_plane/routing/tree": Elsewhere("data_plane/routing/test_router.py", "the router is its only door"),
    "documents/*": Elsewhere("documents/test_check.py", "what documents consist of; the checker walks all of it"),
    "documents/**": Elsewhere("documents pipeline", "reader and writer of one form, tested as a pair"),
    "emulators/**": Elsewhere("emulators", "what an emulator promises is what it answers over HTTP"),
    "expressions/**": Elsewhere("expressions", "tables of expressions with the results that C# specifies"),
    "language_models/*": Elsewhere("language_models policies acceptance", "tables of bodies, and policies that run"),
    "liquid/**": Elsewhere("liquid", "a table of templates with what DotLiquid makes of them"),
    "management/console/*": Elsewhere("management/console notifications/test_console.py", "pages of a running gateway"),
    "management/*": Elsewhere("management serving/test_workers.py", "asked over its own listener"),
    "notifications/**": Elsewhere("notifications", "stations of one job: tested on a running service and its store"),
    "openapi/*": Elsewhere("openapi config/test_definitions.py", "pieces of one reader, tested on whole definitions"),
    "pipeline/*": Elsewhere("pipeline policies test_walks.py", "what policies run in: every policy's test runs it"),
    "pipeline/tracing/*": Elsewhere("pipeline/tracing", "parts of one reader: what counts is what a trace says"),
    "policies/parts/*": Elsewhere("policies", "what several policies share, tested in the tables of each"),
    "revocation/*": Elsewhere("revocation", "facts that only the tests of paths and lists can be wrong about"),
    "serving/*": Elsewhere("serving", "processes, signals and reloads: tested as processes that run"),
    "tokens/issuer_error": Elsewhere("tokens/test_issuer.py", "an error, raised there"),
    "wire/**": Elsewhere("wire", "pieces of one state machine: what counts is the bytes on the socket"),
}  # fmt: skip


@functools.cache
def _modules() -> list[str]:
    """Names of all modules that do something: those of declarations alone have no function of two statements."""
    working = [module for module in sorted(PACKAGE.rglob("*.py")) if any(map(_works, nodes(module)))]
    return [str(module.relative_to(PACKAGE).with_suffix("")) for module in working]


def _works(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and len(node.body) - bool(ast.get_docstring(node)) > 1
    )


def _own_file(module: str) -> Path:
    folder, _, name = f"/{module}".rpartition("/")
    return ROOT / "tests" / folder.lstrip("/") / f"test_{name}.py"


def _fits(module: str, pattern: str) -> bool:
    steps = "**" in pattern or module.count("/") == pattern.count("/")
    return steps and fnmatchcase(module, pattern)


def _exception(module: str) -> str | None:
    return next((pattern for pattern in EXCEPTIONS if _fits(module, pattern)), None)


def test_every_module_has_its_tests() -> None:
    """Every module has tests by the same name in the mirrored folder, or elsewhere for a stated reason."""
    bare = [_own_file(name) for name in _modules() if not _own_file(name).is_file() and not _exception(name)]
    assert not bare, f"write {', '.join(str(file.relative_to(ROOT)) for file in bare)}"


def test_every_policy_has_its_own_tests() -> None:
    """A policy is one file with one file of tests, without exception."""
    policies = {name for name in _modules() if name.startswith("policies/") and name.count("/") == 1}
    assert {name for name in policies if not _own_file(name).is_file()} <= {"policies/__init__"}


@pytest.mark.parametrize("pattern", EXCEPTIONS)
def test_every_exception_is_needed(pattern: str) -> None:
    """Each exception is for a module without its own test file, and the tests that it names exist."""
    assert [name for name in _modules() if _exception(name) == pattern and not _own_file(name).is_file()]
    assert [name for name in EXCEPTIONS[pattern].tests.split() if not (ROOT / "tests" / name).exists()] == []
