"""Expressions that others wrote: every one in the corpus compiles, and many run against a stub."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from gateway.errors import ExpressionError, LoadError, Location
from gateway.expressions import compile_expression, to_text, unescape_expression
from gateway.expressions.runtime import type_of
from tests import published
from tests.expressions.corpus_context import corpus_context
from tests.expressions.test_scan import expressions_of

VALUES = Path(__file__).parent / "corpus_values.txt"
# Moments, random identifiers, signatures.
_VARYING = re.compile(
    r"20\d\d-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)?|\d\d/\d\d/20\d\d [\d:]+"
    r"|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|eyJ\S{60,}"
)
_NAMED_VALUE = re.compile(r"\{\{[\w.\-]+\}\}")


def corpus() -> list[tuple[str, str]]:
    """File name and expression, named values filled in."""
    found = []
    for file in sorted(published.POLICIES.glob("*.xml")):
        document = file.read_bytes().decode("utf-8-sig")
        found += [(file.name, _NAMED_VALUE.sub("1", unescape_expression(each))) for each in expressions_of(document)]
    return found


@published.needs(published.POLICIES)
def test_every_expression_of_the_corpus_compiles() -> None:
    """All expressions of 43 public documents are understood."""
    problems = []
    for name, text in corpus():
        try:
            compile_expression(text, Location(name))
        except LoadError as error:
            problems.append(str(error))
    assert not problems


def result(text: str, name: str) -> str:
    """Type and text of what an expression gives; what varies is left out, what is long is told by its hash."""
    try:
        value = compile_expression(text, Location(name))(corpus_context())
    except ExpressionError as error:
        return f"!{error.exception}"
    shown = _VARYING.sub("*", to_text(value)).replace("\r\n", "\\n")
    shown = shown if len(shown) <= 100 else f"sha256 {hashlib.sha256(shown.encode()).hexdigest()[:16]}"
    return "null" if value is None else f"{type_of(value).name} {shown}".rstrip()


def results() -> Iterator[tuple[str, str]]:
    """The place of each expression of the corpus, ``file#number``, and its result."""
    numbers: Counter[str] = Counter()
    for name, text in corpus():
        yield f"{name[:3]}#{numbers[name]}", result(text, name)
        numbers[name] += 1


@published.needs(published.POLICIES)
def test_every_expression_of_the_corpus_gives_what_csharp_gives() -> None:
    """Run in a context that has what they read, all 168 give a value, and the one that was worked out by hand."""
    expected = [tuple(line.split(" => ", 1)) for line in VALUES.read_text().splitlines() if not line.startswith("#")]
    found = list(results())
    assert found == expected
    assert not [each for each in found if each[1].startswith("!")]


if __name__ == "__main__":
    head = [line for line in VALUES.read_text().splitlines() if line.startswith("#")]
    VALUES.write_text("\n".join([*head, *(" => ".join(each) for each in results())]) + "\n")
