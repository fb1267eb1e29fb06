"""
Files in HCL's native syntax, through tree-sitter, and what could not be read of them.

Source: HCL Native Syntax Specification; the grammar tree-sitter-hcl.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import tree_sitter_hcl
from tree_sitter import Language, Node, Parser

from gateway.commands.importing.sources.terraform.positions import SourceText
from gateway.commands.importing.sources.terraform.syntax import BlockBody, BodyArgument, ConfigurationBlock, Term
from gateway.commands.importing.sources.terraform.terms import TermReader, TooDeep
from gateway.errors import LoadError, Location, Problem

_MOST_PROBLEMS = 5
_DEEPEST_BLOCK = 50
_MARK = "END_OF_TEMPLATE"


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_hcl.language()))


class ParsedFile:
    """
    What a file holds.

    Attributes:
        body: Its blocks, as far as they could be read.
        problems: What could not.
    """

    def __init__(self, content: bytes, file: str) -> None:
        self._source = SourceText(content.removeprefix(b"\xef\xbb\xbf"), file)
        self._terms = TermReader(self._source)
        self.problems: list[Problem] = []
        root = _parser().parse(self._source.content).root_node
        self.body = BlockBody()
        for part in root.named_children:
            self._part(part, self.body, 0)
        places = {place.line: place for place in map(self._source.location, _mistakes(root))}
        self.problems += [
            Problem(place, "bad-terraform", "this cannot be read", "run terraform validate")
            for place in places.values()
        ]

    def _part(self, node: Node, body: BlockBody, depth: int) -> None:
        if node.type == "body":
            for part in node.named_children:
                self._part(part, body, depth)
        elif node.type == "block":
            self._block(node, body, depth)
        elif node.type == "attribute":
            self._argument(node, body)

    def _argument(self, node: Node, body: BlockBody) -> None:
        children = node.named_children
        if len(children) < 2 or children[0].type != "identifier" or node.has_error:
            return
        name = self._source.text(children[0].start_byte, children[0].end_byte)
        location = self._source.location(node.start_byte)
        try:
            value = self._terms.read(children[-1])
        except TooDeep as deep:
            self.problems.append(Problem(self._source.location(deep.offset), "too-deep", str(deep), "simplify it"))
            return
        body.arguments[name] = BodyArgument(name, value, location)

    def _block(self, node: Node, body: BlockBody, depth: int) -> None:
        location = self._source.location(node.start_byte)
        if depth == _DEEPEST_BLOCK:
            self.problems.append(Problem(location, "too-deep", "blocks are nested too deep", "simplify it"))
            return
        words = [child for child in node.named_children if child.type in ("identifier", "string_lit")]
        if not words:
            return
        kind, *labels = [self._label(word) for word in words]
        inner = BlockBody()
        for part in node.named_children:
            self._part(part, inner, depth + 1) if part.type == "body" else None
        body.blocks.append(ConfigurationBlock(kind, tuple(labels), inner, location))

    def _label(self, word: Node) -> str:
        return self._source.text(word.start_byte, word.end_byte).strip('"')


def _mistakes(root: Node) -> Iterator[int]:
    """Where the parser could not continue, at most a few places."""
    waiting, reported = [root], 0
    while waiting and reported < _MOST_PROBLEMS:
        node = waiting.pop()
        if node.type == "ERROR" or node.is_missing:
            reported += 1
            yield node.start_byte
        elif node.has_error:
            waiting += reversed(node.children)


def read_template(text: str, file: str) -> Term:
    """
    The template *text*, which begins at the first character of *file*.

    Raises:
        LoadError: It cannot be read.
    """
    mark = _MARK
    while mark in text:
        mark += "_"
    content = f"x = <<{mark}\n{text}\n{mark}\n".encode()
    source = SourceText(content, file, 1)
    root = _parser().parse(content).root_node
    mistake = next(_mistakes(root), None)
    heredoc = _heredoc(root)
    if mistake is not None or heredoc is None:
        raise LoadError.at(_inside(source, mistake, file), "bad-template", "this template cannot be read")
    try:
        return TermReader(source).template(heredoc, added_line=True)
    except TooDeep as deep:
        raise LoadError.at(source.location(deep.offset), "too-deep", str(deep), "simplify it") from None


def _inside(source: SourceText, mistake: int | None, file: str) -> Location:
    location = source.location(mistake or 0)
    return location if location.line > 0 else Location(file)


def _heredoc(root: Node) -> Node | None:
    node: Node | None = root
    while node is not None and node.type != "heredoc_template":
        node = next((child for child in reversed(node.named_children) if child.type != "identifier"), None)
    return node


def read_expression(text: str, file: str) -> Term | None:
    """The expression *text*, as ``--set`` has it; None where it is not one."""
    source = SourceText(f"x =\\\n{text}\n".encode().replace(b"\\\n", b" "), file)
    root = _parser().parse(source.content).root_node
    body = next(iter(root.named_children), None)
    attribute = next(iter(body.named_children), None) if body is not None else None
    if root.has_error or attribute is None or attribute.type != "attribute":
        return None
    try:
        return TermReader(source).read(attribute.named_children[-1])
    except TooDeep:
        return None
