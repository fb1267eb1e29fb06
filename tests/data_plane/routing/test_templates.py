"""URL templates are read in every form of the reference, and in no other."""

from __future__ import annotations

import pytest

from gateway.data_plane.routing.templates import (
    Literal,
    Partial,
    PathParameter,
    QueryTerm,
    Wildcard,
    literal_segments,
    parameter_names,
    parse,
)
from gateway.errors import LoadError, Location

PLACE = Location("config.yaml", 3, 9)


@pytest.mark.parametrize(
    ("text", "segments", "query"),
    [
        ("", (), ()),
        ("/", (), ()),
        ("/status/200", (Literal("status"), Literal("200")), ()),
        ("status", (Literal("status"),), ()),
        ("/batch/{id}/", (Literal("batch"), PathParameter("id")), ()),
        ("/*", (Wildcard("*"),), ()),
        ("/{*path}", (Wildcard("path"),), ()),
        ("/files/{name}.json", (Literal("files"), Partial(("", ".json"), ("name",))), ()),
        ("/v{major}.{minor}", (Partial(("v", ".", ""), ("major", "minor")),), ()),
        ("/Users(%2f{id})", (Partial(("users(%2f", ")"), ("id",)),), ()),
        ("/a b/\u00e9", (Literal("a%20b"), Literal("%c3%a9")), ()),
        ("/%6aobs/%C3%A9", (Literal("jobs"), Literal("%c3%a9")), ()),
        ("/add?a={a}&b={b}", (Literal("add"),), (QueryTerm("a", "a"), QueryTerm("b", "b"))),
        ("/x?$filter={filter}&m=a%20b", (Literal("x"),), (QueryTerm("$filter", "filter"), QueryTerm("m", None, "a b"))),
        ("/x?m=", (Literal("x"),), (QueryTerm("m", None, ""),)),
    ],
)
def test_known_forms(text: str, segments: tuple[object, ...], query: tuple[QueryTerm, ...]) -> None:
    """A template becomes its segments and query terms; literal text in the form that paths arrive in."""
    template = parse(text, PLACE)
    assert (template.segments, template.query) == (segments, query)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("/{id", "bad-url-template"),
        ("/id}", "bad-url-template"),
        ("/{}", "bad-url-template"),
        ("/{id:int}", "bad-url-template"),
        ("/{a}{b}", "bad-url-template"),
        ("/{*rest}/x", "bad-url-template"),
        ("/*/x", "bad-url-template"),
        ("/{*rest", "bad-url-template"),
        ("/{*}", "bad-url-template"),
        ("/x*", "bad-url-template"),
        ("/{*rest}.json", "bad-url-template"),
        ("/a//b", "bad-url-template"),
        ("/a%2Fb", "bad-url-template"),
        ("/%2e", "bad-url-template"),
        ("/a/../b", "bad-url-template"),
        ("/a%zz", "bad-url-template"),
        ("/a#b", "bad-url-template"),
        ("/a\\b", "bad-url-template"),
        ("/x?a", "bad-url-template"),
        ("/x?={a}", "bad-url-template"),
        ("/x?=a", "bad-url-template"),
        ("/x?{a}=b", "bad-url-template"),
        ("/x?a={a}b", "bad-url-template"),
        ("/x?a={}", "bad-url-template"),
        ("/{id}/{id}", "repeated-parameter"),
        ("/{id}?a={id}", "repeated-parameter"),
        ("/{id}-{id}", "repeated-parameter"),
    ],
)
def test_anything_else_refuses_to_load(text: str, code: str) -> None:
    """A template that is not understood is refused at load, with its place."""
    with pytest.raises(LoadError) as caught:
        parse(text, PLACE)
    (problem,) = caught.value.problems
    assert (problem.code, problem.location) == (code, PLACE)
    assert problem.remedy


def test_parameter_names_in_order() -> None:
    """Every parameter is listed once, path before query."""
    assert parameter_names(parse("/a/{b}/{c}.{d}/{*e}?f={g}&h=i", PLACE)) == ["b", "c", "d", "e", "g"]


@pytest.mark.parametrize("path", ["a/{b}", "a/*", "a?b", "a#b", "a//b", "a/.."])
def test_api_path_is_plain(path: str) -> None:
    """An API's path prefix is literal text only."""
    with pytest.raises(LoadError):
        literal_segments(path, PLACE)
