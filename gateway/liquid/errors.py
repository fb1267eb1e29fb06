"""
How a template fails.

Most failures of a filter or a condition are text: DotLiquid writes ``Liquid error: …`` in place of the value and
continues. Text that is not Liquid fails when the template is read.

Source: DotLiquid, "Context.HandleError".
"""

from __future__ import annotations

from gateway.expressions.thrown import Thrown, derives


class LiquidSyntaxError(Exception):
    """
    The template is not valid Liquid, or a filter lacks a required argument.

    Attributes:
        line: Of the template, from 1; 0 where a filter is called.
    """

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


class BreakLoop(Exception):
    """``{% break %}``: the innermost loop ends; outside of loops the template does."""


class ContinueLoop(Exception):
    """``{% continue %}``: the next iteration of the innermost loop."""


def shown(error: LiquidSyntaxError | Thrown) -> str:
    """
    The text that is written in place of a value that could not be computed.

    Raises:
        Thrown: A regular expression took too long, which ends the whole template.
    """
    if isinstance(error, LiquidSyntaxError):
        return f"Liquid syntax error: {error}"
    if derives(error.value.full_name, "System.TimeoutException"):
        raise error
    return f"Liquid error: {error.value.message}"
