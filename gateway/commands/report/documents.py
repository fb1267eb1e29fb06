"""
Policy documents without their texts: elements, attributes' names, numbers, choices and the code of expressions.

Everything else is ``…``: keys are written into documents, too. Comments are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tree_sitter import Node as SyntaxNode

from gateway.commands.report.forms import is_wordy
from gateway.commands.report.hiding import MASK
from gateway.documents.files import read_document
from gateway.documents.model import Node, PolicyDocument, Text
from gateway.documents.shape import ID, Element
from gateway.documents.vocabulary import statement_shape
from gateway.documents.xml import format as xml_format
from gateway.errors import LoadError, Location
from gateway.expressions.scan import is_expression
from gateway.expressions.syntax import Source, parse_loosely
from gateway.policies import POLICIES

_PLAIN = re.compile(r"true|false|-?\d{1,6}(\.\d{1,6})?")
_NAMES = frozenset(
    """
    name id fragment-id backend-id certificate-id schema-id logger-id variable-name header-name query-parameter-name
    output-token-variable-name response-variable-name output-variable-name
    """.split()
)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_REFERENCE = re.compile(r"\{\{[\w.-]{1,256}\}\}")
# Literals and comments, by the grammar's names. A number may be a PIN.
_LITERALS = frozenset(
    """
    string_literal verbatim_string_literal raw_string_literal interpolated_string_expression character_literal comment
    """.split()
)
_NUMBERS = frozenset({"integer_literal", "real_literal"})
_SHORT = 5
_UNKNOWN = "unknown-element"
_NOWHERE = Location("")


def masked_document(path: Path) -> str:
    """The document at *path* as XML, or why it is not shown."""
    try:
        document = read_document(path, POLICIES)
        return xml_format.dump(_masked(document))
    except LoadError as error:
        lines = (f"{problem.location.line}:{problem.location.column} {problem.code}" for problem in error.problems)
        return "\n".join(["<!-- The document cannot be read, so nothing of it is shown.", *lines, "-->", ""])


def _masked(document: PolicyDocument) -> PolicyDocument:
    sections = {section: _section(node) for section, node in document.sections.items()}
    fragment = None if document.fragment is None else _section(document.fragment)
    return PolicyDocument(document.file, sections, fragment)


def _section(node: Node) -> Node:
    return Node(node.name, node.location, children=tuple(_node(child, None) for child in node.children))


def _node(node: Node, parent: Element | None) -> Node:
    """*node* in an element of the shape *parent*; None: in a section."""
    shape = _shape_of(node.name, parent)
    if shape is None:
        return Node(_UNKNOWN, node.location)
    known = {name: text for name, text in node.attributes.items() if name == ID.name or shape.attribute(name)}
    attributes = {name: replace(text, value=_attribute(name, text.value, shape)) for name, text in known.items()}
    text = None if node.text is None else Text(_text(node.text.value, shape.choices), node.text.location)
    children = tuple(_node(child, shape) for child in node.children)
    return replace(node, attributes=attributes, text=text, children=children, before=(), inside=())


def _shape_of(name: str, parent: Element | None) -> Element | None:
    child = None if parent is None else parent.child(name)
    return statement_shape(name, POLICIES) if child is None else child.element


def _attribute(name: str, value: str, shape: Element) -> str:
    declared = shape.attribute(name)
    is_name = name in _NAMES and _NAME.fullmatch(value) and is_wordy(value)
    return value if is_name else _text(value, declared.choices if declared is not None else ())


def _text(value: str, choices: tuple[str, ...]) -> str:
    if is_expression(value):
        return _expression(value)
    if not value.strip() or _PLAIN.fullmatch(value.strip()) or value in choices:
        return value
    return MASK.join(["", *_REFERENCE.findall(value), ""]) if _REFERENCE.search(value) else MASK


def _expression(value: str) -> str:
    """*value* with ``"…"`` for its literals; all of it is masked where it is not C#."""
    source = Source(value, _NOWHERE)
    try:
        root, is_right = parse_loosely(source)
    except LoadError:
        is_right = False
    if not is_right:
        return "@(…)"
    code, instead = bytearray(source.code), _replacements(root)
    for start in sorted(instead, reverse=True):
        end, text = instead[start]
        code[start:end] = text.encode()
    kept = code[len(source.prefix.encode()) :].decode("utf-8", "replace")
    return f"@{kept if source.is_block else kept.removesuffix(';')}"


def _replacements(root: SyntaxNode) -> Mapping[int, tuple[int, str]]:
    """By the offset at which each begins: where it ends, and what is written instead."""
    instead: dict[int, tuple[int, str]] = {}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        is_long = node.type in _NUMBERS and node.end_byte - node.start_byte > _SHORT
        if node.type in _LITERALS or is_long:
            instead[node.start_byte] = node.end_byte, "/*…*/" if node.type == "comment" else '"…"'
        else:
            waiting += node.children
    return instead
