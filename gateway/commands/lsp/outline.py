"""The outline of a text: sections and policies of a document, entries of a configuration, tests of a test file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lsprotocol.types import DocumentSymbol, SymbolKind

from gateway.commands.lsp.places import Places
from gateway.commands.lsp.project import items, text_at
from gateway.commands.lsp.session import OpenText
from gateway.documents.files import parse_document
from gateway.documents.model import Node
from gateway.errors import Location
from gateway.policies import POLICIES
from gateway.reading.yaml_nodes import Mapping, YamlNode, compose

_DEEPEST = 12
# Attributes that tell one element of a kind from the next.
_TELLING = ("id", "name", "fragment-id", "backend-id", "condition", "template", "code")
_LONGEST = 80


class _Outlined(NamedTuple):
    """An entry of the outline, and those inside of it."""

    name: str
    detail: str
    location: Location
    kind: SymbolKind
    inside: Sequence[_Outlined] = ()


def outline(text: OpenText, kind: str) -> list[DocumentSymbol]:
    """The outline of *text*. Raises LoadError: it cannot be read at the moment."""
    content = text.text.encode("utf-8", "surrogatepass")
    if kind in ("xml", "yaml"):
        document = parse_document(content, str(text.path), POLICIES)
        nodes = [*document.sections.values(), *([document.fragment] if document.fragment else [])]
        entries = [_of_node(node, 0) for node in sorted(nodes, key=lambda node: node.location)]
    elif kind:
        entries = _of_yaml(compose(content, str(text.path)), 0)
    else:
        return []
    return list(_symbols(text.places, entries, len(text.text)))


def _of_node(node: Node, depth: int) -> _Outlined:
    told = next((node.attributes[name].value for name in _TELLING if name in node.attributes), "")
    inside = [_of_node(child, depth + 1) for child in node.children] if depth < _DEEPEST else []
    kind = SymbolKind.Function if depth else SymbolKind.Module
    return _Outlined(node.name, " ".join(told.split())[:_LONGEST], node.location, kind, inside)


def _of_yaml(node: YamlNode, depth: int) -> list[_Outlined]:
    if depth > _DEEPEST:
        return []
    if isinstance(node, Mapping):
        entries = [(key.value or "''", key.location, SymbolKind.Property, value) for key, value in node.entries]
    else:
        entries = [(_told(item), item.location, SymbolKind.Object, item) for item in items(node)]
    return [
        _Outlined(name, "", location, kind, _of_yaml(inner, depth + 1))
        for name, location, kind, inner in entries
        if name
    ]


def _told(item: YamlNode) -> str:
    """What tells an item of a list from the next."""
    return text_at(item, "id") or text_at(item, "name")


def _symbols(places: Places, entries: Sequence[_Outlined], end: int) -> Iterator[DocumentSymbol]:
    """Each entry reaches to the next one, and no further than what it is in."""
    starts = [places.of(entry.location) for entry in entries]
    for entry, start, following in zip(entries, starts, [*starts[1:], end], strict=False):
        last = max(start, min(following, end))
        selected = places.at(entry.location)
        whole = places.range(start, max(last, places.offset(selected.end)))
        inside = list(_symbols(places, entry.inside, last))
        yield DocumentSymbol(entry.name, entry.kind, whole, selected, entry.detail or None, children=inside)
