"""yaml_nodes.py: YAML keeps its positions and the texts that its author wrote."""

from __future__ import annotations

import pytest
import yaml

from gateway.errors import LoadError
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode, compose


def plain(node: YamlNode) -> object:
    """*node* without positions; None for nothing."""
    match node:
        case Scalar():
            return None if node.null else node.value
        case Sequence():
            return [plain(item) for item in node.items]
        case Mapping():
            return {key.value: plain(value) for key, value in node.entries}


TEXTS = {
    "plain": ("a", "a"),
    "number": ("007", "007"),
    "exponent": ("1e3", "1e3"),
    "boolean": ("Yes", "Yes"),
    "null word": ("null", "null"),
    "tilde": ("~", "~"),
    "date": ("2026-01-01", "2026-01-01"),
    "quoted": ('"a\\tb"', "a\tb"),
    "single-quoted": ("'it''s'", "it's"),
    "empty quoted": ("''", ""),
    "nothing": ("", None),
    "block": ("|\n  a\n   b\n", "a\n b\n"),
    "folded": (">-\n  a\n  b\n", "a b"),
    "list": ("[a, 1, '']", ["a", "1", ""]),
    "mapping": ("{b: c, 1: d, true: e}", {"b": "c", "1": "d", "true": "e"}),
    "colon in a key": ("\n  xsl:stylesheet: a", {"xsl:stylesheet": "a"}),
}


@pytest.mark.parametrize(("text", "value"), TEXTS.values(), ids=TEXTS.keys())
def test_texts(text: str, value: object) -> None:
    """A scalar is its text; nothing is converted."""
    assert plain(compose(f"k: {text}", "f.yaml")) == {"k": value}


def test_positions() -> None:
    """The place of a text is that of its first character, also in quotes and blocks."""
    root = compose("a: b\nc:\n  - 'd'\n  - |\n\n    e\nf: |", "f.yaml")
    assert isinstance(root, Mapping)
    items = root.find("c")
    assert isinstance(items, Sequence)
    last = root.find("f")
    assert last is not None
    nodes = [root, root.find("a"), items, *items.items, last]
    places = [(node.location.line, node.location.column) for node in nodes if node]
    assert places == [(1, 1), (1, 4), (3, 3), (3, 6), (5, 1), (8, 1)]
    assert root.find("nothing") is None


MISTAKES = {
    "empty": ("", "1:1 empty-file"),
    "comment only": ("# a", "1:1 empty-file"),
    "two documents": ("a: b\n---\nc: d", "3:1 second-document"),
    "doubled key": ("a: b\na: c", "2:1 duplicate-key"),
    "alias": ("a: &x b", "1:4 anchor-refused"),
    "merge": ("<<: {a: b}", "1:1 merge-refused"),
    "tag": ("a: !!int 3", "1:4 tag-refused"),
    "own tag": ("a: !x [b]", "1:4 tag-refused"),
    "key is a list": ("? [a]\n: b", "1:3 bad-key"),
    "key is nothing": ("[? ]", f"1:{4 if yaml.__version__ >= '6.0.4' else 5} bad-key"),  # PyYAML moved the mark
    "unquoted named value": ("a: {{b}}", "1:5 bad-key"),
    "tab": ("a:\n\tb: c", "2:1 bad-yaml"),
    "unquoted expression": ("a: @(b)", "1:4 bad-yaml"),
    "open bracket": ("a: [b", "1:6 bad-yaml"),
    "control character": ("a: \x01", "1:1 bad-yaml"),
    "too deep": ("[" * 101, "1:101 too-deep"),
    "too long": ("a" * (1 << 22) + "a", "1:1 too-large"),
}


@pytest.mark.parametrize(("text", "found"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes(text: str, found: str) -> None:
    """Constructs that could silently change the meaning are refused at their place."""
    with pytest.raises(LoadError) as refused:
        compose(text, "f.yaml")
    problem = refused.value.problems[0]
    assert f"{problem.location.line}:{problem.location.column} {problem.code}" == found


def test_alias_and_anchor_are_both_reported() -> None:
    """All such mistakes come at once, a syntax error after them included."""
    with pytest.raises(LoadError) as refused:
        compose("a: &x b\nc: *x\na: d\ne: @f", "f.yaml")
    assert [problem.code for problem in refused.value.problems] == ["anchor-refused", "alias-refused", "bad-yaml"]


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("a:\n\tb: c", "indent with spaces, not tabs"),
        ("a: @(b)", "put quotes around expressions and {{named values}}"),
        ("a: 'b", "check indentation, quotes and colons"),
    ],
)
def test_remedies(text: str, remedy: str) -> None:
    """The usual mistakes have a remedy."""
    with pytest.raises(LoadError) as refused:
        compose(text, "f.yaml")
    assert refused.value.problems[0].remedy == remedy


def test_bytes() -> None:
    """Bytes are UTF-8, with or without a byte order mark; other bytes are refused with their line."""
    assert plain(compose(b"\xef\xbb\xbfa: \xc3\xa9", "f.yaml")) == {"a": "é"}
    with pytest.raises(LoadError, match=r"f.yaml:2:4: bad-encoding"):
        compose(b"a: b\nc: \xff", "f.yaml")
