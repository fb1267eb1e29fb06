"""definitions.py: what a definition says and what the configuration says become one list of operations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from gateway.assembly.app import build
from gateway.commands.check.report import check_config
from gateway.config import Config, json_schema, parse
from gateway.config.apis import Operation
from gateway.errors import LoadError
from gateway.wire.headers import Headers
from gateway.wire.messages import Request

DEFINITION = """
openapi: 3.0.3
info: {title: t, version: '1'}
paths:
  /pets:
    get:
      operationId: listPets
      summary: All pets
      parameters: [{name: limit, in: query, required: true, schema: {type: integer}}]
      responses: {}
    post: {responses: {}}
  /pets/{id}:
    get:
      operationId: getPet
      parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
      responses: {}
"""


def _config(directory: Path, api: str, definition: str = DEFINITION) -> Config:
    """A configuration with one API that has a definition."""
    (directory / "pets.yaml").write_text(definition)
    (directory / "p.xml").write_text("<policies><inbound><base /></inbound></policies>")
    return parse(f"apis:\n- {{id: pets, path: pets, openapi: pets.yaml, {api}}}\n", "config.yaml", directory, {})


def _shown(operation: Operation) -> str:
    policy = operation.policy.name if operation.policy else "-"
    return f"{operation.id} {operation.method} {operation.url_template} {policy} {bool(operation.definition)}"


IMPORTED = [
    "listpets GET /pets?limit={limit} - True",
    "post-pets POST /pets - True",
    "getpet GET /pets/{id} - True",
]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", IMPORTED),
        ("operations: []", IMPORTED),
        ("translate-required-query-parameters: query", ["listpets GET /pets - True", *IMPORTED[1:]]),
        ("operations: [{id: listPets, policy: p.xml}]", ["listpets GET /pets?limit={limit} p.xml True", *IMPORTED[1:]]),
        ("operations: [{id: getpet, method: GET, url-template: '/pets/{id}'}]", IMPORTED),
        (
            "operations: [{id: add, method: POST, url-template: /pets, policy: p.xml}]",
            [IMPORTED[0], "add POST /pets p.xml True", IMPORTED[2]],
        ),
        (
            "operations: [{id: count, method: GET, url-template: /count}]",
            [*IMPORTED, "count GET /count - False"],
        ),
    ],
    ids="none empty query by-id agreeing by-route more".split(),
)
def test_operations(tmp_path: Path, written: str, expected: list[str]) -> None:
    """Operations are imported, completed by id or by method and template, and more may be added."""
    assert list(map(_shown, _config(tmp_path, written).apis[0].operations)) == expected


def test_names(tmp_path: Path) -> None:
    """A name in the configuration replaces the definition's."""
    first, *_, last = _config(tmp_path, "operations: [{id: getPet, name: One pet}]").apis[0].operations
    assert (first.name, last.name) == ("All pets", "One pet")


@pytest.mark.parametrize(
    ("written", "definition", "code", "place"),
    [
        ("operations: [{id: listPet}]", DEFINITION, "unknown-operation", "config.yaml:2"),
        ("operations: [{id: zzz, method: GET}]", DEFINITION, "unknown-operation", "config.yaml:2"),
        ("operations: [{id: getPet}, {id: getpet}]", DEFINITION, "duplicate-operation", "config.yaml:2"),
        ("operations: [{id: getPet, method: PUT}]", DEFINITION, "other-operation", "config.yaml:2"),
        (
            "operations: [{id: getpet, method: GET, url-template: /x}]",
            DEFINITION,
            "other-operation",
            "config.yaml:2",
        ),
        ("", "openapi: 3.0.3\npaths: {}", "empty-definition", "config.yaml:2"),
        ("", "openapi: 3.0.3\npath: {}", "unknown-field", "pets.yaml:2"),
        ("translate-required-query-parameters: other", DEFINITION, "bad-value", "config.yaml:2"),
    ],
)
def test_mistakes(tmp_path: Path, written: str, definition: str, code: str, place: str) -> None:
    """Contradictory settings are refused at load, at their place in the file."""
    with pytest.raises(LoadError) as caught:
        _config(tmp_path, written, definition)
    problem = caught.value.problems[0]
    assert problem.code == code
    assert f"{problem.location.file}:{problem.location.line}".endswith(place)


@pytest.mark.parametrize("written", ["{id: a}", "{id: a, method: GET}", "{id: a, url-template: /a}"])
def test_without_a_definition_both_are_needed(tmp_path: Path, written: str) -> None:
    """Without a definition, an operation needs both method and template."""
    with pytest.raises(LoadError) as caught:
        parse(f"apis: [{{id: a, path: a, operations: [{written}]}}]", "config.yaml", tmp_path, {})
    assert [problem.code for problem in caught.value.problems] == ["missing-key"]


def test_two_operations_for_one_request(tmp_path: Path) -> None:
    """Templates that match the same requests are reported with their place in the definition."""
    definition = DEFINITION + (
        "  /pets/{name}:\n    get:\n"
        "      parameters: [{name: name, in: path, required: true, schema: {}}]\n      responses: {}\n"
    )
    with pytest.raises(LoadError, match=r"pets\.yaml:18:5: duplicate-operation"):
        build(_config(tmp_path, "service-url: 'http://127.0.0.1:9'", definition))


def test_ids_of_ones_own(tmp_path: Path) -> None:
    """Operations that exist only in the configuration need their own ids."""
    written = "operations: [{id: x, method: GET, url-template: /x}, {id: x, method: GET, url-template: /y}]"
    with pytest.raises(LoadError, match="duplicate-id"):
        _config(tmp_path, written)


def test_routing(tmp_path: Path) -> None:
    """Imported operations are reachable, and nothing else is."""
    dispatcher = build(_config(tmp_path, "service-url: 'http://127.0.0.1:9'")).dispatcher
    found = {
        target: dispatcher.router.match(Request(method, f"/pets{target}", query, Headers())).operation
        for method, target, query in (
            ("GET", "/pets", "limit=1"),
            ("GET", "/pets/", ""),
            ("GET", "/pets/7", ""),
            ("DELETE", "/pets/8", ""),
        )
    }
    assert {target: operation and operation.id for target, operation in found.items()} == {
        "/pets": "listpets",
        "/pets/": None,
        "/pets/7": "getpet",
        "/pets/8": None,
    }


def test_check_names_the_definition(tmp_path: Path) -> None:
    """`gateway check` reports what is wrong in the definition's own file."""
    (tmp_path / "pets.yaml").write_text(DEFINITION.replace("summary", "sumary"))
    (tmp_path / "config.yaml").write_text("apis: [{id: pets, path: pets, openapi: pets.yaml}]")
    (report,) = check_config(tmp_path / "config.yaml")
    assert (report.file, [str(problem.location) for problem in report.problems]) == (
        str(tmp_path / "pets.yaml"),
        [f"{tmp_path}/pets.yaml:8:7"],
    )


def test_editors_know_the_key() -> None:
    """The schema of the configuration accepts openapi, and operations that only name an id."""
    document = {"apis": [{"id": "a", "openapi": "a.yaml", "operations": [{"id": "b"}]}]}
    assert [
        error.message for error in Draft202012Validator(json.loads(json.dumps(json_schema()))).iter_errors(document)
    ] == []
