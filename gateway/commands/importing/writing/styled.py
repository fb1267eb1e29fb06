"""
The configuration as a person would write it: short mappings on one line, longer ones in blocks, a comment for each
thing that says where it came from.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

_WIDTH = 110
_ONE_LINE = 105
_SOURCES = {"env", "file"}  # a secret is one value
_SPACED = ("apis", "products", "subscriptions")  # an empty line between their items
_FLAT = ("operations", "pool", "examples")  # items on one line each, where they fit

_Path = tuple[str, ...]
Remarks = Mapping[_Path, str]


def round_trip() -> YAML:
    """A reader and writer that keeps what a person has written: comments, quotes, order."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4_096  # lines are broken by people only
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def dumped(root: Any) -> bytes:
    """*root* as YAML."""
    text = io.StringIO()
    round_trip().dump(root, text)
    return text.getvalue().encode()


def styled(value: Any, remarks: Remarks, path: _Path = ()) -> Any:
    """Plain data as nodes with style and comments; *path* leads to *value*."""
    match value:
        case dict():
            return _mapping(value, remarks, path)
        case list():
            return _sequence(value, remarks, path)
        case str():
            return _text(value)
    return value


def _text(value: str) -> Any:
    """Quotes where YAML would read a date or a number, which no setting is, or where people expect them."""
    if "{{" in value or value.startswith("@") or value == "":
        return DoubleQuotedScalarString(value)
    return value


def _mapping(value: dict[str, Any], remarks: Remarks, path: _Path) -> CommentedMap:
    node = CommentedMap()
    for key, inner in value.items():
        node[key] = styled(inner, remarks, (*path, key))
        apart = not path and len(node) > 1
        _comment(node, key, remarks.get((*path, key), ""), apart, len(path))
    if len(path) > 1 and _is_short(value) or path and value.keys() <= _SOURCES:
        node.fa.set_flow_style()
    return node


def _sequence(value: list[Any], remarks: Remarks, path: _Path) -> CommentedSeq:
    node = CommentedSeq()
    for index, item in enumerate(value):
        key = str(item.get("id", index)) if isinstance(item, dict) else str(index)
        node.append(_item(item, remarks, (*path, key)))
        _comment(node, index, remarks.get((*path, key), ""), index > 0 and path[-1] in _SPACED, len(path))
    if all(isinstance(item, str | int) for item in value):
        node.fa.set_flow_style()
    return node


def _item(item: Any, remarks: Remarks, path: _Path) -> Any:
    node = styled(item, remarks, path)
    if isinstance(node, CommentedMap) and path[-2] not in _FLAT:
        node.fa.set_block_style()
    return node


def _comment(node: Any, key: Any, remark: str, apart: bool, depth: int) -> None:
    """Put *remark* before *key*; *apart*, behind an empty line."""
    text = ("\n" if apart else "") + remark
    if text:
        node.yaml_set_comment_before_after_key(key, before=text, indent=2 * depth)


def _is_short(value: dict[str, Any]) -> bool:
    """Whether *value* fits on one line without becoming a riddle."""
    return not any(_is_deep(inner) for inner in value.values()) and len(repr(value)) <= _ONE_LINE


def _is_deep(value: Any) -> bool:
    match value:
        case dict():
            return len(value) > 1 or any(isinstance(inner, dict) for inner in value.values())
        case list():
            return any(isinstance(inner, dict | list) for inner in value)
        case str():
            return "\n" in value
    return False
