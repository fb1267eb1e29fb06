"""
XElement and its related classes. A node that has a parent is copied when it is added elsewhere.

Source: .NET API reference, System.Xml.Linq.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from gateway.expressions.formatting.text import text
from gateway.expressions.limits import tick
from gateway.expressions.primitives import ENUMERABLE
from gateway.expressions.runtime import iterate, type_of
from gateway.expressions.thrown import argument_null, thrown
from gateway.expressions.values import Single

XMLNS = "http://www.w3.org/2000/xmlns/"
XML = "http://www.w3.org/XML/1998/namespace"
_NAME = re.compile(r"[^\W\d][\w.\-\u00b7]*")


class XNamespace:
    """A namespace."""

    __slots__ = ("uri",)

    def __init__(self, uri: str) -> None:
        self.uri = uri

    def __eq__(self, other: object) -> bool:
        return isinstance(other, XNamespace) and self.uri == other.uri

    def __hash__(self) -> int:
        return hash(self.uri)


def is_name(text: str) -> bool:
    """Whether *text* is an XML name without a prefix."""
    return _NAME.fullmatch(text) is not None


def checked_name(text: str) -> str:
    """*text*, if it is a name. Raises Thrown, as .NET does."""
    if is_name(text):
        return text
    shown = next((char for char in text if not is_name(f"a{char}")), text[:1] or " ")
    code = f"'{shown}' character, hexadecimal value 0x{ord(shown):02X}"
    if shown == text[:1] and is_name(f"a{shown}"):
        raise thrown("XmlException", f"Name cannot begin with the {code}.")
    raise thrown("XmlException", f"The {code}, cannot be included in a name.")


def given_name(text: str | None) -> str:
    """*text*. Raises Thrown: it is null or empty."""
    if text is None:
        raise argument_null("name")
    if not text:
        raise thrown("ArgumentException", "The value cannot be an empty string. (Parameter 'name')", "name")
    return text


class XName:
    """A local name in a namespace."""

    __slots__ = ("local", "uri")

    def __init__(self, local: str, uri: str = "") -> None:
        if not local:
            message = "The value cannot be an empty string. (Parameter 'localName')"
            raise thrown("ArgumentException", message, "localName")
        self.local = checked_name(local)
        self.uri = uri

    def __eq__(self, other: object) -> bool:
        return isinstance(other, XName) and self.local == other.local and self.uri == other.uri

    def __hash__(self) -> int:
        return hash((self.local, self.uri))


def to_name(value: str | None) -> XName | None:
    """A name from ``name`` or ``{uri}name``; null stays null."""
    if value is None:
        return None
    if not value:
        message = "The value cannot be an empty string. (Parameter 'expandedName')"
        raise thrown("ArgumentException", message, "expandedName")
    if value.startswith("{"):
        uri, _, local = value[1:].partition("}")
        return XName(local, uri)
    return XName(value)


class XObject:
    """Anything in the tree."""

    __slots__ = ("parent",)

    def __init__(self) -> None:
        self.parent: XContainer | None = None

    def take_apart(self) -> Sequence[XObject]:
        """Forget the parent and the content; returns that."""
        self.parent = None
        return ()


class XAttribute(XObject):
    """A name and its value."""

    __slots__ = ("name", "value")

    def __init__(self, name: XName, value: str) -> None:
        self.parent = None
        self.name = name
        self.value = value

    @property
    def prefix(self) -> str:
        """The prefix that it declares; empty for the default namespace."""
        return self.name.local if self.name.uri else ""

    @property
    def declares(self) -> bool:
        """Whether it declares a namespace."""
        return self.name.uri == XMLNS or (self.name.local == "xmlns" and not self.name.uri)


class XNode(XObject):
    """A node among the content of a container."""

    __slots__ = ()

    def clone(self) -> XNode:
        """A copy without a parent."""
        raise NotImplementedError


class XText(XNode):
    """Text."""

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        self.parent = None
        self.value = value

    def clone(self) -> XText:
        """A copy without a parent."""
        return type(self)(self.value)


class XCData(XText):
    """A CDATA section."""

    __slots__ = ()


class XComment(XText):
    """A comment."""

    __slots__ = ()


class XInstruction(XNode):
    """A processing instruction."""

    __slots__ = ("data", "target")

    def __init__(self, target: str, data: str) -> None:
        self.parent = None
        if data is None:
            raise argument_null("data")
        self.target = checked_name(given_name(target))
        if target.lower() == "xml":
            raise thrown("ArgumentException", f"'{target}' is an invalid name for a processing instruction.")
        self.data = data

    def clone(self) -> XInstruction:
        """A copy without a parent."""
        return XInstruction(self.target, self.data)


class XDocType(XNode):
    """``<!DOCTYPE …>``."""

    __slots__ = ("name", "public", "subset", "system")

    def __init__(self, name: str, public: str | None, system: str | None, subset: str | None) -> None:
        self.parent = None
        self.name = given_name(name)
        prefix, colon, local = name.partition(":")
        checked_name(local if colon and is_name(prefix) else name)
        self.public = public
        self.system = system
        self.subset = subset

    def clone(self) -> XDocType:
        """A copy without a parent."""
        return XDocType(self.name, self.public, self.system, self.subset)


class XDeclaration:
    """``<?xml …?>``."""

    __slots__ = ("encoding", "standalone", "version")

    def __init__(self, version: str | None, encoding: str | None = None, standalone: str | None = None) -> None:
        self.version = version
        self.encoding = encoding
        self.standalone = standalone


class XContainer(XNode):
    """A node that has content."""

    __slots__ = ("nodes",)

    def __init__(self) -> None:
        self.parent = None
        self.nodes: list[XNode] = []

    def append(self, node: XNode, index: int | None = None) -> None:
        """Add one node, or a copy of it if it already has a parent."""
        tick()
        if node.parent is not None:
            node = node.clone()
        node.parent = self
        self.nodes.insert(len(self.nodes) if index is None else index, node)

    def take_apart(self) -> Sequence[XObject]:
        """Forget the parent and the nodes; returns those."""
        nodes, self.nodes, self.parent = self.nodes, [], None
        return nodes

    def elements(self) -> list[XElement]:
        """The child elements."""
        return [node for node in self.nodes if isinstance(node, XElement)]

    def descendants(self) -> Iterator[XNode]:
        """Every node below, in document order."""
        todo = self.nodes[::-1]
        while todo:
            node = todo.pop()
            tick()
            yield node
            if isinstance(node, XContainer):
                todo += node.nodes[::-1]


class XElement(XContainer):
    """
    An element: name, attributes, content.

    Attributes:
        open: Whether an element without nodes is written ``<a></a>``: its content is an empty string, not nothing.
    """

    __slots__ = ("attributes", "name", "open")

    def __init__(self, name: XName | None, content: Iterable[object] = ()) -> None:
        if name is None:
            raise argument_null("name")
        super().__init__()
        self.name = name
        self.attributes: dict[XName, XAttribute] = {}
        self.open = False
        for item in content:
            add(self, item)

    def take_apart(self) -> Sequence[XObject]:
        """Forget the parent, the attributes and the nodes; returns those."""
        attributes = [*self.attributes.values()]
        self.attributes.clear()
        return [*attributes, *super().take_apart()]

    def clone(self) -> XElement:
        """A copy without a parent."""
        tick()
        copy = XElement(self.name)
        copy.open = self.open
        for name, source in self.attributes.items():
            copy.attributes[name] = attribute = XAttribute(name, source.value)
            attribute.parent = copy
        for node in self.nodes:
            copy.append(node.clone())
        return copy

    @property
    def value(self) -> str:
        """All text in it."""
        return "".join(n.value for n in self.descendants() if isinstance(n, XText) and not isinstance(n, XComment))

    def set_value(self, value: str) -> None:
        """Replace the content by text."""
        for node in self.nodes:
            node.parent = None
        self.nodes = []
        self.open = not value
        if value:
            self.append(XText(value))

    def set_attribute(self, name: XName, value: object) -> None:
        """Set an attribute; null removes it."""
        if value is None:
            self.attributes.pop(name, None)
        elif name in self.attributes:
            self.attributes[name].value = content_text(value)
        else:
            add(self, XAttribute(name, content_text(value)))


class XDocument(XContainer):
    """A document."""

    __slots__ = ("declaration",)

    def __init__(self, content: Iterable[object] = ()) -> None:
        super().__init__()
        self.declaration: XDeclaration | None = None
        for item in content:
            add(self, item)

    def clone(self) -> XDocument:
        """A copy."""
        copy = XDocument([node.clone() for node in self.nodes])
        copy.declaration = self.declaration
        return copy

    @property
    def root(self) -> XElement | None:
        """The document element."""
        return next(iter(self.elements()), None)


# Classes whose values XML writes in its own way.
CONTENT: dict[type, Callable[..., str]] = {
    bool: lambda value: "true" if value else "false",
    float: lambda value: _float_text(value),
    Single: lambda value: _float_text(value),
}


def _float_text(value: float) -> str:
    if math.isinf(value):
        return "INF" if value > 0 else "-INF"
    return text(value)


def content_text(value: object) -> str:
    """A value as XML writes it: booleans in lower case, dates in ISO form."""
    write = CONTENT.get(value.__class__)
    return text(value) if write is None else write(value)


def add(parent: XContainer, content: object, index: int | None = None) -> None:
    """``Add``: nodes and attributes as they are, sequences item by item, everything else as text."""
    if isinstance(content, XAttribute):
        _add_attribute(parent, content)
    elif isinstance(content, XDeclaration) and isinstance(parent, XDocument):
        parent.declaration = content
    elif isinstance(content, XNode):
        _add_node(parent, content, index)
    elif _is_sequence(content):
        for item in list(iterate(content)):
            add(parent, item)
    elif content is not None:
        _add_text(parent, content_text(content), index)


def _is_sequence(content: object) -> bool:
    return not isinstance(content, str) and ENUMERABLE in type_of(content).ancestors


def _add_attribute(parent: XContainer, content: XAttribute) -> None:
    if not isinstance(parent, XElement):
        raise thrown("ArgumentException", "An attribute cannot be added to content.")
    if content.name in parent.attributes:
        raise thrown("InvalidOperationException", "Duplicate attribute.")
    attribute = content if content.parent is None else XAttribute(content.name, content.value)
    attribute.parent = parent
    parent.attributes[attribute.name] = attribute


def _add_node(parent: XContainer, content: XNode, index: int | None) -> None:
    if isinstance(content, XDocument):
        raise thrown("ArgumentException", "A node of type Document cannot be added to content.")
    if isinstance(parent, XDocument) and isinstance(content, XElement) and parent.root is not None:
        raise thrown("InvalidOperationException", "This operation would create an incorrectly structured document.")
    parent.append(content, index)


def _add_text(parent: XContainer, value: str, index: int | None) -> None:
    if isinstance(parent, XDocument) and value.strip():
        raise thrown("ArgumentException", "Non-whitespace characters cannot be added to content.")
    last = parent.nodes[-1] if parent.nodes else None
    if not value:
        _add_nothing(parent)
    elif isinstance(last, XText) and type(last) is XText and index is None:
        last.value += value
    else:
        parent.append(XText(value), index)


def _add_nothing(parent: XContainer) -> None:
    """An empty string is content of an element that has no other."""
    if not parent.nodes and isinstance(parent, XElement):
        parent.open = True


def remove(item: XObject) -> None:
    """Remove an attribute or node from its parent."""
    parent = item.parent
    if parent is None:
        raise thrown("InvalidOperationException", "The parent is missing.")
    if isinstance(item, XAttribute) and isinstance(parent, XElement):
        parent.attributes.pop(item.name, None)
    else:
        parent.nodes = [node for node in parent.nodes if node is not item]
    item.parent = None


def declared_prefix(element: XContainer | None, uri: str, may_be_default: bool = True) -> str | None:
    """The prefix that is bound to *uri* at *element*; empty for the default namespace, None for none."""
    while isinstance(element, XElement):
        prefixes = [
            attribute.prefix
            for attribute in element.attributes.values()
            if attribute.declares and attribute.value == uri
        ]
        prefixes = prefixes if may_be_default else list(filter(None, prefixes))
        if prefixes:
            return prefixes[0]
        element = element.parent
    return None
