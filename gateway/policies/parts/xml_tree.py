"""
XML bodies as a plain tree, read in linear time whatever they hold.

Reading all attributes of an element through lxml takes time that grows with the square of their number; here each is
looked at once. Names are kept as they are written, because JSON shows them so.

Source: XML 1.0; Namespaces in XML 1.0; Python documentation, ``xml.parsers.expat``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from gateway.policies.parts.safe_xml import XmlError

MAX_DEPTH = 256
MAX_NODES = 500_000  # elements and attributes; each takes a few hundred bytes as an object

_GAP = "\x1f"  # never occurs in XML text, so it separates the parts of a name safely


@dataclass(frozen=True, slots=True)
class XmlName:
    """A name: as written, and what it means. *uri* is empty without a namespace."""

    written: str
    local: str
    uri: str = ""


@dataclass(frozen=True, slots=True)
class XmlComment:
    """A comment."""

    text: str


@dataclass(frozen=True, slots=True)
class XmlDocument:
    """
    A whole document.

    Attributes:
        declaration: ``version``, ``encoding`` and ``standalone`` of its first line, as far as they are there.
        before, behind: Comments around the root element.
    """

    declaration: Mapping[str, str]
    before: tuple[XmlComment, ...]
    root: XmlElement
    behind: tuple[XmlComment, ...]


@dataclass(slots=True)
class XmlElement:
    """
    One element.

    Attributes:
        namespaces: What the element itself declares, URI by prefix; the prefix of the default one is empty.
        text: Its own text, without that of its children.
        leading: The text before its first child.
        content: Elements, texts and comments in the order of the document, where they are asked for.
    """

    name: XmlName
    namespaces: Mapping[str, str]
    attributes: tuple[tuple[XmlName, str], ...]
    children: list[XmlElement] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    leading: int = 0
    content: list[XmlElement | XmlComment | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text that is directly inside."""
        return "".join(self.pieces)

    @property
    def first_text(self) -> str:
        """The text before the first child."""
        return "".join(self.pieces[: self.leading] if self.children else self.pieces)


def read_tree(content: bytes) -> XmlElement:
    """
    The root element of *content*.

    Raises:
        XmlError: It is not well-formed, has a document type declaration, or is too deep or too large.
    """
    return _TreeReader().read(content)


def read_document(content: bytes) -> XmlDocument:
    """All of *content*, its elements with their ``content``. Raises XmlError, as ``read_tree``."""
    return _DocumentReader().document(content)


class _TreeReader:
    """Collects what expat reports; use it once."""

    def __init__(self) -> None:
        self._stack: list[XmlElement] = []
        self._root: XmlElement | None = None
        self._namespaces: dict[str, str] = {}
        self._nodes = 0
        self._names: dict[str, XmlName] = {}

    def read(self, content: bytes) -> XmlElement:
        """The root element. Raises XmlError."""
        parser = expat.ParserCreate(namespace_separator=_GAP)
        parser.namespace_prefixes = True
        parser.ordered_attributes = True
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartNamespaceDeclHandler = self._declare
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        self._prepare(parser)
        try:
            parser.Parse(content, True)
        except (expat.ExpatError, LookupError, UnicodeError) as error:
            raise XmlError("the body is not well-formed XML") from error
        if self._root is None:
            raise XmlError("the body is not well-formed XML")
        return self._root

    def _prepare(self, _parser: expat.XMLParserType) -> None:
        """More handlers."""

    def _doctype(self, *_: object) -> None:
        raise XmlError("the body has a document type declaration")

    def _declare(self, prefix: str | None, uri: str | None) -> None:
        self._namespaces[prefix or ""] = uri or ""

    def _start(self, name: str, attributes: list[str]) -> None:
        self._nodes += 1 + len(attributes) // 2
        if self._nodes > MAX_NODES or len(self._stack) >= MAX_DEPTH:
            raise XmlError("the body has too many elements or is nested too deeply")
        names = map(self._name, attributes[::2])
        namespaces, self._namespaces = self._namespaces, {}
        element = XmlElement(self._name(name), namespaces, tuple(zip(names, attributes[1::2], strict=True)))
        if self._stack:
            self._enter(self._stack[-1], element)
        else:
            self._root = element
        self._stack.append(element)

    def _enter(self, parent: XmlElement, element: XmlElement) -> None:
        if not parent.children:
            parent.leading = len(parent.pieces)
        parent.children.append(element)

    def _end(self, _name: str) -> None:
        self._stack.pop()

    def _characters(self, text: str) -> None:
        self._stack[-1].pieces.append(text)

    def _name(self, reported: str) -> XmlName:
        name = self._names.get(reported)
        if name is None:
            name = self._names[reported] = _read_name(reported)
        return name


class _DocumentReader(_TreeReader):
    """The same, with the order of what elements hold, comments and the declaration."""

    def __init__(self) -> None:
        super().__init__()
        self._declaration: dict[str, str] = {}
        self._outside: tuple[list[XmlComment], list[XmlComment]] = ([], [])

    def document(self, content: bytes) -> XmlDocument:
        """The document. Raises XmlError."""
        root = self.read(content)
        before, behind = map(tuple, self._outside)
        return XmlDocument(self._declaration, before, root, behind)

    def _prepare(self, parser: expat.XMLParserType) -> None:
        parser.XmlDeclHandler = self._declared
        parser.CommentHandler = self._comment

    def _declared(self, version: str, encoding: str | None, standalone: int) -> None:
        self._declaration["version"] = version
        if encoding:
            self._declaration["encoding"] = encoding
        if standalone >= 0:
            self._declaration["standalone"] = "yes" if standalone else "no"

    def _comment(self, text: str) -> None:
        self._nodes += 1
        if self._stack:
            self._stack[-1].content.append(XmlComment(text))
        else:
            self._outside[self._root is not None].append(XmlComment(text))

    def _enter(self, parent: XmlElement, element: XmlElement) -> None:
        super()._enter(parent, element)
        parent.content.append(element)

    def _characters(self, text: str) -> None:
        super()._characters(text)
        self._stack[-1].content.append(text)


def _read_name(reported: str) -> XmlName:
    """A name as expat reports it: local, or URI and local, or URI, local and prefix."""
    parts = reported.split(_GAP)
    if len(parts) == 1:
        return XmlName(reported, reported)
    uri, local = parts[:2]
    return XmlName(f"{parts[2]}:{local}" if len(parts) > 2 else local, local, uri)
