"""XML of strangers: no entities, no network, no unbounded depth."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.policies.parts.safe_xml import XmlError, parse_xml


def test_plain_xml() -> None:
    """The root element of a well-formed document, in the encoding that it declares."""
    root = parse_xml('<?xml version="1.0" encoding="iso-8859-1"?><a b="1">\u00e4</a>'.encode("latin-1"))
    assert (root.tag, root.get("b"), root.text) == ("a", "1", "\u00e4")


@pytest.mark.parametrize(
    "content",
    [
        b"", b"x", b"<a>", b"<a/><b/>", b"<a>&undefined;</a>", b"\xff\xfe<", b"<a>\x00</a>",
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a/>',
        b"<a>" * 100_000 + b"</a>" * 100_000,
    ],
    ids="empty text cut two-roots undefined encoding nul doctype entity external deep".split(),
)  # fmt: skip
def test_what_is_refused(content: bytes) -> None:
    """Whatever is not well-formed, and every document type declaration."""
    with pytest.raises(XmlError):
        parse_xml(content)


def test_no_file_is_read(tmp_path: Path) -> None:
    """An external entity is refused, and nothing of the file is in the message."""
    (tmp_path / "secret").write_text("hidden")
    bomb = f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{tmp_path}/secret">]><a>&x;</a>'
    with pytest.raises(XmlError) as caught:
        parse_xml(bomb.encode())
    assert "hidden" not in str(caught.value)
