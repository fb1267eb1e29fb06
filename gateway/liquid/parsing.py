"""
Pieces → nodes.

Source: DotLiquid, "Block.Parse", "Variable".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

from gateway.liquid.errors import LiquidSyntaxError
from gateway.liquid.fragments import FRAGMENT, QUOTED
from gateway.liquid.nodes import Piped, TemplateNode, TextNode
from gateway.liquid.operands import operand
from gateway.liquid.tokens import LiquidToken, tokens

MAX_DEPTH = 100
_PIPED = re.compile(rf"""({QUOTED}|(?:[^\s|'"]|{QUOTED})+)(.*)""")
_FILTER = re.compile(rf"(?:\s+|{FRAGMENT}|,)+")
_FILTER_NAME = re.compile(r"\w+")
_ARGUMENT = re.compile(rf"[:,]\s*({FRAGMENT})")


class Parser:
    """
    Reads the pieces of one template.

    Attributes:
        builders: The functions that read each opening tag, by its name.
    """

    def __init__(self, text: str, builders: Mapping[str, Builder]) -> None:
        self._tokens = iter(tokens(text))
        self._depth = 0
        self.builders = builders

    def template(self) -> list[TemplateNode]:
        """All of it. Raises LiquidSyntaxError."""
        nodes: list[TemplateNode] = []
        for token in self._tokens:
            nodes.append(self._outermost(token))
        return nodes

    def _outermost(self, token: LiquidToken) -> TemplateNode:
        try:
            return self._node(token, "")
        except RecursionError:
            raise LiquidSyntaxError("ranges are nested too deep", token.line) from None

    def block(self, opened: LiquidToken, middle: Collection[str] = ()) -> tuple[list[TemplateNode], LiquidToken]:
        """
        Read up to the end of *opened* or to one of the *middle* tags.

        Returns:
            The nodes, and the tag that ends them.

        Raises:
            LiquidSyntaxError: The end is missing, or something in between is not valid Liquid.
        """
        nodes: list[TemplateNode] = []
        for token in self._tokens:
            if token.kind == "tag" and (token.name == f"end{opened.name}" or token.name in middle):
                return nodes, token
            nodes.append(self._node(token, opened.name))
        raise LiquidSyntaxError(f"{opened.name} is not closed with {{% end{opened.name} %}}", opened.line)

    def raw(self, opened: LiquidToken) -> str:
        """The text up to the end of *opened*. Raises LiquidSyntaxError: it has no end."""
        pieces: list[str] = []
        for token in self._tokens:
            if token.kind == "tag" and token.name == f"end{opened.name}":
                return "".join(pieces)
            pieces.append(token.written)
        raise LiquidSyntaxError(f"{opened.name} is not closed with {{% end{opened.name} %}}", opened.line)

    def _node(self, token: LiquidToken, within: str) -> TemplateNode:
        if token.kind == "text":
            return TextNode(token.text)
        if token.kind == "value":
            return piped(token.text)
        builder = self.builders.get(token.name)
        if builder is None:
            raise _unknown(token, within)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise LiquidSyntaxError(f"tags are nested more than {MAX_DEPTH} deep", token.line)
        node = builder(self, token)
        self._depth -= 1
        return node


Builder = Callable[[Parser, LiquidToken], TemplateNode]


def _unknown(token: LiquidToken, within: str) -> LiquidSyntaxError:
    name = token.name
    if name in ("else", "elsif", "elseif", "when") or name.startswith("end"):
        place = f"does not belong in {within}" if within else "has no tag that it belongs to"
        return LiquidSyntaxError(f"{{% {name} %}} {place}", token.line)
    return LiquidSyntaxError(f"there is no tag {name}", token.line)


def piped(markup: str) -> Piped:
    """A value with its filters; text that the notation does not define is skipped."""
    match = _PIPED.search(markup)
    if match is None:
        return Piped(None, ())
    _, bar, filters = match[2].partition("|")
    return Piped(operand(match[1]), tuple(_filters(filters)) if bar else ())


def _filters(markup: str) -> list[tuple[str, tuple[Callable[..., object], ...]]]:
    """Each filter's name and arguments."""
    filters = []
    for part in _FILTER.findall(markup):
        name = _FILTER_NAME.search(part)
        if name:
            filters.append((name[0], tuple(operand(argument) for argument in _ARGUMENT.findall(part))))
    return filters
