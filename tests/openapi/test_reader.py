"""reader.py: operations of a definition, as APIM imports them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import LoadError
from gateway.openapi import read_definition
from gateway.openapi.identifiers import normalized, operation_id, operation_name
from tests.openapi.writing import HEAD, one, read


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("listPets", "listpets"),
        ("GET-/foo/{bar}?buzz={quix}", "get-foo-bar-buzz-quix"),
        ("Orders_Get  All!", "orders-get-all"),
        ("a" * 100, "a" * 76),
    ],
)
def test_ids_are_normalized(written: str, expected: str) -> None:
    """An operationId becomes the resource name that APIM gives it."""
    assert normalized(written) == expected


@pytest.mark.parametrize(
    ("written", "taken", "expected"),
    [("", (), "get-foo-bar"), ("a", ("a",), "a-1"), ("A!", ("a", "a-1"), "a-2")],
    ids=["missing", "twice", "thrice"],
)
def test_ids_are_unique(written: str, taken: tuple[str, ...], expected: str) -> None:
    """Method and path stand in for a missing operationId, and a number tells doubled ones apart."""
    assert operation_id(written, "get", "/foo/{bar}", taken) == expected


@pytest.mark.parametrize(
    ("summary", "written", "expected"),
    [("List them", "x", "List them"), ("", "listPets", "listPets"), ("", "", "GET - /foo"), ("s" * 400, "", "s" * 300)],
)
def test_names(summary: str, written: str, expected: str) -> None:
    """The summary is the display name, the operationId without one, else method and path."""
    assert operation_name(summary, written, "GET", "/foo") == expected


PETS = (
    HEAD
    + """
servers: [{url: https://pets.example/v1}]
tags: [{name: pets}]
paths:
  /pets:
    parameters:
      - {name: trace, in: header, schema: {type: string}}
      - {name: limit, in: query, schema: {type: integer}}
    get:
      operationId: listPets
      summary: All pets
      security: []
      parameters:
        - {name: limit, in: query, required: true, schema: {type: integer, maximum: 10}}
        - {$ref: '#/components/parameters/Tags'}
        - {name: session, in: cookie, schema: {type: string}}
      requestBody: {content: {application/json: {}}}
      responses:
        200: {$ref: 'shared/responses.yaml#/Listed'}
        4XX: {description: refused}
        default: {description: broken}
  /pets/{id}.json:
    delete:
      parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
      responses: {'204': {description: gone}}
x-ms-paths:
  /pets?op=count:
    get: {operationId: countPets, responses: {}}
components:
  parameters:
    Tags: {name: tags, in: query, style: pipeDelimited, explode: false, schema: {type: array, items: {type: string}}}
  schemas:
    Pet: {type: object, properties: {friend: {$ref: '#/components/schemas/Pet'}}}
"""
)
SHARED = """
Listed:
  description: all
  headers: {X-Total: {schema: {type: integer}}}
  content:
    Application/JSON; charset=utf-8: {schema: {type: array, items: {$ref: '../api.yaml#/components/schemas/Pet'}}}
"""


def test_a_definition(tmp_path: Path) -> None:
    """Parameters of path and operation are merged, references followed into other files, ids and names given."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "responses.yaml").write_text(SHARED)
    listed, deleted, counted = read(tmp_path, PETS)
    assert (listed.id, listed.name, listed.method) == ("listpets", "All pets", "GET")
    assert [parameter.name for parameter in listed.query] == ["limit", "tags"]
    assert listed.query[0].required
    assert set(listed.headers) == {"trace"}
    assert listed.body is None
    answer = listed.response(200)
    assert answer is not None
    assert list(answer.headers) == ["x-total"]
    assert answer.content.find("application/json") is not None
    assert (deleted.id, deleted.url_template, set(deleted.path)) == ("delete-pets-id-json", "/pets/{id}.json", {"id"})
    assert (counted.id, counted.url_template) == ("countpets", "/pets?op=count")
    assert (listed.location.line, deleted.location.line) == (11, 25)


@pytest.mark.parametrize(("in_template", "expected"), [(True, "/pets?limit={limit}"), (False, "/pets")])
def test_required_query_parameters(tmp_path: Path, in_template: bool, expected: str) -> None:
    """They become part of the URL template as in APIM, unless that is switched off."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "responses.yaml").write_text(SHARED)
    assert read(tmp_path, PETS, query_in_template=in_template)[0].url_template == expected


@pytest.mark.parametrize(
    ("status", "found"), [(200, "exact"), (404, "range"), (500, "default")], ids=["exact", "range", "default"]
)
def test_responses_by_status(tmp_path: Path, status: int, found: str) -> None:
    """A status is declared by itself, by its range, or by default."""
    headers = "headers: {%s: {schema: {}}}"
    operation = ", ".join(
        f"{key}: {{description: d, {headers % name}}}"
        for key, name in (("'200'", "exact"), ("4xx", "range"), ("default", "default"))
    )
    answer = one(tmp_path, f"{{responses: {{{operation}}}}}").response(status)
    assert answer is not None
    assert list(answer.headers) == [found]
    assert one(tmp_path, "{responses: {'201': {description: d}}}").response(status) is None


def test_what_is_often_left_out(tmp_path: Path) -> None:
    """A header without a schema may be anything, and an operation may be a reference."""
    operation = "{$ref: '#/components/x-list'}"
    text = f"{HEAD}paths: {{/a: {{get: {operation}}}}}\n"
    (found,) = read(
        tmp_path, text + "components: {x-list: {responses: {200: {description: d, headers: {X-A: {description: d}}}}}}"
    )
    answer = found.response(200)
    assert answer is not None
    assert answer.headers["x-a"].mistake([("X-A", "any")], False) == ""


SWAGGER = """
swagger: '2.0'
info: {title: t, version: '1'}
basePath: /v1
consumes: [application/json]
produces: [application/json]
paths:
  /orders/{id}:
    put:
      operationId: putOrder
      parameters:
        - {name: id, in: path, required: true, type: integer, minimum: 1}
        - {name: tags, in: query, type: array, items: {type: string}, collectionFormat: multi}
        - {name: ids, in: query, type: array, items: {type: integer}}
        - {name: X-Trace, in: header, type: string, pattern: '^t'}
        - {name: body, in: body, required: true, schema: {$ref: '#/definitions/Order'}}
      responses:
        200:
          description: ok
          schema: {$ref: '#/definitions/Order'}
          headers: {X-Left: {type: integer, description: left}}
          examples: {application/json: {id: 1}}
        default: {description: bad}
  /files:
    post:
      consumes: [multipart/form-data]
      produces: [application/pdf]
      parameters: [{name: file, in: formData, type: file}]
      responses: {200: {description: ok, schema: {type: file}}}
definitions:
  Order: {type: object, required: [id], properties: {id: {type: integer}}}
"""


def test_swagger(tmp_path: Path) -> None:
    """Swagger 2.0 means the same in another form."""
    order, files = read(tmp_path, SWAGGER)
    assert (order.id, order.method, order.url_template) == ("putorder", "PUT", "/orders/{id}")
    assert [(each.name, each.style, each.exploded) for each in order.query] == [
        ("tags", "form", True),
        ("ids", "form", False),
    ]
    assert order.path["id"].mistake([("id", "0")]) == "(root): minimum"
    assert order.headers["x-trace"].mistake([("X-Trace", "x")]) == "(root): pattern"
    assert order.body is not None
    body = order.body.find("application/json")
    assert order.body.required
    assert body is not None
    assert body.schema is not None
    assert (body.schema.name, body.schema.mistake({}, True)) == ("Order", "(root): required")
    answer = order.response(200)
    assert answer is not None
    assert answer.headers["x-left"].mistake([("X-Left", "x")], False) == "(root): type"
    media = answer.content.find("application/json")
    assert media is not None
    assert media.bodies == (b'{\n  "id": 1\n}',)
    assert files.body is not None
    form = files.body.find("multipart/form-data")
    assert form is not None
    assert form.schema is None


MISTAKES = [
    ("openapi: 2.9.0\npaths: {}", "unknown-version", 1),
    ("info: {}", "unknown-version", 1),
    ("openapi: 3.1.0\njsonSchemaDialect: urn:x\npaths: {}", "unknown-dialect", 2),
    ("- a", "bad-value", 1),
    (HEAD + "path: {}", "unknown-field", 3),
    (HEAD + "paths: {/a: {gett: {}}}", "unknown-field", 3),
    (HEAD + "paths:\n  /a:\n    get: {sumary: x}", "unknown-field", 5),
    (HEAD + "paths: {a: {get: {responses: {}}}}", "bad-path", 3),
    (HEAD + "paths: {'/a/{b}': {get: {responses: {}}}}", "bad-path", 3),
    (
        HEAD
        + "paths: {'/a/{b}': {get: {parameters: [{name: b, in: path, schema: {}},"
        + " {name: b, in: query, required: true, schema: {}}]}}}",
        "repeated-parameter",
        3,
    ),
    (HEAD + "paths: {/a: {get: {parameters: [{name: x, in: nowhere}]}}}", "bad-value", 3),
    (HEAD + "paths: {/a: {get: {parameters: [{in: query, schema: {}}]}}}", "missing-field", 3),
    (HEAD + "paths: {/a: {get: {parameters: [{name: a, in: query}]}}}", "missing-field", 3),
    (
        HEAD + "paths: {/a: {get: {parameters: [{name: a, in: query, schema: {}, style: form2}]}}}",
        "unsupported-style",
        3,
    ),
    (
        HEAD + "paths: {/a: {get: {parameters: [{name: a, in: query, schema: {}}, {name: a, in: query, schema: {}}]}}}",
        "duplicate-parameter",
        3,
    ),
    (
        HEAD + "paths: {/a: {get: {parameters: [{name: a, in: query, content: {text/x: {schema: {}}}}]}}}",
        "unsupported-content",
        3,
    ),
    (HEAD + "paths: {/a: {get: {responses: {2000: {}}}}}", "bad-status", 3),
    (
        HEAD + "paths: {/a: {post: {requestBody: {content: {a/b: {}, 'a/b; c=d': {}}}}}}",
        "duplicate-media-type",
        3,
    ),
    (HEAD + "paths: {/a: {post: {requestBody: {content: {a/b: {schema: {typ: x}}}}}}}", "unknown-keyword", 3),
    (HEAD + "paths: {/a: {post: {requestBody: {content: {a/b: {schema: {type: x}}}}}}}", "unknown-type", 3),
    (HEAD + "paths: {/a: {post: {requestBody: {content: {a/b: {schema: {pattern: '('}}}}}}}", "bad-pattern", 3),
    (HEAD + "paths: {/a: {post: {requestBody: {content: {a/b: {schema: {minimum: '1'}}}}}}}", "bad-value", 3),
    (HEAD + "paths: {/a: {post: {requestBody: {content: {a/b: {schema: {required: true}}}}}}}", "bad-value", 3),
    (HEAD + "paths: {/a: {post: {requestBody: {content: {a/b: {schema: {maxLength: -1}}}}}}}", "bad-value", 3),
    (HEAD + "paths: {/a: {post: {requestBody: {content: {a/b: {schema: {maxLength: 1e400}}}}}}}", "bad-value", 3),
    (HEAD + "paths: {/a: {post: {requestBody: {content: {a/b: {schema: {maximum: 1e400}}}}}}}", "bad-value", 3),
    (
        HEAD + "paths: {/a: {post: {requestBody: {content: {a/b: {schema: {pattern: '((a{999}){999}){999}'}}}}}}}",
        "bad-pattern",
        3,
    ),
    (HEAD + 'paths: {/a: {get: {parameters: [{name: "a\\r\\nb", in: header, schema: {}}]}}}', "bad-value", 3),
    (HEAD + "paths: {/a: {post: {requestBody: {required: 'true', content: {}}}}}", "bad-value", 3),
    (
        SWAGGER.replace("collectionFormat: multi", "collectionFormat: tsv"),
        "unsupported-style",
        13,
    ),
]


@pytest.mark.parametrize(
    ("text", "code", "line"), MISTAKES, ids=[f"{code}-{i}" for i, (_, code, _) in enumerate(MISTAKES)]
)
def test_mistakes_have_a_place(tmp_path: Path, text: str, code: str, line: int) -> None:
    """What is not understood refuses to load, with code, file, line and remedy."""
    with pytest.raises(LoadError) as caught:
        read(tmp_path, text)
    problem = caught.value.problems[0]
    assert (problem.code, problem.location.file, problem.location.line) == (code, str(tmp_path / "api.yaml"), line)


def test_what_apim_exports(tmp_path: Path) -> None:
    """APIM writes ``type: ''`` if no type was given: any value passes."""
    parameters = "[{name: q, in: query, schema: {type: '', enum: ['']}}, {name: r, in: query, schema: {type: ''}}]"
    found = one(tmp_path, f"{{parameters: {parameters}}}")
    assert found.method == "POST"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.graphql", "this is a GraphQL schema, not an OpenAPI definition"),
        ("a.WSDL", "this is a description of a SOAP service, not an OpenAPI definition"),
    ],
)
def test_other_descriptions_are_named(tmp_path: Path, name: str, message: str) -> None:
    """A GraphQL schema or a WSDL file is recognized and refused."""
    (tmp_path / name).write_text("type Query {\n  a(id: ID!): String\n}\n")
    with pytest.raises(LoadError) as caught:
        read_definition(tmp_path / name)
    (problem,) = caught.value.problems
    assert (problem.code, problem.message) == ("not-openapi", message)


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    """One reading names every mistake, in the order of the file."""
    text = HEAD + "paths:\n  /a: {get: {x: 1}}\n  b: {get: {}}\n  /c: {gat: {}}\n"
    with pytest.raises(LoadError) as caught:
        read(tmp_path, text)
    assert [problem.location.line for problem in caught.value.problems] == [4, 5, 6]
