"""XML text → tree. Document types are refused, so no entity can be declared and nothing is ever fetched."""

from __future__ import annotations

from xml.parsers import expat

from gateway.expressions.clr import certain
from gateway.expressions.limits import reading
from gateway.expressions.thrown import Thrown, argument_null, thrown
from gateway.expressions.xml.tree import (
    XMLNS,
    XAttribute,
    XCData,
    XComment,
    XContainer,
    XDeclaration,
    XDocument,
    XElement,
    XInstruction,
    XName,
    XText,
)

MAX_DEPTH = 200


class _Builder:
    """Receives expat's events."""

    def __init__(self, keep_space: bool) -> None:
        self.document = XDocument()
        self.stack: list[XContainer] = [self.document]
        self.keep_space = keep_space
        self.text: list[str] = []
        self.in_cdata = False
        self.names: dict[str, XName] = {}
        self.prefixes: list[tuple[str | None, str | None]] = []

    def name(self, raw: str) -> XName:
        known = self.names.get(raw)
        if known is None:
            uri, _, local = raw.rpartition("\x01")
            known = self.names[raw] = XName(local, uri)
        return known

    def namespace(self, prefix: str | None, uri: str | None) -> None:
        self.prefixes.append((prefix, uri))

    def start(self, raw: str, attributes: list[str]) -> None:
        self.flush()
        element = XElement(self.name(raw))
        for prefix, uri in self.prefixes:
            name = XName(prefix, XMLNS) if prefix else XName("xmlns")
            element.attributes[name] = XAttribute(name, uri or "")
        self.prefixes = []
        for index in range(0, len(attributes), 2):
            name = self.name(attributes[index])
            element.attributes[name] = XAttribute(name, attributes[index + 1])
        for attribute in element.attributes.values():
            attribute.parent = element
        self.stack[-1].append(element)
        self.stack.append(element)
        if len(self.stack) > MAX_DEPTH:
            raise thrown("XmlException", f"The document is nested more than {MAX_DEPTH} deep.")

    def end(self, _raw: str) -> None:
        self.flush()
        self.stack.pop()

    def data(self, text: str) -> None:
        self.text.append(text)

    def flush(self) -> None:
        if not self.text:
            return
        text = "".join(self.text)
        self.text = []
        if text and (self.keep_space or text.strip(" \t\r\n")) and len(self.stack) > 1:
            self.stack[-1].append(XCData(text) if self.in_cdata else XText(text))

    def cdata(self) -> None:
        self.flush()
        self.in_cdata = True

    def cdata_end(self) -> None:
        text = "".join(self.text)
        self.text = []
        self.stack[-1].append(XCData(text))
        self.in_cdata = False

    def comment(self, text: str) -> None:
        self.flush()
        self.stack[-1].append(XComment(text))

    def instruction(self, target: str, data: str) -> None:
        self.flush()
        self.stack[-1].append(XInstruction(target, data))

    def declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        self.document.declaration = XDeclaration(version, encoding, {1: "yes", 0: "no"}.get(standalone))

    def doctype(self, *_parts: object) -> None:
        raise thrown("XmlException", "For security reasons DTD is prohibited in this XML document.")


def parse_document(text: str | None, keep_space: bool = False) -> XDocument:
    """``XDocument.Parse``."""
    if text is None:
        raise argument_null("text")
    reading(len(text), 2 * (text.count("<") + text.count("=")))  # they are heavier than JSON's values
    builder = _Builder(keep_space)
    parser = expat.ParserCreate("utf-8", namespace_separator="\x01")
    parser.ordered_attributes = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartNamespaceDeclHandler = builder.namespace
    parser.StartCdataSectionHandler = builder.cdata
    parser.EndCdataSectionHandler = builder.cdata_end
    parser.CommentHandler = builder.comment
    parser.ProcessingInstructionHandler = builder.instruction
    parser.XmlDeclHandler = builder.declaration
    parser.StartDoctypeDeclHandler = builder.doctype
    try:
        # The text is Unicode already, whatever its declaration says.
        parser.Parse(text.lstrip("\ufeff").encode("utf-8"), True)
    except expat.ExpatError as error:
        raise _failed(error) from None
    return builder.document


def _failed(error: expat.ExpatError) -> Thrown:
    message = expat.ErrorString(error.code)
    return thrown("XmlException", f"{message}. Line {error.lineno}, position {error.offset + 1}.")


def parse_element(text: str | None, keep_space: bool = False) -> XElement:
    """``XElement.Parse``."""
    root = certain(parse_document(text, keep_space).root)
    root.parent = None
    return root
