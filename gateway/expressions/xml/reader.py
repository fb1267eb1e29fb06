"""XML text → tree. Document types are refused, so no entity can be declared and nothing is ever fetched."""

from __future__ import annotations

from collections.abc import Callable
from xml.parsers import expat

from gateway.expressions.clr import certain
from gateway.expressions.limits import read_tree
from gateway.expressions.thrown import argument_null, thrown
from gateway.expressions.xml.failures import failure
from gateway.expressions.xml.tree import (
    XML,
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
        self.is_short: Callable[[], bool] = bool  # whether the tag that is just ending is ``<a />``
        self.scope = _Scope({"xml": XML, "xmlns": XMLNS, "": ""})
        self.scopes = [self.scope]

    def start(self, raw: str, attributes: list[str]) -> None:
        self.flush()
        pairs = list(zip(attributes[::2], attributes[1::2], strict=True))
        declared = {name[6:]: uri for name, uri in pairs if name == "xmlns" or name.startswith("xmlns:")}
        if declared:
            self.scope = _Scope({**self.scope.uris, **declared})
        self.scopes.append(self.scope)
        element = XElement(self.scope.name(raw))
        for name, value in pairs:
            _add(element, XAttribute(self.scope.attribute(name), value))
        self.stack[-1].append(element)
        self.stack.append(element)
        if len(self.stack) > MAX_DEPTH:
            raise thrown("XmlException", f"The document is nested more than {MAX_DEPTH} deep.")

    def end(self, _raw: str) -> None:
        had_text = bool(self.text)
        self.flush()
        self.scopes.pop()
        self.scope = self.scopes[-1]
        element = self.stack.pop()
        if isinstance(element, XElement) and not element.nodes:
            element.open = had_text or not self.is_short()

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


def _add(element: XElement, attribute: XAttribute) -> None:
    if attribute.name in element.attributes:
        raise thrown("XmlException", f"'{attribute.name.local}' is a duplicate attribute name.")
    attribute.parent = element
    element.attributes[attribute.name] = attribute


class _Scope:
    """Prefixes in scope, and a cache of the names resolved with them."""

    __slots__ = ("_attributes", "_names", "uris")

    def __init__(self, uris: dict[str, str]) -> None:
        self.uris = uris
        self._names: dict[str, XName] = {}
        self._attributes: dict[str, XName] = {"xmlns": XName("xmlns")}

    def name(self, raw: str) -> XName:
        """The name of an element."""
        known = self._names.get(raw)
        if known is None:
            prefix, _, local = raw.rpartition(":")
            known = self._names[raw] = XName(local, self._uri(prefix))
        return known

    def attribute(self, raw: str) -> XName:
        """The name of an attribute, to which the default namespace does not apply."""
        known = self._attributes.get(raw)
        if known is None:
            prefix, _, local = raw.rpartition(":")
            known = self._attributes[raw] = XName(local, self._uri(prefix) if prefix else "")
        return known

    def _uri(self, prefix: str) -> str:
        if prefix not in self.uris or (prefix and not self.uris[prefix]):
            raise thrown("XmlException", f"'{prefix}' is an undeclared prefix.")
        return self.uris[prefix]


def parse_document(text: str | None, keep_space: bool = False) -> XDocument:
    """``XDocument.Parse``."""
    if text is None:
        raise argument_null("s")
    nodes = 2 * (text.count("<") + text.count("=")) + text.count("&")  # XML nodes take more memory than JSON values
    return read_tree(nodes, _read, text, keep_space)


def _read(text: str, keep_space: bool) -> XDocument:
    builder = _Builder(keep_space)
    parser = expat.ParserCreate("utf-8")
    parser.ordered_attributes = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartCdataSectionHandler = builder.cdata
    parser.EndCdataSectionHandler = builder.cdata_end
    parser.CommentHandler = builder.comment
    parser.ProcessingInstructionHandler = builder.instruction
    parser.XmlDeclHandler = builder.declaration
    parser.StartDoctypeDeclHandler = builder.doctype
    # The text is already Unicode, whatever encoding it declares.
    data = text.lstrip("\ufeff").encode("utf-8")
    builder.is_short = lambda: data[parser.CurrentByteIndex - 2 : parser.CurrentByteIndex] == b"/>"
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise failure(error, text.lstrip("\ufeff")) from None
    return builder.document


def parse_element(text: str | None, keep_space: bool = False) -> XElement:
    """``XElement.Parse``."""
    root = certain(parse_document(text, keep_space).root)
    root.parent = None
    return root
