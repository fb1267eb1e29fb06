"""Any document that the model can hold survives both formats; hostile text ends quickly."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.documents.check import check
from gateway.documents.model import Node, PolicyDocument, Section, Text, same
from gateway.documents.shape import Attribute, Child, Content, Element
from gateway.documents.xml import format as xml_format
from gateway.documents.yaml import format as yaml_format
from gateway.errors import LoadError, Location
from tests.pipeline.vocabulary import VOCABULARY
from tests.speed import on_this_machine

HERE = Location("p")

CHARACTERS = st.characters(  # what XML can hold
    codec="utf-8", exclude_categories=["Cs", "Cc"], include_characters="\n\t\r", exclude_characters="\ufffe\uffff"
)
PLAIN = st.text(CHARACTERS, max_size=20)
EXPRESSIONS = st.one_of(
    st.sampled_from(
        [
            "@(a)",
            '@("<b>&amp;" + c)',
            '@{\n  // it\'s "x"\n  return 1;\n}',
            "@(a && b < c)",
            "@{ /* \" & */ return 'x'; }",
            '@(@"a\nb")',
            '@($"{a:x}")',
        ]
    ),
    st.text(st.sampled_from("ab1 +<>&;\n"), min_size=1).map(lambda code: f"@({code})"),
)
LITERALS = PLAIN.filter(lambda text: "@(" not in text and "@{" not in text)


def values(stripped: bool) -> st.SearchStrategy[str]:
    """Texts that mean themselves; *stripped* ones have no layout around them."""
    literals = LITERALS.map(lambda text: text.strip(" \t\n\r")).filter(lambda text: text == text.strip())
    return st.one_of(literals.filter(bool) if stripped else LITERALS, EXPRESSIONS)


def text_of(rule: Element) -> st.SearchStrategy[Text | None]:
    """Content for an element."""
    if rule.choices:
        return st.sampled_from(rule.choices).map(lambda choice: Text(choice, HERE))
    if rule.content is Content.VERBATIM:
        return st.one_of(st.none(), values(False).filter(lambda text: bool(text.strip())).map(at_here))
    if rule.content is Content.TEXT:
        given_text = values(True).map(at_here)
        return given_text if rule.required else st.one_of(st.none(), given_text)
    return st.none()


def at_here(value: str) -> Text:
    """*value* as a text."""
    return Text(value, HERE)


def attributes_of(shape: Element) -> st.SearchStrategy[dict[str, Text]]:
    """Attributes of an element, in any number."""
    needed = {each.name: value_of(each) for each in shape.attributes if each.required}
    others = {each.name: value_of(each) for each in shape.attributes if not each.required}
    return st.fixed_dictionaries(needed, optional=others)


def value_of(rule: Attribute) -> st.SearchStrategy[Text]:
    """A value for an attribute."""
    if rule.choices:
        return st.sampled_from(rule.choices).map(at_here)
    return (values(False) if rule.expression else LITERALS).map(at_here)


@st.composite
def elements(draw: st.DrawFn, shape: Element, depth: int = 0) -> Node:
    """A node of *shape*."""
    children: list[Node] = []
    if shape.content is Content.POLICIES and depth < 3:
        children = draw(st.lists(policies(depth + 1), min_size=int(shape.required), max_size=3))
    for _ in range(draw(st.integers(0, 4)) if shape.children else 0):
        child: Child = draw(st.sampled_from(shape.children))
        if child.repeated or child.element.name not in {node.name for node in children}:
            children.append(draw(elements(child.element, depth)))
    return Node(shape.name, HERE, draw(attributes_of(shape)), tuple(children), draw(text_of(shape)))


def policies(depth: int = 0) -> st.SearchStrategy[Node]:
    """A node of any policy; stylesheets are text of their own kind."""
    shapes = [kind.shape for name, kind in VOCABULARY.items() if name != "xsl-transform"]
    return st.sampled_from(shapes).flatmap(lambda shape: elements(shape, depth))


def document(nodes: list[Node]) -> PolicyDocument:
    """A document with *nodes* in inbound."""
    return PolicyDocument("p", {Section.INBOUND: Node("inbound", HERE, children=tuple(nodes))})


def all_same(one: PolicyDocument, other: PolicyDocument) -> bool:
    """Whether the inbound sections mean the same."""
    nodes, others = one.statements(Section.INBOUND), other.statements(Section.INBOUND)
    return len(nodes) == len(others) and all(map(same, nodes, others))


@settings(max_examples=60, deadline=None)
@given(st.lists(policies(), max_size=3))
def test_xml_round_trip(nodes: list[Node]) -> None:
    """Any tree written as XML is read back as the same tree."""
    written = xml_format.dump(document(nodes))
    assert all_same(xml_format.parse(written, "q"), document(nodes)), written


@settings(max_examples=60, deadline=None)
@given(st.lists(policies(), max_size=3))
def test_yaml_round_trip(nodes: list[Node]) -> None:
    """Any tree written as YAML is read back as the same tree."""
    written = yaml_format.dump(document(nodes), VOCABULARY)
    assert all_same(yaml_format.parse(written, "q", VOCABULARY), document(nodes)), written


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("<>/=\"'&;@(){}[]!-?:, \nabcx"), max_size=60))
def test_noise_is_refused_or_read(text: str) -> None:
    """No text makes a reader fail otherwise than with LoadError."""
    for noise in (text, f"<policies><inbound>{text}", f"inbound:\n  - {text}"):
        with suppress(LoadError):
            check(xml_format.parse(noise, "q"), VOCABULARY)
        with suppress(LoadError):
            check(yaml_format.parse(noise, "q", VOCABULARY), VOCABULARY)


HOSTILE = {
    "deep lists": "inbound: " + "[" * 10_000,
    "deep mappings": "{a: " * 10_000,
    "deep blocks": "".join(f"{' ' * depth}a:\n" for depth in range(1_000)),
    "alias bomb": "a: &a [x, x]\n" + "".join(f"b{each}: &b{each} [*a, *a]\n" for each in range(1_000)),
    "huge value": "inbound: " + "x" * 5_000_000,
    "many keys": "".join(f"a{each}: 1\n" for each in range(20_000)),
    "many documents": "---\na: 1\n" * 10_000,
    "tags": "inbound: !!python/object/apply:os.system [echo]",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_yaml_is_refused_quickly(text: str) -> None:
    """No YAML costs more than a moment, however it is made."""
    began = time.process_time()
    with pytest.raises(LoadError):
        yaml_format.parse(text, "q", VOCABULARY)
    assert time.process_time() - began < on_this_machine(5)


@pytest.mark.parametrize("body", ["0\r", "a\r\nb", "\ra"])
def test_line_ends_of_a_body_survive(body: str) -> None:
    """A carriage return is written as a reference: whoever reads XML takes a bare one for a line feed."""
    node = Node("set-body", HERE, text=at_here(body))
    assert all_same(xml_format.parse(xml_format.dump(document([node])), "q"), document([node]))
