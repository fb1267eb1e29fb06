"""Definitions in XML: no entity, no network, and each mistake at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import LoadError, Location
from gateway.reading.xml_files import parse_definition, refuse_doctype

FILE = Path("a.xml")


def test_an_element_with_its_line() -> None:
    """The root, without the comments of the file."""
    root = parse_definition(b"<!-- one -->\n<a><!-- two --><b/></a>", FILE)
    line: object = root.sourceline
    assert (root.tag, line, [child.tag for child in root]) == ("a", 2, ["b"])


@pytest.mark.parametrize(
    ("content", "line"), [(b"", 1), (b"<a>\n<b></a>", 2), (b'<?xml version="1.0" encoding="nope"?><a/>', 1)]
)
def test_what_is_not_xml(content: bytes, line: int) -> None:
    """File and line are named."""
    with pytest.raises(LoadError) as refused:
        parse_definition(content, FILE)
    (problem,) = refused.value.problems
    assert (problem.code, problem.location.file, problem.location.line) == ("bad-xml", "a.xml", line)


@pytest.mark.parametrize(
    "doctype",
    ['<!DOCTYPE a SYSTEM "file:///etc/passwd">', '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>'],
)
def test_a_document_type(doctype: str) -> None:
    """It is refused, and nothing that it names is read."""
    root = parse_definition(f"{doctype}<a>{'&e;' if 'ENTITY' in doctype else ''}</a>".encode(), FILE)
    assert "root" not in "".join(map(str, root.itertext()))
    with pytest.raises(LoadError, match="DOCTYPE"):
        refuse_doctype(root, Location("a.xml"))
