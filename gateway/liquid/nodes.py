"""
The parts of a template, and how a list of them is written.

Source: DotLiquid, "Block.RenderAll", "Variable".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.expressions.failures import as_thrown
from gateway.expressions.limits import LimitExceeded, tick
from gateway.expressions.thrown import Thrown
from gateway.liquid.errors import BreakLoop, ContinueLoop, LiquidSyntaxError, shown
from gateway.liquid.filters import apply
from gateway.liquid.operands import Operand
from gateway.liquid.scope import Output, RenderScope
from gateway.liquid.values import written
from gateway.wire.work import WorkExceeded


class TemplateNode(Protocol):
    """One part of a template."""

    def write(self, scope: RenderScope, output: Output) -> None:
        """
        Write its text.

        Raises:
            LiquidSyntaxError: A filter lacks an argument.
            Thrown: What .NET would throw here.
            BreakLoop, ContinueLoop: The enclosing loop ends, or continues with the next item.
        """
        ...


TemplateNodes = Sequence[TemplateNode]


@dataclass(frozen=True, slots=True)
class TextNode:
    """Literal text."""

    text: str

    def write(self, _scope: RenderScope, output: Output) -> None:
        """Write its text."""
        output.write(self.text)


@dataclass(frozen=True, slots=True)
class Piped:
    """A value and the filters that are applied to it; without a value nothing is written."""

    operand: Operand | None
    filters: tuple[tuple[str, tuple[Operand, ...]], ...]

    def value(self, scope: RenderScope) -> Any:
        """The result. Raises what a filter raises."""
        if self.operand is None:
            return None
        result = self.operand(scope)
        for name, arguments in self.filters:
            result = apply(name, [result, *(argument(scope) for argument in arguments)])
        return result

    def write(self, scope: RenderScope, output: Output) -> None:
        """Write the text of the result."""
        value = self.value(scope)
        if value is not None:
            output.write(written(value))


def write_all(nodes: TemplateNodes, scope: RenderScope, output: Output) -> None:
    """
    One part after another; an error's text replaces the part that failed.

    Raises:
        LimitExceeded, WorkExceeded: The template uses too much.
        Thrown: A regular expression ran out of time.
    """
    for node in nodes:
        tick()
        try:
            node.write(scope, output)
        except (BreakLoop, ContinueLoop, LimitExceeded, WorkExceeded, RecursionError):
            raise
        except (LiquidSyntaxError, Thrown) as error:
            output.write(shown(error))
        except Exception as error:
            output.write(shown(as_thrown(error)))
