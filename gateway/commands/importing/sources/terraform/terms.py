"""
Expressions: the nodes of tree-sitter-hcl become terms.

Source: HCL Native Syntax Specification, "Expressions"; the grammar tree-sitter-hcl.
"""

from __future__ import annotations

from collections.abc import Callable

from tree_sitter import Node

from gateway.commands.importing.sources.terraform import templates
from gateway.commands.importing.sources.terraform.positions import SourceText
from gateway.commands.importing.sources.terraform.syntax import (
    ITEM,
    CallTerm,
    ConditionalTerm,
    IndexTerm,
    ListTerm,
    LiteralTerm,
    LoopTerm,
    MemberTerm,
    NameTerm,
    ObjectTerm,
    OperationTerm,
    SplatTerm,
    TemplateChoice,
    TemplateLoop,
    TemplateTerm,
    Term,
)
from gateway.errors import Location
from gateway.reading.yaml_nodes import Scalar

DEEPEST_TERM = 60  # terms inside one another; the evaluator's own stack depends on it
_OPERATORS = frozenset("+ - * / % == != < <= > >= && ||".split())


class TooDeep(Exception):
    """Terms are nested deeper than anyone writes them; *offset* is the byte of the innermost."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"expressions are nested more than {DEEPEST_TERM} deep")
        self.offset = offset


class TermReader:
    """Reads the expressions of one source text."""

    def __init__(self, source: SourceText) -> None:
        self._source = source
        self._depth = 0
        self._readers: dict[str, Callable[[Node], Term]] = {
            "expression": lambda node: self._chain(node.children),
            "literal_value": self._literal,
            "string_lit": lambda node: self.template(node),
            "quoted_template": lambda node: self.template(node),
            "heredoc_template": lambda node: self.template(node),
            "variable_expr": lambda node: NameTerm(self._text(node), *self._place(node)),
            "function_call": self._call,
            "conditional": self._conditional,
            "binary_operation": self._binary,
            "unary_operation": self._unary,
            "for_tuple_expr": self._loop,
            "for_object_expr": self._loop,
            "tuple": self._list,
            "object": self._object,
        }

    def read(self, node: Node) -> Term:
        """The expression at *node*. Raises TooDeep."""
        self._depth += 1
        if self._depth > DEEPEST_TERM:
            raise TooDeep(node.start_byte)
        try:
            return self._read(node)
        finally:
            self._depth -= 1

    def _read(self, node: Node) -> Term:
        # Nodes that only wrap another one cost no depth of the tree that is made.
        while node.type in ("template_expr", "collection_value", "operation", "for_expr"):
            node = node.named_children[0]
        reader = self._readers.get(node.type)
        return reader(node) if reader else LiteralTerm(Scalar("", self._place(node)[0], True, True), *self._place(node))

    def _place(self, first: Node, last: Node | None = None) -> tuple[Location, str]:
        end = (last or first).end_byte
        return self._source.location(first.start_byte), self._source.named(first.start_byte, end)

    def _text(self, node: Node) -> str:
        return self._source.text(node.start_byte, node.end_byte)

    # -- values
    def _literal(self, node: Node) -> Term:
        inner = node.named_children[0]
        if inner.type == "string_lit":
            return self.template(inner)
        text = self._text(inner)
        null = inner.type == "null_lit"
        location, source = self._place(node)
        return LiteralTerm(Scalar("" if null else text, location, null, True), location, source)

    def _list(self, node: Node) -> Term:
        items = [self.read(child) for child in node.named_children if child.type == "expression"]
        return ListTerm(tuple(items), *self._place(node))

    def _object(self, node: Node) -> Term:
        pairs = [
            [child for child in element.named_children if child.type == "expression"]
            for element in node.named_children
            if element.type == "object_elem"
        ]
        entries = [(self._key(pair[0]), self.read(pair[1])) for pair in pairs if len(pair) == 2]
        return ObjectTerm(tuple(entries), *self._place(node))

    def _key(self, node: Node) -> Term:
        """A bare word is a text; a reference needs parentheses."""
        key = self.read(node)
        if isinstance(key, NameTerm) and not self._text(node).startswith("("):
            return LiteralTerm(Scalar(key.name, key.location), key.location, key.source)
        return key

    # -- operators
    def _conditional(self, node: Node) -> Term:
        # The grammar reads ``a ? b : c ? d : e`` as ``(a ? b : c) ? d : e``; for HCL it is ``a ? b : (c ? d : e)``.
        *others, last = [self.read(part) for part in _chained(node)]
        for condition, chosen in reversed(list(zip(others[::2], others[1::2], strict=True))):
            last = ConditionalTerm(condition, chosen, last, *self._place(node))
        return last

    def _binary(self, node: Node) -> Term:
        children = node.children
        place = next(number for number, child in enumerate(children) if number and child.type in _OPERATORS)
        operands = (self._chain(children[:place]), self._chain(children[place + 1 :]))
        return OperationTerm(children[place].type, operands, *self._place(node))

    def _unary(self, node: Node) -> Term:
        operator, *rest = node.children
        return OperationTerm(operator.type, (self._chain(rest),), *self._place(node))

    def _call(self, node: Node) -> Term:
        arguments = next((child for child in node.named_children if child.type == "function_arguments"), None)
        children = [] if arguments is None else arguments.named_children
        terms = tuple(self.read(child) for child in children if child.type == "expression")
        expanded = arguments is not None and _has(arguments, "ellipsis")
        return CallTerm(self._text(node.named_children[0]), terms, expanded, *self._place(node))

    def _loop(self, node: Node) -> Term:
        intro = next(child for child in node.named_children if child.type == "for_intro")
        *names, collection = intro.named_children
        key, value = self._loop_names(names)
        results = [self.read(child) for child in node.named_children if child.type == "expression"]
        condition = _first(node, "for_cond")
        location, source = self._place(node)
        return LoopTerm(
            key=key,
            value=value,
            collection=self.read(collection),
            key_result=results[0] if len(results) > 1 else None,
            result=results[-1],
            condition=None if condition is None else self.read(condition.named_children[-1]),
            grouped=_has(node, "ellipsis"),
            location=location,
            source=source,
        )

    def _loop_names(self, nodes: list[Node]) -> tuple[str, str]:
        names = [self._text(node) for node in nodes if node.type == "identifier"]
        return (names[0], names[1]) if len(names) > 1 else ("", names[0])

    # -- references
    def _chain(self, nodes: list[Node]) -> Term:
        """A value and what is asked of it: ``a.b[0][*].c``, with or without parentheses around the value."""
        first, *rest = nodes
        if first.type == "(":
            first, rest = rest[0], rest[2:]
        term = self.read(first)
        for place, node in enumerate(rest):
            if node.type == "splat":
                return self._splat(term, nodes[0], node, rest[place + 1 :])
            term = self._step(term, nodes[0], node)
        return term

    def _step(self, base: Term, start: Node, node: Node) -> Term:
        place = self._place(start, node)
        if node.type == "get_attr":
            return MemberTerm(base, self._text(node.named_children[-1]), *place)
        inner = node.named_children[0] if node.named_children else node
        key = next((child for child in inner.named_children if child.type == "expression"), None)
        if key is not None:
            return IndexTerm(base, self.read(key), *place)
        number = Scalar(self._text(node).strip(". "), place[0], plain=True)
        return IndexTerm(base, LiteralTerm(number, *place), *place)

    def _splat(self, base: Term, start: Node, splat: Node, behind: list[Node]) -> Term:
        inner = splat.named_children[0]
        place = self._place(start, splat)
        rest: Term = NameTerm(ITEM, *place)
        for node in [*inner.named_children, *behind]:
            inside = node.type == "splat"
            rest = self._splat(rest, start, node, []) if inside else self._step(rest, start, node)
        return SplatTerm(base, rest, *place)

    # -- templates
    def template(self, node: Node, added_line: bool = False) -> Term:
        """A quoted or heredoc text; *added_line* says that its last line break is not part of it. Raises TooDeep."""
        quoted = node.type != "heredoc_template"
        start, end = self._inside_quotes(node) if quoted else self._inside_heredoc(node)
        end = max(start, end - 1) if added_line else end
        width = 0
        if not quoted and self._text(node.children[0]) == "<<-":
            width = templates.indentation(self._own_lines(node, start, end))
        text = _TextReader(self, self._source, quoted, width)
        return text.whole(node.named_children, start, end, self._source.named(node.start_byte, node.end_byte))

    def _inside_quotes(self, node: Node) -> tuple[int, int]:
        return node.children[0].end_byte, node.children[-1].start_byte

    def _inside_heredoc(self, node: Node) -> tuple[int, int]:
        names = [child for child in node.children if child.type == "heredoc_identifier"]
        start = self._source.content.find(b"\n", names[0].end_byte) + 1
        end = self._source.content.rfind(b"\n", 0, names[-1].start_byte) + 1
        return start, max(start, end)

    def _own_lines(self, node: Node, start: int, end: int) -> list[str]:
        """The lines that begin in the text itself, not inside an interpolation."""
        inside = [
            (child.start_byte, child.end_byte) for child in node.children if child.type == "template_interpolation"
        ]
        lines = []
        while start < end:
            following = self._source.content.find(b"\n", start, end) + 1 or end
            if not any(first < start < last for first, last in inside):
                lines.append(self._source.text(start, following))
            start = following
        return lines


def _chained(node: Node) -> list[Node]:
    """Conditions and results, in turn, of a conditional whose condition may be another one without parentheses."""
    parts: list[Node] = []
    current: Node | None = node
    while current is not None:
        condition, *results = [child for child in current.named_children if child.type == "expression"]
        inner = condition.children[0] if condition.child_count == 1 else None
        current = inner if inner is not None and inner.type == "conditional" else None
        parts = [*([] if current else [condition]), *results, *parts]
    return parts


def _first(node: Node, kind: str) -> Node | None:
    return next((child for child in node.named_children if child.type == kind), None)


def _has(node: Node, kind: str) -> bool:
    return any(child.type == kind for child in node.named_children)


class _TextReader:
    """Reads the parts of one template."""

    def __init__(self, terms: TermReader, source: SourceText, quoted: bool, width: int) -> None:
        self._terms = terms
        self._source = source
        self._quoted = quoted
        self._width = width

    def whole(self, nodes: list[Node], start: int, end: int, named: str) -> Term:
        """The text from byte *start* to byte *end*, in which *nodes* are the interpolations and directives."""
        text = self._text(nodes, start, end, templates.Strip(), named)
        if not text.parts:
            return LiteralTerm(Scalar("", text.location), text.location, named)
        only = text.parts[0]
        return only if len(text.parts) == 1 and isinstance(only, LiteralTerm) and not text.bare else text

    def _text(self, nodes: list[Node], start: int, end: int, strip: templates.Strip, named: str) -> TemplateTerm:
        marks = [node for node in nodes if node.type in ("template_interpolation", "template_directive")]
        parts: list[Term] = []
        place, left = start, strip.left
        for mark in marks:
            parts += self._literal(place, mark.start_byte, templates.Strip(left, _strips(mark, 1)))
            parts += self._mark(mark)
            place, left = mark.end_byte, _strips(mark, -2)
        parts += self._literal(place, end, templates.Strip(left, strip.right))
        bare = self._quoted and len(parts) == 1 and bool(marks) and marks[0].type == "template_interpolation"
        return TemplateTerm(tuple(parts), self._start(start, end), named, bare)

    def _start(self, start: int, end: int) -> Location:
        line = self._source.text(start, end).partition("\n")[0]
        return self._source.location(start + self._width if line.strip() and self._at_line_start(start) else start)

    def _at_line_start(self, place: int) -> bool:
        return not self._quoted and self._source.content[place - 1 : place] in (b"\n", b"")

    def _literal(self, start: int, end: int, strip: templates.Strip) -> list[Term]:
        raw = templates.unindented(self._source.text(start, end), self._width, self._at_line_start(start))
        text = strip.apply(templates.literal_text(raw, self._quoted))
        if not text:
            return []
        location = self._start(start, end)
        return [LiteralTerm(Scalar(text, location), location, self._source.named(start, end))]

    def _mark(self, mark: Node) -> list[Term]:
        if mark.type == "template_interpolation":
            return [self._terms.read(child) for child in mark.named_children if child.type == "expression"]
        inner = mark.named_children[0]
        named = self._source.named(mark.start_byte, mark.end_byte)
        return [self._loop(inner, named) if inner.type == "template_for" else self._choice(inner, named)]

    def _choice(self, node: Node, named: str) -> Term:
        opening, end = node.children[0], node.children[-1]
        other = next((child for child in node.named_children if child.type == "template_else_intro"), end)
        inner = node.named_children
        condition = self._terms.read(next(child for child in opening.named_children if child.type == "expression"))
        chosen = self._between(inner, opening, other, named)
        otherwise = self._between(inner, other, end, named) if other.id != end.id else _nothing(chosen)
        return TemplateChoice(condition, chosen, otherwise, self._source.location(node.start_byte), named)

    def _loop(self, node: Node, named: str) -> Term:
        opening, end = node.children[0], node.children[-1]
        names = [
            self._source.text(child.start_byte, child.end_byte)
            for child in opening.named_children
            if child.type == "identifier"
        ]
        collection = self._terms.read(next(child for child in opening.named_children if child.type == "expression"))
        key = names[0] if len(names) > 1 else ""
        body = self._between(node.named_children, opening, end, named)
        return TemplateLoop(key, names[-1], collection, body, self._source.location(node.start_byte), named)

    def _between(self, nodes: list[Node], opening: Node, end: Node, named: str) -> TemplateTerm:
        start, stop = opening.end_byte, end.start_byte
        inside = [node for node in nodes if start <= node.start_byte < stop]
        return self._text(inside, start, stop, templates.Strip(_is_strip(opening, -2), _is_strip(end, 1)), named)


def _nothing(text: TemplateTerm) -> TemplateTerm:
    return TemplateTerm((), text.location, text.source)


def _strips(mark: Node, place: int) -> bool:
    """Whether the outer side of *mark* has a ``~``: 1 asks for its beginning, -2 for its end."""
    if mark.type == "template_directive":
        directive = mark.named_children[0]
        mark = directive.children[0 if place > 0 else -1]
    return _is_strip(mark, place)


def _is_strip(mark: Node, place: int) -> bool:
    return mark.child_count > 2 and mark.children[place].type == "strip_marker"
