"""Texts of others in a form that every store can hold."""

from __future__ import annotations

import pytest

from gateway.notifications.store.text import storable


@pytest.mark.parametrize(
    ("text", "stored"),
    [("", ""), ("Für 5 €\n😀", "Für 5 €\n😀"), ("a\0b", "a\ufffdb"), ("a\ud800b", "a?b"), ("\udc00", "?")],
)
def test_storable(text: str, stored: str) -> None:
    """Only what no store can hold is replaced."""
    assert storable(text) == stored
