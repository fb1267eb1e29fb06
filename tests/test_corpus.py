"""Other people's documents load, and survive the way to YAML and back."""

from __future__ import annotations

import pytest

from docs.corpus_page import PAGE, Row, page, rows
from tests import published

pytestmark = published.needs(published.POLICIES)
FOUND = rows(published.POLICIES) if published.POLICIES.exists() else []


@pytest.mark.parametrize("row", FOUND, ids=lambda row: row.file[:3])
def test_documents_load(row: Row) -> None:
    """Each document loads, or is refused by name for a policy that only exists in the cloud."""
    assert row.verdict in ("loads", "cloud-only")


@pytest.mark.parametrize("row", FOUND, ids=lambda row: row.file[:3])
def test_round_trips(row: Row) -> None:
    """XML → YAML → XML keeps every element, attribute and text, and with them the compiled pipeline."""
    assert row.round_trip


def test_page() -> None:
    """docs/corpus.md lists what the code finds."""
    assert PAGE.read_text() == page(published.POLICIES)
