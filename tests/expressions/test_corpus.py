"""Expressions that others wrote: every one in the corpus compiles, and many run against a stub."""

from __future__ import annotations

import contextlib
import re

import pytest

from gateway.errors import ExpressionError, LoadError, Location
from gateway.expressions import compile_expression, unescape_expression
from tests.expressions.stubs import Body, context, request
from tests.expressions.test_scan import CORPUS, expressions_of

_NAMED_VALUE = re.compile(r"\{\{[\w.\-]+\}\}")


def corpus() -> list[tuple[str, str]]:
    """File name and expression, named values filled in."""
    found = []
    for file in sorted(CORPUS.glob("*.xml")):
        document = file.read_bytes().decode("utf-8-sig")
        found += [(file.name, _NAMED_VALUE.sub("1", unescape_expression(each))) for each in expressions_of(document)]
    return found


@pytest.mark.skipif(not CORPUS.exists(), reason="../shared/corpus/apim-xml is not here")
def test_every_expression_of_the_corpus_compiles() -> None:
    """All expressions of 43 public documents are understood."""
    problems = []
    for name, text in corpus():
        try:
            compile_expression(text, Location(name))
        except LoadError as error:
            problems.append(str(error))
    assert not problems


@pytest.mark.skipif(not CORPUS.exists(), reason="../shared/corpus/apim-xml is not here")
def test_running_the_corpus_gives_values_or_dotnet_exceptions() -> None:
    """Run against a stub that lacks their variables, expressions give a value or fail as C# would, nothing else."""
    values = 0
    for name, text in corpus():
        expression = compile_expression(text, Location(name))
        with contextlib.suppress(ExpressionError):
            expression(context(request=request(body=Body(b'{"model": "x", "messages": []}'))))
            values += 1
    assert values >= 70
