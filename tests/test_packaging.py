"""What installs the gateway: the lock, the metadata and the version say the same, and name public places only."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "uv.lock").read_text()
LOCKED: list[dict[str, Any]] = tomllib.loads(LOCK)["package"]
SETTINGS: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT: dict[str, Any] = SETTINGS["project"]
PUBLIC = {"pypi.org", "files.pythonhosted.org"}
OWN = next(package for package in LOCKED if package["name"] == PROJECT["name"])


def test_the_lock_names_public_indices_only() -> None:
    """Whoever installs from the lock reaches for PyPI, not for the mirror of the machine that wrote it."""
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
