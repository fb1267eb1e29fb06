"""Which JSON types a schema lets through: how a text may be read, and what a sample looks like."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from gateway.openapi.json_schema import Schema, SchemaData, Schemas
from gateway.openapi.parameters import TEXT, Form, Kinds

_NAMES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


def form_of(schema: Schema) -> Form:
    """How values of *schema* are written as text."""
    parts = list(parts_of(schema.data, schema.among))
    items = [part["items"] for part in parts if "items" in part]
    properties = {name: inner for part in parts for name, inner in part.get("properties", {}).items()}
    return Form(
        _kinds(parts),
        _kinds(part for item in items for part in parts_of(item, schema.among)),
        {name: _kinds(parts_of(inner, schema.among)) for name, inner in properties.items()},
    )


def parts_of(data: SchemaData, among: Schemas) -> Iterator[dict[str, Any]]:
    """*data* and every schema that it applies, or may apply, to the same value; each reference is followed once."""
    waiting, passed = [data], set[str]()
    while waiting:
        part = waiting.pop()
        if not isinstance(part, dict):
            continue
        yield part
        waiting += [subschema for keyword in ("allOf", "anyOf", "oneOf") for subschema in part.get(keyword, ())]
        key = part.get("$ref", "").rpartition("/")[2]
        if key and key not in passed:
            passed.add(key)
            waiting.append(among.data[key])


def _kinds(parts: Iterable[dict[str, Any]]) -> Kinds:
    """The types that *parts* name, by themselves or through the values that they list; text where they name none."""
    kinds: set[str] = set()
    for part in parts:
        kind = part.get("type", [])
        kinds.update([kind] if isinstance(kind, str) else kind)
        values = [*part.get("enum", []), *([part["const"]] if "const" in part else [])]
        if not kind:
            kinds.update(_NAMES.get(type(value), "null") for value in values)
    return frozenset(kinds) or TEXT
