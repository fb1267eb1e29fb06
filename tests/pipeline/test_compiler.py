"""The compiler: scopes, <base/>, fragments and paths become one flat list a section."""

from __future__ import annotations

import pytest

from gateway.errors import LoadError
from gateway.pipeline.context import Context
from gateway.pipeline.run import run
from tests.pipeline.conftest import CompileXml


def notes(context: Context) -> object:
    return context.variables.get("notes")


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ('<inbound><base/><note text="o"/></inbound>', ["g", "a", "o"]),
        ('<inbound><note text="o"/><base/></inbound>', ["o", "g", "a"]),
        ('<inbound><note text="1"/><base/><note text="2"/></inbound>', ["1", "g", "a", "2"]),
        ('<inbound><note text="o"/></inbound>', ["o"]),
        ("<inbound><base/></inbound>", ["g", "a"]),
        ("<inbound/>", None),
        ("", None),
    ],
    ids=["first", "last", "middle", "absent", "alone", "empty section", "no section"],
)
def test_base_stands_where_it_is_written(
    compile_xml: CompileXml, context: Context, operation: str, expected: object
) -> None:
    """<base/> is replaced in place by the broader scope's section; without it nothing broader runs."""
    api = '<inbound><base/><note text="a"/></inbound>'
    product = "<inbound><base/></inbound>"
    run(compile_xml(operation, api, product, '<inbound><base/><note text="g"/></inbound>').inbound, context)
    assert notes(context) == expected


def test_a_fragment_stands_where_it_is_included(compile_xml: CompileXml, context: Context) -> None:
    """A fragment's policies run at the place of include-fragment."""
    text = '<inbound><note text="1"/><include-fragment fragment-id="f"/><note text="3"/></inbound>'
    run(compile_xml(text, f='<note text="2"/>').inbound, context)
    assert notes(context) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('<inbound><include-fragment fragment-id="g"/></inbound>', "unknown-fragment"),
        ("<inbound><frobnicate/></inbound>", "unknown-element"),
        ("<inbound><forward-request/></inbound>", "wrong-section"),
        ("<inbound><note/></inbound>", "missing-attribute"),
        ('<inbound><group><note text="@(1 +)"/></group></inbound>', "syntax-error"),
    ],
    ids=["fragment", "element", "section", "attribute", "expression"],
)
def test_what_cannot_run_refuses_to_load(compile_xml: CompileXml, text: str, code: str) -> None:
    """A document that is not understood names the file and the mistake."""
    with pytest.raises(LoadError) as caught:
        compile_xml(text)
    assert [problem.code for problem in caught.value.problems] == [code]
    assert caught.value.problems[0].location.file == "operation.xml"


def test_all_mistakes_are_reported_at_once(compile_xml: CompileXml) -> None:
    """All mistakes are reported at once, without waiting for the first to be corrected."""
    with pytest.raises(LoadError) as caught:
        compile_xml("<inbound><one/><two/></inbound><outbound><three/></outbound>")
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('<inbound><note text="1"/><fail/></inbound>', "fail[1]"),
        ("<inbound><group/><group><group><fail/></group></group></inbound>", "group[2]/group[1]/fail[1]"),
        ('<inbound><include-fragment fragment-id="f"/></inbound>', "include-fragment[1]/fail[1]"),
    ],
    ids=["top", "nested", "fragment"],
)
def test_last_error_says_where(compile_xml: CompileXml, context: Context, text: str, path: str) -> None:
    """LastError.Path counts from 1 for each name, through groups and fragments."""
    compile_xml(text, f="<fail/>").execute(context)
    assert context.last_error is not None
    assert context.last_error.path == path


@pytest.mark.parametrize(("depth", "scope"), [(0, "operation"), (1, "api"), (2, "product"), (3, "global")])
def test_last_error_says_in_which_scope(compile_xml: CompileXml, context: Context, depth: int, scope: str) -> None:
    """LastError.Scope is the scope of the document that holds the failing policy."""
    documents = ["<inbound><base/></inbound>"] * depth + ["<inbound><fail id='x'/></inbound>"]
    compile_xml(*documents).execute(context)
    assert context.last_error is not None
    assert (context.last_error.scope, context.last_error.policy_id) == (scope, "x")


@pytest.mark.parametrize(
    ("document", "forwards"),
    [
        ("<inbound/>", True),
        ("<inbound/><backend><base/></backend>", True),
        ("<inbound/><backend/>", False),
        ('<backend><note text="x"/></backend>', False),
    ],
    ids=["not written", "base", "empty", "without base"],
)
def test_a_backend_section_that_is_not_written_forwards(compile_xml: CompileXml, document: str, forwards: bool) -> None:
    """A missing <backend> means that requests are forwarded; an empty one means that they are not."""
    pipeline = compile_xml(document, "", "", "<backend><forward-request/></backend>")
    assert any(step.place.source == "forward-request" for step in pipeline.backend) is forwards
