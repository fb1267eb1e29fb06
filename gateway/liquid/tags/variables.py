"""
assign, capture, increment and decrement.

Source: DotLiquid, "Tags.Assign", "Tags.Capture", "Tags.Increment", "Tags.Decrement".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.expressions import primitives as p
from gateway.expressions.change_type import change_type
from gateway.expressions.values import Int64
from gateway.liquid.errors import LiquidSyntaxError
from gateway.liquid.fragments import SIGNATURE, VARIABLE_NAME
from gateway.liquid.nodes import Piped, TemplateNodes, write_all
from gateway.liquid.operands import whole
from gateway.liquid.parsing import Parser, piped
from gateway.liquid.scope import Output, RenderScope
from gateway.liquid.tokens import LiquidToken

# Searched for only where a name can begin, and not again at each of its characters.
_ASSIGN = re.compile(rf"(?<![\w\-.\[\]])(?<![\w\-.\[\]]\))(?:(?<!\()|(?=\())({SIGNATURE}+)\s*=\s*(.*)\s*")
_HIGHEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Assign:
    """``assign``: a variable of the whole template."""

    name: str
    value: Piped

    def write(self, scope: RenderScope, _output: Output) -> None:
        """Set the variable. Raises what a filter raises."""
        scope.assign(self.name, self.value.value(scope))


def read_assign(_parser: Parser, opened: LiquidToken) -> Assign:
    """``{% assign name = value %}``. Raises LiquidSyntaxError."""
    match = _ASSIGN.search(opened.text)
    if match is None:
        raise LiquidSyntaxError("assign needs a name and a value: {% assign name = body.name %}", opened.line)
    return Assign(match[1], piped(match[2]))


@dataclass(frozen=True, slots=True)
class Capture:
    """``capture``: a variable whose value is the text in between."""

    name: str
    nodes: TemplateNodes

    def write(self, scope: RenderScope, _output: Output) -> None:
        """Set the variable."""
        own = Output()
        write_all(self.nodes, scope, own)
        scope.assign(self.name, own.text())


def _name(opened: LiquidToken) -> str:
    match = VARIABLE_NAME.fullmatch(opened.text)
    if match is None:
        raise LiquidSyntaxError(f"{opened.name} needs a name: {{% {opened.name} name %}}", opened.line)
    return match[1]


def read_capture(parser: Parser, opened: LiquidToken) -> Capture:
    """``{% capture name %}`` up to its end. Raises LiquidSyntaxError."""
    return Capture(_name(opened), parser.block(opened)[0])


@dataclass(frozen=True, slots=True)
class Counter:
    """``increment`` writes a counter and adds 1, ``decrement`` takes 1 away and writes it."""

    name: str
    step: int

    def write(self, scope: RenderScope, output: Output) -> None:
        """Write the counter. Raises Thrown: the variable is not a number."""
        value = scope.given.get(self.name, 0)
        small = value.__class__ is not Int64 or abs(value) < _HIGHEST
        number = whole(value) if small else change_type(value, p.LONG)
        following = number + self.step  # type: ignore[operator]
        scope.given[self.name] = following if abs(following) < _HIGHEST else Int64(following)
        output.write(str(int(number if self.step > 0 else following)))  # type: ignore[call-overload]


def read_increment(_parser: Parser, opened: LiquidToken) -> Counter:
    """``{% increment name %}``. Raises LiquidSyntaxError."""
    return Counter(_name(opened), 1)


def read_decrement(_parser: Parser, opened: LiquidToken) -> Counter:
    """``{% decrement name %}``. Raises LiquidSyntaxError."""
    return Counter(_name(opened), -1)
