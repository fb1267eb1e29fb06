"""Why was this request refused? The id of the answer is enough to learn what was expected, found and to be done."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.refusals import REQUESTS, table

TOLD: dict[str, dict[str, Any]] = json.loads((Path(__file__).parents[2] / "docs" / "refusals.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Every refusal, as one running gateway explains it."""
    return asyncio.run(table(tmp_path_factory.mktemp("refusals")))


@pytest.mark.parametrize("name", REQUESTS, ids=str)
def test_each_refusal_is_explained(rows: dict[str, dict[str, Any]], name: str) -> None:
    """The sentence and the remedy are those of docs/refusals.md; `python -m tests.acceptance.refusals` writes them."""
    assert rows[name] == TOLD[name]


def test_none_is_left_over() -> None:
    """The page shows what the test sends, and nothing else."""
    assert list(TOLD) == list(REQUESTS)


@pytest.mark.parametrize("name", REQUESTS, ids=str)
def test_each_has_a_sentence_and_a_remedy(name: str) -> None:
    """Each says something and what to do, in one line and without the form of a program's values."""
    for text in (TOLD[name]["what"], TOLD[name]["remedy"]):
        assert not text[0].islower() or text.startswith(("v1", "v2", "scp", "ip-filter", "cors"))
        assert text.endswith(".")
        assert not any(mark in text for mark in ("None", "['", "': ", "..", "\n"))
