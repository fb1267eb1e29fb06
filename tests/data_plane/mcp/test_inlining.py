"""Schemas without references, and no larger than they may be."""

from __future__ import annotations

import json
from typing import Any

from gateway.data_plane.mcp.inlining import MAX_SCHEMAS, Inliner
from gateway.openapi import Schema
from gateway.openapi.json_schema import Schemas


def _written(data: dict[str, Any]) -> dict[str, Any]:
    return Inliner().written_out(Schema("0", "root", Schemas(data)))


def test_references_are_written_out() -> None:
    """Remarks beside a reference stay, what only answers have goes, and false stays false."""
    data: dict[str, Any] = {
        "0": {
            "type": "object",
            "properties": {
                "a": {"$ref": "#/$defs/1", "description": "here"},
                "id": {"type": "string", "readOnly": True},
                "list": {"type": "array", "items": {"$ref": "#/$defs/1"}},
                "any": True,
                "none": False,
            },
            "additionalProperties": False,
        },
        "1": {"type": "string", "description": "there", "enum": ["x"]},
    }
    assert _written(data) == {
        "type": "object",
        "properties": {
            "a": {"type": "string", "description": "here", "enum": ["x"]},
            "list": {"type": "array", "items": {"type": "string", "description": "there", "enum": ["x"]}},
            "any": {},
            "none": {"not": {}},
        },
        "additionalProperties": False,
    }


def test_a_schema_that_contains_itself_is_cut() -> None:
    """Where it begins again, no more than its type is said."""
    data: dict[str, Any] = {"0": {"type": "object", "properties": {"child": {"$ref": "#/$defs/0"}}}}
    assert _written(data) == {"type": "object", "properties": {"child": {"type": "object"}}}


def test_schemas_that_multiply_stay_small() -> None:
    """Ten schemas with ten members each, of the next one: ten thousand millions, written out."""
    data: dict[str, Any] = {
        str(level): {
            "type": "object",
            "properties": {f"m{number}": {"$ref": f"#/$defs/{level + 1}"} for number in range(10)},
        }
        for level in range(10)
    }
    data["10"] = {"type": "string"}
    text = json.dumps(_written(data))
    assert text.count("type") < 4 * MAX_SCHEMAS
