"""xml_format.py: policy documents in XML, read as APIM reads them and written so that every parser reads them."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gateway.documents.model import Node, PolicyDocument, Section, Text, same
from gateway.documents.xml.format import dump, parse
from gateway.errors import LoadError, Location
from tests import published
from tests.speed import on_this_machine


def inbound(body: str) -> Node:
    """The inbound section around *body*."""
    return parse(f"<policies><inbound>{body}</inbound></policies>", "p.xml").sections[Section.INBOUND]


def first(body: str) -> Node:
    """The first policy of *body*."""
    return inbound(body).children[0]


def equal(one: PolicyDocument, other: PolicyDocument) -> bool:
    """Whether two documents mean the same; a section that is absent is empty."""
    if one.fragment and other.fragment:
        return same(one.fragment, other.fragment)
    empty = Node("", one.sections[Section.INBOUND].location)
    return all(
        [child.name for child in one.sections.get(section, empty).children]
        == [child.name for child in other.sections.get(section, empty).children]
        and all(map(same, one.statements(section), other.statements(section)))
        for section in Section
    )


ATTRIBUTES = {
    "literal": ('v="a b"', "a b"),
    "single quotes": ("v='say \"x\"'", 'say "x"'),
    "entities in a literal": ('v="a &amp; &lt;b&gt; &quot;c&quot; &apos; &#65;&#x42;"', 'a & <b> "c" \' AB'),
    "line break in a literal": ('v="a\n b"', "a\n b"),
    "raw quotes": ('v="@(f("x"))"', '@(f("x"))'),
    "raw operators": ('v="@(a < b && c > d || e["f"] == "<g>")"', '@(a < b && c > d || e["f"] == "<g>")'),
    "generics": ('v="@(x.As<Dictionary<string, int>>("y"))"', '@(x.As<Dictionary<string, int>>("y"))'),
    "lambda": ('v="@(x.Where(y => y.Z == "q").Any())"', '@(x.Where(y => y.Z == "q").Any())'),
    "escaped": ('v="@(a == &quot;x&quot; &amp;&amp; b &lt; c)"', '@(a == "x" && b < c)'),
    "entity in a raw string": ('v="@("&lt;a&gt;")"', '@("&lt;a&gt;")'),
    "single-quoted expression": ("v='@(a[\"b\"])'", '@(a["b"])'),
    "space around": ('v=" @(a) "', "@(a)"),
    "block": ('v="@{\n  // it\'s } \n  return 1;\n}"', "@{\n  // it's } \n  return 1;\n}"),
    "block comment": ('v="@{ /* } " */ return 1; }"', '@{ /* } " */ return 1; }'),
    "interpolated": ('v="@($"a{b["c"]}")"', '@($"a{b["c"]}")'),
    "named value inside": ('v="@("{{limit}}" == "x")"', '@("{{limit}}" == "x")'),
    "mixed": ('v="a @("b") c"', 'a @("b") c'),
    "no expression": ('v="user@example.com @"', "user@example.com @"),
    "tag end inside": ('v="@("/>")"', '@("/>")'),
    "comment inside": ('v="@("<!-- x -->")"', '@("<!-- x -->")'),
}


@pytest.mark.parametrize(("written", "value"), ATTRIBUTES.values(), ids=ATTRIBUTES.keys())
def test_attribute_value(written: str, value: str) -> None:
    """An attribute's value is what its author meant, whichever way the expression in it is written."""
    node = first(f"<x {written} w='1'/>")
    assert {name: text.value for name, text in node.attributes.items()} == {"v": value, "w": "1"}


CONTENTS = {
    "nothing": ("", None),
    "white space": ("\n  ", None),
    "literal": ("\n  abc \n", "abc"),
    "entities": ("a &amp;&lt;&#10;", "a &<"),
    "raw expression": ('\n @(a < b && c["d"]) \n', '@(a < b && c["d"])'),
    "escaped expression": ("@(a &lt; b)", "@(a < b)"),
    "cdata": ("<![CDATA[ <a> & ]]>", " <a> & "),
    "cdata with layout around": ("\n <![CDATA[a]]> \n", "a"),
    "expression in cdata": ("\n<![CDATA[ @(a < b) ]]>\n", "@(a < b)"),
    "cdata is not unescaped": ("<![CDATA[&lt;]]>", "&lt;"),
    "comment inside": ("a<!-- <x> @( -->b", "ab"),
    "expression with tags": ('@{ return "<a></b>"; }', '@{ return "<a></b>"; }'),
    "text and expression": ("a @(b) ", "a @(b)"),
}


@pytest.mark.parametrize(("written", "value"), CONTENTS.values(), ids=CONTENTS.keys())
def test_content(written: str, value: str | None) -> None:
    """An element's content is its text without layout; CDATA keeps every character."""
    text = first(f"<x>{written}</x>").text
    assert (text.value if text else None) == value


BODIES = {
    "text": (" a ", " a "),
    "unescaped": ("&lt;a&gt;", "<a>"),
    "mark-up": ("\n<a b='c'>&lt;</a>\n", "\n<a b='c'>&lt;</a>\n"),
    "declaration": ('<?xml version="1.0"?><a/>', '<?xml version="1.0"?><a/>'),
    "policies inside": ("<policies><inbound/></policies>", "<policies><inbound/></policies>"),
    "expressions inside": ('<a>@(x < y)</a><b c="@("q")"/>', '<a>@(x < y)</a><b c="@("q")"/>'),
    "liquid": ("<a>{{ body.b }}{% if c %}</a>", "<a>{{ body.b }}{% if c %}</a>"),
    "expression": ('\n@{ return "<a>"; }\n', '@{ return "<a>"; }'),
    "cdata": ("<![CDATA[<a>&amp;]]>", "<a>&amp;"),
}


@pytest.mark.parametrize(("written", "value"), BODIES.values(), ids=BODIES.keys())
def test_body_is_kept(written: str, value: str) -> None:
    """Mark-up inside set-body is the body's own text, not policies."""
    node = first(f"<set-body>{written}</set-body>")
    assert node.text is not None
    assert (node.text.value, node.children) == (value, ())


def test_stylesheet_is_kept_whole() -> None:
    """The stylesheet of xsl-transform is kept as one text, including its start tag."""
    sheet = '<xsl:stylesheet version="1.0" xmlns:xsl="u"><xsl:template match="/">a</xsl:template></xsl:stylesheet>'
    node = first(f'<xsl-transform><parameter name="a">b</parameter>{sheet}</xsl-transform>')
    assert [child.name for child in node.children] == ["parameter", "xsl:stylesheet"]
    assert node.children[1].text is not None
    assert node.children[1].text.value == sheet


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"])
def test_encodings(encoding: str) -> None:
    """Byte order marks and declared encodings are honoured."""
    declared = encoding if encoding in ("iso-8859-1", "windows-1252") else "utf-16"
    text = f'<?xml version="1.0" encoding="{declared}"?>\r\n<fragment>\r\n<a b="é"/></fragment>'
    fragment = parse(text.encode(encoding), "f.xml").fragment
    assert fragment is not None
    assert fragment.children[0].attribute("b") == "é"
    assert str(fragment.children[0].location) == "f.xml:3:1"


def test_positions_are_those_of_the_file() -> None:
    """Lines and columns refer to the original file, also after multi-line expressions."""
    text = '\ufeff<policies>\r\n <inbound>\r\n  <a b="@{\r\n    return "x";\r\n  }"  c = "d"/>\r\n  <e>\r\n   @(f)</e>'
    document = parse(text + "</inbound></policies>", "p.xml")
    first, second = document.statements(Section.INBOUND)
    assert second.text is not None
    places = [first.location, first.attributes["b"].location, first.attributes["c"].location]
    places += [second.location, second.text.location]
    assert [(place.line, place.column) for place in places] == [(3, 3), (3, 9), (5, 12), (6, 3), (7, 4)]


def test_comments_and_declarations_around_the_root() -> None:
    """Comments before, after and between elements are skipped, whatever they hold."""
    text = (
        "<?xml version='1.0'?><!-- @( -- <!-- <policies> --><!----><policies><!-- <inbound> --></policies><!-- x -->\n"
    )
    assert parse(text, "p.xml") == PolicyDocument("p.xml")


def test_wrapped_document() -> None:
    """A test case around one <policies> gives that document."""
    document = parse("<case><policies><inbound><base/></inbound></policies><request/></case>", "c.xml")
    assert [node.name for node in document.statements(Section.INBOUND)] == ["base"]


MISTAKES = {
    "empty": ("", "no-root", 1, 1),
    "text only": ("hello", "text-outside-root", 1, 1),
    "doctype": ("<!DOCTYPE a><policies/>", "doctype-refused", 1, 1),
    "entity bomb": ('<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]><policies/>', "doctype-refused", 1, 1),
    "unknown entity": ("<policies>\n &nbsp;</policies>", "unknown-entity", 2, 2),
    "bare ampersand": ("<policies><a b='c & d'/></policies>", "unknown-entity", 1, 19),
    "null reference": ("<policies>&#0;</policies>", "unknown-entity", 1, 11),
    "other root": ("<inbound/>", "unknown-root", 1, 1),
    "two roots": ("<policies/>\n<policies/>", "second-root", 2, 1),
    "junk after": ("<policies/>\n } ", "text-outside-root", 2, 2),
    "junk before": ("%{ if a }\n<policies/>", "text-outside-root", 1, 1),
    "cdata outside": ("<![CDATA[a]]><policies/>", "text-outside-root", 1, 1),
    "mismatched": ("<policies>\n<inbound></outbound></policies>", "mismatched-tag", 2, 10),
    "unopened": ("</policies>", "mismatched-tag", 1, 1),
    "unclosed": ("<policies>\n <inbound>", "unclosed-element", 2, 2),
    "unclosed comment": ("<policies><!-- </policies>", "unclosed-comment", 1, 11),
    "unclosed comment and root": ("<policies/><!--", "unclosed-comment", 1, 12),
    "unclosed cdata": ("<policies><![CDATA[ </policies>", "unclosed-CDATA section", 1, 11),
    "unclosed instruction": ("<?xml version='1.0'", "unclosed-instruction", 1, 1),
    "unclosed value": ('<policies a="b', "unclosed-value", 1, 13),
    "tag in value": ('<policies><a b="c><d/>', "stray-less-than", 1, 19),
    "stray": ("<policies> a < b </policies>", "stray-less-than", 1, 14),
    "no quotes": ("<policies a=b/>", "malformed-tag", 1, 11),
    "no space": ("<policies a='b'c='d'/>", "malformed-tag", 1, 16),
    "cut tag": ("<policies a='b'", "malformed-tag", 1, 15),
    "doubled attribute": ("<policies a='b' a='c'/>", "duplicate-attribute", 1, 17),
    "open bracket": ('<policies a="@(f(1)"/>', "unbalanced-expression", 1, 20),
    "open string": ("<policies>@{ return 'a\"; }</policies>", "unbalanced-expression", 1, 23),
    "control character": ("<policies>\n\x01</policies>", "forbidden-character", 2, 1),
    "unknown section": ("<policies><middle/></policies>", "unknown-section", 1, 11),
    "section twice": ("<policies><inbound/>\n<inbound/></policies>", "duplicate-section", 2, 1),
    "text between sections": ("<policies>\n a <inbound/></policies>", "unexpected-text", 2, 2),
    "attribute of the root": ("<policies a='b'/>", "unknown-attribute", 1, 14),
}


@pytest.mark.parametrize(("text", "code", "line", "column"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes(text: str, code: str, line: int, column: int) -> None:
    """What is not a policy document is refused, with the place and a stable code."""
    with pytest.raises(LoadError) as refused:
        parse(text, "p.xml")
    problem = refused.value.problems[0]
    assert (problem.code, problem.location.line, problem.location.column) == (code, line, column)


def test_every_section_mistake_is_reported() -> None:
    """All mistakes in the document's structure are reported together, in the order of the file."""
    with pytest.raises(LoadError) as refused:
        parse("<policies xmlns:a='b'><one/>\ntext<two/></policies>", "p.xml")
    assert [problem.code for problem in refused.value.problems] == [
        "unknown-section",
        "unexpected-text",
        "unknown-section",
    ]


def test_not_utf8() -> None:
    """Bytes that are not text are refused, with their line."""
    with pytest.raises(LoadError, match=r"p.xml:2:3: bad-encoding"):
        parse(b"<policies>\n  \xff</policies>", "p.xml")


HOSTILE = {
    "deep": "<a>" * 10_000,
    "huge attribute": f'<policies a="{"x" * 2_000_000}"/>',
    "many attributes": "<policies " + " ".join(f'a{number}=""' for number in range(100_000)),
    "many expressions": "<policies>" + "@(" * 300_000,
    "many brackets": "<policies>@" + "(" * 900_000,
    "many comments": "<policies>" + "<!---->" * 100_000,
    "many references": "<policies>" + "&#65;" * 200_000,
    "long space": "<policies " + " " * 1_000_000,
    "many strings": '<policies>@("' + '" + "' * 200_000,
    "deep interpolation": "<policies>@(" + '$"{' * 100_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_is_refused_quickly(text: str) -> None:
    """No document costs more than a moment, however it is made."""
    began = time.process_time()
    with pytest.raises(LoadError):
        parse(text, "p.xml")
    assert time.process_time() - began < on_this_machine(5)


# -- writing
ROUND_TRIPS = {
    **{f"attribute, {name}": f"<x {written}/>" for name, (written, _) in ATTRIBUTES.items()},
    **{f"content, {name}": f"<x>{written}</x>" for name, (written, _) in CONTENTS.items()},
    **{f"body, {name}": f"<set-body>{written}</set-body>" for name, (written, _) in BODIES.items()},
    "stylesheet": "<xsl-transform><xsl:transform xmlns:xsl='a'><b/></xsl:transform></xsl-transform>",
    "entity text in an expression": '<x>@(a + "&amp;lt;" + b)</x>',
    "carriage return": "<x a='&#13;&#10;'>&#13;&#10;a</x>",
    "cdata end": "<x>]]&gt; &lt;</x>",
    "blank body": "<set-body><![CDATA[ ]]></set-body>",
    "cdata end in a blank body": "<set-body><![CDATA[]]]]><![CDATA[> &lt;</a>]]></set-body>",
    "many attributes": "<x " + " ".join(f"attribute-{number}='value'" for number in range(9)) + "/>",
    "line break only in a comment": "<x a='@{ /* \n // &quot; */ return 1; }'/>",
    "verbatim string": '<x a="@(@"a\nb")"/>',
}


@pytest.mark.parametrize("body", ROUND_TRIPS.values(), ids=ROUND_TRIPS.keys())
def test_round_trip(body: str) -> None:
    """Written documents have the meaning of those that were read, and any XML parser can read them."""
    document = parse(f"<policies><inbound>{body}</inbound></policies>", "p.xml")
    written = dump(document)
    ElementTree.fromstring(written)
    assert equal(parse(written, "q.xml"), document)


def test_layout() -> None:
    """A document is written with the sections that it has, indented."""
    document = parse("<policies><inbound><a b='c'/><d>e</d></inbound></policies>", "p.xml")
    assert dump(document).splitlines() == [
        "<policies>",
        "    <inbound>",
        '        <a b="c" />',
        "        <d>e</d>",
        "    </inbound>",
        "</policies>",
    ]


def test_text_that_xml_cannot_hold() -> None:
    """A text that no XML can hold is refused, not mangled."""
    node = first("<x a='b'/>")
    broken = Node("fragment", node.location, {"a": type(node.attributes["a"])("@(", node.location)})
    with pytest.raises(LoadError, match="not-writable"):
        dump(PolicyDocument("p.xml", fragment=broken))


STYLESHEETS = {"text": "abc", "two": "<x:a/><x:b/>", "unclosed": "<x:a>", "no prefix": "<a/>"}


@pytest.mark.parametrize("text", STYLESHEETS.values(), ids=STYLESHEETS.keys())
def test_bad_stylesheets_are_not_written(text: str) -> None:
    """A stylesheet that is not one element cannot slip other mark-up into the document."""
    place = Location("p.yaml")
    sheet = Node("xsl:stylesheet", place, text=Text(text, place))
    with pytest.raises(LoadError, match="not-writable"):
        dump(PolicyDocument("p.yaml", fragment=Node("fragment", place, children=(sheet,))))


# -- other people's documents
def readable() -> list[Path]:
    """The published documents that their index calls readable."""
    index = published.POLICIES / "INDEX.tsv"
    if not index.exists():
        return []
    with index.open(newline="") as rows:
        return [
            published.POLICIES / row["file"]
            for row in csv.DictReader(rows, delimiter="\t")
            if row["expr_aware_xml"] == "yes"
        ]


@published.needs(published.POLICIES)
def test_published_documents_load_and_round_trip() -> None:
    """Every readable published document loads, and keeps its meaning when written."""
    for path in readable():
        document = parse(path.read_bytes(), path.name)
        assert equal(parse(dump(document), path.name), document), path.name
