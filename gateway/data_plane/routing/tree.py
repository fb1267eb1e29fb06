"""
One API's operations as a tree of segments: finding one costs as much as the path is long, however many there are.

Templates that fit the same path are ordered once, at load; a search takes the first of that order and looks into a
branch only when something better can be there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from gateway.data_plane.routing.table import RoutedOperation
from gateway.data_plane.routing.templates import (
    Literal,
    Partial,
    PathParameter,
    QueryTerm,
    Segment,
    Template,
    Wildcard,
    parse,
)
from gateway.errors import LoadError, Problem
from gateway.wire.messages import Request

NO_QUERY: frozenset[str] = frozenset()
_NO_NODES: dict[str, RouteNode] = {}
_NO_ROUTES: dict[str, tuple[Route, ...]] = {}


@dataclass(frozen=True, slots=True)
class Route:
    """
    One operation, ready to match.

    Attributes:
        rank: Place in the API's order of precedence, 0 first.
        captures: Index and template segment of each path parameter.
    """

    operation: RoutedOperation
    rank: int
    captures: tuple[tuple[int, PathParameter | Partial | Wildcard], ...] = ()
    query: tuple[QueryTerm, ...] = ()
    matched_query: frozenset[str] = NO_QUERY
    has_parameters: bool = False

    def accepts(self, query: str) -> bool:
        """Whether *query* has what the template asks for. A repeated literal term must say the same each time."""
        values = _values(query)
        return all(
            term.name in values and (term.parameter is not None or set(values[term.name]) == {term.text})
            for term in self.query
        )

    def parameters(self, words: list[str], depth: int, query: str) -> dict[str, str]:
        """The parameters' values, URL-decoded. *words*: the path's segments in their own case, ours from *depth* on."""
        values: dict[str, str] = {}
        for index, segment in self.captures:
            word = words[depth + index] if depth + index < len(words) else ""
            if segment.__class__ is PathParameter:
                values[segment.name] = unquote(word) if "%" in word else word
            elif isinstance(segment, Partial):
                _add_parts(values, segment, word)
            else:
                values[segment.name] = unquote("/".join(words[depth + index :]))
        if self.query:
            values.update(self._query_parameters(query))
        return values

    def _query_parameters(self, query: str) -> dict[str, str]:
        values = _values(query)
        return {term.parameter: values[term.name][0] for term in self.query if term.parameter is not None}


class RouteNode:
    """A place in the tree: what may follow, and what may end here."""

    __slots__ = ("any_method", "by_method", "forks", "literals", "parameter", "partials", "rank", "rest")

    def __init__(self) -> None:
        self.rank = 1 << 60  # of the best route here or below
        self.forks = False  # whether one word can lead to several places
        # Most places of a large configuration have one method and nothing below: what is empty is shared.
        self.literals = _NO_NODES
        self.partials: tuple[tuple[Partial, RouteNode], ...] = ()
        self.parameter: RouteNode | None = None
        self.rest: RouteNode | None = None  # of a wildcard: it only has routes that end there
        self.by_method = _NO_ROUTES
        self.any_method: tuple[Route, ...] = ()

    def find(self, words: list[str], index: int, request: Request) -> Route | None:
        """The first route by rank for the lower-case *words* from *index* on, or None."""
        node = self
        for word in words[index:]:
            if node.forks:
                return node._find_below(words, index, request)
            follower = node.literals.get(word) if node.parameter is None else word and node.parameter
            if not follower:
                return None
            node = follower
            index += 1
        best = node.ending(request)
        return best if node.rest is None else _better(best, node.rest.ending(request))

    def ending(self, request: Request) -> Route | None:
        """The first route by rank that ends here and takes the request's method and query, or None."""
        for route in self.by_method.get(request.method, self.any_method):
            if not route.query or route.accepts(request.query):
                return route
        return None

    def _find_below(self, words: list[str], index: int, request: Request) -> Route | None:
        best = None
        for node in self._followers(words[index]):
            if best is None or node.rank < best.rank:
                best = _better(best, node.find(words, index + 1, request))
        return best if self.rest is None else _better(best, self.rest.ending(request))

    def _followers(self, word: str) -> Iterator[RouteNode]:
        if word in self.literals:
            yield self.literals[word]
        for partial, node in self.partials:
            if partial.spans(word):
                yield node
        if self.parameter is not None and word:
            yield self.parameter

    def add(self, route: Route, segments: tuple[Segment, ...]) -> None:
        """Hang *route* in below this node; routes arrive by rank."""
        node = self
        node.rank = min(node.rank, route.rank)
        for segment in segments:
            node = node._follower(segment)
            node.rank = min(node.rank, route.rank)
        node._add_ending(route)

    def _add_ending(self, route: Route) -> None:
        method = route.operation.method
        if method == "*":
            self.any_method += (route,)
            self.by_method = {name: (*routes, route) for name, routes in self.by_method.items()}
        else:
            self.by_method = {**self.by_method, method: (*self.by_method.get(method, self.any_method), route)}

    def _follower(self, segment: Segment) -> RouteNode:
        if isinstance(segment, Literal):
            self.literals = self.literals or {}  # one of its own
            follower = self.literals.get(segment.text) or self.literals.setdefault(segment.text, RouteNode())
        elif isinstance(segment, Partial):
            follower = self._partial(segment)
        elif isinstance(segment, PathParameter):
            follower = self.parameter = self.parameter or RouteNode()
        else:
            follower = self.rest = self.rest or RouteNode()
        self.forks = self._has_several_ways()
        return follower

    def _has_several_ways(self) -> bool:
        ways = bool(self.literals) + (self.parameter is not None)
        return ways > 1 or bool(self.partials) or self.rest is not None

    def _partial(self, segment: Partial) -> RouteNode:
        for known, node in self.partials:
            if known.texts == segment.texts:
                return node
        self.partials += ((segment, RouteNode()),)
        return self.partials[-1][1]


def build_tree(operations: Iterable[RoutedOperation]) -> RouteNode:
    """The tree of one API's *operations*. Raises LoadError with every bad or repeated template."""
    problems: list[Problem] = []
    parsed: list[tuple[RoutedOperation, Template]] = []
    for operation in operations:
        try:
            parsed.append((operation, parse(operation.url_template, operation.location)))
        except LoadError as error:
            problems += error.problems
    problems += _repeated(parsed)
    if problems:
        raise LoadError(problems)
    root = RouteNode()
    for rank, (operation, template) in enumerate(sorted(parsed, key=_precedence)):
        root.add(_route(operation, template, rank), template.segments)
    return root


def _precedence(item: tuple[RoutedOperation, Template]) -> tuple[int, ...]:
    return (*item[1].specificity, item[0].method == "*")


def _route(operation: RoutedOperation, template: Template, rank: int) -> Route:
    captures = tuple((index, part) for index, part in enumerate(template.segments) if not isinstance(part, Literal))
    names = frozenset(term.name for term in template.query) or NO_QUERY
    return Route(operation, rank, captures, template.query, names, bool(captures or names))


def _repeated(parsed: list[tuple[RoutedOperation, Template]]) -> list[Problem]:
    seen: dict[tuple[object, ...], RoutedOperation] = {}
    problems = []
    for operation, template in parsed:
        first = seen.setdefault((operation.method, *template.shape), operation)
        if first is not operation:
            message = f"operation {operation.id!r} matches the same requests as {first.id!r}"
            problems.append(Problem(operation.location, "duplicate-operation", message, "remove one of them"))
    return problems


def _better(first: Route | None, second: Route | None) -> Route | None:
    if first is None or second is None:
        return first or second
    return first if first.rank < second.rank else second


def _values(query: str) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    return values


def _add_parts(values: dict[str, str], segment: Partial, word: str) -> None:
    spans = segment.spans(word.lower()) or ()
    values.update({name: unquote(word[start:end]) for name, (start, end) in zip(segment.names, spans, strict=True)})
