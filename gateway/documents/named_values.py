"""
Named values: ``{{name}}`` in a document, replaced at load by text from the configuration.

Source: APIM "Use named values in policies".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from gateway.documents.model import Node, PolicyDocument, Text
from gateway.documents.placeholders import NAMED_VALUE, mentions_named_value
from gateway.errors import Location, Problem


@dataclass(frozen=True, slots=True)
class NamedValue:
    """One named value; a secret one is masked in traces and never printed."""

    text: str = field(repr=False)
    secret: bool = False


class Substitution:
    """
    Replaces references in a tree of nodes, and collects a problem for each unknown name.

    A value may hold an expression but not another named value: it is inserted as it is.
    """

    def __init__(self, values: Mapping[str, NamedValue]) -> None:
        self._values = values
        self.problems: list[Problem] = []

    def document(self, document: PolicyDocument) -> PolicyDocument:
        """*document* with every reference replaced."""
        sections = {section: self.node(node) for section, node in document.sections.items()}
        fragment = None if document.fragment is None else self.node(document.fragment)
        return replace(document, sections=sections, fragment=fragment)

    def node(self, node: Node) -> Node:
        """*node* and everything below it with every reference replaced."""
        return self._node(node, within_liquid=False)

    def _node(self, node: Node, within_liquid: bool) -> Node:
        if not any(_mentions(below) for below in node.walk()):
            return node
        liquid = _is_liquid(node)
        return replace(
            node,
            attributes={name: self._text(text) for name, text in node.attributes.items()},
            children=tuple(self._node(child, liquid) for child in node.children),
            text=node.text if node.text is None or liquid or within_liquid else self._text(node.text),
        )

    def _text(self, text: Text) -> Text:
        value = NAMED_VALUE.sub(self._lookup(text.location), text.value)
        return text if value == text.value else replace(text, value=value, written=text.value)

    def _lookup(self, location: Location) -> Callable[[re.Match[str]], str]:
        def value(reference: re.Match[str]) -> str:
            named = self._values.get(reference[1])
            if named is not None:
                return named.text
            self._report(location, reference[1])
            return reference[0]

        return value

    def _report(self, location: Location, name: str) -> None:
        self.problems.append(
            Problem(
                location,
                "unknown-named-value",
                f"named value {name!r} is not configured",
                f"add {name} under named-values in the configuration",
            )
        )


def _mentions(node: Node) -> bool:
    texts = [*node.attributes.values(), *([node.text] if node.text else [])]
    return any(mentions_named_value(text.value) for text in texts)


def _is_liquid(node: Node) -> bool:
    """In a Liquid template ``{{ }}`` belongs to Liquid: in the element's own text, and in that of its children."""
    return (node.attribute("template") or "").lower() == "liquid"
