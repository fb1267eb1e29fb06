"""C# text → syntax tree, and the place of a node in the document that holds the expression."""

from __future__ import annotations

import tree_sitter
import tree_sitter_c_sharp
from tree_sitter import Node

from gateway.errors import LoadError, Location

MAX_SOURCE = 256 * 1024  # characters; a whole APIM policy document has at most 256 KiB
_LANGUAGE = tree_sitter.Language(tree_sitter_c_sharp.language())
_PARSER = tree_sitter.Parser(_LANGUAGE)


class Source:
    """One expression's text and where it stands."""

    def __init__(self, text: str, location: Location) -> None:
        self.location = location
        self.is_block = text.startswith("@{")
        self.prefix, suffix = ("object policy()", "") if self.is_block else ("return ", ";")
        # The @ itself is dropped, so that columns on the first line shift by a constant.
        self.code = (self.prefix + text[1:] + suffix).encode()
        self.lines = self.code.split(b"\n")

    def locate(self, node: Node) -> Location:
        """Where *node* begins in the document."""
        row, column = node.start_point
        column = len(self.lines[row][:column].decode(errors="replace"))
        if row == 0:
            return Location(
                self.location.file, self.location.line, max(self.location.column + column - len(self.prefix) + 1, 1)
            )
        return Location(self.location.file, self.location.line + row, column + 1)


def parse(source: Source) -> Node:
    """
    The node of the expression or block.

    Raises:
        LoadError: ``syntax-error``, at the first place that is not C#.
    """
    if len(source.code) > MAX_SOURCE:
        raise LoadError.at(source.location, "expression-too-long", f"an expression has at most {MAX_SOURCE:,} bytes")
    root = _PARSER.parse(source.code).root_node
    if root.has_error or root.named_child_count != 1:
        raise _syntax_error(source, root)
    statement = root.named_children[0].named_children[0]
    body = statement.child_by_field_name("body") if source.is_block else statement.named_children[-1]
    if body is None:
        raise _syntax_error(source, root)
    return body


def _syntax_error(source: Source, root: Node) -> LoadError:
    node = _first_error(root)
    shown = (node.text or b"").decode(errors="replace").strip()[:40]
    if node.is_missing:
        message = f"{node.type} is missing here"
    else:
        message = f"this is not valid C#: {shown}" if shown else "this is not valid C#"
    return LoadError.at(source.locate(node), "syntax-error", message, "check brackets, quotes and semicolons")


def _first_error(root: Node) -> Node:
    todo = [root]
    while todo:
        node = todo.pop()
        if node.is_error or node.is_missing:
            return node
        if node.has_error:
            todo.extend(reversed(node.children))
    return root
