"""schemas.py and json_schema.py: every dialect's schemas judge values as they say."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from gateway.errors import LoadError
from gateway.openapi import json_schema
from tests.openapi.writing import linked, schema
from tests.speed import on_this_machine

ORDER = {
    "type": "object",
    "required": ["id", "secret", "name"],
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "secret": {"type": "string", "writeOnly": True},
        "name": {"type": "string", "pattern": "^[a-z]+$"},
        "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}},
    },
}
LINE = {"type": "object", "properties": {"sku": {"type": "string"}}}

VALUES = [
    ("3.0.3", {"type": "string", "nullable": True}, None, ""),
    ("3.0.3", {"type": "string"}, None, "(root): type"),
    ("3.0.3", {"type": "number", "minimum": 1, "exclusiveMinimum": True}, 1, "(root): exclusiveMinimum"),
    ("3.0.3", {"type": "number", "minimum": 1, "exclusiveMinimum": False}, 1, ""),
    ("3.0.3", {"$ref": "#/components/schemas/Line", "type": "integer"}, {"sku": "a"}, ""),
    ("3.1.0", {"$ref": "#/components/schemas/Line", "minProperties": 1}, {}, "(root): minProperties"),
    ("3.1.0", {"type": ["string", "null"]}, None, ""),
    ("3.1.0", {"exclusiveMinimum": 1}, 1, "(root): exclusiveMinimum"),
    ("3.1.0", {"const": "a"}, "b", "(root): const"),
    ("3.1.0", True, {"a": 1}, ""),
    ("3.1.0", {"pattern": "^a$"}, "a\n", "(root): pattern"),
    ("3.1.0", {"pattern": r"^\d$"}, "٣", "(root): pattern"),
    ("3.1.0", {"pattern": r"[$]\$$"}, "$$", ""),
    ("3.1.0", {"patternProperties": {"^x": {"type": "integer"}}}, {"xa": "1"}, "xa: type"),
    ("3.1.0", {"multipleOf": 0.01}, 19.99, ""),
    ("3.1.0", {"multipleOf": 0.01}, 19.995, "(root): multipleOf"),
    ("3.1.0", {"multipleOf": 3}, 10**60, "(root): multipleOf"),
    ("3.1.0", {"dependentRequired": {"a": ["b"]}}, {"a": 1}, "(root): dependentRequired"),
    ("3.1.0", {"oneOf": [{"type": "string"}, {"type": "integer"}]}, 1.5, "(root): oneOf"),
    ("3.1.0", {"prefixItems": [{"type": "string"}], "items": False}, ["a", 1], "(root): items"),
    ("3.1.0", {"format": "no-such-format"}, "x", ""),
    ("3.1.0", {"$schema": "https://json-schema.org/draft/2020-12/schema", "x-remark": 1, "type": "null"}, None, ""),
]


@pytest.mark.parametrize(("version", "written", "value", "mistake"), VALUES)
def test_verdicts(tmp_path: Path, version: str, written: object, value: object, mistake: str) -> None:
    """Schemas of both dialects are judged as their specifications say."""
    assert schema(tmp_path, written, version, Line=LINE).mistake(value, True) == mistake


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("date", "2024-02-29", "2023-02-29"),
        ("date", "2024-01-01", "20240101"),
        ("time", "23:59:60Z", "24:00:00Z"),
        ("time", "10:00:00+01:00", "10:00:00"),
        ("date-time", "2024-01-01T00:00:00.5Z", "2024-01-01"),
        ("date-time", "2024-01-01t00:00:00z", "2024-01-01T00:00:00+25:00"),
        ("uuid", "00000000-0000-0000-0000-00000000000A", "{00000000-0000-0000-0000-00000000000A}"),
        ("email", "a@b.c", "a b@c"),
        ("hostname", "a-b.example", "-a.example"),
        ("ipv4", "192.0.2.1", "192.0.2.256"),
        ("ipv6", "::1", "192.0.2.1"),
        ("uri", "https://a/b", "a/b"),
        ("byte", "aGk=", "a?k="),
        ("int32", 2**31 - 1, 2**31),
        ("int64", -(2**63), 2**63),
    ],
)
def test_formats(tmp_path: Path, name: str, good: object, bad: object) -> None:
    """A format is checked; a value of another type has none."""
    found = schema(tmp_path, {"format": name})
    assert (found.mistake(good, True), found.mistake([], True)) == ("", "")
    assert found.mistake(bad, True) == "(root): format"


@pytest.mark.parametrize(
    ("value", "on_request", "mistake"),
    [
        ({"secret": "s", "name": "a"}, True, ""),
        ({"id": 1, "name": "a"}, False, ""),
        ({"id": 1, "name": "a"}, True, "(root): required"),
        ({"secret": "s", "name": "a"}, False, "(root): required"),
        ({"secret": "s"}, True, "(root): required"),
    ],
    ids=["request", "response", "no-secret", "no-id", "no-name"],
)
def test_required_has_a_direction(tmp_path: Path, value: object, on_request: bool, mistake: str) -> None:
    """readOnly properties need not come in requests, writeOnly ones not in responses."""
    assert schema(tmp_path, ORDER, Line=LINE).mistake(value, on_request) == mistake


NESTED = {
    "allOf": [{"$ref": "#/components/schemas/Line"}],
    "properties": {"inner": {"$ref": "#/components/schemas/Line"}},
}
SHUT = {"type": "object", "properties": {"a": {}}, "additionalProperties": False}
WIDE = {"type": "object", "properties": {"a": {}}, "additionalProperties": True}
MAP = {"type": "object", "additionalProperties": {"type": "integer"}}


@pytest.mark.parametrize(
    ("written", "value", "additional", "mistake"),
    [
        (SHUT, {"b": 1}, None, "(root): additionalProperties"),
        (SHUT, {"b": 1}, True, ""),
        (WIDE, {"b": 1}, None, ""),
        (WIDE, {"b": 1}, False, "(root): unevaluatedProperties"),
        (MAP, {"b": 1}, False, "(root): unevaluatedProperties"),
        (MAP, {"b": "x"}, True, "b: type"),
        (NESTED, {"sku": "a", "inner": {"sku": "b"}}, False, ""),
        (NESTED, {"sku": "a", "inner": {"sku": "b", "x": 1}}, False, "inner: unevaluatedProperties"),
        (NESTED, {"sku": "a", "x": 1}, False, "(root): unevaluatedProperties"),
        ({"type": "array", "items": WIDE}, [{"a": 1, "b": 1}], False, "0: unevaluatedProperties"),
        ({"anyOf": [WIDE, {"type": "string"}]}, {"a": 1}, False, ""),
        (True, {"a": 1}, False, "(root): unevaluatedProperties"),
    ],
)
def test_additional_properties(
    tmp_path: Path, written: object, value: object, additional: bool | None, mistake: str
) -> None:
    """The policy's setting overrides the schema's, at every depth, and composed schemas stay usable."""
    assert schema(tmp_path, written, Line=LINE).mistake(value, True, additional) == mistake


def test_values_are_never_told(tmp_path: Path) -> None:
    """A mistake names the place and the keyword, but not the caller's data."""
    assert "hunter2" not in schema(tmp_path, {"items": {"maxLength": 1}}).mistake(["hunter2"], True)


def test_patterns_are_bounded(tmp_path: Path) -> None:
    """A pattern that would run for ages on a hostile text refuses it instead."""
    started = time.monotonic()
    assert schema(tmp_path, {"pattern": "^(a|a?)+$"}).mistake("a" * 40 + "!", True) == "(root): pattern"
    assert time.monotonic() - started < 5


SLOW = "^(a|aa)+$"
SLOW_TEXTS = [f"{'a' * 60}!{number}" for number in range(6)]
SLOW_NAMES = dict.fromkeys(SLOW_TEXTS, 1)


def test_patterns_have_a_second_together(tmp_path: Path) -> None:
    """The limit is a second for all of them, and a value that is not judged by then does not pass."""
    began = time.process_time()  # other processes may hold this one up
    assert schema(tmp_path, {"items": {"pattern": SLOW}}).mistake(SLOW_TEXTS, on_request=True).endswith(": pattern")
    assert time.process_time() - began < on_this_machine(5)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ({"items": {"pattern": SLOW}}, SLOW_TEXTS),
        ({"items": {"anyOf": [{"pattern": SLOW}, {"type": "string"}]}}, SLOW_TEXTS),
        ({"items": {"not": {"pattern": SLOW}}}, SLOW_TEXTS),
        ({"items": {"if": {"pattern": SLOW}, "then": False}}, SLOW_TEXTS),
        ({"patternProperties": {SLOW: False}}, SLOW_NAMES),
        ({"patternProperties": {SLOW: True}, "additionalProperties": False}, SLOW_NAMES),
        ({"additionalProperties": False, "patternProperties": {SLOW: True}}, SLOW_NAMES),
        ({"unevaluatedProperties": False, "patternProperties": {SLOW: True}}, SLOW_NAMES),
    ],
    ids="items anyOf not if patternProperties then-additional additional-first unevaluated-first".split(),
)
def test_what_expressions_cannot_judge_is_a_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: dict[str, object], value: object
) -> None:
    """Patterns anywhere in a schema have one limit together; a value that is not judged by then does not pass."""
    monkeypatch.setattr(json_schema, "PATTERN_TIME_S", 0.1)
    began = time.process_time()  # other processes may hold this one up
    assert schema(tmp_path, written).mistake(value, on_request=True).endswith(": pattern")
    assert time.process_time() - began < on_this_machine(2)


def test_a_schema_may_contain_itself(tmp_path: Path) -> None:
    """Trees are checked at every depth."""
    tree = {"type": "object", "properties": {"left": {"$ref": "#/components/schemas/Tree"}}}
    found = schema(tmp_path, {"$ref": "#/components/schemas/Tree"}, Tree=tree)
    assert found.name == "Tree"
    assert found.mistake({"left": {"left": {}}}, True) == ""
    assert found.mistake({"left": {"left": 1}}, True) == "left/left: type"


def _chain(length: int) -> dict[str, object]:
    """Schemas S0, S1, … that each apply the next one twice."""
    links = {f"S{n}": {"allOf": [{"$ref": f"#/components/schemas/S{n + 1}"}] * 2} for n in range(length)}
    return {**links, f"S{length}": {"type": "object"}}


@pytest.mark.parametrize(("links", "loads"), [(10, True), (40, False), (60, False)], ids=["few", "doubling", "long"])
def test_chains_that_are_too_long(tmp_path: Path, links: int, loads: bool) -> None:
    """A chain that no value could be followed through is refused at load, and quickly."""
    started = time.process_time()
    if loads:
        assert linked(tmp_path, {"$ref": "#/components/schemas/S0"}, _chain(links)).mistake({}, True) == ""
    else:
        with pytest.raises(LoadError, match="circular-schema"):
            linked(tmp_path, {"$ref": "#/components/schemas/S0"}, _chain(links))
    assert time.process_time() - started < on_this_machine(2)


@pytest.mark.parametrize(("depth", "mistaken"), [(40, False), (2_000, True)])
def test_deep_values(tmp_path: Path, depth: int, mistaken: bool) -> None:
    """Realistically nested values are judged; one that is nested too deeply is refused with that message."""
    tree = {"type": "object", "properties": {"left": {"$ref": "#/components/schemas/Tree"}}}
    found = schema(tmp_path, {"$ref": "#/components/schemas/Tree"}, Tree=tree)
    value: dict[str, object] = {}
    for _ in range(depth):
        value = {"left": value}
    if mistaken:
        with pytest.raises(RecursionError):
            found.mistake(value, True)
    else:
        assert found.mistake(value, True, additional=False) == ""


@pytest.mark.parametrize(
    ("version", "written", "code"),
    [
        ("3.1.0", {"nullable": True}, "unknown-keyword"),
        ("3.1.0", {"$id": "urn:x"}, "unknown-keyword"),
        ("3.1.0", {"$schema": "http://json-schema.org/draft-04/schema#"}, "unknown-dialect"),
        ("3.1.0", {"$dynamicRef": "#x"}, "unknown-keyword"),
        ("3.1.0", {"exclusiveMinimum": True}, "bad-value"),
        ("3.1.0", {"patternProperties": {"(": {}}}, "bad-pattern"),
        ("3.1.0", {"multipleOf": 0}, "bad-value"),
        ("3.1.0", {"properties": []}, "bad-value"),
        ("3.1.0", {"allOf": {}}, "bad-value"),
        ("3.1.0", {"$ref": "#/components/schemas/Nobody"}, "unknown-reference"),
        ("3.1.0", {"properties": {"a": {"$ref": "#/nowhere"}}}, "unknown-reference"),
        ("3.1.0", {"$ref": "#anchor"}, "unknown-reference"),
        ("3.1.0", {"$ref": "#/components/schemas/Loop"}, "circular-schema"),
        ("3.0.3", {"properties": {"a": {"$ref": "#/components/schemas/Loop"}}}, "circular-schema"),
        ("3.1.0", {"$ref": "#/components/schemas/Self"}, "circular-reference"),
    ],
)
def test_bad_schemas(tmp_path: Path, version: str, written: object, code: str) -> None:
    """A schema by which no value could be judged is refused at load."""
    loop = {"allOf": [{"$ref": "#/components/schemas/Loop"}]}
    itself = {"$ref": "#/components/schemas/Self"}
    with pytest.raises(LoadError) as caught:
        schema(tmp_path, written, version, Loop=loop, Self=itself)
    assert {problem.code for problem in caught.value.problems} == {code}
