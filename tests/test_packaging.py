"""What installs the gateway: the lock, the metadata and the version say the same, and name public places only."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from gateway import __version__, documentation
from gateway.commands import ready_made
from tests.sources import nodes

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "uv.lock").read_text()
LOCKED: list[dict[str, Any]] = tomllib.loads(LOCK)["package"]
SETTINGS: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT: dict[str, Any] = SETTINGS["project"]
PUBLIC = {"pypi.org", "files.pythonhosted.org"}
OWN = next(package for package in LOCKED if package["name"] == PROJECT["name"])


def test_the_lock_names_public_indices_only() -> None:
    """Installing from the lock uses PyPI, not the mirror of the machine that wrote it."""
    assert set(re.findall(r"https?://([^/\"]+)", LOCK)) == PUBLIC
    sources = [package["source"] for package in LOCKED if package is not OWN]
    assert sources == [{"registry": "https://pypi.org/simple"}] * len(sources)


def test_no_index_in_the_project() -> None:
    """The project leaves it to the machine where packages come from; the lock's hashes hold whatever that is."""
    files = [ROOT / "pyproject.toml", ROOT / "Makefile", *(ROOT / ".ci").iterdir()]
    found = [
        path.name
        for path in files
        if re.search(r"index-url|find-links|\[tool\.uv\.index|\[\[tool\.uv", path.read_text())
    ]
    assert found == []
    assert not (ROOT / "uv.toml").exists()


def test_every_file_of_the_lock_has_a_hash() -> None:
    """What is installed is what was locked, byte for byte."""
    files = [file for package in LOCKED for file in [*package.get("wheels", []), package.get("sdist")] if file]
    assert len(files) > len(LOCKED)
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", file["hash"]) for file in files)


def declared(texts: list[str]) -> set[tuple[str, SpecifierSet]]:
    """Names and versions as pyproject.toml asks for them."""
    return {(canonicalize_name(found.name), found.specifier) for found in map(Requirement, texts)}


def repeated(entries: list[dict[str, str]]) -> set[tuple[str, SpecifierSet]]:
    """The same, as the lock repeats it."""
    return {(entry["name"], SpecifierSet(entry.get("specifier", ""))) for entry in entries}


def test_the_lock_is_current() -> None:
    """A dependency that changes in pyproject.toml changes in the lock too (`make lock`)."""
    asked = {
        "": sum(PROJECT["optional-dependencies"].values(), PROJECT["dependencies"]),
        **SETTINGS["dependency-groups"],
    }
    answered = {"": OWN["metadata"]["requires-dist"], **OWN["metadata"]["requires-dev"]}
    assert {name: repeated(found) for name, found in answered.items()} == {
        name: declared(texts) for name, texts in asked.items()
    }


def test_tools_outside_the_environment_are_locked() -> None:
    """The Makefile takes uv's own release from the lock, so even the installer is the same everywhere."""
    release = next(package["version"] for package in LOCKED if package["name"] == "uv")
    found = re.search(r'^name = "uv"\nversion = "(.*)"$', LOCK, re.MULTILINE)
    assert found
    assert found[1] == release


# -- metadata
RELEASES = re.findall(r"^## (\S+) – (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
CLASSIFIED = {found for name in PROJECT["classifiers"] if (found := name.partition("Python :: ")[2])}


def test_version_and_changelog_agree() -> None:
    """The newest heading of the changelog is this version; older ones have dates, and are older."""
    assert Version(RELEASES[0][0]) == Version(__version__)
    assert re.fullmatch(r"unreleased|\d{4}-\d\d-\d\d", RELEASES[0][1])
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", date) for _, date in RELEASES[1:])
    assert sorted(RELEASES, key=lambda release: Version(release[0]), reverse=True) == RELEASES
    assert len(RELEASES) == (ROOT / "CHANGELOG.md").read_text().count("\n## ")


GROUPS = {"The gateway", "Policies and expressions", "Tokens", "Traffic", "Batch notifications and emulators", "Tools"}


def test_changes_are_sorted_by_what_they_are_about() -> None:
    """Each line of the changelog is below one of the known groups, so that a reader finds what concerns them."""
    text = (ROOT / "CHANGELOG.md").read_text()
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= GROUPS
    changes = text[text.index("\n### ") :].splitlines()
    assert [line for line in changes if line and not line.startswith(("- ", "#"))] == []


def test_supported_pythons_are_tested() -> None:
    """Each Python that the metadata names is one that CI runs, beginning with the oldest that installs."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "check.yml").read_text())
    assert set(workflow["jobs"]["tests"]["strategy"]["matrix"]["python"]) == CLASSIFIED
    assert PROJECT["requires-python"] == f">={min(CLASSIFIED, key=Version)}"


def test_links_work_outside_the_repository() -> None:
    """The README that PyPI shows has absolute links only, and they lead to files that exist."""
    hook = SETTINGS["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    shown = (ROOT / "README.md").read_text()
    for substitution in hook["substitutions"]:
        shown = re.sub(substitution["pattern"], substitution["replacement"], shown)
    links = re.findall(r"\]\(([^)]+)\)", shown)
    assert len(links) > 10
    assert all(link.startswith(("https://", "#")) for link in links)
    inside = [link.partition("/main/")[2].partition("#")[0] for link in links if PROJECT["urls"]["Homepage"] in link]
    assert all((ROOT / path).exists() for path in inside)


MODULES = sorted((ROOT / "gateway").rglob("*.py"))
# What only a checkout has: its folders, its pages, its commands.
NAMED = re.compile(
    r"(?<![-\w])(docs|policies|examples|deploy|tests|benchmarks|gateway)/\w|config\.example|(?<![\w/])\w+\.md\b"
    r"|\bmake (install|demo|docs|tools|test|serve)\b|\.venv/|in the documentation"
)
# Names that are said by what puts the file there, or reads it from the package.
PUT_THERE = {
    "commands/init/start.py": {"policies/hello.yaml", "policies/tests/", "tests/hello.policytest.yaml"},
    "commands/ready_made.py": {"config.example.yaml"},
    "commands/demo/models.py": {"gateway/commands/demo/ai.yaml"},
    "commands/demo/running.py": {"gateway/commands/demo/config.yaml"},
}


def _texts(module: Path) -> Iterator[str]:
    described = {node.value for node in nodes(module) if isinstance(node, ast.Expr)}  # docstrings, of attributes too
    texts = (node.value for node in nodes(module) if isinstance(node, ast.Constant) and node not in described)
    return (text for text in texts if isinstance(text, str))


@pytest.mark.usefixtures("parsed_once")
def test_messages_name_no_file_of_the_repository() -> None:
    """The wheel has neither docs/ nor policies/, so no remedy names files in them, or commands of a checkout."""
    named = {
        (str(module.relative_to(ROOT / "gateway")), text)
        for module in MODULES
        for text in _texts(module)
        if NAMED.search(text)
    }
    assert {(module, text) for module, text in named if text not in PUT_THERE.get(module, ())} == set()
    assert {module for module, _ in named} == set(PUT_THERE)


@pytest.mark.parametrize(
    "remedy",
    ["see docs/tokens.md", "copy policies/cors.yaml", "see SECURITY.md", "run make install", ".venv/bin/gateway check"],
)
def test_what_a_wheel_lacks_is_seen(remedy: str) -> None:
    """The test above can fail."""
    assert NAMED.search(remedy)


def _pages(module: Path) -> Iterator[list[str]]:
    for node in nodes(module):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("page", "documentation.page"):
            yield [str(argument.value) for argument in node.args if isinstance(argument, ast.Constant)]


@pytest.mark.usefixtures("parsed_once")
def test_pages_that_messages_name_exist() -> None:
    """A remedy that sends its reader to the documentation has the URL of a page, and of a part that it has."""
    named = [arguments for module in MODULES for arguments in _pages(module) if arguments]
    assert len(named) >= 4
    for name, *part in [*named, ["configuration"], ["testing-policies"]]:
        text = (ROOT / "docs" / f"{name}.md").read_text()
        assert set(part) <= {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in _titles(text)}


def _titles(page: str) -> list[str]:
    return re.findall(r"^#+ (.+)$", page, re.MULTILINE)


def test_the_home_is_one_place() -> None:
    """The URLs that messages name are those of the project's metadata."""
    assert PROJECT["urls"]["Homepage"] == documentation.HOME
    assert PROJECT["urls"]["Documentation"].startswith(documentation.HOME)


INSIDE = SETTINGS["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]


def test_what_commands_read_is_in_the_wheel() -> None:
    """`gateway policies` and `gateway init --full` read files that are beside the package in a checkout only."""
    read = {ready_made.folder(), ready_made.full_example()}
    assert {ROOT / source for source in INSIDE} == read
    assert {Path(target).parts[:2] for target in INSIDE.values()} == {("gateway", "ready_made")}
    assert {Path(target).name for target in INSIDE.values()} == {path.name for path in read}


SHIPPED = [
    ROOT / "config.example.yaml",
    *sorted((ROOT / "policies").rglob("*.*")),
    *(ROOT / "gateway").rglob("init/files/**/*.*"),
]


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: str(file.relative_to(ROOT)))
def test_files_that_are_copied_name_nothing_of_the_repository(file: Path) -> None:
    """A comment in what `gateway init` and `gateway policies` write sends its reader to a URL or a command."""
    text = re.sub(r"https?://\S+", "", file.read_text())
    assert re.findall(r"(?:docs|deploy)/\w+|(?<![\w/])\w+\.md\b|\bmake \w+|config\.example", text) == []


SYSTEMS = {found for name in PROJECT["classifiers"] if (found := name.partition("Operating System :: ")[2])}


def test_systems_are_tested() -> None:
    """Each system that the metadata names is one that CI installs on; only those that serve get the event loop."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "check.yml").read_text())
    tested = {workflow["jobs"]["tests"]["runs-on"], *workflow["jobs"]["authoring"]["strategy"]["matrix"]["system"]}
    assert tested == {"ubuntu-latest", "windows-latest", "macos-latest"}
    assert {"MacOS", "Microsoft :: Windows", "POSIX :: Linux"} == SYSTEMS
    (uvloop,) = (found for text in PROJECT["dependencies"] if (found := Requirement(text)).name == "uvloop")
    assert str(uvloop.marker) == 'sys_platform != "win32"'
    locked = next(entry for entry in OWN["metadata"]["requires-dist"] if entry["name"] == "uvloop")
    assert locked["marker"] == "sys_platform != 'win32'"
