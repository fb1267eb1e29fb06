"""The judge reads every kind of file, compares fairly, and generates the same expressions from the same seed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.errors import LoadError
from tests.expressions.judge.__main__ import report, same
from tests.expressions.judge.generate import generate
from tests.expressions.judge.rows import Row, rows_of
from tests.expressions.stubs import compiled


@pytest.mark.parametrize(
    ("found", "verdict", "expected"),
    [
        ("int 1", "int 1", True),
        ("int 1", "long 1", False),
        ("string a\r\nb", "string a\nb", True),
        ("!FormatException", "!FormatException | The input string 'x' was not in a correct format.", True),
        ("!FormatException", "!OverflowException | Too large.", False),
        ("load wrong-type", "load CS0029 Cannot implicitly convert type", True),
        ("int 1", "load CS0029 Cannot implicitly convert type", False),
    ],
)
def test_compares_types_and_texts_but_not_messages(found: str, verdict: str, expected: bool) -> None:
    """Line ends and messages of exceptions and compilers may differ; types, texts and exceptions may not."""
    assert same(found, verdict) is expected


def test_reads_tables_lists_and_json_lines(tmp_path: Path) -> None:
    """A row of a table loses its result and may have a reason above it; a line of a list is an expression."""
    table = tmp_path / "cases" / "a.txt"
    table.parent.mkdir()
    table.write_text("# Rests on: x\n1 + 1 => int 2\n# not .NET 8: Windows\nEnvironment.NewLine => string \\r\\n\n")
    lines = tmp_path / "b.jsonl"
    lines.write_text(json.dumps({"expression": "2", "net": "int 2"}) + "\n")
    plain = tmp_path / "c.txt"
    plain.write_text("new[] { 1 }.Select(x => x)\n")
    assert [*rows_of(table)] == [Row("1 + 1", "a.txt:2"), Row("Environment.NewLine", "a.txt:4", "Windows")]
    assert [row.expression for row in (*rows_of(lines), *rows_of(plain))] == ["2", "new[] { 1 }.Select(x => x)"]


def test_reports_what_differs(capsys: pytest.CaptureFixture[str]) -> None:
    """A difference without a reason fails the run and shows both results; one with a reason is listed."""
    rows = [Row("1 + 1", "a:1"), Row("2", "a:2", "because")]
    assert report(rows, ["int 3", "int 3"]) == 1
    shown = capsys.readouterr().out
    assert '.NET "int 3"' in shown
    assert 'here "int 2"' in shown
    assert "0 equal, 1 differ for a reason, 1 differ" in shown
    assert "a:2: because" in shown
    assert report(rows[1:], ["int 3"]) == 0


def test_generates_the_same_expressions_from_a_seed() -> None:
    """A seed gives the same expressions, which name members of the allow-list: most of them compile."""
    found = generate(200, 3)
    assert found == generate(200, 3)
    assert len(set(found)) == 200
    assert sum(_compiles(expression) for expression in found) > 150


def _compiles(expression: str) -> bool:
    try:
        compiled(f"@{expression}" if expression.startswith("{") else f"@({expression})")
    except LoadError:
        return False
    return True
