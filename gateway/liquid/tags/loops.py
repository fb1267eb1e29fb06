"""
for, JSONArrayFor, tablerow, cycle, break and continue.

Source: DotLiquid, "Tags.For", "Tags.Html.TableRow", "Tags.Cycle"; JSONArrayFor is APIM's and Logic Apps' own: a for
with commas between the items.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.expressions.limits import tick
from gateway.expressions.thrown import key_not_found, null_reference
from gateway.liquid.errors import BreakLoop, ContinueLoop, LiquidSyntaxError
from gateway.liquid.fragments import FRAGMENT, SIGNATURE, attributes
from gateway.liquid.nodes import TemplateNodes, write_all
from gateway.liquid.operands import Operand, operand, whole
from gateway.liquid.parsing import Parser
from gateway.liquid.scope import Output, RenderScope
from gateway.liquid.tokens import LiquidToken
from gateway.liquid.values import HashMember, NestedMember, held, is_sequence, part, text_of

_FOR = re.compile(rf"\b(\w+)\s+in\s+({FRAGMENT}+)\s*(reversed)?")
_ROW = re.compile(rf"\b(\w+)\s+in\s+({SIGNATURE}+)")
_NAMED_CYCLE = re.compile(rf"({FRAGMENT})\s*:\s*(.*)")
_CYCLED = re.compile(rf"({FRAGMENT})")


@dataclass(frozen=True, slots=True)
class Loop:
    """
    ``for``.

    Attributes:
        name: Name of the loop, for ``offset:continue``: the variable and the collection as written.
        offset: Where to begin; None: where the last loop of this name ended.
        commas: Whether to write commas between items that write something, as JSONArrayFor does.
    """

    variable: str
    name: str
    collection: Operand
    offset: Operand | None
    limit: Operand | None
    reversed: bool
    commas: bool
    nodes: TemplateNodes
    otherwise: TemplateNodes

    def write(self, scope: RenderScope, output: Output) -> None:
        """Write the nodes for each item, or those of ``else`` when there is none."""
        collection = self.collection(scope)
        items = self._found(collection, scope) if is_sequence(collection) else []
        with scope.inner():
            if items:
                self._write_items(items, scope, output)
            else:
                write_all(self.otherwise, scope, output)

    def _write_items(self, items: list[Any], scope: RenderScope, output: Output) -> None:
        separated = False
        for index, item in enumerate(items):
            tick()
            scope.innermost[self.variable] = _as_found(item)
            scope.innermost["forloop"] = {"name": self.name, **_progress(index, len(items))}
            own = Output() if self.commas else output
            goes_on = self._turn(scope, own)
            if self.commas:
                separated = _append(output, own.text(), separated)
            if not goes_on:
                break

    def _found(self, collection: Any, scope: RenderScope) -> list[Any]:
        start = self._start(scope)
        end = None if self.limit is None else whole(self.limit(scope)) + start
        items = held(part(collection, max(start, 0), None if end is None else max(end, 0)))
        scope.offsets[self.name] = start + len(items)
        return items[::-1] if self.reversed else items

    def _start(self, scope: RenderScope) -> int:
        if self.offset is not None:
            return whole(self.offset(scope))
        if self.name not in scope.offsets:
            raise key_not_found(self.name)
        return scope.offsets[self.name]

    def _turn(self, scope: RenderScope, output: Output) -> bool:
        """Write one item; returns whether the loop continues."""
        try:
            write_all(self.nodes, scope, output)
        except ContinueLoop:
            pass
        except BreakLoop:
            return False
        return True


def _append(output: Output, text: str, separated: bool) -> bool:
    """Write an item of an array, after a comma unless it is the first; returns whether the next one needs a comma."""
    if separated and text.strip():
        output.write(",")
    output.write(text)
    return separated or bool(text.strip())


def _as_found(item: Any) -> Any:
    """The loop variable: a member that is itself a hash gives access to its own members."""
    return NestedMember(item.key, item.value) if isinstance(item, HashMember) and isinstance(item.value, dict) else item


def _progress(index: int, length: int) -> Mapping[str, Any]:
    return {
        "length": length,
        "index": index + 1,
        "index0": index,
        "rindex": length - index,
        "rindex0": length - index - 1,
        "first": index == 0,
        "last": index == length - 1,
    }


def read_for(parser: Parser, opened: LiquidToken) -> Loop:
    """``{% for %}`` or ``{% JSONArrayFor %}`` up to its end. Raises LiquidSyntaxError."""
    match = _FOR.search(opened.text)
    if match is None:
        raise LiquidSyntaxError(
            f"{opened.name} needs a name and a list: {{% {opened.name} item in body.items %}}", opened.line
        )
    given = attributes(opened.text)
    offset = given.get("offset", "0")
    nodes, token = parser.block(opened, ("else",))
    otherwise = parser.block(opened)[0] if token.name == "else" else ()
    return Loop(
        variable=match[1],
        name=f"{match[1]}-{match[2]}",
        collection=operand(match[2]),
        offset=None if offset == "continue" else operand(offset),
        limit=operand(given["limit"]) if "limit" in given else None,
        reversed=bool(match[3]),
        commas=opened.name == "JSONArrayFor",
        nodes=nodes,
        otherwise=otherwise,
    )


@dataclass(frozen=True, slots=True)
class TableRow:
    """``tablerow``: the cells of an HTML table."""

    variable: str
    collection: Operand
    given: Mapping[str, Operand]
    nodes: TemplateNodes

    def write(self, scope: RenderScope, output: Output) -> None:
        """Write the rows; nothing for what is not a list."""
        collection = self.collection(scope)
        if not is_sequence(collection):
            return
        items = self._found(collection, scope)
        columns = self._number("cols", scope, len(items))
        output.write('<tr class="row1">\n')
        with scope.inner():
            self._write_items(items, scope, output, columns)
        output.write("</tr>\n")

    def _write_items(self, items: list[Any], scope: RenderScope, output: Output, columns: int) -> None:
        for index, item in enumerate(items):
            tick()
            scope.innermost[self.variable] = item
            self._write_cell(scope, output, index, columns, len(items))

    def _found(self, collection: Any, scope: RenderScope) -> list[Any]:
        start = max(self._number("offset", scope, 0), 0)
        end = start + max(self._number("limit", scope, 0), 0) if "limit" in self.given else None
        return held(part(collection, start, end))

    def _number(self, name: str, scope: RenderScope, default: int) -> int:
        return whole(self.given[name](scope)) if name in self.given else default

    def _write_cell(self, scope: RenderScope, output: Output, index: int, columns: int, length: int) -> None:
        column = index % columns if columns > 0 else index
        scope.innermost["tablerowloop"] = {
            **_progress(index, length),
            "col": column + 1,
            "col0": column,
            "col_first": column == 0,
            "col_last": column == columns - 1,
        }
        cell = Output()
        write_all(self.nodes, scope, cell)
        output.write(f'<td class="col{column + 1}">{cell.text()}</td>')
        if column == columns - 1 and index != length - 1:
            output.write(f'</tr>\n<tr class="row{(index + 1) // columns + 1}">')


def read_table_row(parser: Parser, opened: LiquidToken) -> TableRow:
    """``{% tablerow %}`` up to its end. Raises LiquidSyntaxError."""
    match = _ROW.search(opened.text)
    if match is None:
        raise LiquidSyntaxError("tablerow needs a name and a list: {% tablerow item in body.items %}", opened.line)
    given = {name: operand(value) for name, value in attributes(opened.text).items()}
    return TableRow(match[1], operand(match[2]), given, parser.block(opened)[0])


@dataclass(frozen=True, slots=True)
class Cycle:
    """``cycle``: the next of its values each time that it is written."""

    name: Operand
    values: tuple[Operand, ...]

    def write(self, scope: RenderScope, output: Output) -> None:
        """Write the next value. Raises Thrown: it is null."""
        key = _shown(self.name(scope))
        turn = scope.cycles.get(key, 0)
        output.write(_shown(self.values[turn](scope)))
        scope.cycles[key] = (turn + 1) % len(self.values)


def _shown(value: Any) -> str:
    if value is None:
        raise null_reference()
    return text_of(value)


def read_cycle(_parser: Parser, opened: LiquidToken) -> Cycle:
    """``{% cycle %}``. Raises LiquidSyntaxError."""
    named = _NAMED_CYCLE.match(opened.text)
    values = _cycled(named[2] if named else opened.text)
    if not named and not _CYCLED.match(opened.text):
        raise LiquidSyntaxError("cycle needs values: {% cycle 'odd', 'even' %}", opened.line)
    name = named[1] if named else f"'{''.join(value or '' for value in values)}'"
    return Cycle(operand(name), tuple(map(operand, values)))


def _cycled(markup: str) -> list[str | None]:
    return [match[1] if (match := _CYCLED.search(part)) else None for part in markup.split(",")]


@dataclass(frozen=True, slots=True)
class LoopJump:
    """``break`` or ``continue``."""

    error: type[BreakLoop | ContinueLoop]

    def write(self, _scope: RenderScope, _output: Output) -> None:
        """Raises BreakLoop or ContinueLoop."""
        raise self.error


def read_break(_parser: Parser, _opened: LiquidToken) -> LoopJump:
    """``{% break %}``."""
    return LoopJump(BreakLoop)


def read_continue(_parser: Parser, _opened: LiquidToken) -> LoopJump:
    """``{% continue %}``."""
    return LoopJump(ContinueLoop)
