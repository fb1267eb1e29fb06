"""parameters.py: text on the wire is read by style and type, and judged by its schema."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.openapi import Parameter, SeveralValues, Unreadable
from tests.openapi.writing import one

INTS = "schema: {type: array, items: {type: integer}, maxItems: 3}"
POINT = "schema: {type: object, required: [x], properties: {x: {type: integer}, y: {type: string}}}"


def _parameter(directory: Path, written: str, place: str = "query") -> Parameter:
    operation = one(directory, f"{{parameters: [{{name: p, in: {place}, {written}}}]}}")
    return operation.query[0] if place == "query" else operation.headers["p"]


CASES = [
    ("schema: {type: integer}", "p=1", ""),
    ("schema: {type: integer}", "p=01", "(root): type"),
    ("schema: {type: integer}", "p=1.0", ""),
    ("schema: {type: integer}", "p=x", "(root): type"),
    ("schema: {type: integer}", "p=", "(root): type"),
    ("schema: {type: integer, minimum: 1, maximum: 9}", "p=10", "(root): maximum"),
    ("schema: {type: integer}", "p=" + "9" * 5000, "(root): type"),
    ("schema: {type: number}", "p=-1.5e3", ""),
    ("schema: {type: number}", "p=NaN", "(root): type"),
    ("schema: {type: boolean}", "p=true", ""),
    ("schema: {type: boolean}", "p=1", "(root): type"),
    ("schema: {type: string}", "p=1", ""),
    ("schema: {type: string, enum: ['1', b]}", "p=1", ""),
    ("schema: {enum: [1, 2]}", "p=2", ""),
    ("schema: {enum: [1, 2]}", "p=3", "(root): enum"),
    ("schema: {maxLength: 3}", "p=12345", "(root): maxLength"),
    ("schema: {oneOf: [{type: integer}, {type: string, pattern: '^a'}]}", "p=1", ""),
    ("schema: {oneOf: [{type: integer}, {type: string, pattern: '^a'}]}", "p=b", "(root): oneOf"),
    ("schema: {type: string, nullable: true}", "p=", ""),
    ("schema: {type: integer}, allowEmptyValue: true", "p=", ""),
    (INTS, "p=1&p=2", ""),
    (INTS, "p=1&p=x", "1: type"),
    (INTS, "p=1&p=2&p=3&p=4", "(root): maxItems"),
    (INTS + ", explode: false", "p=1,2,3", ""),
    (INTS + ", explode: false", "p=1,2,3,4", "(root): maxItems"),
    (INTS + ", style: pipeDelimited, explode: false", "p=1|2|x", "2: type"),
    (INTS + ", style: spaceDelimited, explode: false", "p=1 2", ""),
    (POINT, "x=1&y=2", ""),
    (POINT, "y=2", "(root): required"),
    (POINT + ", style: deepObject", "p[x]=1&p[y]=a", ""),
    (POINT + ", style: deepObject", "p[x]=a", "x: type"),
    (POINT + ", style: deepObject", "P[X]=1", ""),
    (POINT + ", explode: false", "p=x,1,y,2", ""),
    ("content: {application/json: {schema: {type: object, required: [a]}}}", 'p={"a":1}', ""),
    ("content: {application/json: {schema: {type: object, required: [a]}}}", "p={}", "(root): required"),
]


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (pair.partition("=") for pair in text.split("&"))]


@pytest.mark.parametrize(("written", "query", "mistake"), CASES, ids=[f"{w[:30]}-{q[:12]}" for w, q, _ in CASES])
def test_query(tmp_path: Path, written: str, query: str, mistake: str) -> None:
    """Numbers, booleans, arrays and objects are read as their style says."""
    parameter = _parameter(tmp_path, written)
    pairs = _pairs(query)
    assert all(parameter.owns(name) for name, _ in pairs)
    assert parameter.mistake(pairs) == mistake


@pytest.mark.parametrize(
    ("written", "values", "mistake"),
    [
        ("schema: {type: integer}", ["5"], ""),
        (INTS, ["1, 2", "3"], ""),
        (INTS, ["1,x"], "1: type"),
        (POINT, ["x,1"], ""),
        (POINT + ", explode: true", ["x=1,y=b"], ""),
    ],
)
def test_headers(tmp_path: Path, written: str, values: list[str], mistake: str) -> None:
    """Header lists may be on one line or several."""
    assert _parameter(tmp_path, written, "header").mistake([("P", value) for value in values]) == mistake


@pytest.mark.parametrize(
    ("written", "query", "error"),
    [
        ("schema: {type: integer}", "p=1&P=2", SeveralValues),
        (INTS + ", explode: false", "p=1&p=2", SeveralValues),
        (POINT, "x=1&X=2", SeveralValues),
        (POINT + ", explode: false", "p=x", Unreadable),
        ("content: {application/json: {schema: {}}}", "p={", Unreadable),
        ("content: {application/json: {schema: {}}}", 'p={"a":1,"a":2}', Unreadable),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, written: str, query: str, error: type[Exception]) -> None:
    """Several values for a single one, and texts of another form, are distinguished from invalid values."""
    with pytest.raises(error):
        _parameter(tmp_path, written).mistake(_pairs(query))


@pytest.mark.parametrize(
    ("written", "name", "owned"),
    [
        ("schema: {type: integer}", "P", True),
        ("schema: {type: integer}", "pp", False),
        (POINT + ", style: deepObject", "p[z]", True),
        (POINT + ", style: deepObject", "p", False),
        (POINT, "X", True),
        (POINT, "z", False),
    ],
)
def test_whose_it_is(tmp_path: Path, written: str, name: str, owned: bool) -> None:
    """Names are case-insensitive, as in .NET; an object's properties are separate parameters."""
    assert _parameter(tmp_path, written).owns(name) is owned
