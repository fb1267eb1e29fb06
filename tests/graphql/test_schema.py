"""Schema files: every mistake with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import LoadError
from gateway.graphql.schema import read_schema


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (b"type Query {\n  a: Nope\n}", 2, "Unknown type"),
        (b"type Query {\n  a: Int\n  b(:\n}", 3, "Expected Name"),
        (b"type Query { a: Int }\ntype Query { b: Int }", 2, "only one type"),
        (b"type Other { a: Int }", 1, "Query root type"),
        (b"type Query { a: I }\ninput I { a: Int }", 1, "Output Type"),
        (b"\xff", 1, "UTF-8"),
        (b"type Query { a: " + b"[" * 5000 + b"Int" + b"]" * 5000 + b" }", 1, "nested too deeply"),
    ],
)
def test_mistakes(tmp_path: Path, text: bytes, line: int, said: str) -> None:
    """Syntax, unknown types, doubled definitions, a missing root, wrong kinds of types, depth."""
    file = tmp_path / "s.graphql"
    file.write_bytes(text)
    with pytest.raises(LoadError) as refused:
        read_schema(file)
    problem = refused.value.problems[0]
    assert (problem.location.file, problem.location.line) == (str(file), line)
    assert said in problem.message


def test_a_schema_with_a_mark_and_custom_parts(tmp_path: Path) -> None:
    """A byte order mark, scalars, directives and descriptions of its own are read."""
    file = tmp_path / "s.graphql"
    text = '﻿"""doc"""\nscalar Date\ndirective @own on FIELD\nschema { query: Root }\ntype Root { d: Date }'
    file.write_text(text, encoding="utf-8")
    schema = read_schema(file)
    assert schema.query_type is not None
    assert schema.query_type.name == "Root"
