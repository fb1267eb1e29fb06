"""Parsing: what it leaves behind."""

from __future__ import annotations

import tracemalloc

from gateway.errors import Location
from gateway.expressions.syntax import Source, parse

PARSES = 200


def test_parsing_leaves_nothing_behind() -> None:
    """A gateway that is reloaded for months does not collect the texts of its expressions."""
    text = "@(context.Request.Headers.GetValueOrDefault(" + '"x", "y").Length > 1)'

    def parse_many() -> None:
        for _ in range(PARSES):
            parse(Source(text, Location("policy.xml")))

    parse_many()
    tracemalloc.start()
    try:
        parse_many()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept / PARSES < len(text) / 2
