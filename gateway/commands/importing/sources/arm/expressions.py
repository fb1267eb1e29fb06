"""
The expressions of ARM templates: ``[concat(parameters('name'), '/orders')]``.

Source: "Syntax and expressions in ARM templates"; escapes: ``[[`` begins a text with ``[``, ``''`` is a quote.
"""

from __future__ import annotations

import re

from gateway.commands.importing.sources.template import values
from gateway.commands.importing.sources.template.limits import MAX_DEPTH, EvaluationFault
from gateway.commands.importing.sources.template.syntax import (
    Identifier,
    Invocation,
    LambdaExpression,
    PropertyAccess,
    TemplateExpression,
    WrittenOut,
)
from gateway.errors import Location
from gateway.reading.yaml_nodes import Scalar

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>'(?:[^']|'')*')
    | (?P<number>-?[0-9]{1,19})(?![0-9A-Za-z_.])
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<mark>\.\?|\[\?|[()\[\],.])
    )""",
    re.VERBOSE,
)
MAX_LENGTH = 1 << 20


def is_expression(text: str) -> bool:
    """Whether a string of a template is an expression, not a text."""
    return text.startswith("[") and text.endswith("]") and not text.startswith("[[")


def literal(scalar: Scalar) -> Scalar:
    """The text that *scalar*, which is no expression, stands for."""
    if not scalar.value.startswith("[["):
        return scalar
    place = Location(scalar.location.file, scalar.location.line, scalar.location.column + 1)
    return Scalar(scalar.value[1:], place)


def parse(scalar: Scalar) -> TemplateExpression:
    """
    The expression in *scalar*, with its brackets. Every part has the place of the string.

    Raises:
        EvaluationFault: Not an expression.
    """
    if len(scalar.value) > MAX_LENGTH:
        raise EvaluationFault(scalar.location, f"an expression of more than {MAX_LENGTH:,} characters")
    return _ExpressionParser(scalar.value[1:-1], scalar.location).whole()


class _ExpressionParser:
    """Recursive descent over the tokens."""

    def __init__(self, text: str, location: Location) -> None:
        self._text = text
        self._location = location
        self._position = 0
        self._depth = 0
        self._kind = self._word = ""
        self._advance()

    def whole(self) -> TemplateExpression:
        expression = self._expression()
        if self._kind:
            raise self._fault(f"{self._word!r} follows the end of the expression")
        return expression

    def _expression(self) -> TemplateExpression:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._fault(f"expressions are nested more than {MAX_DEPTH} deep")
        expression = self._accessed(self._operand())
        self._depth -= 1
        return expression

    def _operand(self) -> TemplateExpression:
        kind, token = self._kind, self._word
        self._advance()
        if kind == "text":
            return WrittenOut(self._location, values.text(token[1:-1].replace("''", "'"), self._location))
        if kind == "number":
            return WrittenOut(self._location, values.number(int(token), self._location))
        if kind == "name":
            return self._call(token) if self._word == "(" else self._bare(token)
        raise self._fault("an expression is missing" if not token else f"{token!r} is not expected here")

    def _bare(self, name: str) -> TemplateExpression:
        if name.lower() in ("true", "false"):
            return WrittenOut(self._location, values.boolean(name.lower() == "true", self._location))
        if self._word == ".":  # a function of the template's own, in a namespace
            self._advance()
            own = f"{name}.{self._name()}"
            if self._word == "(":
                return self._call(own)
        raise self._fault(f"{name} is not a function call")

    def _call(self, name: str) -> TemplateExpression:
        arguments = self._arguments()
        lower = name.lower()
        if lower == "lambda":
            return self._lambda(arguments)
        first = arguments[0] if len(arguments) == 1 else None
        if lower == "lambdavariables" and isinstance(first, WrittenOut):
            return Identifier(self._location, first.label)
        return Invocation(self._location, name, tuple(arguments))

    def _lambda(self, arguments: list[TemplateExpression]) -> LambdaExpression:
        *names, body = arguments or [WrittenOut(self._location, values.null(self._location))]
        if not names or not all(isinstance(name, WrittenOut) for name in names):
            raise self._fault("lambda takes names and an expression")
        return LambdaExpression(self._location, tuple(name.label for name in names), body)

    def _arguments(self) -> list[TemplateExpression]:
        self._advance()
        arguments: list[TemplateExpression] = []
        while self._word != ")" or self._kind != "mark":
            if arguments:
                self._expect(",")
            arguments.append(self._expression())
        self._advance()
        return arguments

    def _accessed(self, expression: TemplateExpression) -> TemplateExpression:
        """*expression* with what is accessed of it."""
        while self._kind == "mark" and self._word in (".", ".?", "[", "[?"):
            mark, safe = self._word[0], self._word.endswith("?")
            self._advance()
            if mark == ".":
                key: TemplateExpression = WrittenOut(self._location, values.text(self._name(), self._location))
            else:
                key = self._expression()
                self._expect("]")
            expression = PropertyAccess(self._location, expression, key, safe)
        return expression

    def _name(self) -> str:
        name = self._word
        if self._kind != "name":
            raise self._fault("a name is missing behind the dot")
        self._advance()
        return name

    def _expect(self, mark: str) -> None:
        if self._word != mark or self._kind != "mark":
            raise self._fault(f"{mark!r} is missing")
        self._advance()

    def _advance(self) -> None:
        token = _TOKEN.match(self._text, self._position)
        if token is None:
            rest = self._text[self._position :].strip()
            if rest:
                raise self._fault(f"{rest[:20]!r} is not part of an expression")
            self._kind = self._word = ""
            return
        self._kind = token.lastgroup or ""
        self._word = token[self._kind] if self._kind else ""
        self._position = token.end()

    def _fault(self, message: str) -> EvaluationFault:
        return EvaluationFault(self._location, message)
