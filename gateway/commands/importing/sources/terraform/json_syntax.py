"""
``.tf.json``: the same as JSON. Texts are templates; objects inside a resource are arguments and blocks alike.

Source: Terraform's documentation, "JSON Configuration Syntax".
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.commands.importing.sources.terraform.functions.encodings import typed
from gateway.commands.importing.sources.terraform.parsing import read_template
from gateway.commands.importing.sources.terraform.syntax import (
    BlockBody,
    BodyArgument,
    ConfigurationBlock,
    ListTerm,
    LiteralTerm,
    ObjectTerm,
    TemplateTerm,
    Term,
)
from gateway.errors import LoadError
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode, compose

_LABELS = {
    "resource": 2,
    "data": 2,
    "variable": 1,
    "output": 1,
    "module": 1,
    "provider": 1,
    "locals": 0,
    "terraform": 0,
}


def json_body(content: bytes, file: str) -> BlockBody:
    """The blocks of a file. Raises LoadError."""
    root = typed(compose(content.replace(b"\t", b" "), file), json_only=True)
    body = BlockBody()
    declared = [entry for block in _objects(root) for entry in block.entries if entry[0].value in _LABELS]
    for key, value in declared:
        body.blocks += _blocks(key, value, _LABELS[key.value], ())
    return body


def _objects(node: YamlNode) -> Iterator[Mapping]:
    """An object, or each of a list of them."""
    for item in node.items if isinstance(node, Sequence) else (node,):
        if isinstance(item, Mapping):
            yield item


def _blocks(key: Scalar, node: YamlNode, missing: int, labels: tuple[str, ...]) -> Iterator[ConfigurationBlock]:
    for inner in _objects(node):
        if not missing:
            yield ConfigurationBlock(key.value, labels, _body(inner), key.location)
            continue
        for label, value in inner.entries:
            kind = Scalar(key.value, label.location)
            yield from _blocks(kind, value, missing - 1, (*labels, label.value))


def _body(node: Mapping) -> BlockBody:
    body = BlockBody()
    for key, value in node.entries:
        if key.value == "dynamic":
            body.blocks += _blocks(key, value, 1, ())
        elif key.value == "content":
            body.blocks += _blocks(key, value, 0, ())
        else:
            body.arguments[key.value] = BodyArgument(key.value, json_term(value), key.location)
    return body


def json_term(node: YamlNode) -> Term:
    """A value as a term. Raises LoadError: a template in it cannot be read."""
    match node:
        case Sequence():
            return ListTerm(tuple(json_term(item) for item in node.items), node.location, "[…]")
        case Mapping():
            entries = ((LiteralTerm(key, key.location, key.value), json_term(value)) for key, value in node.entries)
            return ObjectTerm(tuple(entries), node.location, "{…}")
        case _:
            return _text(node)


def _text(node: Scalar) -> Term:
    literal = LiteralTerm(node, node.location, node.value[:60])
    if node.plain or ("${" not in node.value and "%{" not in node.value):
        return literal
    try:
        term = read_template(node.value, node.location.file)
    except LoadError as error:
        problem = error.problems[0]
        raise LoadError.at(node.location, problem.code, problem.message) from None
    if isinstance(term, TemplateTerm) and len(term.parts) == 1 and not isinstance(term.parts[0], LiteralTerm):
        return TemplateTerm(term.parts, node.location, term.source, bare=True)
    return TemplateTerm((term,), node.location, term.source)
