"""
A template, read once and rendered for each request.

Source: DotLiquid, "Template".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.errors import ExpressionError
from gateway.expressions.limits import METER, Budgeted, LimitExceeded
from gateway.expressions.thrown import Thrown
from gateway.liquid.errors import BreakLoop, ContinueLoop
from gateway.liquid.nodes import TemplateNodes, write_all
from gateway.liquid.parsing import Parser
from gateway.liquid.scope import Output, RenderScope
from gateway.liquid.tags import TAGS

TIME_S = 2.0  # of processor time, for one rendering


@dataclass(frozen=True, slots=True)
class LiquidTemplate:
    """
    One template.

    Attributes:
        uses_context: It may read ``context``, which is otherwise not created.
    """

    nodes: TemplateNodes
    uses_context: bool

    def render(self, given: Mapping[str, Any], context: Budgeted | None = None) -> str:
        """
        The text.

        Args:
            given: The variables: hashes, lists and the values of policy expressions.
            context: The request, to whose budget the work is charged.

        Raises:
            ExpressionError: The template takes too much time, too many iterations or too much text.
            WorkExceeded: The request's budget, which all its policies share, is used up.
        """
        METER.left = None
        METER.call = TIME_S, context
        output = Output()
        try:
            write_all(self.nodes, RenderScope(dict(given)), output)
        except (BreakLoop, ContinueLoop):
            pass
        except (LimitExceeded, Thrown, RecursionError) as error:
            raise ExpressionError("LiquidException", f"the template failed: {str(error)[:200]}") from None
        return output.text()


def read_template(text: str) -> LiquidTemplate:
    """The template in *text*. Raises LiquidSyntaxError, with the line."""
    return LiquidTemplate(Parser(text, TAGS).template(), "context" in text)
