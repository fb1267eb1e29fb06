"""
Functions that encode, decode and hash.

Source: Terraform's documentation, "Encoding Functions", "Hash and Crypto Functions".
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus, unquote_plus

import yaml

from gateway.commands.importing.sources.terraform.functions.calls import FunctionCall, TerraformFunction
from gateway.commands.importing.sources.terraform.values import like, node_of
from gateway.errors import LoadError, Location
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode, compose

_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORDS = {"true": "true", "false": "false", "yes": "true", "no": "false", "on": "true", "off": "false"}
_NULLS = ("null", "~", "Null", "NULL")


def _json_scalar(node: Scalar) -> Any:
    if node.null:
        return None
    if not node.plain:
        return node.value
    try:
        return json.loads(node.value)
    except ValueError:
        return node.value


def _json_encoded(call: FunctionCall) -> YamlNode:
    value = call.arguments[0]
    text = json.dumps(_sorted(value), separators=(",", ":"), ensure_ascii=False)
    for character in "<>&\u2028\u2029":  # as Go's library writes them
        text = text.replace(character, f"\\u{ord(character):04x}")
    call.bounds.made(call.location, text)
    return like(text, [value], call.location)


def _sorted(node: YamlNode) -> Any:
    if isinstance(node, Mapping):
        return {key.value: _sorted(value) for key, value in sorted(node.entries, key=lambda entry: entry[0].value)}
    return [_sorted(item) for item in node.items] if isinstance(node, Sequence) else _json_scalar(node)


def _json_decoded(call: FunctionCall) -> YamlNode:
    whole = call.arguments[0]
    text = call.text(0)
    call.bounds.made(call.location, text)
    json.loads(text)  # whatever else YAML would accept is not JSON
    return typed(_composed(call, text, whole.location), json_only=True)


def _yaml_decoded(call: FunctionCall) -> YamlNode:
    text = call.text(0)
    call.bounds.made(call.location, text)
    return typed(_composed(call, text, call.arguments[0].location), json_only=False)


def _composed(call: FunctionCall, text: str, start: Location) -> YamlNode:
    try:
        return shifted(compose(text, start.file), start) if text.strip() else node_of(None, call.location)
    except LoadError as error:
        raise call.wrong(error.problems[0].message) from None


def shifted(node: YamlNode, start: Location) -> YamlNode:
    """*node*, read from a text that begins at *start*, with its places in the file around that text."""
    if start.line == 1 and start.column == 1:
        return node
    match node:
        case Scalar():
            return _shifted_scalar(node, start)
        case Sequence():
            return Sequence(tuple(shifted(item, start) for item in node.items), _shifted_place(node.location, start))
        case Mapping():
            entries = tuple((_shifted_scalar(key, start), shifted(value, start)) for key, value in node.entries)
            return Mapping(entries, _shifted_place(node.location, start))


def _shifted_scalar(node: Scalar, start: Location) -> Scalar:
    return Scalar(node.value, _shifted_place(node.location, start), node.null, node.plain)


def _shifted_place(place: Location, start: Location) -> Location:
    column = place.column + start.column - 1 if place.line == 1 else place.column
    return Location(place.file, place.line + start.line - 1, column)


def typed(node: YamlNode, *, json_only: bool) -> YamlNode:
    """*node* with the plain scalars that are numbers, truth values or null; all others are texts."""
    match node:
        case Sequence():
            return Sequence(tuple(typed(item, json_only=json_only) for item in node.items), node.location)
        case Mapping():
            entries = tuple((key, typed(value, json_only=json_only)) for key, value in node.entries)
            return Mapping(entries, node.location)
        case _:
            return _typed_scalar(node, json_only)


def _typed_scalar(node: Scalar, json_only: bool) -> Scalar:
    if not node.plain:
        return Scalar(node.value, node.location)
    if node.null or node.value in _NULLS:
        return Scalar("", node.location, True, True)
    word = node.value if json_only else _WORDS.get(node.value.lower(), node.value)
    return Scalar(word, node.location, plain=word in ("true", "false") or bool(_NUMBER.fullmatch(word)))


def _yaml_encoded(call: FunctionCall) -> YamlNode:
    value = call.arguments[0]
    text = yaml.safe_dump(_sorted(value), allow_unicode=True, width=1 << 20)
    call.bounds.made(call.location, text)
    return like(text, [value], call.location)


def _csv_decoded(call: FunctionCall) -> YamlNode:
    rows = list(csv.DictReader(io.StringIO(call.text(0)), strict=True))
    call.bounds.step(call.location, sum(len(row) for row in rows))
    return call.made([{str(key): str(value) for key, value in row.items()} for row in rows])


def _hash(name: str, encode: Callable[[bytes], str]) -> TerraformFunction:
    return lambda call: call.made(encode(hashlib.new(name, call.text(0).encode(), usedforsecurity=False).digest()))


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


FUNCTIONS: dict[str, TerraformFunction] = {
    "base64decode": lambda call: call.made(base64.b64decode(call.text(0), validate=True).decode()),
    "base64encode": lambda call: call.made(_base64(call.text(0).encode())),
    "base64sha256": _hash("sha256", _base64),
    "base64sha512": _hash("sha512", _base64),
    "csvdecode": _csv_decoded,
    "jsondecode": _json_decoded,
    "jsonencode": _json_encoded,
    "md5": _hash("md5", bytes.hex),
    "sha1": _hash("sha1", bytes.hex),
    "sha256": _hash("sha256", bytes.hex),
    "sha512": _hash("sha512", bytes.hex),
    "urldecode": lambda call: call.made(unquote_plus(call.text(0))),
    "urlencode": lambda call: call.made(quote_plus(call.text(0), safe="")),
    "yamldecode": _yaml_decoded,
    "yamlencode": _yaml_encoded,
}
