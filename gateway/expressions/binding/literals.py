"""Literals and interpolated strings."""

from __future__ import annotations

import re
import sys
from decimal import Decimal

from tree_sitter import Node

from gateway.expressions import primitives as p
from gateway.expressions.binding.binder import Binder, expression, named, text_of
from gateway.expressions.binding.bound import Bound, Frame, Meaning, Run, constant
from gateway.expressions.clr import NULL, Type
from gateway.expressions.formatting.composite import format_hole
from gateway.expressions.limits import charged
from gateway.expressions.syntax import hole_node
from gateway.expressions.values import INTEGRALS, Char, to_single

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{1,4})|(.))", re.DOTALL)
_SIMPLE = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_REAL_SUFFIX = {"m": p.DECIMAL, "f": p.FLOAT, "d": p.DOUBLE}


def unescape(text: str) -> str:
    """Resolve the escapes of a regular string or char literal."""
    return _ESCAPE.sub(_escaped, text) if "\\" in text else text


def _escaped(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    return chr(int(code, 16)) if code else _SIMPLE.get(match[4], match[4])


@expression("string_literal")
def bind_string(_b: Binder, node: Node, _target: Type | None) -> Meaning:
    """``"…"``. Interned, so that equal literals are one object, as in .NET."""
    return constant(p.STRING, sys.intern(unescape(text_of(node)[1:-1])))


@expression("verbatim_string_literal")
def bind_verbatim(_b: Binder, node: Node, _target: Type | None) -> Meaning:
    """``@"…"``."""
    return constant(p.STRING, sys.intern(text_of(node)[2:-1].replace('""', '"')))


@expression("raw_string_literal")
def bind_raw_string(binder: Binder, node: Node, _target: Type | None) -> Meaning:
    """A raw string literal, which is newer than the language level of policy expressions."""
    raise binder.problem(node, "unsupported-syntax", "raw string literals are newer than C# 7", 'write @"…"')


@expression("character_literal")
def bind_char(binder: Binder, node: Node, _target: Type | None) -> Meaning:
    """``'x'``."""
    text = unescape(text_of(node)[1:-1])
    if len(text) != 1:
        raise binder.problem(node, "syntax-error", "a char literal holds one character", 'write "…" for a string')
    return constant(p.CHAR, Char(text))


@expression("boolean_literal")
def bind_bool(_b: Binder, node: Node, _target: Type | None) -> Meaning:
    """``true`` and ``false``."""
    return constant(p.BOOL, text_of(node) == "true")


@expression("null_literal")
def bind_null(_b: Binder, _node: Node, _target: Type | None) -> Meaning:
    """``null``."""
    return constant(NULL, None)


@expression("integer_literal")
def bind_integer(binder: Binder, node: Node, _target: Type | None) -> Meaning:
    """
    An integer literal: the first of int, uint, long, ulong that its suffix allows and that can hold it.

    Source: C# language specification, "Integer literals" (ECMA-334 §6.4.5.3).
    """
    text = text_of(node).replace("_", "").lower()
    digits = text.rstrip("ul")
    suffix = text[len(digits) :]
    number = int(digits, _BASES.get(digits[:2], 10))
    for name in (name for name in ("int", "uint", "long", "ulong") if _allowed(name, suffix)):
        make, low, high = INTEGRALS[name]
        if low <= number <= high:
            return constant(_INTEGER_TYPES[name], make(number))
    raise binder.problem(node, "overflow", f"the number {text} does not fit any integer type", "use a decimal: 1m")


_BASES = {"0x": 16, "0b": 2}
_INTEGER_TYPES = {name: clr_type for clr_type, name in p.INTEGRAL.items()}


def _allowed(name: str, suffix: str) -> bool:
    return ("u" not in suffix or name.startswith("u")) and ("l" not in suffix or name.endswith("long"))


@expression("real_literal")
def bind_real(binder: Binder, node: Node, _target: Type | None) -> Meaning:
    """``1.5``, ``1.5f``, ``1.5m``, ``1e3``."""
    text = text_of(node).replace("_", "").lower()
    clr_type = _REAL_SUFFIX.get(text[-1], p.DOUBLE)
    digits = text.rstrip("mfd")
    if clr_type is p.DECIMAL:
        return constant(clr_type, Decimal(digits))
    return constant(clr_type, to_single(float(digits)) if clr_type is p.FLOAT else float(digits))


@expression("interpolated_string_expression")
def bind_interpolation(binder: Binder, node: Node, _target: Type | None) -> Meaning:
    """``$"text {value,8:format} text"``."""
    parts = _parts(binder, node)
    if all(isinstance(part, str) for part in parts):
        return constant(p.STRING, "".join(part for part in parts if isinstance(part, str)))
    runs = [_literal_run(part) if isinstance(part, str) else part for part in parts]

    def join(frame: Frame) -> str:
        return charged("".join([run(frame) for run in runs]))

    return Bound(p.STRING, join)


def _literal_run(text: str) -> Run:
    return lambda _frame: text


def _parts(binder: Binder, node: Node) -> list[str | Run]:
    """Literal text and holes in turn. The text between the nodes is read from the source itself."""
    source = node.text or b""
    start = source.index(b'"') + 1
    verbatim = b"@" in source[:start]
    parts: list[str | Run] = []
    for hole in (child for child in node.children if child.type == "interpolation"):
        begin = hole.start_byte - node.start_byte
        parts += _literal(binder, node, (start, begin), verbatim)
        parts.append(_hole(binder, hole, verbatim))
        start = hole.end_byte - node.start_byte
    parts += _literal(binder, node, (start, len(source) - 1), verbatim)
    return [part for part in parts if part != ""]


_BRACE = re.compile(rb"\{\{|\}\}|\{")


def _literal(binder: Binder, node: Node, bounds: tuple[int, int], verbatim: bool) -> list[str | Run]:
    """Literal text; the grammar overlooks a hole right after ``{{``, so single braces are searched for here."""
    source, (start, end) = node.text or b"", bounds
    parts: list[str | Run] = []
    text = b""
    while match := _BRACE.search(source, start, end):
        text += source[start : match.start()]
        start = match.end()
        if len(match[0]) == 2:
            text += match[0][:1]
            continue
        parts.append(_plain(text, verbatim))
        text = b""
        hole = hole_node(binder.source, node.start_byte + match.start(), node.start_byte + end)
        if hole is None:
            raise binder.problem(node, "syntax-error", "a brace in the string is never closed", "write {{ for a brace")
        parts.append(_hole(binder, hole, verbatim))
        start = hole.end_byte - node.start_byte
    return [*parts, _plain(text + source[start:end], verbatim)]


def _plain(source: bytes, verbatim: bool) -> str:
    text = source.decode()
    return text.replace('""', '"') if verbatim else unescape(text)


def _hole(binder: Binder, node: Node, verbatim: bool) -> Run:
    inner = [child for child in named(node) if not child.type.startswith("interpolation_")]
    clauses = {child.type: child for child in named(node)}
    bound = binder.value(inner[0])
    alignment = clauses.get("interpolation_alignment_clause")
    clause = clauses.get("interpolation_format_clause")
    width = binder.converted(named(alignment)[0], p.INT).constant_value if alignment is not None else 0
    text = text_of(clause)[1:] if clause is not None else ""
    if not isinstance(width, int):
        raise binder.problem(node, "not-constant", "the alignment must be a constant number")
    return _hole_run(bound, width, text if verbatim else unescape(text))


def _hole_run(bound: Bound, width: int, text: str) -> Run:
    run = bound.run
    if bound.type is not p.STRING or width:
        return lambda frame: format_hole(run(frame), width, text)

    def plain(frame: Frame) -> str:
        value: str | None = run(frame)
        return "" if value is None else value

    return plain
