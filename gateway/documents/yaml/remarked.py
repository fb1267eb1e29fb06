"""
Comments and blank lines in YAML: taken from the lines that the parser passes over, and put back between the lines of
what the writer has written.

The column of a comment tells what it belongs to: an element's comments stand further right than its name.

Source: YAML 1.2 §6.6.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import dropwhile, groupby
from typing import Any

import yaml

from gateway.documents import remarks
from gateway.documents.model import Node, PolicyDocument
from gateway.errors import Location


@dataclass(slots=True)
class _Found:
    """Remarks by the node, by its id, that they stand before or inside of."""

    before: defaultdict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    inside: defaultdict[int, list[str]] = field(default_factory=lambda: defaultdict(list))


def with_remarks(document: PolicyDocument, text: str) -> PolicyDocument:
    """*document* with the comments and blank lines of *text*, which it was read from."""
    root = _root(document)
    placed = _Found()
    columns = [0, *map(_column, text.split("\n"))]
    for line, column, lines in _passed_over(text):
        parent = _parent(root, line, column, columns)
        following = next((child for child in parent.children if child.location.line >= line), None)
        kept = remarks.of_yaml(lines)
        if following is None:
            placed.inside[id(parent)] += remarks.without_blanks(kept)
        else:
            placed.before[id(following)] += kept
    return _document(document, root, placed)


def _root(document: PolicyDocument) -> Node:
    """The document as a node that stands further left than its sections."""
    children = (document.fragment,) if document.fragment else tuple(document.sections.values())
    return Node("", Location(document.file, 0, 0), children=children)


def _passed_over(text: str) -> Iterator[tuple[int, int, list[str]]]:
    """Blank lines and comments in a row: the first line, the column, and the lines; a comment behind a value too."""
    inside, ends = _values(text)
    lines = text.split("\n")
    numbered = [(number, line) for number, line in enumerate(lines[:-1] if lines[-1] == "" else lines, 1)]
    for passed, group in groupby(numbered, lambda row: row[0] not in inside and _is_passed(row[1])):
        rows = list(group)
        yield from _by_column(rows, lines) if passed else _behind_values(rows, ends)


def _behind_values(rows: Iterable[tuple[int, str]], ends: dict[int, int]) -> Iterator[tuple[int, int, list[str]]]:
    for number, line in rows:
        comment = line[ends.get(number, len(line)) :].removeprefix(":").strip()
        if comment.startswith("#"):
            yield number, _column(line), [comment]


def _is_passed(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _column(line: str) -> int:
    return len(line) - len(line.lstrip()) + 1


def _by_column(rows: list[tuple[int, str]], lines: list[str]) -> Iterator[tuple[int, int, list[str]]]:
    """Comments of one column together; blank lines go with what follows them."""
    columns: list[int] = []
    column = next((_column(line) for line in lines[rows[-1][0] :] if line.strip()), 1)
    for _, line in reversed(rows):
        column = _column(line) if line.strip() else column
        columns.append(column)
    numbered = zip(rows, reversed(columns), strict=True)
    for common, group in groupby(numbered, lambda member: member[1]):
        members = [row for row, _ in group]
        yield members[-1][0], common, [line for _, line in members]


def _values(text: str) -> tuple[set[int], dict[int, int]]:
    """The lines within values, where # is no comment; and the column, from 0, behind the last value of each line."""
    inside: set[int] = set()
    ends: dict[int, int] = {}
    lines = text.split("\n")
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if not isinstance(event, yaml.ScalarEvent):
            continue
        first: Any = event.start_mark
        end: Any = event.end_mark
        if event.style in ("|", ">"):
            inside.update(range(first.line + 2, _block_end(lines, first, end) + 1))
        else:
            inside.update(range(first.line + 2, end.line + 2))
            ends[end.line + 1] = end.column
    return inside, ends


def _block_end(lines: list[str], first: Any, end: Any) -> int:
    """The last line of a block, from 1. Blank lines behind it are part of it only where its head has a +."""
    last = end.line + (end.column > 0)
    while "+" not in lines[first.line][first.column :] and last > first.line + 1 and not lines[last - 1].strip():
        last -= 1
    return int(last)


def _parent(root: Node, line: int, column: int, columns: list[int]) -> Node:
    """The innermost node that begins before *line*, on a line that begins further left than *column*."""
    parent = root
    while True:
        earlier = [child for child in parent.children if child.location.line < line]
        if not earlier or columns[earlier[-1].location.line] >= column:
            return parent
        parent = earlier[-1]


def _document(document: PolicyDocument, root: Node, placed: _Found) -> PolicyDocument:
    inside = tuple(placed.inside[id(root)])
    if document.fragment:
        fragment = _node(document.fragment, placed)
        return replace(document, fragment=replace(fragment, before=()), before=fragment.before, inside=inside)
    sections = {section: _node(node, placed) for section, node in document.sections.items()}
    before: tuple[str, ...] = ()
    if sections:
        section, first = next(iter(sections.items()))
        before, own = _head(first.before)
        sections[section] = replace(first, before=own)
    return replace(document, sections=sections, before=before, inside=inside)


def _head(kept: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a blank line parts from the first section belongs to the document."""
    blanks = [place for place, remark in enumerate(kept) if not remark]
    if not blanks:
        return (), kept
    head = list(kept[: blanks[-1]])
    while head and not head[-1]:
        head.pop()
    return tuple(head), kept[blanks[-1] + 1 :]


def _node(node: Node, placed: _Found) -> Node:
    children = tuple(_node(child, placed) for child in node.children)
    before, inside = tuple(placed.before[id(node)]), tuple(placed.inside[id(node)])
    if node.text is not None and not children:
        before, inside = before + inside, ()
    return replace(node, children=children, before=before, inside=inside)


# -- writing
def annotated(text: str, document: PolicyDocument, read: PolicyDocument, blanks: bool) -> str:
    """
    *text* with the remarks of *document*, which it was written from.

    Args:
        read: What reading *text* gives.
        blanks: Whether blank lines are written too.
    """
    lines = text.split("\n")[:-1]
    nodes = list(zip(_root(document).walk(), _root(read).walk(), strict=True))[1:]
    inserted: defaultdict[int, list[str]] = defaultdict(list)
    for own, written in ((own, written) for own, written in reversed(nodes) if own.inside):
        inserted[_end(written, nodes, len(lines))] += _lines(own.inside, " " * (written.location.column + 1), blanks)
    inserted[0] += _head_lines(document, blanks)
    for own, written in nodes:
        place = _first_line(written, lines)
        ahead = _lines(own.before, " " * (_column(lines[place]) - 1), blanks)
        inserted[place] += (
            ahead if place else dropwhile(lambda line: not line, ahead)
        )  # the head ends with a blank line
    inserted[len(lines)] += _lines(document.inside, "", blanks)
    places = range(len(lines) + 1)
    whole = "".join(f"{line}\n" for place in places for line in [*inserted[place], *lines[place : place + 1]])
    return whole.lstrip("\n")


# An item of a list whose text is a block on the lines below it.
_BLOCK_ITEM = re.compile(r"(?P<indent> *)- [|>][-+0-9]*")


def _first_line(node: Node, lines: list[str]) -> int:
    """The place in *lines* at which *node* begins; that of a block is its first line of text."""
    place = node.location.line - 1
    item = _BLOCK_ITEM.fullmatch(lines[place - 1]) if place and node.text is not None else None
    return place - 1 if item and len(item["indent"]) < node.location.column - 1 else place


def _head_lines(document: PolicyDocument, blanks: bool) -> list[str]:
    """The remarks before the document; a blank line parts it from the first section's own remarks."""
    head = _lines(document.before, "", blanks)
    if document.fragment:
        return head
    while head and not head[-1]:
        head.pop()
    return [*head, ""] if head else []


def _lines(kept: tuple[str, ...], indent: str, blanks: bool) -> list[str]:
    return [line for remark in kept if remark or blanks for line in remarks.to_yaml(remark, indent)]


def _end(node: Node, nodes: list[tuple[Node, Node]], last: int) -> int:
    """The number of lines up to the end of *node*: the next node that is not part of it begins behind them."""
    own = {id(part) for part in node.walk()}
    behind = (other.location.line - 1 for _, other in nodes if id(other) not in own)
    return min((line for line in behind if line >= node.location.line), default=last)
