"""A query as raw pairs: one parameter changes, and the spelling of the others stays."""

from __future__ import annotations

import pytest

from gateway.policies.parts import query

WRITTEN = "A=1&b=%20x&c&&a=2+3&%61=4&d=e=f"


def test_raw_parts() -> None:
    """Empty parts do not count; everything else keeps its spelling."""
    assert query.pairs(WRITTEN) == ["A=1", "b=%20x", "c", "a=2+3", "%61=4", "d=e=f"]
    assert query.join(query.pairs(WRITTEN)) == WRITTEN.replace("&&", "&")
    assert query.pairs("") == []


@pytest.mark.parametrize(
    ("name", "values"), [("a", ["1", "2 3", "4"]), ("B", [" x"]), ("c", [""]), ("d", ["e=f"]), ("none", [])]
)
def test_values(name: str, values: list[str]) -> None:
    """Decoded, in order; names have no case and any encoding."""
    assert query.values(WRITTEN, name) == values


@pytest.mark.parametrize(
    ("names", "left"),
    [(["a"], "b=%20x&c&d=e=f"), (["B", "c"], "A=1&a=2+3&%61=4&d=e=f"), ([], "A=1&b=%20x&c&a=2+3&%61=4&d=e=f")],
)
def test_without(names: list[str], left: str) -> None:
    """Every spelling of a name goes, nothing else changes."""
    assert query.without(WRITTEN, names) == left


@pytest.mark.parametrize("text", ["a&b=c", "x y+z", "#frag?", "%20", "\u20ac", "-._~!$'()*,;:@/?"])
def test_an_encoded_part_reads_back(text: str) -> None:
    """No value adds a parameter or ends the query."""
    part = query.encode(text, text)
    assert query.pairs(part) == [part]
    assert (query.name_of(part), query.value_of(part)) == (text.casefold(), text)
    assert "#" not in part
