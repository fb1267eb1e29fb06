"""
What people really write by mistake, and what a good colleague would answer: the whole of it, compared word for word.

The rows of ``mistakes/*.yaml`` have the public thread or file that the mistake is taken from, cut down to the mistake;
those of ``ours.yaml`` are of the same kinds, without a page that shows them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import pytest
import yaml

from gateway.commands.check.formats import text
from gateway.commands.check.report import check_all
from gateway.documents.model import Section

Row: TypeAlias = "dict[str, str]"

ROWS: list[Row] = [
    row
    for file in sorted((Path(__file__).parent / "mistakes").glob("*.yaml"))
    for row in yaml.safe_load(file.read_text("utf-8"))
]


def document_of(row: Row) -> str | None:
    """The document with the mistake: given whole, or as the policies of one section."""
    sections = [section.value for section in Section if section.value in row]
    if not sections:
        return row.get("document")
    name = sections[0]
    return f"<policies>\n<{name}>\n{row[name]}\n</{name}>\n</policies>"


@pytest.mark.parametrize("row", ROWS, ids=[row["mistake"] for row in ROWS])
def test_the_answer(row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every finding has the expected place, code, message and remedy, and there are no other findings."""
    monkeypatch.chdir(tmp_path)
    document, config = document_of(row), row.get("config")
    if document is not None:
        Path("p.xml").write_text(document)
    if config is not None:
        Path("config.yaml").write_text(config)
    reports = check_all([Path("p.xml")], None) if config is None else check_all([], Path("config.yaml"))
    *lines, _summary = text(reports).replace(f"{tmp_path}/", "").splitlines()
    assert "\n".join(lines) == row["answer"]


def test_each_mistake_is_somebodys() -> None:
    """A hundred of the mistakes name the public page on which they were made; none is listed twice."""
    sources = [row["source"] for row in ROWS if "source" in row]
    assert len(sources) >= 100
    assert all(source.startswith(("https://", "http://")) for source in sources)
    assert len({row["mistake"] for row in ROWS}) == len(ROWS)
    assert not [row["mistake"] for row in ROWS if row["answer"].endswith(": ok")]
