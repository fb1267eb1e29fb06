"""
``$filter``: comparisons joined by ``and``, ``or``, ``not`` and parentheses. Field names and literals are case
sensitive.

Enums compare only with ``eq`` and ``ne`` and only with their qualified literal; an asterisk inside a string is a
wildcard.

Source: OData 4.0 part 2 section 5.1.1; Microsoft Learn, Finance & Operations "Open Data Protocol (OData)".
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.emulators.d365.errors import ODataError
from gateway.emulators.d365.rows import FIELDS

Row = Mapping[str, Any]
Test = Callable[[Row], bool]

ENUMS = {"Status": "Microsoft.Dynamics.DataEntities.BatchStatus"}
MAX_DEPTH = 50
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}

_TOKEN = re.compile(
    r"\s*(?:(?P<mark>[()])|(?P<enum>[\w.]+'[^']*')|(?P<text>'(?:[^']|'')*')"
    r"|(?P<date>\d{4}-\d\d-\d\dT[\d:.]+Z)|(?P<number>-?\d{1,19}(?!\d))|(?P<word>\w+))"
)


@dataclass(frozen=True, slots=True)
class Filter:
    """
    A parsed filter.

    Attributes:
        test: Whether a row passes.
        ids: The only ids that can pass the filter; None if it has to look at every row.
    """

    test: Test
    ids: frozenset[int] | None = None

    def __and__(self, other: Filter) -> Filter:
        known = [ids for ids in (self.ids, other.ids) if ids is not None]
        return Filter(lambda row: self.test(row) and other.test(row), frozenset.intersection(*known) if known else None)


def parse_filter(text: str) -> Filter:
    """
    Compile a filter.

    Raises:
        ODataError: 400, naming what is not understood, unknown properties first.
    """
    parser = _FilterParser(_tokens(text))
    condition = parser.disjunction()
    if parser.rest:
        raise ODataError(400, f"Syntax error in $filter near '{parser.rest[0][1]}'.")
    return condition


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, position = [], 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None:
            raise ODataError(400, f"Syntax error at position {position} in $filter.")
        tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
        position = match.end()
    return tokens


class _FilterParser:
    """Recursive descent: ``or`` binds weaker than ``and``, ``not`` strongest."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.rest = tokens
        self._depth = 0

    def disjunction(self) -> Filter:
        parts = [self._conjunction()]
        while self._accept("or"):
            parts.append(self._conjunction())
        return _any(parts)

    def _conjunction(self) -> Filter:
        condition = self._term()
        while self._accept("and"):
            condition = condition & self._term()
        return condition

    def _term(self) -> Filter:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ODataError(400, "The $filter is nested too deeply.")
        condition = self._operand()
        self._depth -= 1
        return condition

    def _operand(self) -> Filter:
        if self._accept("not"):
            inner = self._term()
            return Filter(lambda row: not inner.test(row))
        if self._accept("("):
            condition = self.disjunction()
            self._expect(")")
            return condition
        return self._comparison()

    def _comparison(self) -> Filter:
        name, comparison, (kind, literal) = self._next()[1], self._next()[1], self._next()
        if name not in FIELDS:
            raise ODataError(400, f"No property '{name}' on type 'Microsoft.Dynamics.DataEntities.BatchJob'.")
        if comparison not in COMPARISONS:
            raise ODataError(400, f"Unknown operator '{comparison}' in $filter.")
        return _compare(name, comparison, _value(name, kind, literal))

    def _next(self) -> tuple[str, str]:
        if not self.rest:
            raise ODataError(400, "$filter ends too early.")
        return self.rest.pop(0)

    def _accept(self, text: str) -> bool:
        if self.rest and self.rest[0][1] == text:
            self.rest.pop(0)
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise ODataError(400, f"'{text}' is missing in $filter.")


def _any(parts: list[Filter]) -> Filter:
    # One flat test: the gateway joins dozens of ids, and nested tests would recurse as deep as the chain is long.
    if len(parts) == 1:
        return parts[0]
    sets = [part.ids for part in parts]
    known = [ids for ids in sets if ids is not None]
    tests = [part.test for part in parts]
    return Filter(lambda row: any(test(row) for test in tests), frozenset().union(*known) if known == sets else None)


def _value(name: str, kind: str, literal: str) -> object:
    if name in ENUMS:
        return _enum(name, kind, literal)
    if kind == "number":
        return int(literal)
    if kind == "text":
        return literal[1:-1].replace("''", "'")
    if kind == "date":
        return literal
    raise ODataError(400, f"'{literal}' is not a literal that '{name}' can be compared with.")


def _enum(name: str, kind: str, literal: str) -> str:
    type_name, _, member = literal.partition("'")
    if kind != "enum" or type_name != ENUMS[name]:
        raise ODataError(400, f"'{name}' compares only with literals of {ENUMS[name]}, not with {literal}.")
    return member[:-1]


def _compare(name: str, comparison: str, value: object) -> Filter:
    if name in ENUMS and comparison not in ("eq", "ne"):
        raise ODataError(400, f"The enum '{name}' compares only by eq and ne.")
    if isinstance(value, str) and "*" in value:
        return _wildcard(name, comparison, value)
    compare = COMPARISONS[comparison]
    ids = frozenset({value}) if name == "BatchJobRecId" and comparison == "eq" and isinstance(value, int) else None
    return Filter(lambda row: type(row[name]) is type(value) and compare(row[name], value), ids)


def _wildcard(name: str, comparison: str, pattern: str) -> Filter:
    wildcard = re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.IGNORECASE | re.DOTALL)
    wanted = comparison == "eq"
    return Filter(lambda row: (wildcard.fullmatch(str(row[name])) is not None) == wanted)
