"""
The document model behind XML and YAML: a tree of nodes that remember their positions.

Source: APIM "Policies in Azure API Management".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from gateway.documents.layout import indented
from gateway.errors import Location
from gateway.expressions.scan import is_expression


class Section(Enum):
    """The four sections of a policy document, in document order."""

    INBOUND = "inbound"
    BACKEND = "backend"
    OUTBOUND = "outbound"
    ON_ERROR = "on-error"


class Scope(Enum):
    """Where a document applies, broad to narrow."""

    GLOBAL = "global"
    PRODUCT = "product"
    API = "api"
    OPERATION = "operation"


@dataclass(frozen=True, slots=True)
class Text:
    """
    An attribute's value or an element's content, and where it begins.

    Attributes:
        written: The value as its document has it, where named values have been replaced in it; else empty.
    """

    value: str
    location: Location
    written: str = field(default="", repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Node:
    """
    One element.

    Attributes:
        name: Element name, as APIM writes it.
        attributes: By name; values as the author meant them (entities resolved, expressions whole).
        children: Child elements in document order.
        text: Content, or None when there is none. Mark-up inside a verbatim element (set-body) is content.
        before, inside: Comments and blank lines (``remarks``) before the element, and behind its last child.
    """

    name: str
    location: Location
    attributes: Mapping[str, Text] = field(default_factory=dict)
    children: tuple[Node, ...] = ()
    text: Text | None = None
    before: tuple[str, ...] = field(default=(), compare=False)
    inside: tuple[str, ...] = field(default=(), compare=False)

    def child(self, name: str) -> Node | None:
        """The first child called *name*, or None."""
        return next(self.all(name), None)

    def all(self, name: str) -> Iterator[Node]:
        """The children called *name*."""
        return (child for child in self.children if child.name == name)

    def attribute(self, name: str) -> str | None:
        """The attribute's text, or None."""
        text = self.attributes.get(name)
        return None if text is None else text.value

    def walk(self) -> Iterator[Node]:
        """This node and everything below it."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """
    One policy file.

    A ``<policies>`` document has sections, in the order of the file; a missing one is empty. A ``<fragment>`` has
    *fragment* instead.

    Attributes:
        before, inside: Comments and blank lines before the root element, and behind its last section.
    """

    file: str
    sections: Mapping[Section, Node] = field(default_factory=dict)
    fragment: Node | None = None
    before: tuple[str, ...] = field(default=(), compare=False)
    inside: tuple[str, ...] = field(default=(), compare=False)

    def statements(self, section: Section) -> tuple[Node, ...]:
        """The policy elements of *section*, in order."""
        node = self.sections.get(section)
        return node.children if node else ()


def same(node: Node, other: Node) -> bool:
    """Whether two nodes mean the same: equal except for positions, comments and the layout of expressions."""
    return (
        node.name == other.name
        and len(node.children) == len(other.children)
        and _plain(node) == _plain(other)
        and all(same(*pair) for pair in zip(node.children, other.children, strict=True))
    )


def same_document(document: PolicyDocument, other: PolicyDocument) -> bool:
    """Whether two documents mean the same."""
    if list(document.sections) != list(other.sections) or (document.fragment is None) != (other.fragment is None):
        return False
    fragments = document.fragment is None or other.fragment is None or same(document.fragment, other.fragment)
    return fragments and all(same(node, other.sections[section]) for section, node in document.sections.items())


def _plain(node: Node) -> tuple[dict[str, str], str | None]:
    attributes = {name: _laid_out(text) for name, text in node.attributes.items()}
    return attributes, _laid_out(node.text) if node.text else None


def _laid_out(text: Text) -> str:
    """An expression means the same however its lines are indented."""
    return indented(text.value, "") if is_expression(text.value) else text.value
