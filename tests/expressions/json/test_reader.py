"""A small JSON text is read no further than somebody looks, and nobody can tell."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from gateway.expressions.json import reader
from gateway.expressions.json.comparing import deep_equals, deep_key
from gateway.expressions.json.reader import parse
from gateway.expressions.json.tree import JObject, JToken, JValue, descendants, path
from gateway.expressions.json.writer import write
from gateway.expressions.thrown import Thrown

# Texts that JSON readers disagree about, or that are written otherwise than they were read.
TEXTS = (
    *("{}", "[]", '{"a":{}}', "[[]]", '[{"a":[{}]}]', '{"":1}', '{"a":null,"b":true,"c":false}'),
    *('{"a":1,"b":2,"a":3}', '{"a":1,"A":2}', '{"\\u0061":1,"a":2}'),
    *("[0,-0,-0.0,1,-1]", "[1.0,1e0,1E5,1e-7,0.1,100000000000000000000.0,1e16,1.5e300]"),
    *("[9223372036854775807,9223372036854775808,-9223372036854775808,-9223372036854775809]",),
    *("[18446744073709551615,18446744073709551616,123456789012345678901234567890]", '["1234567890123456789012"]'),
    *("[1e400]", "[NaN,Infinity,-Infinity]", "[1.7976931348623157e308,5e-324,1e-400]", "[0.1234567890123456789]"),
    *('["2024-01-02T03:04:05"]', '["2024-01-02T03:04:05Z","2024-01-02T03:04:05.1234567+02:00"]', '["2024-01-02"]'),
    *('["2024-13-02T03:04:05"]', '{"2024-01-02T03:04:05Z":1}', '["0001-01-01T00:00:00"]'),
    *('["\\u00e9","é","\\ud83d\\ude00","😀"]', '["\\ud800"]', '["\\u2028\\u2029\\u0085","\u2028\u2029\x85"]'),
    *('["\\u0000\\b\\f\\n\\r\\t\\"\\\\\\/","\x7f"]', '{"a\\nb":1}', '{"a.b":{"c d":[1]}}', '["line\nbreak"]'),
    *("{'a':'b'}", "{a:1}", "[1,]", "[1,,2]", '/* c */{"a":/* d */1}', '{"a":1}// c', "[undefined]", "[0x1F,017]"),
    *(' {"a":1} ', "\ufeff{}", '{"a":1}{"b":2}', '{"a"', "{", "", "  ", "nul", "1", '"text"', "null", "true"),
    *("[" * 63 + "]" * 63, "[" * 64 + "]" * 64, "[" * 65 + "]" * 65, '{"a":' * 65 + "1" + "}" * 65),
    *("[" + ",".join("[]" for _ in range(80)) + "]", "[" + ",".join(map(str, range(400))) + "]"),
)


def everything(text: str, wanted: str) -> object:
    """All that a tree shows, or what reading it throws."""
    try:
        root = parse(text, wanted)
    except Thrown as error:
        return type(error).__name__, str(error)
    untouched = write(root, indented=True), write(root, indented=False)  # before anybody has looked into it
    copy = root.clone()
    below = [shown(token) for token in descendants(root)]
    assert deep_equals(root, copy)
    assert untouched == (write(root, indented=True), write(root, indented=False))
    return shown(root), below, untouched, repr(deep_key(copy)), [path(token) for token in descendants(copy)]


def shown(token: JToken) -> object:
    """Kind, place, size and value of one token."""
    value = (token.value.__class__, repr(token.value)) if isinstance(token, JValue) else len(token.children())
    return token.kind, path(token), value


@pytest.mark.parametrize("wanted", ["JToken", "JObject", "JArray"])
def test_shows_what_a_whole_reading_shows(monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    """Kinds, values, paths, texts, copies and errors of every text are those of the reader that reads all at once."""
    lazily = [everything(text, wanted) for text in TEXTS]
    monkeypatch.setattr(reader, "_QUICK", -1)
    assert [everything(text, wanted) for text in TEXTS] == lazily


def test_random_texts_are_read_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for texts that are put together at random, valid and broken ones."""
    texts = [*random_texts(400)]
    lazily = [everything(text, "JToken") for text in texts]
    monkeypatch.setattr(reader, "_QUICK", -1)
    assert [everything(text, "JToken") for text in texts] == lazily
    assert sum(isinstance(outcome, tuple) and len(outcome) > 2 for outcome in lazily) > 200


def random_texts(count: int) -> Iterator[str]:
    pieces = random.Random(7)
    leaves = [
        "1",
        "-2.50",
        "1e3",
        '"x"',
        '"2024-05-06T07:08:09Z"',
        "null",
        "true",
        '"é"',
        "12345678901234567890",
        "NaN",
    ]

    def text(depth: int) -> str:
        kind = pieces.random() if depth else 1.0
        if kind < 0.4:
            names = pieces.choices(["a", "b", "c d", "e.f", ""], k=pieces.randint(0, 4))
            return "{" + ", ".join(f'"{name}": {text(depth - 1)}' for name in names) + "}"
        if kind < 0.7:
            return "[" + ",".join(text(depth - 1) for _ in range(pieces.randint(0, 4))) + "]"
        return pieces.choice(leaves)

    for _ in range(count):
        whole = text(4)
        yield whole if pieces.random() < 0.8 else whole[: pieces.randint(0, len(whole))]


def test_changes_reach_the_text() -> None:
    """What is set, added, removed or put elsewhere is in the text, and copies are not changed with their original."""
    root = parse('{"a":{"b":[1,{"c":"d"}]},"e":[2]}', "JObject")
    assert isinstance(root, JObject)
    copy, inner = root.clone(), root.look("a")
    assert isinstance(inner, JObject)
    inner.put("f", JValue(None))
    root.put("g", inner)  # it has a parent already, so a copy
    root.remove("e")
    assert write(root, indented=False) == '{"a":{"b":[1,{"c":"d"}],"f":null},"g":{"b":[1,{"c":"d"}],"f":null}}'
    assert write(copy, indented=False) == '{"a":{"b":[1,{"c":"d"}]},"e":[2]}'


def test_only_what_is_looked_at_is_read() -> None:
    """Looking at one member leaves the others as they were read; without that the reading would not be quick."""
    root = parse('{"a":{"b":1},"c":{"d":2}}', "JObject")
    assert isinstance(root, JObject)
    other = root.look("c")
    assert isinstance(other, JObject)
    assert root.unread is None
    assert other.unread == {"d": 2}
    assert len(other) == 1
    assert write(root, indented=False) == '{"a":{"b":1},"c":{"d":2}}'
    assert other.unread == {"d": 2}
