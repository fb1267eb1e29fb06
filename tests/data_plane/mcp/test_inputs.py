"""What tools take."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.data_plane.mcp.inputs import ToolInput, input_of
from gateway.errors import LoadError
from gateway.openapi import read_definition
from gateway.pipeline.context import OperationInfo

NOTHING: frozenset[str] = frozenset()
FORM = "application/x-www-form-urlencoded"
BODIES: list[tuple[str, set[str], str, set[str]]] = [
    ("application/json: {schema: {type: object, properties: {a: {}}}}", {"a", "id"}, "application/json", {"a"}),
    ("application/json: {schema: {type: object, properties: {id: {}}}}", {"id", "body"}, "application/json", set()),
    ("application/json: {schema: {type: array}}", {"id", "body"}, "application/json", set()),
    ("application/json: {}", {"id", "body"}, "application/json", set()),
    ("'*/*': {}", {"id", "body"}, "application/json", set()),
    ("application/vnd.a+json: {schema: {properties: {a: {}}}}", {"a", "id"}, "application/vnd.a+json", {"a"}),
    ("text/plain: {}, application/json: {}", {"id", "body"}, "application/json", set()),
    (
        "application/x-www-form-urlencoded: {schema: {properties: {a: {}}}}",
        {"a", "id"},
        "application/x-www-form-urlencoded",
        {"a"},
    ),
    ("text/xml: {schema: {type: object}}", {"id", "body"}, "text/xml", set()),
    (
        "application/json: {schema: {oneOf: [{type: object}], properties: {a: {}}}}",
        {"id", "body"},
        "application/json",
        set(),
    ),
]


def _input(folder: Any, content: str) -> ToolInput:
    file = folder / "a.yaml"
    file.write_text(
        "openapi: 3.0.3\ninfo: {title: a, version: '1'}\npaths:\n  /x/{id}:\n    put:\n"
        "      parameters: [{name: id, in: path, required: true, schema: {type: string}}]\n"
        f"      requestBody: {{content: {{{content}}}}}\n      responses: {{}}\n"
    )
    (operation,) = read_definition(file, described=True)
    return input_of(OperationInfo("x", "x", "PUT", operation.url_template, definition=operation), NOTHING)


@pytest.mark.parametrize(("content", "names", "media_type", "members"), BODIES)
def test_bodies(tmp_path: Any, content: str, names: set[str], media_type: str, members: set[str]) -> None:
    """Members of a JSON object are arguments unless a parameter has their name; any other body is one argument."""
    taken = _input(tmp_path, content)
    assert (set(taken.properties), taken.media_type, set(taken.members)) == (names, media_type, members)


def test_a_body_that_no_argument_can_be(tmp_path: Any) -> None:
    """A form with files refuses to load, and says what to do."""
    with pytest.raises(LoadError) as refused:
        _input(tmp_path, "multipart/form-data: {}")
    assert refused.value.problems[0].code == "mcp-body"


def test_an_operation_without_a_definition() -> None:
    """What its URL template asks for are texts; a method with a body has one."""
    taken = input_of(OperationInfo("x", "x", "POST", "/a/{id}?b={c}&d=e"), NOTHING)
    assert taken.schema["properties"].keys() == {"id", "b", "body"}
    assert (taken.required, taken.literal_query) == (["id", "b"], [("d", "e")])
    assert input_of(OperationInfo("x", "x", "GET", "/a"), NOTHING).schema["properties"] == {}
