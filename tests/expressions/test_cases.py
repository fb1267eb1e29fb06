"""The table of cases: expressions with the results that the C# language and the .NET library specify."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import ExpressionError, LoadError
from gateway.expressions import to_text
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


ROWS = [(file.stem, *row) for file in sorted(CASES.glob("*.txt")) for row in table(file)]


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


@pytest.mark.parametrize(("source", "expected"), [row[1:] for row in ROWS], ids=[f"{r[0]}: {r[1][:60]}" for r in ROWS])
def test_gives_what_the_specification_says(source: str, expected: str) -> None:
    """An expression gives C#'s result in type and text, or its exception, or is refused as by its compiler."""
    found = outcome(source)
    if expected == "load":
        assert found.startswith("load ")
    else:
        assert found == unescaped(expected)


def test_table_is_large_and_says_what_it_rests_on() -> None:
    """There are at least 300 cases, and every group names its source."""
    assert len(ROWS) >= 300
    assert all(file.read_text(encoding="utf-8").startswith("# Rests on: ") for file in CASES.glob("*.txt"))
