"""
Schemas of a definition as schemas of a tool: without references, and no larger than a model wants to read.

A schema that contains itself is cut where it begins again; so is one that is too deep or too large. What is left out
there may be any value, so that no good argument is refused.

Source: JSON Schema 2020-12 §8.2.3; Model Context Protocol, "Tools".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
_DROPPED = frozenset({_REFERENCE, "example", "writeOnly"})


class Inliner:
    """Writes out the schemas of one tool; it counts them."""

    def __init__(self) -> None:
        self._left = MAX_SCHEMAS

    def written_out(self, schema: Schema) -> dict[str, Any]:
        """*schema* without references, and without what only answers have."""
        return self._schema(schema.data, _Surroundings(schema.among.data, (schema.key,)))

    def _schema(self, data: SchemaData, around: _Surroundings) -> dict[str, Any]:
        self._left -= 1
        if not isinstance(data, dict):
            return {} if data else {"not": {}}
        if self._left < 0 or len(around.open_keys) > MAX_DEPTH:
            return _outline(data)
        written = {key: self._keyword(key, data[key], around) for key in data.keys() - _DROPPED}
        if _REFERENCE not in data:
            return _sorted(written, data)
        return {**self._target(data[_REFERENCE].rpartition("/")[2], around), **_sorted(written, data)}

    def _target(self, key: str, around: _Surroundings) -> dict[str, Any]:
        target = around.among[key]
        return _outline(target) if key in around.open_keys else self._schema(target, around.inside(key))

    def _keyword(self, key: str, value: Any, around: _Surroundings) -> Any:
        if key in _ONE:
            return value if isinstance(value, bool) else self._schema(value, around.inside())
        if key in _LISTS:
            return [self._schema(item, around.inside()) for item in value]
        if key in _MAPS:
            return self._map(_on_requests(value) if key == "properties" else value, around.inside())
        return value

    def _map(self, schemas: Mapping[str, SchemaData], around: _Surroundings) -> dict[str, Any]:
        return {name: self._schema(schema, around) for name, schema in schemas.items()}


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """
    Where a schema is.

    Attributes:
        among: The schemas of the definition, by key.
        open_keys: Keys of those that it is inside of, one for each level.
    """

    among: dict[str, SchemaData]
    open_keys: tuple[str, ...]

    def inside(self, key: str = "") -> _Surroundings:
        """One level deeper, inside the schema with *key* if it has one."""
        return _Surroundings(self.among, (*self.open_keys, key))


def _sorted(written: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    """*written* in the order of *data*."""
    return {key: written[key] for key in data if key in written}


def _on_requests(properties: Mapping[str, SchemaData]) -> dict[str, SchemaData]:
    """Those of *properties* that a request may have."""
    return {name: schema for name, schema in properties.items() if not _is_read_only(schema)}


def _outline(data: SchemaData) -> dict[str, Any]:
    """No more than the type of a schema that is left out."""
    return {"type": data["type"]} if isinstance(data, dict) and "type" in data else {}


def _is_read_only(data: SchemaData) -> bool:
    return isinstance(data, dict) and data.get("readOnly") is True
