"""Arguments in the places that their operation has for them."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.data_plane.mcp.arguments import (
    BadArguments,
    TextArgument,
    expanded,
    field_value,
    may_be_argument,
    query_pairs,
)
from gateway.openapi import Parameter, Schema
from gateway.openapi.json_schema import Schemas
from gateway.openapi.parameters import Form

LIST, OBJECT = Form(frozenset({"array"})), Form(frozenset({"object"}), members={"a": frozenset({"string"})})


def _parameter(style: str, exploded: bool, form: Form) -> TextArgument:
    return TextArgument("p", Parameter("p", Schema("0", "p", Schemas()), style, exploded, form=form))


@pytest.mark.parametrize(
    ("template", "values", "path"),
    [
        ("/a/{id}", {"id": 7}, "/a/7"),
        ("/a/{id}.json", {"id": "x/y"}, "/a/x%2Fy.json"),
        ("/a/{*rest}", {"rest": "x/y z"}, "/a/x/y%20z"),
        ("/a/{*rest}", {"rest": ""}, "/a/"),
        ("/a/*", {"path": "b"}, "/a/b"),
        ("/a?b={b}", {}, "/a"),
        ("/a/{flag}", {"flag": True}, "/a/true"),
    ],
)
def test_paths(template: str, values: dict[str, Any], path: str) -> None:
    """A value is quoted whole; only a wildcard has slashes of its own."""
    assert expanded(template, values) == path


@pytest.mark.parametrize("value", ["", ".", "..", "a\nb", "a\x7f", None, ["a"], {"a": 1}])
@pytest.mark.parametrize("template", ["/a/{id}", "/a/{*id}"])
def test_paths_that_are_refused(template: str, value: Any) -> None:
    """No value makes another path."""
    if value == "" and "*" in template:
        return
    with pytest.raises(BadArguments):
        expanded(template, {"id": value})


@pytest.mark.parametrize(
    ("argument", "value", "pairs"),
    [
        (TextArgument("p"), "x&y", [("p", "x&y")]),
        (_parameter("form", True, LIST), ["a", 1], [("p", "a"), ("p", "1")]),
        (_parameter("form", False, LIST), ["a", "b"], [("p", "a,b")]),
        (_parameter("pipeDelimited", False, LIST), ["a", "b"], [("p", "a|b")]),
        (_parameter("deepObject", True, OBJECT), {"a": 1}, [("p[a]", "1")]),
        (_parameter("form", True, OBJECT), {"a": 1}, [("a", "1")]),
        (_parameter("form", False, OBJECT), {"a": 1}, [("p", "a,1")]),
        (_parameter("json", True, OBJECT), {"a": [1]}, [("p", '{"a": [1]}')]),
    ],
)
def test_queries(argument: TextArgument, value: Any, pairs: list[tuple[str, str]]) -> None:
    """Each style of a definition is written as validate-parameters reads it."""
    assert query_pairs(argument, value) == pairs


def test_an_object_brings_no_other_parameter() -> None:
    """A member that the definition does not know would be a parameter of its own."""
    with pytest.raises(BadArguments):
        query_pairs(_parameter("form", True, OBJECT), {"admin": "1"})


@pytest.mark.parametrize("value", ["a\r\nb", "é", "a\0", {"a": 1}])
def test_fields_that_are_refused(value: Any) -> None:
    """A header field's value stays on its line."""
    with pytest.raises(BadArguments):
        field_value(TextArgument("p"), value)


@pytest.mark.parametrize(
    ("field", "may"),
    [
        ("X-Flavour", True),
        ("AUTHORIZATION", False),
        ("Caller_ObjectId", False),
        ("Host", False),
        ("X-Forwarded-For", False),
        ("Mcp-Session-Id", False),
        ("Client-Cert", False),
        ("X_Envoy_External_Address", False),
        ("CF-Connecting-IP", False),
        ("x_tenant", False),
        ("Content_Length", False),
    ],
)
def test_fields_that_are_never_arguments(field: str, may: bool) -> None:
    """Who calls, where to and in what form is not the model's to say, in any spelling."""
    assert may_be_argument(field, frozenset({"x-tenant"})) is may
