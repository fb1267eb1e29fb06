"""places.py, xml_cursor.py, yaml_cursor.py, csharp/closing.py: where the cursor is in a text that is not finished."""

from __future__ import annotations

import pytest
from lsprotocol.types import Position

from gateway.commands.lsp.csharp.closing import unfinished
from gateway.commands.lsp.places import Places
from gateway.commands.lsp.xml_cursor import place_in as place_in_xml
from gateway.commands.lsp.yaml_cursor import place_in as place_in_yaml
from gateway.errors import Location

TEXT = "ä😀b\r\nc\rd\u2028e\n"


@pytest.mark.parametrize(
    ("encoding", "units"), [("utf-8", (0, 2, 6, 7)), ("utf-16", (0, 1, 3, 4)), ("utf-32", (0, 1, 2, 3))]
)
def test_units(encoding: str, units: tuple[int, ...]) -> None:
    """Columns count what the editor counts, in both directions."""
    places = Places(TEXT, encoding)
    for offset, unit in enumerate(units):
        assert places.position(offset) == Position(0, unit)
        assert places.offset(Position(0, unit)) == offset


def test_lines() -> None:
    """Lines end with LF, CR LF and CR, and with nothing else."""
    places = Places(TEXT)
    assert [places.line(number) for number in range(5)] == ["ä😀b", "c", "d\u2028e", "", ""]
    assert places.offset(Position(2, 2)) == TEXT.index("e")


@pytest.mark.parametrize("position", [Position(0, 99), Position(99, 0), Position(0, 2)])
def test_places_that_are_not_there(position: Position) -> None:
    """A place outside of the text, or within a character, is the nearest one."""
    assert 0 <= Places(TEXT).offset(position) <= len(TEXT)
    assert 0 <= Places(TEXT).of(Location("a", position.line + 1, position.character + 1)) <= len(TEXT)


@pytest.mark.parametrize(
    ("text", "words"),
    [("<set-header name=", "<set-header"), ("</a>", "</a"), ("needs.this other", "needs.this"), ("@(a)", "@")],
)
def test_what_a_finding_underlines(text: str, words: str) -> None:
    """A finding underlines the word that it is about, or one character."""
    assert Places(text).at(Location("a", 1, 1)).end == Position(0, len(words))


XML = {
    "<policies><inb": ("element", ["policies"], "", ""),
    "<policies><inbound></inbound><": ("element", ["policies"], "", ""),
    '<a><b c="d"/><e f': ("attribute", ["a"], "e", ""),
    '<a><b c="d': ("value", ["a"], "b", "c"),
    "<a><b c='\"d' e=\"f": ("value", ["a"], "b", "e"),
    '<a x="@(1 < 2 ? "b" : "c")"><d': ("element", ["a"], "", ""),
    '<a x="@(broken("><d': ("element", ["a"], "", ""),
    "<a>@{ broken( }</a><d": ("element", [], "", ""),
    "<a><b></": ("close", ["a", "b"], "", ""),
    "<a><!-- <b>": ("nothing", ["a"], "", ""),
    "<a><![CDATA[<b>": ("nothing", ["a"], "", ""),
    "<a><b></c><d": ("element", ["a", "b"], "", ""),
    "<a>text": ("text", ["a"], "", ""),
    "<a b <c": ("element", ["a"], "", ""),
}


@pytest.mark.parametrize("text", XML)
def test_xml(text: str) -> None:
    """In XML the place is known though nothing is closed, and a broken expression does not hide what follows."""
    place = place_in_xml(text, len(text))
    assert (place.kind, place.parents, place.element, place.attribute) == XML[text]
    assert place.code is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('<a x="@(context.Request.Headers["b"].', '@(context.Request.Headers["b"].'),
        ('<a x="c" y="@{ if (a < b) { d = "', '@{ if (a < b) { d = "'),
        ("<a>@{\n  return a && b <", "@{\n  return a && b <"),
    ],
)
def test_code_in_xml(text: str, code: str) -> None:
    """An expression begins at its @ and holds quotes, < and && of its own."""
    place = place_in_xml(text, len(text))
    assert place.code is not None
    assert text[place.code :] == code


YAML = {
    "": ("key", (), ""),
    "ap": ("key", (), "ap"),
    "apis:\n  - id: a\n    pa": ("key", ("apis", "[]"), "pa"),
    "apis:\n- id: a\n  pa": ("key", ("apis", "[]"), "pa"),
    "apis:\n  - id: a\n    operations:\n      - ": ("item", ("apis", "[]", "operations", "[]"), ""),
    "apis:\n  - {id: a, pa": ("key", ("apis", "[]"), "pa"),
    "apis:\n  - {id: a, path: b": ("value", ("apis", "[]", "path"), "b"),
    "a: {b: [c, d": ("item", ("a", "b", "[]"), "d"),
    "a:\n  b:\n    c: d\n  ": ("key", ("a",), ""),
    'a:\n  "b": c': ("value", ("a", "b"), "c"),
    "a:\n  # b:\n\n  c: |\n    text\n      more": ("block", ("a", "c"), "    text\n      more"),
    "a:\n  - b: |\n      text\n    c": ("key", ("a", "[]"), "c"),
    "a: b\nc: d\ne": ("key", (), "e"),
    "a: {b: 'it''s": ("value", ("a", "b"), "'it''s"),
}


@pytest.mark.parametrize("text", YAML)
def test_yaml(text: str) -> None:
    """In YAML the keys around the cursor are known from the indentation, though the text may not be YAML."""
    place = place_in_yaml(text, len(text))
    assert (place.kind, place.path, place.written) == YAML[text]


def test_keys_beside_the_cursor() -> None:
    """Keys above and below in the same mapping are known, those of other mappings are not among them."""
    text = "a:\n  b: 1\n  c:\n    d: 2\n  \n  e: 3\n  f:\n    g: 4\nh: 5\n"
    assert place_in_yaml(text, text.index("  \n") + 2).siblings == {"b", "c", "e", "f"}


CODE = {
    "@(context.Req": ("Req", None, False),
    '@(a["b': ("", "b", False),
    '@($"a{context.': ("", None, False),
    '@($"a{b}c': ("", "a{b}c", False),
    '@(@"a""b': ("", 'a""b', False),
    "@{ // a": ("", None, True),
    "@{ /* a */ b": ("b", None, False),
    "@{ /* a": ("", None, True),
    "@{ var c = '\"'; d": ("d", None, False),
    '@{ "a\n b': ("b", None, False),
}


@pytest.mark.parametrize("code", CODE)
def test_code(code: str) -> None:
    """In C# it is known whether the cursor is in a name, in a text or in a comment."""
    written = unfinished(code)
    assert (written.word, written.quoted, written.commented) == CODE[code]
