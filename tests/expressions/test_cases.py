"""The table of cases: expressions with the results that the C# language and the .NET library specify."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import ExpressionError, LoadError
from gateway.expressions import to_text
from gateway.expressions.limits import forget
from gateway.expressions.runtime import type_of
from tests.expressions.stubs import compiled, context

CASES = Path(__file__).parent / "cases"
_ESCAPES = {"\\r": "\r", "\\n": "\n", "\\t": "\t", "\\\\": "\\", "\\e": ""}


def table(file: Path) -> Iterator[tuple[str, str]]:
    """Rows of ``expression => type text``, ``=> !Exception`` or ``=> load code``; comments begin with #."""
    for line in file.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            source, _, expected = line.rpartition(" => ")
            yield source, expected


# A test of its own for each of seven thousand rows would take longer than the rows do.
BATCH = 100
ROWS = [(file.stem, *row) for file in sorted(CASES.glob("*.txt")) for row in table(file)]
BATCHES = [ROWS[start : start + BATCH] for start in range(0, len(ROWS), BATCH)]


def outcome(source: str) -> str:
    """What compiling and running gives, in the notation of the tables."""
    try:
        value = compiled(f"@{source}" if source.startswith("{") else f"@({source})")(context())
    except LoadError as error:
        return f"load {error.problems[0].code}"
    except ExpressionError as error:
        return f"!{error.exception}"
    if value is None:
        return "null"
    return f"{type_of(value).name} {to_text(value)}"


def unescaped(expected: str) -> str:
    """The notation's own escapes: a result may hold line ends; ``\\e`` is nothing."""
    return re.sub(r"\\[rnt\\e]", lambda match: _ESCAPES[match[0]], expected)


def _as_expected(source: str, expected: str) -> bool:
    forget()
    found = outcome(source)
    return found.startswith("load ") if expected == "load" else found == unescaped(expected)


@pytest.mark.parametrize("rows", BATCHES, ids=lambda rows: f"{rows[0][0]}: {rows[0][1][:60]}")
def test_gives_what_the_specification_says(rows: list[tuple[str, str, str]]) -> None:
    """An expression gives C#'s result in type and text, or its exception, or is refused as by its compiler."""
    different = [(*row, outcome(row[1])) for row in rows if not _as_expected(*row[1:])]
    assert different == []


def test_table_is_large_and_says_what_it_rests_on() -> None:
    """There are at least 300 cases, and every group names its source."""
    assert len(ROWS) >= 300
    assert all(file.read_text(encoding="utf-8").startswith("# Rests on: ") for file in CASES.glob("*.txt"))
