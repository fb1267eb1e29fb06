"""Which API a path means, and then which of its operations: built once, asked for every request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

from gateway.data_plane.routing.table import RoutedApi, RoutedOperation
from gateway.data_plane.routing.templates import literal_segments
from gateway.data_plane.routing.tree import NO_QUERY, RouteNode, build_tree
from gateway.errors import LoadError, Problem
from gateway.wire.fields import fold_name
from gateway.wire.messages import Request


@dataclass(slots=True)
class Match:
    """
    What a request means. Without an operation it is a 404: in the API's scope if there is one, else in the global one.

    Attributes:
        parameters: ``context.Request.MatchedParameters``, URL-decoded.
        rest_path: The path below the API's prefix and version, as it came; begins with ``/`` or is empty.
        matched_query: Names of the query parameters that the template asks for.
    """

    api: RoutedApi | None
    operation: RoutedOperation | None
    parameters: dict[str, str]
    rest_path: str
    matched_query: frozenset[str] = NO_QUERY


class Router:
    """
    Finds API and operation by walking two trees of segments; the cost depends on the path, not on how many there are.

    The path must be in the one normal form that the wire gives: it is never decoded for matching.

    Attributes:
        reads_fields: Whether the value of a header decides about the version of some API.
    """

    def __init__(self, apis: Sequence[RoutedApi]) -> None:
        """Compile *apis*. Raises LoadError with every bad template and every path that two of them claim."""
        self._root = _Place()
        self.reads_fields = any(api.version is not None and api.version.scheme == "header" for api in apis)
        problems: list[Problem] = []
        for api in apis:
            try:
                _add_api(self._root, api)
            except LoadError as error:
                problems += error.problems
        if problems:
            raise LoadError(problems)

    def match(self, request: Request) -> Match:
        """What *request* means: the longest API prefix, then the most specific template."""
        path = request.path
        lower = path.lower()
        words = lower.removesuffix("/").split("/")  # a trailing slash makes no difference
        prefix = self._longest_prefix(words)
        entry = prefix.choose(request) if prefix.by_field else prefix.plain
        if entry is None:
            return Match(None, None, {}, path)
        rest = path[prefix.length :]
        if ";" in rest:  # only the API's own segment has revisions: servers behind cut parameters off, and match again
            return Match(entry.api, None, {}, rest)
        if entry.tree is None:
            return Match(entry.api, entry.otherwise, {}, rest)
        route = entry.tree.find(words, prefix.depth, request)
        if route is None:
            return Match(entry.api, None, {}, rest)
        if not route.has_parameters:
            return Match(entry.api, route.operation, {}, rest)
        own = words if lower == path else path.split("/")[: len(words)]
        return Match(
            entry.api, route.operation, route.parameters(own, prefix.depth, request.query), rest, route.matched_query
        )

    def _longest_prefix(self, words: list[str]) -> _Place:
        longest = place = self._root
        for word in words[1:]:
            if word not in place.followers:
                break
            place = place.followers[word]
            if place.used:
                longest = place
        return longest


@dataclass(frozen=True, slots=True)
class _Entry:
    """An API with its operations; no tree: *otherwise* takes everything."""

    api: RoutedApi
    tree: RouteNode | None
    otherwise: RoutedOperation


class _Place:
    """A prefix: the APIs that share it are told apart by a header or a query parameter."""

    __slots__ = ("by_field", "depth", "followers", "length", "plain", "used")

    def __init__(self, depth: int = 1, length: int = 0) -> None:
        self.depth = depth  # index of the first word behind the prefix
        self.length = length  # of the prefix in the path, with its leading slash
        self.used = False
        self.followers: dict[str, _Place] = {}
        self.plain: _Entry | None = None
        self.by_field: dict[tuple[str, str], dict[str, _Entry]] = {}

    def choose(self, request: Request) -> _Entry | None:
        """The API for the version that *request* names; an unknown or contradictory one is none."""
        for (scheme, name), versions in self.by_field.items():
            value = request.headers.joined(name) if scheme == "header" else _query_value(request.query, name)
            if value is not None:
                return versions.get(value)
        return self.plain

    def follower(self, word: str) -> _Place:
        """The place one segment further, made where it is missing."""
        if word not in self.followers:
            self.followers[word] = _Place(self.depth + 1, self.length + 1 + len(word))
        return self.followers[word]

    def add(self, entry: _Entry) -> None:
        """Let *entry* answer here. Raises LoadError when another API does."""
        self.used = True
        version = entry.api.version
        if version is None or version.scheme == "segment":
            other, self.plain = self.plain, entry
        else:
            key = (version.scheme, fold_name(version.name) if version.scheme == "header" else version.name)
            versions = self.by_field.setdefault(key, {})
            other, versions[version.value] = versions.get(version.value), entry
        if other is not None:
            message = f"APIs {other.api.id!r} and {entry.api.id!r} claim the same path, version and revision"
            raise LoadError.at(entry.api.location, "duplicate-api", message, "give each its own")


def _add_api(root: _Place, api: RoutedApi) -> None:
    otherwise = RoutedOperation("", "*", "/*", api.payload, api.location)
    entry = _Entry(api, build_tree(api.routed) if api.routed else None, otherwise)
    for prefix in _prefixes(api):
        place = root
        for word in prefix:
            place = place.follower(word)
        place.add(entry)


def _prefixes(api: RoutedApi) -> Iterable[tuple[str, ...]]:
    """Under which paths *api* answers: with its revision named and, if it is the current one, without."""
    words = literal_segments(api.path, api.location)
    if api.version is not None and api.version.scheme == "segment":
        words += literal_segments(api.version.value, api.location)
    if api.is_current:
        yield words
    *front, last = words or ("",)
    yield (*front, f"{last};rev={api.revision.lower()}")


def _query_value(query: str, name: str) -> str | None:
    values = parse_qs(query, keep_blank_values=True).get(name)
    if not values:
        return None
    return values[0] if len(set(values)) == 1 else ""
