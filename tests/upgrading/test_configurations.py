"""
Configurations and documents of earlier versions mean what they meant.

Each folder has the name of the commit whose ``config.example.yaml`` (with other numbers, without its comments) and
documents it holds; ``meaning.json`` is what the program of that commit read from it, value by value.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.commands.check.report import check_config, check_file, offline_services
from gateway.config import load

HERE = Path(__file__).parent
VERSIONS = sorted(path.parent.name for path in HERE.glob("*/meaning.json"))
DOCUMENTS = sorted(HERE.glob("*/policies/*"))

# Fields that have another name or form in the program since; the keys in the file are the same.
RENAMED = {
    "console": "console.pages",  # was only switched on or off
    "notifications.callbacks.signing_secrets": "notifications.callbacks.signing_secret",
    "notifications.store_url": "notifications.store",
}
REFORMED: dict[str, dict[Any, Any]] = {"notifications.encryption_key": {None: []}}  # one key has become a list of them


def _flat(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Each value with its path; lists of plain values are values."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, (*path, key))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for index, inner in enumerate(value):
            yield from _flat(inner, (*path, str(index)))
    else:
        yield ".".join(path), value


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("D365_CLIENT_SECRET", "x")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_configuration_means_what_it_meant(version: str) -> None:
    """Every value that an earlier program read from the file, defaults included, is the value that is read today."""
    folder = HERE / version
    dumped = json.dumps(load(folder / "config.yaml").model_dump(mode="json"), default=str)
    today = dict(_flat(json.loads(dumped.replace(f"{folder}/", ""))))
    meant = json.loads((folder / "meaning.json").read_text())
    assert len(meant) > 150
    other = {path: value for path, value in meant.items() if today[RENAMED.get(path, path)] != value}
    assert {path: today[path] for path in other} == {path: REFORMED[path][value] for path, value in other.items()}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_configuration_can_be_served(version: str) -> None:
    """It is not only read: the gateway that it describes is built, without an error."""
    reports = check_config(HERE / version / "config.yaml")
    assert [str(problem) for report in reports for problem in report.problems] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: f"{path.parts[-3]}-{path.name}")
def test_a_document_compiles(document: Path) -> None:
    """Each policy document that came with an earlier version loads and compiles."""
    assert check_file(document, offline_services()).problems == ()
