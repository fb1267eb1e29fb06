"""docs/trust.md: each line of the table is kept by a test that exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROWS = [line for line in (ROOT / "docs" / "trust.md").read_text().splitlines() if line.startswith("| ")][1:]
_TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?` \|$")


@pytest.mark.parametrize("row", ROWS, ids=[row.split("|")[1].strip() for row in ROWS])
def test_each_line_has_its_test(row: str) -> None:
    """Every line of the page names a test, and the test exists."""
    found = _TEST.search(row)
    assert found, row
    tree = ast.parse((ROOT / found[1]).read_text())
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert found[2] in names if found[2] else any(name.startswith("test_") for name in names)


def test_the_table_is_whole() -> None:
    """The table covers all six kinds of parties."""
    whole = "\n".join(ROWS)
    for voice in (
        "any client",
        "a trusted proxy",
        "decision endpoint",
        "an issuer",
        "a remote service",
        "configuration",
    ):
        assert voice in whole
