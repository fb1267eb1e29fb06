"""
What the type of a variable makes of its value: attributes that may be missing, numbers written as text, sets.

Source: Terraform's documentation, "Type Constraints", "Optional Object Type Attributes".
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.commands.importing.resources import Unresolved
from gateway.commands.importing.sources.terraform.functions.sets import set_of
from gateway.commands.importing.sources.terraform.syntax import CallTerm, NameTerm, ObjectTerm, Term
from gateway.commands.importing.sources.terraform.values import is_null, null_node, number_of
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode

Default = Callable[[Term], YamlNode]


def converted(node: YamlNode, constraint: Term, default: Default) -> YamlNode:
    """*node* as a value of the type *constraint*; *default* evaluates the second argument of ``optional``."""
    if isinstance(node, Unresolved) or is_null(node):
        return node
    if isinstance(constraint, NameTerm):
        return _primitive(node, constraint.name)
    if isinstance(constraint, CallTerm) and constraint.arguments:
        return _collection(node, constraint.name, constraint.arguments[0], default)
    return node


def _primitive(node: YamlNode, name: str) -> YamlNode:
    if not isinstance(node, Scalar):
        return node
    if name == "string":
        return Scalar(node.value, node.location)
    is_number = name == "number" and number_of(node.value) is not None
    is_flag = name == "bool" and node.value in ("true", "false")
    return Scalar(node.value, node.location, plain=True) if is_number or is_flag else node


def _collection(node: YamlNode, name: str, inner: Term, default: Default) -> YamlNode:
    if name == "optional":
        return converted(node, inner, default)
    if isinstance(node, Sequence):
        return _items(node, inner, default, name) if name in ("list", "set") else node
    return _entries(node, inner, default, name) if isinstance(node, Mapping) else node


def _entries(node: Mapping, inner: Term, default: Default, name: str) -> Mapping:
    if name == "object" and isinstance(inner, ObjectTerm):
        return _object(node, inner, default)
    entries = tuple((key, converted(value, inner, default)) for key, value in node.entries)
    return Mapping(entries, node.location) if name == "map" else node


def _items(node: Sequence, inner: Term, default: Default, name: str) -> Sequence:
    items = [converted(item, inner, default) for item in node.items]
    return Sequence(tuple(set_of(items) if name == "set" else items), node.location)


def _object(node: Mapping, shape: ObjectTerm, default: Default) -> Mapping:
    """The attributes of *shape* alone; those that may be missing have their default, or null."""
    entries: list[tuple[Scalar, YamlNode]] = []
    for key_term, constraint in shape.entries:
        name = key_term.source.strip('"')
        value = node.find(name)
        key = next((key for key, _ in node.entries if key.value == name), Scalar(name, node.location))
        if value is None or (is_null(value) and _has_default(constraint)):
            value = _missing(node, constraint, default)
        entries.append((key, converted(value, constraint, default)))
    return Mapping(tuple(entries), node.location)


def _has_default(constraint: Term) -> bool:
    return isinstance(constraint, CallTerm) and constraint.name == "optional" and len(constraint.arguments) > 1


def _missing(node: Mapping, constraint: Term, default: Default) -> YamlNode:
    if isinstance(constraint, CallTerm) and _has_default(constraint):
        return default(constraint.arguments[1])
    return null_node(node.location)
