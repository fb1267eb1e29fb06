"""Templates with what DotLiquid itself makes of them: its syntax level 2.0, C# naming, invariant culture, .NET 8."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gateway.expressions.values import Int64
from gateway.liquid.template import read_template
from tests import published

CASES = Path(__file__).parent / "cases"


def body(folder: Path) -> Any:
    """The body that a folder's templates see."""
    return json.loads((folder / "body.json").read_text(), parse_int=Int64)


def rows(folder: Path) -> list[dict[str, str]]:
    """Templates and their results."""
    file = folder / "dotliquid.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def _different(folder: Path) -> dict[str, str]:
    given = {"body": body(folder)}
    found = {row["template"]: (read_template(row["template"]).render(given), row["dotliquid"]) for row in rows(folder)}
    return {template: ours for template, (ours, theirs) in found.items() if ours != theirs}


def test_our_templates_are_dot_liquids() -> None:
    """Every filter, operator and tag, with values of every kind and with arguments that do not fit."""
    assert len(rows(CASES)) > 500
    assert _different(CASES) == {}


@published.needs(published.LIQUID)
def test_the_corpus_is_dot_liquids() -> None:
    """Every published template gives DotLiquid's output."""
    assert _different(published.LIQUID) == {}
