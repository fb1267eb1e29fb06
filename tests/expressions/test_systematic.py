"""
The members of the allow-list, each with ordinary, null, empty and extreme arguments: .NET's result for every row.

One test per file, because thousands of tests of a millisecond each take longer to collect than to run. The files that
only repeat what was right before are for ``make test-slow``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.expressions.test_cases import outcome, table, unescaped

SYSTEMATIC = Path(__file__).parent / "systematic"
SLOW = ("collections", "dates", "library", "text")


def different(file: Path) -> list[str]:
    """The rows of *file* that give something else; line ends do not count."""
    found = []
    for source, written in table(file):
        given, expected = outcome(source).replace("\r\n", "\n"), unescaped(written)
        if given != expected and not (expected == "load" and given.startswith("load ")):
            found.append(f"{source}\n    .NET {expected!r}\n    here {given!r}")
    return found


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(file.stem, marks=[pytest.mark.slow] if file.stem in SLOW else [])
        for file in sorted(SYSTEMATIC.glob("*.txt"))
    ],
)
def test_gives_what_dotnet_gives(name: str) -> None:
    """Every row of the file gives .NET's result in type and text, its exception, or its compiler's refusal."""
    found = different(SYSTEMATIC / f"{name}.txt")
    assert not found, "\n".join(found)


def test_tells_a_row_that_differs(tmp_path: Path) -> None:
    """A row with another result, and only that, is reported with both results."""
    rows = tmp_path / "a.txt"
    rows.write_text('# Rests on: nothing\n1 + 1 => int 2\n2 + 2 => int 5\n"a" + 1 => string a1\n1 + => load\n')
    assert different(rows) == ["2 + 2\n    .NET 'int 5'\n    here 'int 4'"]
