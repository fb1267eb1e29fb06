"""py: policy documents in YAML mean what the same documents in XML mean, both ways."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import pytest

from gateway.documents.check import check
from gateway.documents.model import Node, PolicyDocument, Section, same, same_document
from gateway.documents.shape import Attribute, Child, Content, Element
from gateway.documents.xml import format as xml_format
from gateway.documents.yaml.format import dump, parse, with_remarks
from gateway.documents.yaml.reader import plural
from gateway.errors import LoadError
from gateway.policies import POLICIES
from tests import published
from tests.pipeline.samples import DOCUMENT, XML_FORMS, YAML_FORMS
from tests.pipeline.vocabulary import VOCABULARY, policy_type


def first(text: str) -> Node:
    """The only policy of inbound."""
    (node,) = parse(f"inbound:\n  - {text}\n", "p.yaml", VOCABULARY).statements(Section.INBOUND)
    return node


def from_xml(text: str) -> Node:
    """The same from XML."""
    document = xml_format.parse(f"<policies><inbound>{text}</inbound></policies>", "p.xml")
    return document.statements(Section.INBOUND)[0]


@pytest.mark.parametrize("name", YAML_FORMS)
def test_forms(name: str) -> None:
    """Each way to write a policy in YAML is the policy in XML."""
    assert same(first(YAML_FORMS[name]), from_xml(XML_FORMS[name]))


@pytest.mark.parametrize("name", XML_FORMS)
def test_round_trip(name: str) -> None:
    """XML written as YAML and back keeps its meaning."""
    node = from_xml(XML_FORMS[name])
    document = PolicyDocument("p.xml", {Section.INBOUND: Node("inbound", node.location, children=(node,))})
    written = dump(document, VOCABULARY)
    assert same(parse(written, "p.yaml", VOCABULARY).statements(Section.INBOUND)[0], node), written


def test_document() -> None:
    """A whole document has its sections, and the texts that its author wrote."""
    document = parse(DOCUMENT, "p.yaml", VOCABULARY)
    assert check(document, VOCABULARY) == []
    base, jwt, *_ = document.statements(Section.INBOUND)
    assert (base.name, jwt.attribute("clock-skew"), jwt.attribute("require-signed-tokens")) == ("base", "007", "True")
    assert [node.name for node in document.statements(Section.BACKEND)] == ["forward-request"]
    assert document.statements(Section.ON_ERROR) == ()


def test_positions() -> None:
    """The place of an element is its key, that of a text its first character."""
    text = "inbound:\n  - set-header:\n      name: a\n      value: '@(b)'\n  - set-body: |\n      line\n"
    header, body = parse(text, "p.yaml", VOCABULARY).statements(Section.INBOUND)
    assert body.text is not None
    value = header.children[0]
    assert value.text is not None
    places = [header.location, header.attributes["name"].location, value.location, value.text.location]
    places += [body.location, body.text.location]
    assert [(place.line, place.column) for place in places] == [(2, 5), (3, 13), (4, 7), (4, 15), (5, 5), (6, 7)]


def test_fragment_round_trip() -> None:
    """A fragment is a list under one key."""
    document = parse("fragment:\n  - set-method: GET\n", "f.yaml", VOCABULARY)
    assert dump(document, VOCABULARY) == "fragment:\n  - set-method: GET\n"
    assert check(document, VOCABULARY) == []


def test_text_beside_children_is_not_a_child() -> None:
    """A placeholder where children belong stays text: ``allowed: ${origins}`` would be a child with that text."""
    xml = "<policies><inbound><cors><allowed-origins>${origins}</allowed-origins></cors></inbound></policies>"
    document = xml_format.parse(xml, "p.xml")
    assert same_document(parse(dump(document, POLICIES), "p.yaml", POLICIES), document)


def test_layout() -> None:
    """The writer uses blocks, the short forms, and quotes only where YAML needs them."""
    xml = """<policies><inbound><base/><set-header name="a"><value>@{
  return "x";
}</value></set-header><set-status code="401" reason="null"/><retry condition="@(true)"><base id="yes"/></retry>
</inbound></policies>"""
    document = xml_format.parse(xml, "p.xml")
    assert dump(document, VOCABULARY).splitlines() == [
        "inbound:",
        "  - base",
        "  - set-header:",
        "      name: a",
        "      value: |-",
        "        @{",
        '          return "x";',
        "        }",
        "  - set-status:",
        "      code: 401",
        "      reason: 'null'",
        "  - retry:",
        "      condition: '@(true)'",
        "      do:",
        "        - base:",
        "            id: 'yes'",
    ]


MISTAKES = {
    "list": ("- a", "1:1 expected-mapping"),
    "text": ("a", "1:1 expected-mapping"),
    "section": ("middle: []", "1:1 unknown-section"),
    "fragment among sections": ("fragment: []\ninbound: []", "1:1 unknown-section"),
    "section as mapping": ("inbound: {base: }", "1:10 expected-list"),
    "section as text": ("inbound: base", "1:10 expected-list"),
    "settings not indented": ("inbound:\n  - set-status:\n    code: 1", "2:5 expected-name"),
    "item as list": ("inbound: [[base]]", "1:11 expected-name"),
    "attribute as list": ("inbound: [{set-status: {code: [1]}}]", "1:31 expected-scalar"),
    "list for a text": ("inbound: [{set-method: [GET]}]", "1:24 unexpected-list"),
    "do as text": ("inbound: [{retry: {condition: a, do: base}}]", "1:38 expected-list"),
}


@pytest.mark.parametrize(("text", "found"), MISTAKES.values(), ids=MISTAKES.keys())
def test_wrong_forms(text: str, found: str) -> None:
    """A value of the wrong form is refused at its place."""
    with pytest.raises(LoadError) as refused:
        parse(text, "p.yaml", VOCABULARY)
    problem = refused.value.problems[0]
    assert f"{problem.location.line}:{problem.location.column} {problem.code}" == found


def test_forms_and_shapes_are_reported_together() -> None:
    """A value of the wrong form does not hide other mistakes."""
    text = "inbound:\n  - set-status: {code: many}\n  - set-method: [GET]\n  - set-boby: a\n"
    with pytest.raises(LoadError) as refused:
        parse(text, "p.yaml", VOCABULARY)
    codes = [problem.code for problem in refused.value.problems]
    assert codes == ["bad-value", "unexpected-list", "unknown-element"]


UNKNOWN = {
    "policy": ("nothing: {a: b}", "unknown-element"),
    "attribute": ("set-status: {code: 401, raeson: a}", "unknown-attribute"),
    "child": ("set-status: {code: 401, value: [a]}", "unknown-element"),
    "child in a list": ("return-response: [status: {code: 1}]", "unknown-element"),
    "text": ("set-status: {code: 401, text: a}", "unexpected-text"),
    "text for a mapping": ("set-status: 401", "missing-attribute"),
    "nothing": ("", "unknown-element"),
}


@pytest.mark.parametrize(("text", "code"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_unknown_keys_reach_the_checker(text: str, code: str) -> None:
    """Keys that a shape does not have are read, and then refused by the checker."""
    document = parse(f"inbound:\n  - {text}\n", "p.yaml", VOCABULARY)
    assert code in [problem.code for problem in check(document, VOCABULARY)]


def test_unknown_elements_are_not_written() -> None:
    """Elements outside the vocabulary cannot be written as YAML."""
    for body in ("<nothing/>", "<return-response><nothing/></return-response>"):
        with pytest.raises(LoadError, match="unknown-element"):
            dump(xml_format.parse(f"<policies><inbound>{body}</inbound></policies>", "p.xml"), VOCABULARY)


@pytest.mark.parametrize(
    ("name", "several"),
    [("value", "values"), ("address", "addresses"), ("identity", "identities"), ("key", "keys"), ("query", "queries")],
)
def test_plural(name: str, several: str) -> None:
    """Several children have the English plural as their key."""
    assert plural(name) == several


# -- other people's documents
def test_policies_of_the_cloud_are_carried() -> None:
    """A policy whose content no shape describes keeps all of it: attributes, children in their order, texts."""
    refused = {"llm": policy_type(Element("llm", "", refused="it needs a service"))}
    xml = """<policies><inbound><llm a="1"><vary-by>@(x)</vary-by><categories type="f"><category name="Hate"/>text
        </categories><vary-by/></llm><llm/><llm>only</llm></inbound></policies>"""
    document = xml_format.parse(xml, "a.xml")
    again = parse(dump(document, refused), "a.yaml", refused)
    assert all(map(same, document.statements(Section.INBOUND), again.statements(Section.INBOUND)))


def test_text_between_policies_is_refused() -> None:
    """A template's directive has no place in YAML: leaving it out would change which policies run."""
    document = xml_format.parse("<policies><inbound>%{ if a ~}<set-body/>%{ endif ~}</inbound></policies>", "a.xml")
    with pytest.raises(LoadError, match="a.xml:1:20: unexpected-text"):
        dump(document, VOCABULARY)


TRANSPARENT = ("when", "otherwise", "retry", "wait", "limit-concurrency")


def inferred(name: str, nodes: list[Node]) -> Element:
    """A shape that takes *nodes*, all called *name*."""
    attributes = dict.fromkeys(key for node in nodes for key in node.attributes)
    if name in TRANSPARENT:
        return Element(name, "", tuple(Attribute(key, "") for key in attributes), content=Content.POLICIES)
    groups: dict[str, list[Node]] = {}
    for child in (child for node in nodes for child in node.children):
        groups.setdefault(child.name, []).append(child)
    children = tuple(Child(inferred(key, group), maximum=None) for key, group in groups.items())
    verbatim = Content.VERBATIM if name == "set-body" else Content.TEXT
    content = verbatim if any(node.text for node in nodes) else Content.EMPTY
    return Element(name, "", tuple(Attribute(key, "") for key in attributes), children, content)


def statements(nodes: Iterable[Node]) -> Iterator[Node]:
    """*nodes* and every policy inside them."""
    for node in nodes:
        yield node
        for inner in (node, *node.children):
            if inner.name in TRANSPARENT:
                yield from statements(inner.children)


@published.needs(published.POLICIES)
def test_published_documents_round_trip() -> None:
    """Other people's documents, written as YAML and read again, keep their meaning."""
    for path in sorted(published.POLICIES.glob("*.xml")):
        document = xml_format.parse(path.read_bytes(), path.name)
        sections = [*document.sections.values(), *([document.fragment] if document.fragment else [])]
        groups: dict[str, list[Node]] = {}
        for node in statements(child for section in sections for child in section.children):
            groups.setdefault(node.name, []).append(node)
        vocabulary = {name: policy_type(inferred(name, nodes)) for name, nodes in groups.items()}
        again = parse(dump(document, vocabulary), path.name, vocabulary)
        others = [*again.sections.values(), *([again.fragment] if again.fragment else [])]
        for one, other in zip(sections, others, strict=True):
            assert all(map(same, one.children, other.children)), path.name


@pytest.mark.parametrize(
    "text",
    [
        "\n\n\n<policies><inbound><base /></inbound></policies>",
        "<!-- a -->\n\n\n<policies>\n\n\n<inbound><base /></inbound></policies>",
        "<policies>\n\n<!-- a -->\n\n<!-- b -->\n<inbound><base /></inbound></policies>",
        '<policies><inbound><set-header name="a"><value>1</value><value><!-- why -->\n x\n  y\n</value></set-header>'
        "</inbound></policies>",
    ],
)
def test_a_second_round_trip_changes_nothing(text: str) -> None:
    """Blank lines and comments stay where the first round trip has put them, at the head and in lists of texts too."""
    first = dump(xml_format.parse(text.encode(), "a.xml"), POLICIES)
    assert re.findall(r"# (\w+)", first) == re.findall(r"<!-- (\w+)", text)
    document = with_remarks(parse(first, "a.yaml", POLICIES), first)
    again = xml_format.parse(xml_format.dump(document).encode(), "a.xml")
    assert dump(again, POLICIES) == first
