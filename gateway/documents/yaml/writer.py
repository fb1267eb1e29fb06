"""
Nodes → YAML in block style: ``reader`` reads it back as the same nodes.

Source: ADR 0035, the mapping rules.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any, TypeAlias

import yaml

from gateway.documents.layout import indented
from gateway.documents.model import Node, PolicyDocument, Text
from gateway.documents.shape import Child, Content, Element
from gateway.documents.vocabulary import Vocabulary, statement_shape
from gateway.documents.yaml.reader import DO, TEXT, named_child, only_child, plural
from gateway.errors import LoadError
from gateway.expressions.scan import is_expression

Data: TypeAlias = "str | None | list[Data] | dict[str, Data]"

# Written without quotes: what the author of an attribute would write so.
_PLAIN = re.compile(r"true|false|0|-?[1-9][0-9]{0,15}")


def written(document: PolicyDocument, vocabulary: Vocabulary) -> str:
    """
    *document* as YAML; parsing the result gives the same document again, but for its locations.

    Args:
        document: Must have passed ``checker.check``.

    Raises:
        LoadError: unknown-element, unexpected-text.
    """
    writer = _Writer(vocabulary)
    if document.fragment is not None:
        return _text({"fragment": writer.policies(document.fragment)})
    return _text({section.value: writer.policies(node) for section, node in document.sections.items()})


class _Writer:
    """Nodes → plain lists, dicts and strings."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def policies(self, node: Node) -> Data:
        """The policies inside *node*, each a name or a mapping of one key; text between them has no place in YAML."""
        if node.text is not None:
            message, remedy = "text between policies cannot be written in YAML", "fill in the template's %{…} before"
            raise LoadError.at(node.text.location, "unexpected-text", message, remedy)
        return [self._named(child, self._policy_shape(child)) for child in node.children]

    def _policy_shape(self, node: Node) -> Element:
        shape = statement_shape(node.name, self._vocabulary)
        if shape is None:
            raise LoadError.at(node.location, "unknown-element", f"no policy is called {node.name!r}")
        return shape

    def _named(self, node: Node, shape: Element) -> Data:
        settings = self._settings(node, shape)
        return node.name if settings is None else {node.name: settings}

    def _settings(self, node: Node, shape: Element) -> Data:
        """What follows an element's name."""
        if not node.attributes and (node.text is None or not node.children):
            bare = self._bare(node, shape)
            if bare is not None:
                return bare
        return self._mapping(node, shape) or None

    def _bare(self, node: Node, shape: Element) -> Data:
        """The short form of an element without attributes; None where there is none."""
        if node.text is not None:  # behind an element with one kind of child, a bare text is that child's
            return None if only_child(shape) else _written(node.text)
        if shape.content is Content.POLICIES:
            return self.policies(node)
        if child := only_child(shape):
            return [self._settings(below, child.element) for below in node.children]
        holds_policies = any(child.element.content is Content.POLICIES for child in shape.children)
        return self._child_list(node, shape) if holds_policies else None

    def _child_list(self, node: Node, shape: Element) -> Data:
        return [self._named(below, self._child(below, shape).element) for below in node.children]

    def _child(self, node: Node, shape: Element) -> Child:
        child = shape.child(node.name)
        if child is None and shape.refused:
            return Child(Element(node.name, "", refused=shape.refused))
        if child is None:
            raise LoadError.at(node.location, "unknown-element", f"{shape.name} has no child {node.name!r}")
        return child

    def _mapping(self, node: Node, shape: Element) -> dict[str, Data]:
        settings: dict[str, Data] = {name: _written(text) for name, text in node.attributes.items()}
        if node.text is not None:
            settings[TEXT] = _written(node.text)
        if shape.content is Content.POLICIES:
            settings[DO] = self.policies(node)
        elif self._fits_keys(node, shape):
            for name, group in groupby(node.children, lambda child: child.name):
                settings |= self._grouped(name, list(group), shape)
        else:
            settings[DO] = self._child_list(node, shape)
        return settings

    def _fits_keys(self, node: Node, shape: Element) -> bool:
        """Whether a key per name keeps the children in order and apart from the attributes, known or not."""
        names = [name for name, _ in groupby(node.children, lambda child: child.name)]
        open_ended = bool(names and shape.refused)
        return not open_ended and len(set(names)) == len(names) and not any(map(shape.attribute, names))

    def _grouped(self, name: str, nodes: list[Node], shape: Element) -> dict[str, Data]:
        child = self._child(nodes[0], shape)
        written = [self._settings(node, child.element) for node in nodes]
        if len(written) == 1 and not (child.repeated and isinstance(written[0], list)):
            return {name: written[0]}
        key = plural(name)
        free = shape.attribute(key) is None and named_child(shape, key) is child
        return {key if free else name: written}


def _written(text: Text) -> str:
    return indented(text.value, "") if is_expression(text.value) else text.value


class _Dumper(yaml.SafeDumper):
    """Block style, list items indented below their key, multi-line text as blocks."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _write_string(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    if _PLAIN.fullmatch(value):
        kind = "bool" if value in ("true", "false") else "int"
        return dumper.represent_scalar(f"tag:yaml.org,2002:{kind}", value)
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, "|" if "\n" in value else None)


def _write_null(dumper: yaml.SafeDumper, _value: None) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:null", "")


_Dumper.add_representer(str, _write_string)
_Dumper.add_representer(type(None), _write_null)


def _text(data: Any) -> str:
    return str(yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000))
