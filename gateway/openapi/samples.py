"""
A sample of a schema: what mock-response answers where the definition has no example.

Source: APIM policy reference, "mock-response": examples first, then what the schema allows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gateway.openapi.json_schema import Schema, SchemaData, Schemas

MAX_DEPTH = 8  # a schema may contain itself
MAX_VALUES = 2_000  # and many others, each of which contains many others
MAX_ITEMS = 10

_TEXTS = {
    "date": "2024-01-01",
    "date-time": "2024-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "email": "user@example.com",
    "hostname": "example.com",
    "uri": "https://example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "byte": "",
}


def sample(schema: Schema) -> Any:
    """A value of *schema*, complete down to eight levels."""
    return _Sampler(schema.among).value(schema.data, MAX_DEPTH)


def sample_body(schema: Schema, media_type: str) -> bytes | None:
    """A body of *media_type*: JSON, or a text as it is; None where neither of them makes sense."""
    value = sample(schema)
    if isinstance(value, str) or media_type.endswith(("json", "*")):
        return example_body(value, media_type)
    return None


def example_body(value: Any, media_type: str) -> bytes:
    """An example as a body; JSON that its author wrote as a text is not quoted once more."""
    if isinstance(value, str) and (not media_type.endswith("json") or value.lstrip().startswith(("{", "["))):
        return value.encode()
    return json.dumps(value, ensure_ascii=False, indent=2).encode()


class _Sampler:
    """One sample in the making."""

    def __init__(self, among: Schemas) -> None:
        self._among = among
        self._left = MAX_VALUES

    def value(self, data: SchemaData, depth: int) -> Any:
        merged = self._merged(data)
        for keyword in ("example", "const", "default"):
            if keyword in merged:
                return merged[keyword]
        for keyword in ("examples", "enum"):
            if isinstance(merged.get(keyword), list) and merged[keyword]:
                return merged[keyword][0]
        return self._typed(merged, depth)

    def _typed(self, schema: Mapping[str, Any], depth: int) -> Any:
        kind = _kind(schema)
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, depth)
        if kind in ("integer", "number"):
            number = _number(schema)
            return int(number) if number == int(number) else number  # 0 rather than -0.0
        return {"boolean": True, "null": None}.get(kind, _text(schema))

    def _array(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        if depth <= 1 or self._left <= 0 or schema.get("maxItems") == 0:
            return []
        return [self.value(schema.get("items", True), depth - 1)] * max(1, min(schema.get("minItems", 1), MAX_ITEMS))

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for name, inner in schema.get("properties", {}).items():
            if depth > 0 and self._left > 0 and not _hidden(inner):
                members[name] = self.value(inner, depth - 1)
        return members

    def _merged(self, data: SchemaData) -> dict[str, Any]:
        """*data* with all that applies beside it: what it refers to, every allOf, the first of each choice."""
        self._left -= 1
        if not isinstance(data, dict) or self._left <= 0:
            return {}
        beside = [self._among.data[data["$ref"].rpartition("/")[2]]] if "$ref" in data else []
        beside += [*data.get("allOf", ()), *data.get("oneOf", ())[:1], *data.get("anyOf", ())[:1]]
        merged: dict[str, Any] = {}
        for schema in [*map(self._merged, beside), data]:
            properties = {**merged.get("properties", {}), **schema.get("properties", {})}
            merged |= schema
            if properties:
                merged["properties"] = properties
        return merged


def _kind(schema: Mapping[str, Any]) -> str:
    named = schema.get("type", "object" if "properties" in schema else "array" if "items" in schema else "string")
    return named if isinstance(named, str) else next((name for name in named if name != "null"), "null")


def _hidden(schema: SchemaData) -> bool:
    return isinstance(schema, dict) and schema.get("writeOnly") is True


def _number(schema: Mapping[str, Any]) -> int | float:
    """The smallest value where there is one, else 0 or the largest."""
    step = schema.get("multipleOf", 1)
    value: int | float
    if "minimum" in schema or "exclusiveMinimum" in schema:
        value = -(-schema.get("minimum", schema.get("exclusiveMinimum")) // step) * step
        return value + step if value == schema.get("exclusiveMinimum") else value
    value = min(schema.get("maximum", schema.get("exclusiveMaximum", 0)), 0) // step * step
    return value - step if value == schema.get("exclusiveMaximum") else value


def _text(schema: Mapping[str, Any]) -> str:
    text = _TEXTS.get(schema.get("format", ""), "string")
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength", len(text))
    return text.ljust(min(shortest, 1_000), "x")[: max(longest, shortest)]
