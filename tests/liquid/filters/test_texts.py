"""Filters of text: what they give, and in which time."""

from __future__ import annotations

import random
import re
import time

import pytest

from gateway.liquid.template import read_template
from tests.speed import on_this_machine

BLOCKS = re.compile(r"<script.*?</script>|<!--.*?-->|<style.*?</style>", re.DOTALL | re.IGNORECASE)
TAGS = re.compile(r"<.*?>", re.DOTALL)
PIECES = (
    "<script",
    "</SCRIPT>",
    "</script>",
    "<!--",
    "-->",
    "<style",
    "</style>",
    "<",
    ">",
    "a",
    "\n",
    "--",
    "<b>",
    "-",
    "/",
)


def stripped(text: str) -> str:
    return read_template("{{ text | StripHtml }}").render({"text": text})


def test_html_is_stripped_as_dotliquid_does() -> None:
    """Scripts, comments, styles and tags go, as with the regular expressions of DotLiquid's own filter."""
    choice = random.Random(7)
    for _ in range(2_000):
        text = "x" + "".join(choice.choice(PIECES) for _ in range(choice.randrange(12)))
        assert stripped(text) == TAGS.sub("", BLOCKS.sub("", text))


@pytest.mark.parametrize("beginning", ["<", "<script", "<!--", "<style", "<script<!--<style"])
def test_beginnings_without_end_are_looked_for_once(beginning: str) -> None:
    """The time grows with the text, not with its square: the caller has written it."""
    began = time.thread_time()
    text = beginning * 100_000
    assert stripped(text) == text
    assert time.thread_time() - began < on_this_machine(2)
