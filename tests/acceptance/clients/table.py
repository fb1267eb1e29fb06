"""
Writes docs/clients.md from the cells that are tests: ``python -m tests.acceptance.clients.table``.

A test compares the page with the cells, so a mark on it is always a test that passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from tests.acceptance.clients.exchange import Line
from tests.acceptance.clients.features import FEATURES, KINDS
from tests.acceptance.clients.grpc.exchange import Way
from tests.acceptance.clients.grpc.features import CALL_FEATURES, CALLERS

PAGE = Path(__file__).parents[3] / "docs" / "clients.md"
HEAD = """\
<!-- Written by `python -m tests.acceptance.clients.table`. -->
# Clients

Which clients do what in which protocol. ✓ is a test that runs this client against a gateway
(`.venv/bin/pytest tests/acceptance/clients -k "curl and 304"` runs some of them); a number is the reason why there is
none. The settings are in [configuration](configuration.md), what happens on the wire is in [wire](wire.md), and what
applies to gRPC is in [grpc](grpc.md).
"""


class Column(Protocol):
    """A client, of requests or of calls."""

    @property
    def lines(self) -> tuple[StrEnum, ...]:
        """Protocols that it speaks."""

    def missing(self, feature: str, line: Any) -> str:
        """Why it cannot show *feature*; empty: it can."""


def page() -> str:
    """The page's text."""
    reasons: list[str] = []
    tables = [part for line in Line for part in _table(line, FEATURES, KINDS, reasons)]
    tables += [part for way in Way for part in _table(way, CALL_FEATURES, CALLERS, reasons)]
    notes = [f"{number}. {reason}." for number, reason in enumerate(reasons, 1)]
    explained = {**FEATURES, **CALL_FEATURES}
    meanings = [f"| {name} | {(feature.__doc__ or '').rstrip('.')} |" for name, feature in explained.items()]
    what = ["", "## What each line means", "", "| Line | What the test does |", "|---|---|", *meanings]
    return HEAD + "\n".join([*tables, "", *notes, *what]) + "\n"


def _table(line: StrEnum, features: Iterable[str], kinds: Mapping[str, Column], reasons: list[str]) -> Iterator[str]:
    names = [name for name, kind in kinds.items() if line in kind.lines]
    yield from ("", f"## {line}", "", f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|")
    for feature in features:
        marks = [_mark(kinds[name].missing(feature, line), reasons) for name in names]
        yield f"| {feature} | {' | '.join(marks)} |"


def _mark(reason: str, reasons: list[str]) -> str:
    if not reason:
        return "✓"
    if reason not in reasons:
        reasons.append(reason)
    return str(reasons.index(reason) + 1)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
