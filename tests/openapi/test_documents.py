"""documents.py: references stay in the definition's directory, and end."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from gateway.errors import LoadError
from gateway.openapi import read_definition
from tests.openapi.writing import HEAD, one, read
from tests.speed import on_this_machine

ITEM = HEAD + "paths: {/a: {$ref: '%s'}}"


@pytest.mark.parametrize(
    ("ref", "code"),
    [
        ("http://example.com/a.yaml", "remote-reference"),
        ("//example.com/a.yaml", "remote-reference"),
        ("file:///etc/passwd", "remote-reference"),
        ("../outside.yaml", "reference-outside"),
        ("/etc/hostname", "reference-outside"),
        ("link.yaml", "reference-outside"),
        ("missing.yaml", "unreadable-file"),
        ("a%00b", "unknown-reference"),
        ("pipe", "unreadable-file"),
        (".", "unreadable-file"),
        ("#/paths/~1b", "unknown-reference"),
        ("#/paths/~1a", "circular-reference"),
        ("other.yaml#/back", "circular-reference"),
    ],
)
def test_references_that_are_refused(tmp_path: Path, ref: str, code: str) -> None:
    """References to URLs, to files outside and to themselves are refused; nothing is fetched or read."""
    (tmp_path / "outside.yaml").write_text("a: b")
    inside = tmp_path / "specs"
    inside.mkdir()
    os.mkfifo(inside / "pipe")
    (inside / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    (inside / "other.yaml").write_text("back: {$ref: 'api.yaml#/paths/~1a'}")
    with pytest.raises(LoadError) as caught:
        read(inside, ITEM % ref)
    assert [problem.code for problem in caught.value.problems] == [code]


def test_references_by_index_and_escape(tmp_path: Path) -> None:
    """Pointers go into lists, and names may hold slashes, tildes and percent signs."""
    text = HEAD + "paths: {/a: {get: {responses: {200: {$ref: '#/components/x-all/0/a~1b~0c%25'}}}}}\n"
    (operation,) = read(
        tmp_path, text + "components: {x-all: [{a/b~c%: {description: d, headers: {h: {schema: {}}}}}]}"
    )
    answer = operation.response(200)
    assert answer is not None
    assert list(answer.headers) == ["h"]


def test_json_with_escaped_pairs(tmp_path: Path) -> None:
    """JSON writes an emoji as two escapes, and a backslash in front of a u as itself."""
    text = r'{"openapi": "3.1.0", "paths": {"\/a": {"get": {"summary": "\ud83d\ude00 \\ud83d", "responses": {}}}}}'
    assert read(tmp_path, text, "api.json")[0].name == "😀 \\ud83d"


@pytest.mark.parametrize(
    "content", [b"{", b"a: &x 1\nb: *x", b"openapi: 3.0.3\nopenapi: 3.0.3", b"", b'{"a": "\\u\xff"}']
)
def test_files_that_are_no_data(tmp_path: Path, content: bytes) -> None:
    """Broken files, aliases, duplicate keys and bytes that are not text are refused with their place."""
    (tmp_path / "api.yaml").write_bytes(content)
    with pytest.raises(LoadError) as caught:
        read_definition(tmp_path / "api.yaml")
    assert {problem.location.file for problem in caught.value.problems} == {str(tmp_path / "api.yaml")}


def test_a_long_chain_of_schemas(tmp_path: Path) -> None:
    """Three thousand schemas that each lead to the next load, and quickly."""
    chain = "\n".join(
        f"    S{n}: {{type: object, properties: {{next: {{$ref: '#/components/schemas/S{n + 1}'}}}}}}"
        for n in range(3_000)
    )
    body = "{requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/S0'}}}}}"
    text = f"{HEAD}paths: {{/a: {{post: {body}}}}}\ncomponents:\n  schemas:\n{chain}\n    S3000: {{type: integer}}\n"
    started = time.process_time()
    (operation,) = read(tmp_path, text)
    assert time.process_time() - started < on_this_machine(5)
    assert operation.body is not None


def test_deep_nesting(tmp_path: Path) -> None:
    """A schema inside a schema a thousand times over is refused as it is read."""
    deep = "{items: " * 1000 + "{}" + "}" * 1000
    with pytest.raises(LoadError, match="too-deep"):
        one(tmp_path, f"{{requestBody: {{content: {{a/b: {{schema: {deep}}}}}}}}}")


def test_a_large_definition(tmp_path: Path) -> None:
    """A thousand operations load in under three seconds of processor time."""
    operation = (
        "{responses: {200: {description: d, content: {application/json: {schema: {$ref: '#/components/schemas/S'}}}}}}"
    )
    paths = "\n".join(
        f"  /a{n}/{{id}}: {{parameters: [{{$ref: '#/components/parameters/Id'}}], get: {operation}}}"
        for n in range(1_000)
    )
    parts = "components: {parameters: {Id: {name: id, in: path, schema: {}}}, schemas: {S: {type: object}}}"
    started = time.process_time()
    assert len(read(tmp_path, f"{HEAD}paths:\n{paths}\n{parts}")) == 1_000
    assert time.process_time() - started < on_this_machine(3)


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    """More than four million characters are refused, as in APIM."""
    with pytest.raises(LoadError, match="too-large"):
        read(tmp_path, HEAD + "#" * (1 << 22))
