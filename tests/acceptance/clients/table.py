"""
Writes docs/clients.md from the cells that are tests: ``python -m tests.acceptance.clients.table``.

A test compares the page with the cells, so a mark on it is always a test that passes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.acceptance.clients.exchange import Line
from tests.acceptance.clients.features import FEATURES, KINDS

PAGE = Path(__file__).parents[3] / "docs" / "clients.md"
HEAD = """\
<!-- Written by `python -m tests.acceptance.clients.table`. -->
# Clients

Which clients do what in which protocol. ✓ is a test that runs this client against a gateway
(`.venv/bin/pytest tests/acceptance/clients -k "curl and 304"` runs some of them); a number is the reason why there is
none. The settings are in [configuration](configuration.md), what happens on the wire is in [wire](wire.md).
"""


def page() -> str:
    """The page's text."""
    reasons: list[str] = []
    tables = [part for line in Line for part in _table(line, reasons)]
    notes = [f"{number}. {reason}." for number, reason in enumerate(reasons, 1)]
    meanings = [f"| {name} | {(feature.__doc__ or '').rstrip('.')} |" for name, feature in FEATURES.items()]
    what = ["", "## What each line means", "", "| Line | What the test does |", "|---|---|", *meanings]
    return HEAD + "\n".join([*tables, "", *notes, *what]) + "\n"


def _table(line: Line, reasons: list[str]) -> Iterator[str]:
    names = [name for name, kind in KINDS.items() if line in kind.lines]
    yield from ("", f"## {line}", "", f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|")
    for feature in FEATURES:
        marks = [_mark(KINDS[name].missing(feature, line), reasons) for name in names]
        yield f"| {feature} | {' | '.join(marks)} |"


def _mark(reason: str, reasons: list[str]) -> str:
    if not reason:
        return "✓"
    if reason not in reasons:
        reasons.append(reason)
    return str(reasons.index(reason) + 1)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
