"""checker.py: everything wrong with a document's shape is found at once, where it stands."""

from __future__ import annotations

import pytest

from gateway.documents.check import check
from gateway.documents.model import Node, PolicyDocument, Section, Text
from gateway.documents.xml.format import parse
from gateway.errors import LoadError, Location
from tests.pipeline.vocabulary import VOCABULARY


def problems(body: str) -> list[str]:
    """The problems of an inbound section, as ``column code``; its text begins in column 1."""
    document = parse(f"<policies><inbound>\n{body}\n</inbound></policies>", "p.xml")
    return [f"{problem.location.column} {problem.code}" for problem in check(document, VOCABULARY)]


GOOD = {
    "base": "<base/>",
    "id": '<base id="a"/><choose id="b"><when condition="true"><set-method id="c">GET</set-method></when></choose>',
    "fragment": '<include-fragment fragment-id="a"/>',
    "kinds": '<validate-jwt clock-skew="1.5" require-signed-tokens="TRUE"/><set-status code=" 200 "/>',
    "named values": '<validate-jwt clock-skew="{{a}}" header-name="x-{{b}}"/><set-method>{{c}}</set-method>',
    "expressions": '<set-status code="@(1)"/><set-header name="@(a)" exists-action="@(b)"/>',
    "named value behind an at sign": '<set-header name="a"><value>user@{{domain}}</value></set-header>',
    "mixture in a message": '<trace source="a"><message>a @(b)</message></trace>',
    "mixture at the start of a message": '<trace source="a"><message>@(a) b</message></trace>',
    "mixture in a body": "<set-body>a@(b)</set-body>",
    "empty branch": '<choose><when condition="true"/><otherwise/></choose>',
    "nested": '<retry condition="@(a)"><choose><when condition="@(b)"><set-body/></when></choose></retry>',
    "namespace": '<set-status xmlns:a="b" code="200"/>',
    "any order": '<return-response><set-body>a</set-body><set-status code="200"/></return-response>',
}


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD.keys())
def test_good_documents(body: str) -> None:
    """Documents that APIM accepts pass."""
    assert problems(body) == []


BAD = {
    "unknown policy": ("<set-heador/>", ["1 unknown-element"]),
    "unknown child": ("<set-header name='a'><valeu/></set-header>", ["22 unknown-element"]),
    "unknown attribute": ("<set-header name='a' nmae='b'/>", ["28 unknown-attribute"]),
    "id of a child": ("<set-header name='a'><value id='b'>c</value></set-header>", ["33 unknown-attribute"]),
    "missing attribute": ("<set-header/>", ["1 missing-attribute"]),
    "missing child": ("<choose/>", ["1 missing-child"]),
    "missing in a wrapper": ("<validate-jwt><audiences/></validate-jwt>", ["15 missing-child"]),
    "missing text": ("<set-method/>", ["1 missing-text"]),
    "missing policy": ("<retry condition='@(a)'/>", ["1 missing-policy"]),
    "too many children": (
        "<choose><when condition='true'/><otherwise/><otherwise/></choose>",
        ["45 too-many-children"],
    ),
    "wrong section": ("<forward-request/>", ["1 wrong-section"]),
    "wrong section inside": ("<retry condition='a'><forward-request/></retry>", ["22 wrong-section"]),
    "base inside": ("<retry condition='a'><base/></retry>", ["22 misplaced-base"]),
    "attribute of base": ("<base a='b'/>", ["10 unknown-attribute"]),
    "text in an empty element": ("<set-status code='200'>a</set-status>", ["24 unexpected-text"]),
    "text among children": ("<set-header name='a'>b</set-header>", ["22 unexpected-text"]),
    "text among policies": ("<retry condition='a'>b<set-body/></retry>", ["22 unexpected-text"]),
    "text in a section": ("a<base/>", ["1 unexpected-text"]),
    "not a boolean": ("<validate-jwt require-signed-tokens='yes'/>", ["38 bad-value"]),
    "not an integer": ("<set-status code='2.5'/>", ["19 bad-value"]),
    "not a number": ("<validate-jwt clock-skew='a'/>", ["27 bad-value"]),
    "too small": ("<set-status code='99'/>", ["19 bad-value"]),
    "too large": ("<set-status code='600'/>", ["19 bad-value"]),
    "not a choice": ("<set-header name='a' exists-action='Override'/>", ["37 bad-value"]),
    "not a choice of text": ("<set-method>get</set-method>", ["13 bad-value"]),
    "expression not allowed": ("<include-fragment fragment-id='@(a)'/>", ["32 expression-not-allowed"]),
    "mixed expression": ("<set-header name='a @(b)'/>", ["19 mixed-expression"]),
    "mixed expression at the start": ("<set-header name='@(a) b'/>", ["19 mixed-expression"]),
    "holes that choose between children": (
        "<validate-jwt>%{ if a ~}<required-claims><claim name='a'/></required-claims>"
        "%{ else ~}<required-claims><claim name='b'/></required-claims>%{ endif ~}</validate-jwt>",
        ["15 unresolved-value", "87 unresolved-value"],
    ),
    "several": (
        "<set-heador/><set-status code='a'><b/></set-status>",
        ["1 unknown-element", "32 bad-value", "35 unknown-element"],
    ),
}


@pytest.mark.parametrize(("body", "found"), BAD.values(), ids=BAD.keys())
def test_mistakes(body: str, found: list[str]) -> None:
    """Each mistake has its place and code; one does not hide another."""
    assert problems(body) == found


def test_section_attributes() -> None:
    """A section takes no attributes."""
    document = parse("<policies><inbound a='b' xmlns:c='d'/></policies>", "p.xml")
    assert [str(problem) for problem in check(document, VOCABULARY)] == [
        "p.xml:1:23: unknown-attribute: inbound takes no attribute a (remove it)"
    ]


def test_remedies() -> None:
    """The remedy for a misspelt name is the right one, for an unknown name the list of known ones."""
    document = parse(
        "<policies><inbound><set-heador/><set-header Name='a' zzz=''/><base zzz=''/></inbound></policies>", "p.xml"
    )
    remedies = [problem.remedy for problem in check(document, VOCABULARY)]
    assert remedies == [
        "did you mean set-header?",
        'add name="…"',
        "did you mean name?",
        "it takes: id, name, exists-action, value",
        "it takes: id",
    ]


def test_template_placeholders() -> None:
    """Where a deployment tool has not filled in its placeholders, the remedy says so."""
    document = parse(
        "<policies><inbound>%{ if a }<set-status code='${b}'>%{ c }</set-status></inbound></policies>", "p"
    )
    remedies = {problem.remedy for problem in check(document, VOCABULARY)}
    assert remedies == {"fill in the template's ${…} and %{…} before loading"}


def test_unknown_policy_without_likeness() -> None:
    """If no name is similar and there are many, the remedy is short; long values are shortened."""
    document = parse(f"<policies><inbound><zzz/><set-status code='{'9' * 99}a'/></inbound></policies>", "p.xml")
    unknown, value = check(document, VOCABULARY)
    assert (unknown.remedy, value.message) == ("remove it", f"set-status/code cannot be '{'9' * 57}…'")


def test_fragments() -> None:
    """A fragment holds policies, no base and no other fragment; its section is that of the include."""
    document = parse("<fragment><base/><include-fragment fragment-id='a'/><forward-request/></fragment>", "f.xml")
    codes = ["misplaced-base", "nested-fragment"]
    assert [problem.code for problem in check(document, VOCABULARY)] == codes
    assert [problem.code for problem in check(document, VOCABULARY, Section.BACKEND)] == codes
    assert [problem.code for problem in check(document, VOCABULARY, Section.INBOUND)] == [*codes, "wrong-section"]


def test_unbalanced_expression() -> None:
    """An expression that does not end is named, in YAML too, where the reader did not look for its end."""
    place = Location("p.yaml", 3, 7)
    node = Node("set-header", place, {"name": Text("@(a", place)})
    document = PolicyDocument("p.yaml", {Section.INBOUND: Node("inbound", place, children=(node,))})
    (problem,) = check(document, VOCABULARY)
    assert (problem.code, problem.location) == ("unbalanced-expression", Location("p.yaml", 3, 10))


def test_problems_make_a_load_error() -> None:
    """LoadError takes the list of problems; its text has one line for each."""
    document = parse("<policies><inbound><a/>\n<b/></inbound></policies>", "p.xml")
    assert len(str(LoadError(check(document, VOCABULARY))).splitlines()) == 2
