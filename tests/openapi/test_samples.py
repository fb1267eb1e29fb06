"""samples.py: a schema without example still gives a body, and it fits."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from gateway.openapi.samples import example_body, sample, sample_body
from tests.openapi.writing import linked, schema
from tests.speed import on_this_machine

FITTING = [
    {
        "type": "object",
        "required": ["a"],
        "properties": {"a": {"type": "integer", "minimum": 5}, "b": {"type": "boolean"}},
    },
    {"type": "array", "items": {"type": "string", "format": "date-time"}, "minItems": 2},
    {"type": "integer", "multipleOf": 7, "minimum": 10},
    {"type": "integer", "exclusiveMinimum": 3},
    {"type": "integer", "maximum": -3, "multipleOf": 2},
    {"type": "number", "exclusiveMaximum": 0},
    {"type": "string", "minLength": 20, "maxLength": 30},
    {"type": "string", "maxLength": 3},
    {"type": ["null", "string"]},
    {"enum": ["b", "c"]},
    {"const": 4},
    {
        "allOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"b": {"type": "number"}}}],
        "required": ["a", "b"],
    },
    {"oneOf": [{"type": "string"}, {"type": "integer"}]},
    *(
        {"type": "string", "format": name}
        for name in "date time date-time uuid email hostname uri ipv4 ipv6 byte".split()
    ),
]


@pytest.mark.parametrize("written", FITTING, ids=[json.dumps(each)[:50] for each in FITTING])
def test_samples_fit_their_schema(tmp_path: Path, written: object) -> None:
    """A sample made from a schema is valid."""
    found = schema(tmp_path, written)
    assert found.mistake(sample(found), False) == ""


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"type": "object", "properties": {"a": {"example": 7}, "b": {"default": "x"}}}, {"a": 7, "b": "x"}),
        ({"type": "object", "properties": {"a": {"type": "string", "writeOnly": True}}}, {}),
        ({"examples": [{"n": 1}], "type": "object"}, {"n": 1}),
        ({"$ref": "#/components/schemas/Line"}, {"sku": "string"}),
        ({"type": "number", "minimum": 0, "multipleOf": 0.01}, 0),
        (True, "string"),
    ],
)
def test_what_the_author_says_comes_first(tmp_path: Path, written: object, expected: object) -> None:
    """Examples and defaults inside the schema are used; writeOnly properties are left out."""
    line = {"type": "object", "properties": {"sku": {"type": "string"}}}
    assert repr(sample(schema(tmp_path, written, Line=line))) == repr(expected)


def test_samples_end(tmp_path: Path) -> None:
    """A recursive schema gives a sample of bounded size."""
    properties = {f"p{n}": {"$ref": "#/components/schemas/Tree"} for n in range(10)}
    body = sample_body(
        schema(tmp_path, {"$ref": "#/components/schemas/Tree"}, Tree={"properties": properties}), "a/json"
    )
    assert body is not None
    assert len(body) < 1_000_000


def test_samples_of_doubling_schemas_end(tmp_path: Path) -> None:
    """For schemas that each contain the next one twice the sample stays incomplete instead of growing exponentially."""
    links: dict[str, object] = {"S12": {"type": "object"}}
    for n in range(12):
        links[f"S{n}"] = {"allOf": [{"$ref": f"#/components/schemas/S{n + 1}"}] * 2}
    found = linked(tmp_path, {"$ref": "#/components/schemas/S0"}, links)
    started = time.process_time()
    assert sample(found) is not None
    assert time.process_time() - started < on_this_machine(2)


@pytest.mark.parametrize(
    ("value", "media_type", "expected"),
    [
        ({"a": "é"}, "application/json", '{\n  "a": "é"\n}'.encode()),
        ('{"a": 1}', "application/hal+json", b'{"a": 1}'),
        ("hi", "application/json", b'"hi"'),
        ("<a/>", "application/xml", b"<a/>"),
    ],
)
def test_examples_as_bodies(value: object, media_type: str, expected: bytes) -> None:
    """An example goes out as its author wrote it."""
    assert example_body(value, media_type) == expected


def test_no_sample_for_what_is_no_json(tmp_path: Path) -> None:
    """No sample is made for an XML body."""
    assert sample_body(schema(tmp_path, {"type": "object"}), "application/xml") is None
