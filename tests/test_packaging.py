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
from packaging.version import Version

from gateway import __version__
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
    return {(found.name.lower(), found.specifier) for found in map(Requirement, texts)}


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


NAMED = re.compile(
    r"(?<![-\w])(docs|policies|examples|deploy|tests)/\w|config\.example|\bmake (install|demo|docs|tools)\b"
)
MODULES = sorted((ROOT / "gateway").rglob("*.py"))


def _texts(module: Path) -> Iterator[str]:
    described = {node.value for node in nodes(module) if isinstance(node, ast.Expr)}  # docstrings, of attributes too
    texts = (node.value for node in nodes(module) if isinstance(node, ast.Constant) and node not in described)
    return (text for text in texts if isinstance(text, str))


@pytest.mark.usefixtures("parsed_once")
def test_messages_name_no_file_of_the_repository() -> None:
    """The wheel has neither docs/ nor policies/, so no remedy names files in them."""
    assert [(str(module), text) for module in MODULES for text in _texts(module) if NAMED.search(text)] == []


def test_pages_that_messages_name_exist() -> None:
    """A remedy that sends its reader to the documentation names a page by its title."""
    titles = {path.read_text().partition("\n")[0] for path in (ROOT / "docs").glob("*.md")}
    assert {f"# {title}" for title in ("Configuration", "Policy expressions", "Testing policies")} <= titles
