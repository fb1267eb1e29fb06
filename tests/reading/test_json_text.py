"""JSON with one reading only: what two parsers could read differently is refused."""

from __future__ import annotations

import pytest

from gateway.reading.json_text import read_json


@pytest.mark.parametrize(
    ("text", "value"),
    [(b'{"a": [1, 2.5, null, true]}', {"a": [1, 2.5, None, True]}), ('"\u00e4"', "\u00e4"), (b'"\xc3\xa4"', "\u00e4")],
)
def test_values(text: str | bytes, value: object) -> None:
    """JSON, as text or UTF-8."""
    assert read_json(text) == value


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": 1, "a": 2}',
        b'{"b": {"a": 1, "\\u0061": 2}}',
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"[1e999]",
        b'"\xff"',
        b"{",
        b"",
    ],
    ids="twice twice-escaped nan infinity minus-infinity too-large not-utf-8 cut empty".split(),
)
def test_what_is_ambiguous(text: bytes) -> None:
    """Refused: the backend may read another value than was checked. Source: RFC 8259 §4, §8.1."""
    with pytest.raises(ValueError):
        read_json(text)
