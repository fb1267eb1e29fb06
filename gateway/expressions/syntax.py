"""C# text → syntax tree, and the place of a node in the document that holds the expression."""

from __future__ import annotations

import re
import time

import tree_sitter
import tree_sitter_c_sharp
from tree_sitter import Node

from gateway.errors import LoadError, Location
from gateway.expressions.mistakes import recognised

MAX_SOURCE = 256 * 1024  # characters; a whole APIM policy document has at most 256 KiB
PARSE_S = 2.0  # processor time of the parser for one expression; a real one takes milliseconds
_PIECE_BYTES = 64 * 1024  # bytes handed to the parser at a time
_LANGUAGE = tree_sitter.Language(tree_sitter_c_sharp.language())
_PARSER = tree_sitter.Parser(_LANGUAGE)
_PIECE = bytearray()  # handed to the parser, see ``_Reading``


class _Reading:
    """
    *code*, in pieces for the parser.

    py-tree-sitter 0.26 keeps every object that is returned while it parses, forever: each reload would leave a copy of
    every expression. It gets the same one each time. ``Node.text`` asks here too, later, and takes nothing but bytes.
    """

    __slots__ = ("_code", "_parsed")

    def __init__(self, code: bytes) -> None:
        self._code = code
        self._parsed = False

    def __call__(self, offset: int, _: object) -> bytes | bytearray:
        piece = self._code[offset : offset + _PIECE_BYTES]
        if self._parsed:
            return piece
        _PIECE[:] = piece
        return _PIECE

    def end(self) -> None:
        """It is parsed."""
        self._parsed = True


class Source:
    """One expression's text and its place in the document."""

    def __init__(self, text: str, location: Location) -> None:
        self.location = location
        self.is_block = text.startswith("@{")
        self.prefix, suffix = ("object policy()", "") if self.is_block else ("return ", ";")
        # The @ itself is dropped, so that columns on the first line shift by a constant.
        self.written = text[1:]
        self.code = (self.prefix + self.written + suffix).encode()
        self.lines = self.code.split(b"\n")
        self.marks: set[int] = set()  # offsets of the ? of each ?. and ?[
        # Names that were joined with their type arguments: offset → name, start and end of the arguments.
        self.generics: dict[int, tuple[str, int, int]] = {}

    def is_conditional(self, receiver: Node) -> bool:
        """Whether *receiver* is followed by ``?.`` or ``?[``, see :func:`parse`."""
        return receiver.type == "postfix_unary_expression" and receiver.end_byte - 1 in self.marks

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
    root = _root(source)
    if root.has_error or root.named_child_count != 1:
        raise _syntax_error(source, root)
    body = _body(source, root)
    if body is None:
        raise _syntax_error(source, root)
    return body


def parse_loosely(source: Source) -> tuple[Node, bool]:
    """
    What an editor completes: the expression or block, or the whole tree where neither is found; and whether it is C#.

    Raises:
        LoadError: It takes too long, or is too long.
    """
    if len(source.code) > MAX_SOURCE:
        raise LoadError.at(source.location, "expression-too-long", f"an expression has at most {MAX_SOURCE:,} bytes")
    root = _root(source)
    right = not root.has_error and root.named_child_count == 1
    return (_body(source, root) if root.named_child_count == 1 else None) or root, right


def _body(source: Source, root: Node) -> Node | None:
    """The expression or block in the statement around it."""
    inner = root.named_children[0].named_children
    if not inner:
        return None
    return inner[0].child_by_field_name("body") if source.is_block else next(reversed(inner[0].named_children), None)


def _tree(code: bytes, location: Location) -> Node:
    """
    The grammar's syntax tree of *code*.

    Raises:
        LoadError: It takes too long: the parser follows every reading of an ambiguous text, and there can be many.
    """
    end_s, reading = time.thread_time() + PARSE_S, _Reading(code)
    try:
        tree = _PARSER.parse(reading, progress_callback=lambda offset, has_error: time.thread_time() > end_s)
        reading.end()
        return tree.root_node
    except ValueError:
        _PARSER.reset()
        message = f"the expression has too many possible readings: it was not parsed within {PARSE_S:g} s"
        remedy = "split it into several variables, or put parentheses around its parts"
        raise LoadError.at(location, "expression-too-complex", message, remedy) from None


def _root(source: Source) -> Node:
    """
    Parse, and repair three mistakes of the grammar; every byte keeps its offset.

    ``?.`` has too low a precedence (``"x" + a?.B`` becomes ``("x" + a)?.B``): each such ``?`` is replaced by ``!``,
    which the grammar binds as tightly as C# does, and noted. ``(T)a.F<U>(x)`` may become two comparisons: there ``<U>``
    is replaced by letters of the name, and noted. ``(a.b["c"]) + d`` may become a cast: there the parentheses go.
    """
    code = bytearray(source.code)
    while True:
        root = _tree(bytes(code), source.location)
        if not _repair(source, code, root):
            return root


def _repair(source: Source, code: bytearray, root: Node) -> bool:
    repaired = False
    todo = [(root, "")]  # with the type of the parent, because node.parent searches from the root
    while todo:
        node, parent = todo.pop()
        todo += [(child, node.type) for child in node.children]
        if node.type == "cast_expression":
            repaired |= _open_brackets(code, node)
        elif (node.type, parent) == ("?", "conditional_access_expression"):
            repaired |= _mark(source, code, node.start_byte)
        elif (node.type, parent) == ("<", "binary_expression"):
            repaired |= _join_generic(source, code, node.start_byte)
    return repaired


def _mark(source: Source, code: bytearray, start: int) -> bool:
    source.marks.add(start)
    code[start] = ord("!")
    return True


def _open_brackets(code: bytearray, node: Node) -> bool:
    """
    ``(a.b["c"]) + d`` is not a cast in C#: only a cast to a keyword type may precede a sign. The parentheses go.

    Source: C# language specification, "Cast expressions" (ECMA-334 §12.9): the grammar is ambiguous there.
    """
    cast_type, value = node.child_by_field_name("type"), node.child_by_field_name("value")
    if cast_type is None or value is None or not _is_signed(value) or not _is_access(cast_type):
        return False
    for bracket in (child for child in node.children if child.type in "()"):
        code[bracket.start_byte] = ord(" ")
    return True


def _is_signed(value: Node) -> bool:
    return value.type == "prefix_unary_expression" and value.children[0].type in "+-"


def _is_access(cast_type: Node) -> bool:
    """Whether the text read as a type is an access to a member or an element."""
    return _indexes(cast_type) if cast_type.type == "array_type" else b"." in (cast_type.text or b"")


def _indexes(array_type: Node) -> bool:
    """Whether the text read as an array type has something between its brackets."""
    rank = array_type.child_by_field_name("rank")
    return rank is not None and rank.named_child_count > 0


_TYPE_WORD = re.compile(rb"\s*[A-Za-z_][\w.]*\s*")
_TYPE_SUFFIX = re.compile(rb"\s*(?:\?|\[\s*,*\s*\])\s*")
_SPACE = re.compile(rb"\s*")
_NAME_BEFORE = re.compile(rb"[A-Za-z_]\w*$")
_NEW_BEFORE = re.compile(rb"\bnew\s+(?:[A-Za-z_]\w*\s*\.\s*)*$")
NEARBY = 512  # bytes before an offset that are searched for a name or for ``new``


def _join_generic(source: Source, code: bytearray, start: int) -> bool:
    """C#'s rule: text that can be read as type arguments and precedes a bracket is type arguments."""
    name = _NAME_BEFORE.search(code, max(0, start - NEARBY), start)
    end = _type_list_end(code, start)
    if name is None or end is None or not _may_follow(code, name.start(), end):
        return False
    source.generics[name.start()] = (name[0].decode(), start + 1, end - 1)
    code[start:end] = b"_" * (end - start)
    return True


def _may_follow(text: bytearray, name: int, end: int) -> bool:
    """Whether the text after ``Name<…>`` makes these type arguments: a bracket, or braces after a ``new``."""
    after = _SPACE.sub(b"", bytes(text[end : end + 80]), count=1)[:1]
    follows_new = _NEW_BEFORE.search(text, max(0, name - NEARBY), name) is not None
    return after == b"(" or (follows_new and after in (b"{", b"["))


def _type_list_end(text: bytearray, start: int) -> int | None:
    """Where the ``<…>`` that begins at *start* ends; None if it is not a list of types."""
    place: int | None = start
    while place is not None:
        place = _type_end(text, place + 1)
        if place is None or bytes(text[place : place + 1]) not in (b",", b">"):
            return None
        if text[place : place + 1] == b">":
            return place + 1
    return None


def _type_end(text: bytearray, start: int) -> int | None:
    """Where the type that begins at *start* ends, including the white space after it."""
    begin = _SPACE.match(text, start)
    place = start if begin is None else begin.end()
    end = _tuple_end(text, place) if text[place : place + 1] == b"(" else _name_end(text, place)
    while end is not None and (suffix := _TYPE_SUFFIX.match(text, end)):
        end = suffix.end()
    return end


def _name_end(text: bytearray, start: int) -> int | None:
    word = _TYPE_WORD.match(text, start)
    if word is None:
        return None
    if text[word.end() : word.end() + 1] != b"<":
        return word.end()
    end = _type_list_end(text, word.end())
    return None if end is None else _spaces_end(text, end)


def _tuple_end(text: bytearray, start: int) -> int | None:
    """``(int a, string b)``."""
    place: int | None = start
    while place is not None:
        place = _type_end(text, place + 1)
        if place is not None and (name := _TYPE_WORD.match(text, place)):
            place = name.end()
        if place is None or bytes(text[place : place + 1]) not in (b",", b")"):
            return None
        if text[place : place + 1] == b")":
            return _spaces_end(text, place + 1)
    return None


def _spaces_end(text: bytearray, start: int) -> int:
    spaces = _SPACE.match(text, start)
    return start if spaces is None else spaces.end()


def type_argument_nodes(source: Source, start: int, end: int) -> list[Node]:
    """The nodes of type arguments that were removed from the tree, at their original places."""
    type_list = _apart(source, start, end, (b"f<", b">();"), "type_argument_list")
    return type_list.named_children if type_list is not None else []


def hole_node(source: Source, start: int, end: int) -> Node | None:
    """The node of an interpolated string's ``{…}`` that the grammar overlooked after ``{{``."""
    return _apart(source, start, end, (b'f($"', b'");'), "interpolation")


def _apart(source: Source, start: int, end: int, around: tuple[bytes, bytes], kind: str) -> Node | None:
    """Parse a part of the source alone, at its original place, and find its first node of a kind."""
    opening, closing = around
    blank = re.sub(rb"[^\n]", b" ", source.code[: max(start - len(opening), 0)])
    todo = [_tree(blank + opening + source.code[start:end] + closing, source.location)]
    while todo:
        node = todo.pop()
        if node.type == kind:
            return node
        todo += reversed(node.children)
    return None


def _syntax_error(source: Source, root: Node) -> LoadError:
    node = _first_error(root)
    if mistake := recognised(source.written, source.is_block):
        place = source.location.behind("@" + source.written[: mistake.offset])
        return LoadError.at(place, "syntax-error", mistake.message, mistake.remedy)
    shown = (node.text or b"").decode(errors="replace").strip()[:40].partition("\n")[0]
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
