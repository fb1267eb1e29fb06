"""
HTML by construction: what is not ``Html`` already is escaped when it goes into an element.

Source: HTML Living Standard §13.1 and §13.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


class Html(str):
    """Text that is markup already. Never construct it from text that contains a value: use ``element``."""

    __slots__ = ()


VOID = frozenset({"input", "br"})  # they have no content, and no end


def element(name: str, /, *content: object, **attributes: object) -> Html:
    """``<name …>content</name>``; a trailing underscore of an attribute is dropped (``class_``), None leaves it out."""
    given = (
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    start = f"<{name}{''.join(given)}>"
    return Html(start if name in VOID else f"{start}{joined(content)}</{name}>")


def joined(content: Iterable[object], between: str = "") -> Html:
    """One piece after the other; plain ones are escaped."""
    return Html(escape(between).join(piece if isinstance(piece, Html) else escape(str(piece)) for piece in content))


def link(path: str, *content: object, **attributes: object) -> Html:
    """A link within the console."""
    return element("a", *content, href=path, **attributes)


def code(value: object) -> Html:
    """An identifier, path or command."""
    return element("code", value)


def badge(text: str, kind: str = "") -> Html:
    """A state as a badge; *kind*: ``good``, ``bad``, ``warn`` or none."""
    return element("span", text, class_=f"badge {kind}".rstrip())


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> Html:
    """
    Rows below their heads, or *empty* where there are none. A head that begins with ``#`` is one of numbers.

    On a narrow screen each row becomes a list, in which every cell carries its head; the roles keep it a table for
    screen readers, which a style sheet would otherwise undo.
    """
    columns = [(head.lstrip("#"), "number" if head.startswith("#") else None) for head in heads]
    lines = [_row(columns, row) for row in rows]
    if not lines:
        return element("p", empty, class_="quiet")
    titles = (element("th", name, class_=kind, scope="col", role="columnheader") for name, kind in columns)
    head = element("thead", element("tr", *titles, role="row"), role="rowgroup")
    return element("table", head, element("tbody", *lines, role="rowgroup"), role="table")


def _row(columns: Sequence[tuple[str, str | None]], row: Sequence[object]) -> Html:
    cells = (
        element("td", cell, class_=kind, data_label=name, role="cell")
        for cell, (name, kind) in zip(row, columns, strict=True)
    )
    return element("tr", *cells, role="row")


def section(title: str, *content: object, id: str | None = None) -> Html:
    """A part of a page below its heading; one with an *id* is kept up to date while the page is open."""
    return element("section", element("h2", title), *content, id=id, data_live=None if id is None else "")


def facts(pairs: Iterable[tuple[str, object]]) -> Html:
    """Names and values."""
    return element("dl", *(joined((element("dt", name), element("dd", value))) for name, value in pairs))
