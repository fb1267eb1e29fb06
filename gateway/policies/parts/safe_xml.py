"""
XML from untrusted senders: read without entities, network or unbounded depth.

Source: OWASP, "XML External Entity Prevention"; lxml documentation, "Parsers".
"""

from __future__ import annotations

from typing import Any

from lxml import etree

from gateway.errors import GatewayError


class XmlError(GatewayError):
    """The text is not well-formed XML, or attempts something that is forbidden."""


def parse_xml(content: bytes) -> etree._Element:
    """The root element. Raises XmlError; a document type declaration is refused as a whole."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise XmlError("the body is not well-formed XML") from error
    information: Any = root.getroottree().docinfo
    if information.doctype:
        raise XmlError("the body has a document type declaration")
    return root
