"""
Tags by name. ``include`` and ``extends`` read other files and are not there.

Source: DotLiquid, "Liquid".
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.liquid.errors import LiquidSyntaxError
from gateway.liquid.nodes import TextNode
from gateway.liquid.parsing import Builder, Parser
from gateway.liquid.tags.conditions import read_case, read_if, read_if_changed
from gateway.liquid.tags.loops import read_break, read_continue, read_cycle, read_for, read_table_row
from gateway.liquid.tags.variables import read_assign, read_capture, read_decrement, read_increment
from gateway.liquid.tokens import LiquidToken


def _read_raw(parser: Parser, opened: LiquidToken) -> TextNode:
    """``raw`` and ``literal``: the text in between, unchanged."""
    _check_bare(opened)
    return TextNode(parser.raw(opened))


def _read_comment(parser: Parser, opened: LiquidToken) -> TextNode:
    """``comment``: nothing."""
    _check_bare(opened)
    parser.raw(opened)
    return TextNode("")


def _check_bare(opened: LiquidToken) -> None:
    if opened.name != "literal" and opened.text.strip():
        raise LiquidSyntaxError(f"{opened.name} takes nothing after its name", opened.line)


TAGS: Mapping[str, Builder] = {
    "assign": read_assign,
    "break": read_break,
    "capture": read_capture,
    "case": read_case,
    "comment": _read_comment,
    "continue": read_continue,
    "cycle": read_cycle,
    "decrement": read_decrement,
    "for": read_for,
    "if": read_if,
    "ifchanged": read_if_changed,
    "increment": read_increment,
    "JSONArrayFor": read_for,
    "literal": _read_raw,
    "raw": _read_raw,
    "tablerow": read_table_row,
    "unless": read_if,
}
