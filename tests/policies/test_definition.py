"""The content validations and mock-response against what an OpenAPI definition says about the operation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.errors import PolicyError
from gateway.openapi import OperationDefinition
from gateway.pipeline.context import Context, OperationInfo
from gateway.wire.messages import Request, Response
from tests.openapi.writing import read
from tests.policies.bench import Bench, Ran, answer, get, new_context, post

DEFINITION = """
openapi: 3.0.3
info: {title: Orders, version: '1'}
paths:
  /orders/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: integer, minimum: 1}}
    post:
      operationId: putOrder
      parameters:
        - {name: limit, in: query, schema: {type: integer, maximum: 10}}
        - {name: tag, in: query, schema: {type: array, items: {type: string, enum: [a, b]}}}
        - {name: If-Match, in: header, required: true, schema: {type: string, pattern: '^"'}}
      requestBody:
        required: true
        content:
          application/json: {schema: {$ref: '#/components/schemas/Order'}}
          application/xml: {}
      responses:
        '200':
          description: changed
          headers:
            X-Left: {required: true, schema: {type: integer}}
            X_Note: {schema: {type: string}}
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Order'}
              examples: {first: {value: {id: 1}}, second: {value: {id: 2}}}
            text/plain: {example: one}
        4XX: {description: refused, content: {application/json: {schema: {$ref: '#/components/schemas/Problem'}}}}
        '503': {description: away, content: {'*/*': {schema: {type: object, properties: {retry: {type: boolean}}}}}}
components:
  schemas:
    Order:
      type: object
      required: [id]
      properties: {id: {type: integer}, note: {type: string, maxLength: 5}}
    Problem: {type: object, properties: {title: {type: string}}}
"""

GOOD_HEADERS = [("If-Match", '"x"')]


@pytest.fixture
def definition(tmp_path: Path) -> OperationDefinition:
    """The one operation."""
    return read(tmp_path, DEFINITION)[0]


def _context(definition: OperationDefinition, request: Request, response: Response | None = None) -> Context:
    context = new_context(request, response)
    context.operation = OperationInfo("putorder", "putOrder", "POST", definition.url_template, (), definition)
    return context


def _parameters(
    bench: Bench, definition: OperationDefinition, request: Request, path: str, inner: str, act: str
) -> Ran:
    request.matched_parameters = {"id": path}
    xml = (
        f'<validate-parameters specified-parameter-action="{act}" unspecified-parameter-action="{act}"'
        f' errors-variable-name="e">{inner}</validate-parameters>'
    )
    return bench.run(xml, context=_context(definition, request))


IGNORE_TAG = '<query><parameter name="tag" action="ignore" /></query>'
PARAMETERS: list[tuple[str, str, list[tuple[str, str]], str, tuple[str, str, str] | None]] = [
    ("1", "/?limit=10&tag=a&tag=b", GOOD_HEADERS, "", None),
    ("0", "/", GOOD_HEADERS, "", ("id", "PathParameter", "IncorrectMessage")),
    ("x", "/", GOOD_HEADERS, "", ("id", "PathParameter", "IncorrectMessage")),
    ("0", "/", GOOD_HEADERS, '<path specified-parameter-action="ignore" />', None),
    ("1", "/?limit=11", GOOD_HEADERS, "", ("limit", "QueryParameter", "IncorrectMessage")),
    ("1", "/?limit=1&LIMIT=2", GOOD_HEADERS, "", ("limit", "QueryParameter", "IncorrectMessage")),
    ("1", "/?%6Cimit=11", GOOD_HEADERS, "", ("limit", "QueryParameter", "IncorrectMessage")),
    ("1", "/?tag=c", GOOD_HEADERS, "", ("tag", "QueryParameter", "IncorrectMessage")),
    ("1", "/?tag=c", GOOD_HEADERS, IGNORE_TAG, None),
    ("1", "/?other=1", GOOD_HEADERS, "", ("other", "QueryParameter", "Unspecified")),
    ("1", "/?other=1", GOOD_HEADERS, '<query unspecified-parameter-action="ignore" />', None),
    ("1", "/", [], "", ("If-Match", "RequestHeader", "IncorrectMessage")),
    ("1", "/", [("If-Match", "x")], "", ("If-Match", "RequestHeader", "IncorrectMessage")),
    ("1", "/", [("if_match", '"x"')], "", None),
    ("1", "/", [*GOOD_HEADERS, ("User-Agent", "x")], "", ("user-agent", "RequestHeader", "Unspecified")),
    ("1", "/", [*GOOD_HEADERS, ("User-Agent", "x")], '<headers unspecified-parameter-action="ignore" />', None),
    ("1", "/", [*GOOD_HEADERS, ("Host", "x"), ("X-Forwarded-For", "192.0.2.1")], "", None),
]


@pytest.mark.parametrize(("path", "url", "headers", "inner", "found"), PARAMETERS)
def test_parameters(
    bench: Bench,
    definition: OperationDefinition,
    path: str,
    url: str,
    headers: list[tuple[str, str]],
    inner: str,
    found: tuple[str, str, str] | None,
) -> None:
    """Path, query and headers are held against the definition; prevent refuses with 400, detect only tells."""
    if found is None:
        assert _parameters(bench, definition, post("", url, headers), path, inner, "prevent").variables == {}
        return
    with pytest.raises(PolicyError) as caught:
        _parameters(bench, definition, post("", url, headers), path, inner, "prevent")
    assert (caught.value.status, caught.value.reason) == (400, "Bad request")
    told: Any = _parameters(bench, definition, post("", url, headers), path, inner, "detect").variables["e"]
    assert [(each["Name"], each["Type"], each["ValidationRule"]) for each in told] == [found]
    assert {each["Action"] for each in told} == {"detect"}


def test_every_error_is_told(bench: Bench, definition: OperationDefinition) -> None:
    """The variable holds them all, in APIM's form and without any value."""
    told: Any = _parameters(bench, definition, post("", "/?limit=secret&x=1"), "secret", "", "detect").variables["e"]
    assert [each["Details"] for each in told] == [
        "Value of the path parameter id does not conform to the definition. (root): type",
        "Value of the query parameter limit does not conform to the definition. (root): type",
        "Unspecified query parameter x is not allowed.",
        "The required header If-Match is missing.",
    ]


CONTENT = (
    '<validate-content unspecified-content-type-action="{0}" max-size="100" size-exceeded-action="{0}"'
    ' errors-variable-name="e">{1}</validate-content>'
)
JSON_FORM = '<content type="application/json" validate-as="json" action="{0}" {1}/>'
ANY_FORM = '<content validate-as="json" action="{0}" />'
JSON, XML, TEXT = "application/json; charset=utf-8", "application/xml", "text/plain"


@pytest.mark.parametrize(
    ("content", "kind", "body", "details"),
    [
        (JSON_FORM, JSON, '{"id": 1, "more": 2}', None),
        (
            JSON_FORM,
            JSON,
            '{"id": "x"}',
            "definition Order, which is associated with the content type application/json. id:",
        ),
        (JSON_FORM, JSON, "{}", "(root): required"),
        (JSON_FORM, JSON, '{"id": 1, "id": "x"}', "not well-formed"),
        (JSON_FORM, JSON, '{"id": NaN}', "not well-formed"),
        (JSON_FORM, JSON, "[" * 50, "not well-formed"),
        (JSON_FORM, JSON, "", "not well-formed"),
        (JSON_FORM, JSON, '{"id": 1, "note": "' + "x" * 100 + '"}', "exceeds the configured limit of 100 bytes"),
        (JSON_FORM.replace("{1}", 'allow-additional-properties="false"'), JSON, '{"id": 1, "more": 2}', "unevaluated"),
        (JSON_FORM, XML, "<a/>", None),
        (JSON_FORM, TEXT, "a", "Unspecified content type text/plain is not allowed."),
        (JSON_FORM + '<content type="text/plain" validate-as="json" action="{0}" />', TEXT, "1", "Unspecified"),
        (ANY_FORM, JSON, '{"id": "x"}', "id: type"),
        (ANY_FORM, TEXT, "1", "Unspecified"),
        ("", JSON, "x", None),
        ("", TEXT, "x", "Unspecified"),
        ('<content-type-map any-content-type-value="application/json" />' + JSON_FORM, TEXT, "{}", "required"),
    ],
)
def test_request_content(
    bench: Bench, definition: OperationDefinition, content: str, kind: str, body: str, details: str | None
) -> None:
    """A body is held against the schema that the operation has for its type."""

    def run(action: str) -> Ran:
        request = post(body, "/", [("Content-Type", kind)])
        return bench.run(CONTENT.format(action, content.format(action, "")), context=_context(definition, request))

    if details is None:
        assert run("prevent").variables == {}
        return
    with pytest.raises(PolicyError) as caught:
        run("prevent")
    told: Any = run("detect").variables["e"]
    assert details in told[0]["Details"]
    assert (caught.value.status, caught.value.message) == (400, told[0]["Details"])


@pytest.mark.parametrize(
    ("status", "kind", "body", "refused"),
    [
        (200, JSON, '{"id": 1}', False),
        (200, JSON, '{"id": "x"}', True),
        (200, TEXT, "x", False),
        (404, JSON, '{"title": 1}', True),
        (404, TEXT, "x", True),
        (500, JSON, "{}", True),
        (500, JSON, "", False),
        (503, "application/hal+json", "{}", False),
    ],
)
def test_response_content(
    bench: Bench, definition: OperationDefinition, status: int, kind: str, body: str, refused: bool
) -> None:
    """Each status has its own schemas; one that is not declared has none, so any body is too much."""
    context = _context(definition, get("/"), answer(status, body, [("Content-Type", kind)]))
    xml = CONTENT.format("prevent", JSON_FORM.format("prevent", ""))
    if not refused:
        assert bench.run(xml, section="outbound", context=context).outcome is None
        return
    with pytest.raises(PolicyError) as caught:
        bench.run(xml, section="outbound", context=context)
    assert (caught.value.status, caught.value.reason) == (502, "Response not allowed")
    assert caught.value.public_message.endswith("Contact the API owner.")


@pytest.mark.parametrize(
    ("headers", "inner", "found"),
    [
        ([("X-Left", "1"), ("X-Note", "a"), ("Date", "x")], "", None),
        ([], "", ("X-Left", "IncorrectMessage")),
        ([("X-Left", "x")], "", ("X-Left", "IncorrectMessage")),
        ([("X-Left", "x")], '<header name="x-left" action="ignore" />', None),
        ([("X-Left", "1"), ("X-Left", "2")], "", ("X-Left", "IncorrectMessage")),
        ([("X-Left", "1"), ("X-Debug", "sql")], "", ("x-debug", "Unspecified")),
        ([("X-Left", "1"), ("X-Debug", "sql")], '<header name="X_Debug" action="ignore" />', None),
    ],
)
def test_response_headers(
    bench: Bench,
    definition: OperationDefinition,
    headers: list[tuple[str, str]],
    inner: str,
    found: tuple[str, str] | None,
) -> None:
    """Declared headers must be there and fit; others are unspecified."""
    xml = (
        '<validate-headers specified-header-action="detect" unspecified-header-action="detect"'
        f' errors-variable-name="e">{inner}</validate-headers>'
    )
    context = _context(definition, get("/"), answer(200, "", headers))
    told: Any = bench.run(xml, section="outbound", context=context).variables.get("e", [])
    assert [(each["Name"], each["ValidationRule"]) for each in told] == ([] if found is None else [found])
    assert {each["Type"] for each in told} <= {"ResponseHeader"}


@pytest.mark.parametrize(
    ("status", "inner", "refused"),
    [
        (200, "", False),
        (200, '<status-code code="200" action="prevent" />', False),
        (404, "", False),
        (500, "", True),
        (500, '<status-code code="500" action="ignore" />', False),
    ],
    ids=["declared", "no-override", "range", "unspecified", "override"],
)
def test_status_codes(bench: Bench, definition: OperationDefinition, status: int, inner: str, refused: bool) -> None:
    """What the definition declares passes whatever the policy lists; its list is for all others."""
    xml = f'<validate-status-code unspecified-status-code-action="prevent">{inner}</validate-status-code>'
    context = _context(definition, get("/"), answer(status))
    if refused:
        with pytest.raises(PolicyError, match="Response status code 500 is not allowed"):
            bench.run(xml, section="outbound", context=context)
    else:
        assert bench.run(xml, section="outbound", context=context).outcome is None


@pytest.mark.parametrize(
    ("attributes", "status", "kind", "body"),
    [
        ("", 200, "application/json", '{\n  "id": 1\n}'),
        ('index="1"', 200, "application/json", '{\n  "id": 2\n}'),
        ('index="2"', 200, "text/plain", "one"),
        ('content-type="text/plain"', 200, "text/plain", "one"),
        ('content-type="application/json" index="2"', 200, "application/json", ""),
        ('status-code="404"', 404, "application/json", '{\n  "title": "string"\n}'),
        ('status-code="503"', 503, "application/json", '{\n  "retry": true\n}'),
        ('status-code="503" content-type="application/hal+json"', 503, "application/hal+json", '{\n  "retry": true\n}'),
        ('status-code="302"', 302, None, ""),
    ],
)
def test_mock_response(
    bench: Bench, definition: OperationDefinition, attributes: str, status: int, kind: str | None, body: str
) -> None:
    """Examples first, then a sample of the schema, then nothing; status and content type choose."""
    ran = bench.run(f"<mock-response {attributes} />", context=_context(definition, get("/")))
    assert (ran.response.status_code, ran.response.headers.first("Content-Type")) == (status, kind)
    assert ran.response.body.content.decode() == body
