"""The changelog has a heading for each version, and the newest one is this version's."""

from __future__ import annotations

import re
from pathlib import Path

from packaging.version import Version

from gateway import __version__

TEXT = (Path(__file__).parents[1] / "CHANGELOG.md").read_text()
HEADING = re.compile(r"(\d+\.\d+\.\d+) – (unreleased|\d{4}-\d\d-\d\d)")
KINDS = {"The gateway", "Policies and expressions", "Tokens", "Traffic", "Batch notifications and emulators", "Tools"}


def _headings(level: str) -> list[str]:
    return re.findall(rf"^{level} (.+)$", TEXT, re.MULTILINE)


def test_the_newest_heading_is_this_version() -> None:
    """What is about to be released has its changes written down under its own number."""
    newest = HEADING.fullmatch(_headings("##")[0])
    assert newest is not None
    assert newest[1] == __version__


def test_versions_are_dated_and_in_order() -> None:
    """Newest first, each once; only the newest may be unreleased."""
    found = [HEADING.fullmatch(heading) for heading in _headings("##")]
    assert all(found)
    versions = [Version(heading[1]) for heading in found if heading]
    assert versions == sorted(set(versions), reverse=True)
    assert "unreleased" not in [heading[2] for heading in found[1:] if heading]


def test_changes_are_sorted_by_what_they_are_about() -> None:
    """Each line is below one of the known groups, so that a reader finds what concerns them."""
    assert set(_headings("###")) <= KINDS
    body = TEXT[TEXT.index("\n### ") :]
    assert [line for line in body.splitlines() if line and not line.startswith(("- ", "#"))] == []
