"""Base64url has exactly one spelling per value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.tokens.base64url import decode, decode_text, encode


@given(st.binary(max_size=200))
def test_round_trip(raw: bytes) -> None:
    """What is encoded decodes to itself, without padding."""
    assert decode_text(encode(raw)) == raw


@given(st.binary(max_size=12))
def test_one_spelling(text: bytes) -> None:
    """Whatever decodes at all is the one spelling of its value."""
    try:
        raw = decode(text)
    except ValueError:
        return
    assert encode(raw).encode() == text


@pytest.mark.parametrize(
    "text",
    [
        "AA==",
        "AA=",
        "AB",
        "AAB",
        "A",
        "AAAAA",
        "AA+A",
        "AA/A",
        "AA A",
        "AAAA\n",
        " AAAA",
        "AA\r\nAA",
        "AÄAA",
        "AA\0A",
        "=",
        ".",
    ],
)
def test_other_spellings_are_refused(text: str) -> None:
    """Padding, stray bits, the other alphabet, white space and impossible lengths are not base64url."""
    with pytest.raises(ValueError):
        decode_text(text)


def test_empty_is_empty() -> None:
    """An empty part is the empty value."""
    assert decode(b"") == b""
