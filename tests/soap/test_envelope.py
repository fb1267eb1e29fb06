"""Envelopes: what a message asks for, and messages that would hold the loop."""

from __future__ import annotations

import pytest

from gateway.errors import PolicyError
from gateway.soap.envelope import read_envelope

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


def envelope(inside: str) -> bytes:
    """A message of SOAP 1.1."""
    return f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{inside}</s:Body></s:Envelope>'.encode()


@pytest.mark.parametrize(
    "inside",
    [
        "<a " + " ".join(f'b{number}=""' for number in range(60_000)) + "/>",
        "<a " + " ".join(f'xmlns:b{number}="u"' for number in range(30_000)) + "/>",
        "<a><!--" + "x" * 500_000 + "--></a>",
        "<a" + "b" * 500_000 + "/>",
    ],
    ids=["attributes", "namespaces", "comment", "name"],
)
def test_what_expat_reads_in_one_piece_is_bounded(inside: str) -> None:
    """A tag of 100,000 attributes would be one step of 100 ms, so it is refused before its end has come."""
    with pytest.raises(PolicyError, match="more than 65536 bytes"):
        read_envelope(envelope(inside))


@pytest.mark.parametrize("text", ["x" * 900_000, "&amp;" * 150_000, f"<![CDATA[{'x' * 900_000}]]>", "<b/>" * 200_000])
def test_much_content(text: str) -> None:
    """Long texts and many elements are read."""
    assert read_envelope(envelope(f"<a xmlns='urn:a'>{text}</a>")).element == "{urn:a}a"
