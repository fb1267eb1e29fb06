"""The layout holds: imports point one way, registry and folder agree, files and functions stay small."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sources import nodes

pytestmark = pytest.mark.usefixtures("parsed_once")

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "gateway"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Rooms from the top down: a module imports from its own room and from those below it, never upwards.
ROOMS = """
    __main__ cli commands serving assembly config management data_plane policies language_models pipeline documents
    openapi graphql soap odata liquid expressions tokens revocation backends counters value_cache notifications
    emulators outside telemetry wire reading remedies documentation errors interruption
""".split()
FORBIDDEN_NAMES = {"utils", "util", "helpers", "common", "manager", "misc"}


def _name(module: Path) -> str:
    return ".".join(module.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


NAMES = {_name(module): module for module in MODULES}


def _imports(module: Path) -> Iterator[str]:
    """Modules of the package that *module* imports anywhere: for types only and inside functions too."""
    for node in nodes(module):
        if isinstance(node, ast.ImportFrom) and node.module:
            submodules = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in NAMES else node.module for name in submodules)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@functools.cache
def graph() -> dict[str, set[str]]:
    """The modules that each module imports."""
    return {name: {found for found in _imports(module) if found in NAMES} - {name} for name, module in NAMES.items()}


def _room(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


def test_imports_point_down() -> None:
    """No module imports from a package above its own."""
    order = {room: place for place, room in enumerate(ROOMS)}
    above = {
        (name, found)
        for name in set(graph()) - {"gateway"}
        for found in graph()[name] - {"gateway"}
        if order[_room(found)] < order[_room(name)]
    }
    assert above == set()


def _circles() -> list[set[str]]:
    """Groups of modules that reach each other through their imports."""
    reach: dict[str, set[str]] = {}
    for start in graph():
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            new = graph()[waiting.pop()] - seen
            seen |= new
            waiting += new
        reach[start] = seen
    circles = [
        {name} | {other for other in seen if name in reach[other]} for name, seen in reach.items() if name in seen
    ]
    return [circle for number, circle in enumerate(circles) if circle not in circles[:number]]


def test_no_circles() -> None:
    """No two modules import each other, directly or through others."""
    assert _circles() == []


def test_modules_have_one_idea() -> None:
    """A file stays under 500 lines and its name says what is in it."""
    assert [str(module) for module in MODULES if len(module.read_text().splitlines()) > 500] == []
    assert [str(module) for module in MODULES if module.stem in FORBIDDEN_NAMES] == []


def _functions(module: Path) -> Iterator[tuple[str, int]]:
    for node in nodes(module):
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
        assert (PACKAGE.parent / f"{policy.__module__.replace('.', '/')}.py").exists()


# Look-ups by a name that is known only at run time, with the reason; what a type may have is declared on the type.
BY_NAME = {
    "backends/credentials.py": "copies every slot of a request; copy.copy would take longer than all the rest there",
    "outside/lean_imports.py": "a package whose front has not run stands for every name that it will define",
    "policies/__init__.py": "a policy's class is named in the registry, and imported when a document first names it",
    "pipeline/worker.py": "a job reaches the worker process as the name of its module and function",
    "tokens/content_encryption.py": "hashlib has its functions under the names of RFC 7518",
}


def _looked_up(call: ast.Call) -> ast.expr:
    """The name that *call* looks up: the only argument of attrgetter, the second one of the others."""
    return call.args[-1 if ast.unparse(call.func) == "attrgetter" else 1]


def test_nothing_is_looked_up_by_name() -> None:
    """No attribute is read, set or asked for by a computed name, so that mypy sees every access; save those listed."""
    found = {
        str(module.relative_to(PACKAGE))
        for module in MODULES
        for node in nodes(module)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("getattr", "setattr", "hasattr", "attrgetter", "vars")
        and (node.func.id == "vars" or not isinstance(_looked_up(node), ast.Constant))
    }
    assert found == set(BY_NAME)


def test_no_class_is_walked_field_by_field() -> None:
    """Nothing asks a dataclass which fields it has: what is done with each field is written out."""
    imported = {
        f"{module.relative_to(PACKAGE)}:{alias.name}"
        for module in MODULES
        for node in nodes(module)
        if isinstance(node, ast.ImportFrom) and node.module == "dataclasses"
        for alias in node.names
    }
    assert {name for name in imported if name.endswith(":fields")} == set()


def _policies_that_use(part: str) -> set[str]:
    """The policies that import a module of parts/, directly or through other parts."""
    users = {name for name in graph() if part in graph()[name]}
    inner = {name for name in users if name.startswith(f"{PARTS}.")}
    return {name for name in users - inner if name != "gateway.policies"}.union(*map(_policies_that_use, inner))


PARTS = "gateway.policies.parts"
# Parts of one policy only, or of none, with the reason.
NOT_SHARED = {
    "cloud_only": "the policies that are refused by name: the registry makes them",
}


def test_parts_are_shared() -> None:
    """What only one policy uses is in that policy's file, save what is listed."""
    names = [name for name in NAMES if name.startswith(f"{PARTS}.")]
    single = {name.rpartition(".")[2] for name in names if len(_policies_that_use(name)) < 2}
    assert single == set(NOT_SHARED)


def _texts(module: Path) -> Iterator[str]:
    """The string constants of a module, docstrings left out."""
    docs = {id(node.value) for node in nodes(module) if isinstance(node, ast.Expr)}
    for node in nodes(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


def test_the_engine_knows_no_policy_by_name() -> None:
    """No module of pipeline/ names a policy that the registry has."""
    from gateway.policies import POLICIES

    named = {(module.name, text) for module in (PACKAGE / "pipeline").rglob("*.py") for text in _texts(module)}
    assert {(module, text) for module, text in named if text in POLICIES} == set()
