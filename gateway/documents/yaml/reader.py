"""
YAML values → nodes, by the shapes of the vocabulary.

What a shape does not know becomes a node or an attribute all the same, and the checker names it; a value of the wrong
form (a list where one value stands) is a problem of its own.

Source: ADR 0035, the mapping rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from gateway.documents.model import Node, Text
from gateway.documents.shape import ID, Child, Content, Element
from gateway.documents.vocabulary import Vocabulary, statement_shape
from gateway.errors import Problem
from gateway.expressions.scan import is_expression
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode

_CONSONANT_Y = re.compile("[^aeiou]y$")

TEXT = "text"  # key of an element's text beside its attributes
DO = "do"  # key of an element's policies or children as one list, beside its attributes


def plural(name: str) -> str:
    """The key for several children called *name*: value, values; address, addresses; identity, identities."""
    if name.endswith(("s", "x", "ch")):
        return name + "es"
    return name[:-1] + "ies" if _CONSONANT_Y.search(name) else name + "s"


def only_child(shape: Element) -> Child | None:
    """The child of a wrapper, an element that holds one kind of child and nothing else; it takes a list directly."""
    bare = all(attribute is ID for attribute in shape.attributes) and shape.content in (Content.EMPTY, Content.CHILDREN)
    return shape.children[0] if bare and len(shape.children) == 1 else None


def named_child(shape: Element, key: str) -> Child | None:
    """The child that *key* means: by its name, or by the plural of a repeated one."""
    by_plural = (child for child in shape.children if child.repeated and plural(child.element.name) == key)
    return shape.child(key) or next(by_plural, None)


@dataclass(slots=True)
class _Parts:
    """The nodes from the keys of one mapping."""

    attributes: dict[str, Text] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)
    text: Text | None = None


class YamlReader:
    """Reads the policies of one document; ``problems`` holds every value of a wrong form."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self.problems: list[Problem] = []

    def policies(self, value: YamlNode) -> tuple[Node, ...]:
        """The policies of a list; nothing is an empty list."""
        return tuple(self._named_items(value, None))

    # -- lists of named elements: policies, or the children of *parent*
    def _named_items(self, value: YamlNode, parent: Element | None) -> Iterator[Node]:
        if isinstance(value, Scalar) and value.null:
            return
        if not isinstance(value, Sequence):
            self._report(value, "expected-list", "a list belongs here", "write one item per line, each after '- '")
            return
        for item in value.items:
            yield from self._named(item, parent)

    def _named(self, item: YamlNode, parent: Element | None) -> Iterator[Node]:
        if isinstance(item, Scalar):
            yield Node(item.value.strip(), item.location)
        elif isinstance(item, Mapping) and len(item.entries) == 1:
            key, settings = item.entries[0]
            yield self._element(key, settings, self._shape(key.value, parent))
        else:
            message = "an item is a name, or one name with its settings"
            self._report(item, "expected-name", message, "indent the settings below the name")

    def _shape(self, name: str, parent: Element | None) -> Element:
        if parent is None or parent.content is Content.POLICIES:
            return statement_shape(name, self._vocabulary) or Element(name, "")
        child = parent.child(name)
        return child.element if child else Element(name, "")

    # -- one element
    def _element(self, key: Scalar, settings: YamlNode, shape: Element) -> Node:
        node = Node(shape.name, key.location)
        match settings:
            case Mapping():
                parts = self._keys(settings, shape)
                return replace(node, attributes=parts.attributes, children=tuple(parts.children), text=parts.text)
            case Sequence():
                return replace(node, children=tuple(self._list(settings, shape)))
            case Scalar(null=True):
                return node
        return self._scalar(node, settings, shape)

    def _scalar(self, node: Node, settings: Scalar, shape: Element) -> Node:
        if child := only_child(shape):
            return replace(node, children=tuple(self._children(settings, settings, child)))
        return replace(node, text=_content(settings, shape))

    def _list(self, settings: Sequence, shape: Element) -> Iterator[Node]:
        """The children that a list gives an element."""
        child = only_child(shape)
        if child:
            for item in settings.items:
                yield from self._wrapped(item, shape, child)
        elif shape.children or shape.content is Content.POLICIES:
            yield from self._named_items(settings, shape)
        else:
            self._report(settings, "unexpected-list", f"{shape.name} takes no list", "write a mapping or one value")

    def _wrapped(self, item: YamlNode, wrapper: Element, child: Child) -> Iterator[Node]:
        """An item of a wrapper's list: the child's settings, or its name with its settings."""
        inner = child.element
        if isinstance(item, Mapping) and len(item.entries) == 1:
            key = item.entries[0][0].value
            if key == inner.name and not (inner.attribute(key) or inner.child(key)):
                yield from self._named(item, wrapper)
                return
        yield self._element(Scalar(inner.name, item.location), item, inner)

    # -- the keys of a mapping
    def _keys(self, settings: Mapping, shape: Element) -> _Parts:
        parts = _Parts()
        for key, value in settings.entries:
            self._key(key, value, shape, parts)
        return parts

    def _key(self, key: Scalar, value: YamlNode, shape: Element, parts: _Parts) -> None:
        name = key.value
        child = named_child(shape, name)
        if child and not (shape.attribute(name) and isinstance(value, Scalar)):
            parts.children += self._children(key, value, child)
        elif shape.attribute(name):
            self._attribute(name, value, parts)
        else:
            self._undeclared(key, value, shape, parts)

    def _undeclared(self, key: Scalar, value: YamlNode, shape: Element, parts: _Parts) -> None:
        """A key that is neither attribute nor child: ``text``, ``do``, or something for the checker to name."""
        name = key.value
        if name == TEXT and isinstance(value, Scalar):
            parts.text = _content(value, shape)
        elif name == DO:
            parts.children += self._named_items(value, shape)
        elif isinstance(value, Scalar):
            self._attribute(name, value, parts)
        else:
            parts.children.append(Node(name, key.location))

    def _attribute(self, name: str, value: YamlNode, parts: _Parts) -> None:
        if isinstance(value, Scalar):
            text = value.value.strip() if is_expression(value.value) else value.value
            parts.attributes[name] = Text(text, value.location)
        else:
            self._report(value, "expected-scalar", f"{name} takes one value", "write text, not a list or mapping")

    def _children(self, key: Scalar, value: YamlNode, child: Child) -> Iterator[Node]:
        """The children under one key: each item of a list is one of them, if several are allowed."""
        if child.repeated and isinstance(value, Sequence):
            for item in value.items:
                yield self._element(Scalar(child.element.name, item.location), item, child.element)
        else:
            yield self._element(key, value, child.element)

    def _report(self, node: YamlNode, code: str, message: str, remedy: str) -> None:
        self.problems.append(Problem(node.location, code, message, remedy))


def _content(value: Scalar, shape: Element) -> Text:
    """An element's text; white space around it is layout, but in a verbatim element it is content."""
    kept = shape.content is Content.VERBATIM and not is_expression(value.value)
    return Text(value.value if kept else value.value.strip(), value.location)
