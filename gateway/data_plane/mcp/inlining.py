"""
Schemas of a definition as schemas of a tool: without references, and no larger than a model wants to read.

A schema that contains itself is cut where it begins again; so is one that is too deep or too large. What is left out
there may be any value, so that no good argument is refused.

Source: JSON Schema 2020-12 §8.2.3; Model Context Protocol, "Tools".
"""

from __future__ import annotations

from typing import Any

from gateway.openapi import Schema
from gateway.openapi.json_schema import (
    IN_PLACE,
    IN_PLACE_LISTS,
    IN_PLACE_MAPS,
    INSIDE,
    INSIDE_LISTS,
    INSIDE_MAPS,
    SchemaData,
)

MAX_DEPTH = 12
MAX_SCHEMAS = 1_000  # of one tool

_REFERENCE = "$ref"
_ONE = INSIDE | IN_PLACE | {"unevaluatedProperties"}
_LISTS = INSIDE_LISTS | IN_PLACE_LISTS
_MAPS = INSIDE_MAPS | IN_PLACE_MAPS
_DROPPED = frozenset({"example", "writeOnly"})


class Inliner:
    """Writes out the schemas of one tool; it counts them."""

    def __init__(self) -> None:
        self._left = MAX_SCHEMAS

    def written_out(self, schema: Schema) -> dict[str, Any]:
        """*schema* without references, and without what only answers have."""
        return self._schema(schema.data, schema.among.data, (schema.key,))

    def _schema(self, data: SchemaData, among: dict[str, SchemaData], open_keys: tuple[str, ...]) -> dict[str, Any]:
        self._left -= 1
        if not isinstance(data, dict):
            return {} if data else {"not": {}}
        if self._left < 0 or len(open_keys) > MAX_DEPTH:
            return _outline(data)
        written = {
            key: self._keyword(key, value, among, open_keys)
            for key, value in data.items()
            if key != _REFERENCE and key not in _DROPPED
        }
        reference = data.get(_REFERENCE)
        return written if reference is None else {**self._target(reference, among, open_keys), **written}

    def _target(self, reference: str, among: dict[str, SchemaData], open_keys: tuple[str, ...]) -> dict[str, Any]:
        key = reference.rpartition("/")[2]
        target = among[key]
        if key in open_keys:
            return _outline(target)
        return self._schema(target, among, (*open_keys, key))

    def _keyword(self, key: str, value: Any, among: dict[str, SchemaData], open_keys: tuple[str, ...]) -> Any:
        deeper = (*open_keys, "")
        if key in _ONE:
            return value if isinstance(value, bool) else self._schema(value, among, deeper)
        if key in _LISTS:
            return [self._schema(item, among, deeper) for item in value]
        if key == "properties":
            shown = {name: inner for name, inner in value.items() if not _is_read_only(inner)}
            return {name: self._schema(inner, among, deeper) for name, inner in shown.items()}
        if key in _MAPS:
            return {name: self._schema(inner, among, deeper) for name, inner in value.items()}
        return value


def _outline(data: SchemaData) -> dict[str, Any]:
    """No more than the type of a schema that is left out."""
    return {"type": data["type"]} if isinstance(data, dict) and "type" in data else {}


def _is_read_only(data: SchemaData) -> bool:
    return isinstance(data, dict) and data.get("readOnly") is True
