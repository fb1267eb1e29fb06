"""markup.py: escaping by construction."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from gateway.management.console.markup import Html, code, element, joined, table

HOSTILE = ["<script>", "</b>", '" onclick="x', "' x='", "&amp;", "a & b"]


class Reader(HTMLParser):
    """A page as a browser parses it: elements, attributes and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        self.elements.append(tag)
        self.texts += [str(value) for _, value in attrs]

    def handle_data(self, data: str) -> None:
        """Text between elements."""
        self.texts.append(data)


@pytest.mark.parametrize("text", HOSTILE)
def test_plain_text_never_becomes_mark_up(text: str) -> None:
    """Text in an element, an attribute, a cell or between pieces comes out as that text, and as nothing else."""
    pages = {
        element("p", text): ["p"],
        element("p", title=text): ["p"],
        table(["A"], [[text]], ""): ["table", "thead", "tr", "th", "tbody", "tr", "td"],
        joined(["", ""], text): [],
    }
    for html, elements in pages.items():
        found = Reader(html)
        assert (found.elements, text in found.texts) == (elements, True)


def test_mark_up_is_not_escaped_twice() -> None:
    """An element within an element stays one."""
    assert element("p", code("<"), " x") == "<p><code>&lt;</code> x</p>"
    assert isinstance(joined([Html("<b></b>"), "&"]), Html)


def test_attributes() -> None:
    """Python's keywords are written with an underscore after them; None is left out."""
    assert element("a", "x", class_="y", aria_current=None) == '<a class="y">x</a>'


def test_empty_table() -> None:
    """Instead of a table without rows a sentence is shown."""
    assert table(["A"], [], "Nothing <here>.") == '<p class="quiet">Nothing &lt;here&gt;.</p>'
