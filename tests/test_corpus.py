"""Other people's documents load, and survive the way to YAML and back."""

from __future__ import annotations

import pytest

from docs.corpus_page import PAGE, Row, page, rows
from tests import published

pytestmark = published.needs(published.POLICIES)
FILES = sorted(path.name for path in published.POLICIES.glob("*.xml"))


@pytest.fixture(scope="module")
def results() -> dict[str, Row]:
    """What the code finds in each document."""
    return {row.file: row for row in rows(published.POLICIES)}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file[:3])
def test_documents_load(results: dict[str, Row], file: str) -> None:
    """Each document loads, or is refused by name for a policy that only exists in the cloud."""
    assert results[file].verdict in ("loads", "cloud-only")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file[:3])
def test_round_trips(results: dict[str, Row], file: str) -> None:
    """XML → YAML → XML keeps every element, attribute and text, and with them the compiled pipeline."""
    assert results[file].round_trip


def test_page() -> None:
    """docs/corpus.md lists what the code finds."""
    assert PAGE.read_text() == page(published.POLICIES)
