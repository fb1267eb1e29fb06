"""
Expressions of Bicep: tree-sitter's tree → `template.syntax`, with repairs where the grammar reads it otherwise.

Repaired: ``x => x.name`` (the tree has ``(x => x).name``), ``...spread``, ``list[^1]``, which the tree has as errors.

Source: "Bicep data types", "Bicep operators", "Bicep functions - lambda".
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tree_sitter import Node

from gateway.commands.importing.sources.template import values
from gateway.commands.importing.sources.template.limits import MAX_DEPTH, EvaluationFault
from gateway.commands.importing.sources.template.syntax import (
    ArrayExpression,
    Identifier,
    Interpolation,
    Invocation,
    LambdaExpression,
    ObjectExpression,
    PropertyAccess,
    Repetition,
    Spread,
    TemplateExpression,
    WrittenOut,
)
from gateway.errors import Location
from gateway.reading.yaml_nodes import Scalar

_ESCAPE = re.compile(r"\\(u\{[0-9a-fA-F]{1,6}\}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}
_OPERATORS = {
    "==": "equals",
    "=~": "equalsIgnoreCase",
    "<": "less",
    "<=": "lessOrEquals",
    ">": "greater",
    ">=": "greaterOrEquals",
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "div",
    "%": "mod",
    "&&": "and",
    "||": "or",
    "??": "coalesce",
}
_NEGATED = {"!=": "equals", "!~": "equalsIgnoreCase"}
_NOISE = ("comment", "diagnostic_comment")
_LEFTMOST = ("member_expression", "subscript_expression", "binary_expression", "ternary_expression", "call_expression")


@dataclass(slots=True)
class BicepText:
    """
    The bytes of a file or of one declaration in it, and where its lines begin.

    Attributes:
        lines_before: How many lines of the file come before.
    """

    data: bytes
    file: str
    lines_before: int = 0
    _starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self._starts = [0, *(match.end() for match in re.finditer(b"\n", self.data))]

    def place(self, offset: int) -> Location:
        """The place of the byte at *offset*."""
        line = bisect_right(self._starts, offset)
        before = self.data[self._starts[line - 1] : offset]
        return Location(self.file, self.lines_before + line, len(before.decode("utf-8", "replace")) + 1)

    def of(self, node: Node) -> str:
        """The text of *node*."""
        return self.data[node.start_byte : node.end_byte].decode("utf-8", "replace")


def meaningful(node: Node) -> list[Node]:
    """The children of *node* that are not comments."""
    return [child for child in node.children if child.type not in _NOISE]


class ExpressionBuilder:
    """Builds the expressions of one file."""

    def __init__(self, text: BicepText) -> None:
        self._text = text
        self._depth = 0
        self._opened: set[int] = set()  # lambdas that have been taken out of the expression they stand in
        self._builders: dict[str, Callable[[Node], TemplateExpression]] = {
            "string": self._string,
            "number": self._number,
            "boolean": self._boolean,
            "null": self._null,
            "identifier": self._identifier,
            "compatible_identifier": self._identifier,
            "property_identifier": self._identifier,
            "primitive_type": self._identifier,
            "member_expression": self._member,
            "subscript_expression": self._subscript,
            "call_expression": self._call,
            "ternary_expression": self._ternary,
            "binary_expression": self._binary,
            "unary_expression": self._unary,
            "parenthesized_expression": self._parenthesized,
            "array": self._array,
            "object": self.object,
            "for_statement": self.loop,
            "lambda_expression": self._lambda,
            "resource_expression": self._resource,
            "type": self._parenthesized,
        }

    def build(self, node: Node | None) -> TemplateExpression:
        """
        The expression *node*.

        Raises:
            EvaluationFault: Not one that is known here, or nested too deep.
        """
        if node is None:
            raise EvaluationFault(self._text.place(0), "an expression is missing")
        builder = self._builders.get(node.type)
        if builder is None or node.is_missing:
            shown = values.shortened(self._text.of(node)) or node.type
            raise EvaluationFault(self._place(node), f"{shown} is not an expression that is known here")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._depth = 0
            raise EvaluationFault(self._place(node), f"expressions are nested more than {MAX_DEPTH} deep")
        inner = self._leading_lambda(node)
        built = builder(node) if inner is None else self._around(node, inner, builder)
        self._depth -= 1
        return built

    def _place(self, node: Node) -> Location:
        return self._text.place(node.start_byte)

    # -- lambdas
    def _leading_lambda(self, node: Node) -> Node | None:
        """The lambda that *node* begins with: all of *node* is its body."""
        first = node
        while first.type in _LEFTMOST and first.children:
            first = first.children[0]
        return (
            first if first is not node and first.type == "lambda_expression" and first.id not in self._opened else None
        )

    def _around(self, node: Node, inner: Node, builder: Callable[[Node], TemplateExpression]) -> TemplateExpression:
        self._opened.add(inner.id)
        return LambdaExpression(self._place(node), self._variables(inner), builder(node))

    def _lambda(self, node: Node) -> TemplateExpression:
        body = self.build(meaningful(node)[-1])
        return body if node.id in self._opened else LambdaExpression(self._place(node), self._variables(node), body)

    def _variables(self, node: Node) -> tuple[str, ...]:
        head = meaningful(node)[0]
        named = [head] if head.type == "identifier" else [part for part in head.children if part.type == "identifier"]
        return tuple(self._text.of(part) for part in named)

    # -- literals
    def _string(self, node: Node) -> TemplateExpression:
        quotes = node.children[0]
        start, end = quotes.end_byte, node.children[-1].start_byte
        if self._text.of(quotes) == "'''":
            return WrittenOut(self._text.place(start), self._block(node, start, end))
        parts: list[TemplateExpression] = []
        for hole in (child for child in node.children if child.type == "interpolation"):
            parts += self._literal(start, hole.children[0].end_byte - 2)  # blanks before ${ are part of its token
            parts.append(self._parenthesized(hole))
            start = hole.end_byte
        parts += self._literal(start, end)
        return _as_one(parts, self._text.place(quotes.end_byte))

    def _literal(self, start: int, end: int) -> Iterator[WrittenOut]:
        raw = self._text.data[start:end].decode("utf-8", "replace")
        if raw:
            location = self._text.place(start)
            yield WrittenOut(location, values.text(_ESCAPE.sub(_unescaped, raw), location))

    def _block(self, node: Node, start: int, end: int) -> Scalar:
        """A string over several lines: as it is written, but for a line break at its start."""
        raw = self._text.data[start:end].decode("utf-8", "replace")
        for line_break in ("\r\n", "\n"):
            if raw.startswith(line_break):
                return values.text(raw[len(line_break) :], self._text.place(start + len(line_break)))
        return values.text(raw, self._text.place(start))

    def _number(self, node: Node) -> TemplateExpression:
        shown = self._text.of(node)
        if not re.fullmatch(r"-?[0-9]{1,19}", shown):
            raise EvaluationFault(self._place(node), f"{shown} is not an integer")
        return WrittenOut(self._place(node), values.number(int(shown), self._place(node)))

    def _boolean(self, node: Node) -> TemplateExpression:
        return WrittenOut(self._place(node), values.boolean(self._text.of(node) == "true", self._place(node)))

    def _null(self, node: Node) -> TemplateExpression:
        return WrittenOut(self._place(node), values.null(self._place(node)))

    # -- names
    def _identifier(self, node: Node) -> TemplateExpression:
        return Identifier(self._place(node), self._text.of(node))

    def _resource(self, node: Node) -> TemplateExpression:
        """``api::policy``, a resource declared inside another."""
        name = node.child_by_field_name("resource")
        outer = self.build(node.child_by_field_name("object")).label
        return Identifier(self._place(node), f"{outer}::{'' if name is None else self._text.of(name)}")

    def _member(self, node: Node) -> TemplateExpression:
        name = node.child_by_field_name("property")
        if name is None:
            raise EvaluationFault(self._place(node), "a property is missing")
        location = self._place(name)
        key = WrittenOut(location, values.text(self._text.of(name), location))
        safe = any(child.type == ".?" for child in node.children)
        return PropertyAccess(self._place(node), self.build(node.child_by_field_name("object")), key, safe)

    def _subscript(self, node: Node) -> TemplateExpression:
        marks = {self._text.of(child) for child in node.children if not child.is_named or child.is_error}
        base = self.build(node.child_by_field_name("object"))
        key = self.build(node.child_by_field_name("index"))
        return PropertyAccess(self._place(node), base, key, "?" in marks, any("^" in mark for mark in marks))

    # -- operations
    def _call(self, node: Node) -> TemplateExpression:
        function = node.child_by_field_name("function")
        listed = node.child_by_field_name("arguments")
        given = [child for child in meaningful(listed) if child.is_named] if listed is not None else []
        arguments = [self.build(argument) for argument in given]
        if function is not None and function.type == "member_expression":
            return self._method(node, function, arguments)
        name = "" if function is None else self._text.of(function)
        return Invocation(self._place(node), name, tuple(arguments))

    def _method(self, node: Node, function: Node, arguments: list[TemplateExpression]) -> TemplateExpression:
        """``az.format(…)``, ``imported.name(…)``, or ``resource.listKeys()``: the resource is its first argument."""
        owner, name = function.child_by_field_name("object"), function.child_by_field_name("property")
        if owner is None or name is None:
            raise EvaluationFault(self._place(node), "a function's name is missing")
        method = self._text.of(name)
        if owner.type == "identifier" and self._text.of(owner) in ("az", "sys"):
            return Invocation(self._place(node), method, tuple(arguments))
        listing = method.startswith("list") or method in ("getSecret", "toString")
        if owner.type == "identifier" and not listing:
            return Invocation(self._place(node), f"{self._text.of(owner)}.{method}", tuple(arguments))
        return Invocation(self._place(node), method, (self.build(owner), *arguments))

    def _ternary(self, node: Node) -> TemplateExpression:
        fields = ("condition", "consequence", "alternative")
        parts = tuple(self.build(node.child_by_field_name(name)) for name in fields)
        return Invocation(self._place(node), "if", parts)

    def _binary(self, node: Node) -> TemplateExpression:
        operator = node.child_by_field_name("operator")
        sign = "" if operator is None else self._text.of(operator)
        sides = tuple(self.build(node.child_by_field_name(name)) for name in ("left", "right"))
        if sign in _NEGATED:
            return Invocation(self._place(node), "not", (Invocation(self._place(node), _NEGATED[sign], sides),))
        if sign not in _OPERATORS:
            raise EvaluationFault(self._place(node), f"the operator {sign!r} is not known here")
        return Invocation(self._place(node), _OPERATORS[sign], sides)

    def _unary(self, node: Node) -> TemplateExpression:
        operator = node.child_by_field_name("operator")
        name = "not" if operator is not None and self._text.of(operator) == "!" else "minus"
        return Invocation(self._place(node), name, (self.build(node.child_by_field_name("argument")),))

    def _parenthesized(self, node: Node) -> TemplateExpression:
        return self.build(next((child for child in meaningful(node) if child.is_named), None))

    # -- collections
    def _array(self, node: Node) -> TemplateExpression:
        items: list[TemplateExpression] = []
        spread = False
        for child in meaningful(node):
            if child.is_error:
                spread = self._text.of(child).startswith("...")
                items += self._inside_spread(child)
                spread = spread and len([part for part in child.children if part.is_named]) == 0
            elif child.is_named:
                built = self.build(child)
                items.append(Spread(built.location, built) if spread else built)
                spread = False
        return ArrayExpression(self._place(node), tuple(items))

    def _inside_spread(self, node: Node) -> Iterator[TemplateExpression]:
        """What the tree has as an error: three dots and an expression."""
        for part in node.children:
            if part.is_named and not part.is_error:
                built = self.build(part)
                yield Spread(built.location, built)

    def object(self, node: Node) -> ObjectExpression:
        """An object; resources declared in it are not among its entries."""
        entries: list[tuple[TemplateExpression, TemplateExpression]] = []
        for child in meaningful(node):
            if child.is_error:
                entries += ((part, part) for part in self._inside_spread(child))
            elif child.type == "object_property":
                entries += self._entry(child)
        return ObjectExpression(self._place(node), tuple(entries))

    def _entry(self, node: Node) -> Iterator[tuple[TemplateExpression, TemplateExpression]]:
        parts = [part for part in meaningful(node) if part.is_named]
        if len(parts) != 2 or parts[0].type in ("resource_declaration", "decorators"):
            return
        key, value = parts
        if key.type == "string":
            yield self._string(key), self.build(value)
        else:
            place = self._place(key)
            yield WrittenOut(place, values.text(self._text.of(key), place)), self.build(value)

    def loop(self, node: Node) -> Repetition:
        """``[for (item, index) in source: body]``, of values, resources or modules."""
        parts = meaningful(node)
        at = next((position for position, part in enumerate(parts) if part.type == "in"), None)
        if at is None or at + 1 >= len(parts):
            raise EvaluationFault(self._place(node), "a loop without a list")
        item, index = self._loop_variables(parts[:at])
        body = node.child_by_field_name("body")
        condition: TemplateExpression | None = None
        if body is not None and body.type == "if_statement":
            condition, body = self.guarded(body)
        return Repetition(self._place(node), item, index, self.build(parts[at + 1]), condition, self.build(body))

    def _loop_variables(self, parts: list[Node]) -> tuple[str, str]:
        pair = next((part.children for part in parts if part.type == "for_loop_parameters"), parts)
        names = [self._text.of(part) for part in pair if part.is_named]
        return names[0] if names else "", names[1] if names[1:] else ""

    def guarded(self, node: Node) -> tuple[TemplateExpression, Node | None]:
        """The condition of ``if (…) {…}``, and what it guards."""
        named = [part for part in meaningful(node) if part.is_named]
        condition = next((part for part in named if part.type == "parenthesized_expression"), None)
        return self.build(condition), next((part for part in named if part.type == "object"), None)


def _as_one(parts: list[TemplateExpression], location: Location) -> TemplateExpression:
    """A text of *parts*: a literal where there is nothing to evaluate."""
    if not parts:
        return WrittenOut(location, values.text("", location))
    return parts[0] if len(parts) == 1 and isinstance(parts[0], WrittenOut) else Interpolation(location, tuple(parts))


def _unescaped(escape: re.Match[str]) -> str:
    code = escape[1]
    if not code.startswith("u{"):
        return _ESCAPED.get(code, code)
    number = int(code[2:-1], 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"
