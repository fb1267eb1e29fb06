"""mock-response: the operation's stored example, or an empty body."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.assembly.entities import operation_info
from gateway.config.apis import Operation
from gateway.openapi import OperationDefinition
from gateway.pipeline.context import Context
from gateway.policies.mock_response import MockResponse
from gateway.wire.messages import Request
from tests.entities import API, DEPLOYMENT
from tests.policies.bench import Bench, get
from tests.policies.operation import called

RESPONSES = [
    {
        "status": 200,
        "examples": [
            {"content-type": "application/json", "body": '{"n": 1}'},
            {"content-type": "application/xml", "body": "<n>1</n>"},
            {"content-type": "application/json", "body": '{"n": 2}'},
        ],
    },
    {"status": 404, "examples": [{"body": "{}"}]},
]


@pytest.mark.parametrize(
    ("status", "content_type", "index", "expected"),
    [
        (200, None, 0, (b'{"n": 1}', "application/json")),
        (200, "Application/XML", 0, (b"<n>1</n>", "application/xml")),
        (200, "application/json", 1, (b'{"n": 2}', "application/json")),
        (200, "application/json", 2, (b"", "application/json")),
        (404, None, 0, (b"{}", "application/json")),
        (500, "text/plain", 0, (b"", "text/plain")),
        (500, None, 0, (b"", None)),
    ],
)
def test_examples(status: int, content_type: str | None, index: int, expected: tuple[bytes, str | None]) -> None:
    """Status and content type choose among the examples, index among several; none leaves the body empty."""
    data = {"id": "o", "method": "GET", "url-template": "/", "responses": RESPONSES}
    operation = operation_info(Operation.model_validate(data))
    context = Context(Request("GET", "/"), DEPLOYMENT, API, operation)
    response = MockResponse(status, content_type, index).apply(context)
    assert response.status_code == status
    assert (response.body.content, response.headers.first("Content-Type")) == expected


def test_an_example_may_be_a_file(tmp_path: Path) -> None:
    """A large example may be in its own file."""
    (tmp_path / "big.json").write_text("[]")
    data = {"status": 200, "examples": [{"file": str(tmp_path / "big.json")}]}
    operation = Operation.model_validate({"id": "o", "method": "GET", "url-template": "/", "responses": [data]})
    assert [example.body for example in operation_info(operation).examples] == [b"[]"]


def test_mock_response(bench: Bench) -> None:
    """Status and content type of the author's; no backend."""
    outcome = bench.run('<mock-response status-code="201" content-type="application/json"/>').outcome
    assert outcome is not None
    assert (outcome.status_code, list(outcome.headers)) == (201, [("Content-Type", "application/json")])


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
def test_a_definitions_examples(
    bench: Bench, definition: OperationDefinition, attributes: str, status: int, kind: str | None, body: str
) -> None:
    """Examples first, then a sample of the schema, then nothing; status and content type choose."""
    ran = bench.run(f"<mock-response {attributes} />", context=called(definition, get("/")))
    assert (ran.response.status_code, ran.response.headers.first("Content-Type")) == (status, kind)
    assert ran.response.body.content.decode() == body
