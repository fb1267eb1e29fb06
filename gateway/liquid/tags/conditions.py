"""
if, unless, case and ifchanged.

Source: DotLiquid, "Condition", "Tags.If", "Tags.Unless", "Tags.Case", "Tags.IfChanged".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.liquid.equality import equal, operator_of
from gateway.liquid.errors import LiquidSyntaxError
from gateway.liquid.fragments import FRAGMENT
from gateway.liquid.nodes import TemplateNodes, write_all
from gateway.liquid.operands import Operand, operand
from gateway.liquid.parsing import Parser
from gateway.liquid.scope import Output, RenderScope
from gateway.liquid.tokens import LiquidToken

MAX_CONDITIONS = 500
_JOINT = r"\b(?:\s?and\s?|\s?or\s?)\b"
_PARTS = re.compile(rf"(?:{_JOINT}|(?:\s*(?!{_JOINT})(?:{FRAGMENT}|\S+)\s*)+)")
_CONDITION = re.compile(rf"({FRAGMENT})\s*([=!<>a-zA-Z_]+)?\s*({FRAGMENT})?")
_CASE = re.compile(f"({FRAGMENT})")
_WHEN = re.compile(rf"({FRAGMENT})(?:(?:\s+or\s+|\s*,\s*)({FRAGMENT}.*))?")
_BRANCHES = ("elsif", "elseif", "else")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison, or one value that is tested for existence."""

    left: Operand
    operator: str
    right: Operand

    def holds(self, scope: RenderScope) -> bool:
        """Whether it holds. Raises Thrown: the values cannot be compared, or there is no such operator."""
        if not self.operator:
            value = self.left(scope)
            return value is not None and value is not False
        left, right = self.left(scope), self.right(scope)
        return operator_of(self.operator)(left, right)


@dataclass(frozen=True, slots=True)
class Condition:
    """
    Comparisons joined with ``and`` and ``or``, the last two first.

    Attributes:
        rest: The operators (``and``, ``or``), each with the comparison after it.
    """

    first: Comparison
    rest: tuple[tuple[str, Comparison], ...] = ()

    def holds(self, scope: RenderScope) -> bool:
        """Whether all of it holds; evaluation stops as soon as the result is known. Raises Thrown."""
        held = self.first.holds(scope)
        for joint, comparison in self.rest:
            if joint == "or" and held:
                return True
            if joint == "and" and not held:
                return False
            held = comparison.holds(scope) if joint in ("and", "or") else held
        return held


@dataclass(frozen=True, slots=True)
class Branches:
    """``if``: the first branch whose condition holds; ``else`` has no condition."""

    branches: tuple[tuple[Condition | None, TemplateNodes], ...]
    unless: bool

    def write(self, scope: RenderScope, output: Output) -> None:
        """Write that branch."""
        with scope.inner():
            write_all(self._chosen(scope), scope, output)

    def _chosen(self, scope: RenderScope) -> TemplateNodes:
        for number, (condition, nodes) in enumerate(self.branches):
            held = condition is None or condition.holds(scope)
            if held is not (self.unless and number == 0):
                return nodes
        return ()


def read_if(parser: Parser, opened: LiquidToken) -> Branches:
    """``{% if %}`` or ``{% unless %}`` up to its end. Raises LiquidSyntaxError."""
    branches: list[tuple[Condition | None, TemplateNodes]] = []
    token = opened
    while token.name != f"end{opened.name}":
        condition = None if token.name == "else" else _condition(token)
        nodes, token = parser.block(opened, _BRANCHES)
        branches.append((condition, nodes))
    return Branches(tuple(branches), opened.name == "unless")


def _condition(token: LiquidToken) -> Condition:
    parts: list[str] = _PARTS.findall(token.text)
    comparisons = [_comparison(part, token) for part in parts[::-1][::2]][::-1]
    if not comparisons:
        raise _no_condition(token)
    if len(comparisons) > MAX_CONDITIONS:
        raise LiquidSyntaxError(f"{token.name} has more than {MAX_CONDITIONS} conditions", token.line)
    joints = [part.strip() for part in parts[::-1][1::2]][::-1][-(len(comparisons) - 1) :]
    return Condition(comparisons[0], tuple(zip(joints, comparisons[1:], strict=False)))


def _comparison(part: str, token: LiquidToken) -> Comparison:
    match = _CONDITION.search(part)
    if match is None:
        raise _no_condition(token)
    left, right = match[1].lstrip("("), (match[3] or "").rstrip(")")
    return Comparison(operand(left), match[2] or "", operand(right))


def _no_condition(token: LiquidToken) -> LiquidSyntaxError:
    return LiquidSyntaxError(f"{token.name} needs a condition: {{% {token.name} body.name == 'x' %}}", token.line)


@dataclass(frozen=True, slots=True)
class CaseTag:
    """``case``: every branch with an equal value, else the branch without one."""

    subject: Operand
    branches: tuple[tuple[Operand | None, TemplateNodes], ...]

    def write(self, scope: RenderScope, output: Output) -> None:
        """Write those branches."""
        with scope.inner():
            matched = False
            for value, nodes in self.branches:
                matched = self._write_branch(value, nodes, matched, scope, output)

    def _write_branch(
        self, value: Operand | None, nodes: TemplateNodes, matched: bool, scope: RenderScope, output: Output
    ) -> bool:
        """Write the branch if its value matches; returns whether any value has matched so far."""
        meant = not matched if value is None else equal(self.subject(scope), value(scope))
        if meant:
            write_all(nodes, scope, output)
        return matched or (meant and value is not None)


def read_case(parser: Parser, opened: LiquidToken) -> CaseTag:
    """``{% case %}`` up to its end; everything before the first ``when`` is dropped. Raises LiquidSyntaxError."""
    subject = _CASE.search(opened.text)
    if subject is None:
        raise LiquidSyntaxError("case needs a value: {% case body.kind %}", opened.line)
    branches: list[tuple[Operand | None, TemplateNodes]] = []
    _, token = parser.block(opened, ("when", "else"))
    while token.name != "endcase":
        values = [None] if token.name == "else" else _when(token)
        if token.name == "else" and token.text.strip():
            raise LiquidSyntaxError("else of case takes nothing after it", token.line)
        nodes, token = parser.block(opened, ("when", "else"))
        branches += [(value, nodes) for value in values]
    return CaseTag(operand(subject[1]), tuple(branches))


def _when(token: LiquidToken) -> list[Operand | None]:
    """The values of ``when 1, 2 or 3``."""
    values: list[Operand | None] = []
    markup: str | None = token.text
    while markup:
        match = _WHEN.search(markup)
        if match is None:
            break
        values.append(operand(match[1]))
        markup = match[2]
    if not values:
        raise LiquidSyntaxError("when needs a value: {% when 'a' or 'b' %}", token.line)
    return values


@dataclass(frozen=True, slots=True)
class IfChanged:
    """``ifchanged``: its text, unless such a tag wrote the same text last."""

    nodes: TemplateNodes

    def write(self, scope: RenderScope, output: Output) -> None:
        """Write the text if it differs."""
        with scope.inner():
            own = Output()
            write_all(self.nodes, scope, own)
            if own.text() != scope.changed:
                scope.changed = own.text()
                output.write(scope.changed)


def read_if_changed(parser: Parser, opened: LiquidToken) -> IfChanged:
    """``{% ifchanged %}`` up to its end. Raises LiquidSyntaxError."""
    return IfChanged(parser.block(opened)[0])
