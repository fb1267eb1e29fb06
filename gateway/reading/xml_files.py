"""
Definitions in XML, from people's own files: read without entities and network, with the place of what is wrong.

Source: OWASP, "XML External Entity Prevention"; lxml documentation, "Parsers".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lxml import etree

from gateway.errors import LoadError, Location


def parse_definition(content: bytes, file: Path) -> etree._Element:
    """The root element of *content*, which *file* holds; comments are left out. Raises LoadError: it is not XML."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )
    try:
        return etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line, column = getattr(error, "position", (1, 1))
        where = Location(str(file), max(line, 1), max(column, 1))
        raise LoadError.at(where, "bad-xml", f"this is not XML: {error}"[:200], "correct it") from None


def refuse_doctype(root: etree._Element, place: Location) -> None:
    """Raises LoadError at *place*: the file of *root* has a document type."""
    information: Any = root.getroottree().docinfo
    if information.doctype:
        message = "the file has a document type, which enables entity-expansion attacks"
        raise LoadError.at(place, "doctype", message, "remove the DOCTYPE")
