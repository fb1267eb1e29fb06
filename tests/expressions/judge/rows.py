"""
The expressions of a file: a case table, a list with one expression a line, or JSON lines with an ``expression`` each.

A comment ``# not .NET 8: reason`` above a row of a table says why APIM, or this gateway, gives something else there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REASON = "# not .NET 8: "


@dataclass(frozen=True, slots=True)
class Row:
    """An expression, its place, and why .NET's answer is not the right one, if it is not."""

    expression: str
    place: str
    reason: str = ""


def rows_of(file: Path) -> Iterator[Row]:
    """The rows of *file*."""
    reason = ""
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith(REASON):
            reason = line.removeprefix(REASON)
        elif line.strip() and not line.startswith("# "):
            yield Row(_expression(file, line), f"{file.name}:{number}", reason)
            reason = ""


def _expression(file: Path, line: str) -> str:
    if file.suffix == ".jsonl":
        return str(json.loads(line)["expression"])
    source, arrow, _ = line.rpartition(" => ")
    return source if arrow and file.parent.name in ("cases", "systematic") else line
