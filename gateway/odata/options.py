"""
System query options: which of them a resource can have, and what each may say.

Source: OData URL Conventions 4.01 §5; OData Protocol 4.01 §11.2 (options without ``$`` and in any case from 4.01 on).
"""

from __future__ import annotations

import re
from collections.abc import Callable as Function
from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway.odata.aggregation import transformed
from gateway.odata.expressions import ExpressionScope, ODataExpression, member_of
from gateway.odata.failures import ODataMismatch, shown
from gateway.odata.search import check_search
from gateway.odata.splitting import head_and_options, split
from gateway.odata.tokens import WordStream
from gateway.wire.slices import rest

MOST_EXPANSIONS = 8  # inside each other
MOST_DIGITS = 18

_NUMBER = re.compile(r"[0-9]{1,18}")
_PATH_NAME = re.compile(r"[^\W\d]\w{0,127}(?:\.[^\W\d]\w{0,127})*")

SYSTEM = frozenset(
    """
    $apply $compute $count $deltatoken $expand $filter $format $id $index $levels $orderby $schemaversion $search
    $select $skip $skiptoken $top
    """.split()
)
_OF_COLLECTIONS = frozenset("$apply $count $filter $orderby $search $skip $top $skiptoken $deltatoken $index".split())
_OF_EVERYTHING = frozenset("$format $schemaversion".split())
_OF_COUNTS = frozenset("$filter $search $apply".split())
_NESTED = SYSTEM - {"$format", "$id", "$schemaversion", "$skiptoken", "$deltatoken", "$index"}


@dataclass(frozen=True, slots=True)
class OptionsPlace:
    """
    Where options are written.

    Attributes:
        many: Whether they are about a collection.
        path: What leads here, for errors: ``$expand(Orders)``.
        depth: How many expansions are around.
    """

    scope: ExpressionScope
    many: bool
    path: str = ""
    depth: int = 0

    def part(self, name: str) -> str:
        """*name* as errors have it."""
        return f"{self.path}/{name}" if self.path else name


def check_options(options: Mapping[str, str], place: OptionsPlace) -> None:
    """
    Judge every option of a resource.

    Args:
        options: Values by name, each in its usual form (``$filter``).

    Raises:
        ODataMismatch: One cannot be had here, or says what the metadata does not allow.
    """
    if not place.many and (misplaced := _OF_COLLECTIONS.intersection(options)):
        raise ODataMismatch(place.part(min(misplaced)), "only collections have it")
    scope = place.scope
    for name in ("$apply", "$compute"):  # what they make can be used by the others
        if name in options:
            names = transformed(options[name], scope) if name == "$apply" else computed(options[name], scope)
            scope = replace(scope, dynamic=frozenset({*scope.dynamic, *names}))
    for name, value in options.items():
        check = _CHECKS.get(name)
        if check is not None:
            check(value, replace(place, scope=scope))


def check_count(options: Mapping[str, str], place: OptionsPlace) -> None:
    """The options of ``/$count``. Raises ODataMismatch."""
    _only(options, _OF_COUNTS | _OF_EVERYTHING, place)
    check_options(options, place)


def check_typeless(options: Mapping[str, str], place: OptionsPlace) -> None:
    """The options of what has no type here: the service document, metadata, an action. Raises ODataMismatch."""
    _only(options, _OF_EVERYTHING | {"$select", "$expand"} if place.many else _OF_EVERYTHING, place)


def _only(options: Mapping[str, str], allowed: frozenset[str], place: OptionsPlace) -> None:
    for name in options:
        if name not in allowed:
            raise ODataMismatch(place.part(name), "it is not possible here")


def computed(text: str, scope: ExpressionScope) -> list[str]:
    """The names that ``$compute`` makes. Raises ODataMismatch."""
    names = []
    for item in split(text, ",", "$compute"):
        tokens = WordStream(item, "$compute")
        ODataExpression(tokens, scope).value()
        if tokens.takes_word("as") is None or not tokens.skip_space() or tokens.here.kind != "name":
            raise tokens.error("as and a name are expected")
        names.append(tokens.take().text)
        tokens.end()
    return names


def _check_filter(value: str, place: OptionsPlace) -> None:
    tokens = WordStream(value.strip(" \t"), place.part("$filter"))
    ODataExpression(tokens, place.scope).condition()
    tokens.end()


def _check_order(value: str, place: OptionsPlace) -> None:
    part = place.part("$orderby")
    for item in split(value, ",", part):
        tokens = WordStream(item, part)
        ODataExpression(tokens, place.scope).value()
        if tokens.skip_space() and tokens.take().text not in ("asc", "desc"):
            raise ODataMismatch(part, "asc or desc is expected behind an expression")
        tokens.end()


def _check_number(name: str) -> Function[[str, OptionsPlace], None]:
    def check(value: str, place: OptionsPlace) -> None:
        if not _NUMBER.fullmatch(value):
            raise ODataMismatch(place.part(name), f"a number of at most {MOST_DIGITS} digits is expected")

    return check


def _check_index(value: str, place: OptionsPlace) -> None:
    if not _NUMBER.fullmatch(value.removeprefix("-")):
        raise ODataMismatch(place.part("$index"), f"a number of at most {MOST_DIGITS} digits is expected")


def _check_count_flag(value: str, place: OptionsPlace) -> None:
    if value not in ("true", "false"):
        raise ODataMismatch(place.part("$count"), "true or false is expected")


def _check_levels(value: str, place: OptionsPlace) -> None:
    if value != "max" and not (_NUMBER.fullmatch(value) and 0 < int(value) <= MOST_EXPANSIONS):
        raise ODataMismatch(place.part("$levels"), f"max, or a number up to {MOST_EXPANSIONS}, is expected")


def _check_select(value: str, place: OptionsPlace) -> None:
    part = place.part("$select")
    for item in split(value, ",", part):
        head, nested = head_and_options(item, part)
        scope = _at(head, place, part)
        if nested is not None:
            _check_nested(nested, scope, head, place)


def _check_expand(value: str, place: OptionsPlace) -> None:
    part = place.part("$expand")
    if place.depth >= MOST_EXPANSIONS:
        raise ODataMismatch(part, f"more than {MOST_EXPANSIONS} expansions in each other")
    for item in split(value, ",", part):
        head, nested = head_and_options(item, part)
        path = head.removesuffix("/$ref").removesuffix("/$count")
        if path == "*" and head != "*/$count":
            continue
        inner = _at(path, place, part)
        _require_navigation(path, inner, place, part)
        if nested is not None:
            _check_nested(nested, inner, head, place)


def _require_navigation(path: str, inner: ExpressionScope, place: OptionsPlace, part: str) -> None:
    """Raises ODataMismatch: the last name of *path* that is not a type is not a navigation property."""
    names = path.split("/")
    while names and "." in names[-1]:
        names.pop()
    owner = _at("/".join(names[:-1]), place, part) if names[:-1] else place.scope
    if not names or inner.it is None or owner.navigation(names[-1]) is None:
        raise ODataMismatch(part, f"{shown(path)} is not a navigation property")


def _check_nested(text: str, scope: ExpressionScope, head: str, place: OptionsPlace) -> None:
    """The options in the brackets of an item."""
    path = place.part(head)
    options = _nested_options(text, path)
    many = scope.it is not None and scope.it.many and not head.endswith("/$ref/$count")
    inner = OptionsPlace(replace(scope, it=None if scope.it is None else scope.it.item), many, path, place.depth + 1)
    check_options(options, inner)


def _nested_options(text: str, path: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for option in split(text, ";", path):
        name, equals, value = option.partition("=")
        full = name if name.startswith("$") else f"${name}"
        if full not in _NESTED or not equals or full in options:
            raise ODataMismatch(path, f"{shown(name)} is not an option here, or is given twice")
        options[full] = value
    return options


def _at(path: str, place: OptionsPlace, part: str) -> ExpressionScope:
    """The scope at the end of *path*: of properties and casts. Raises ODataMismatch: there is no such path."""
    rest()
    scope = place.scope
    for name in path.split("/"):
        if name == "*" and path.endswith("*") or name in scope.dynamic:
            return replace(scope, it=None)
        if not _PATH_NAME.fullmatch(name):
            raise ODataMismatch(part, f"{shown(name)} is not a name")
        if name.endswith(".*"):
            return replace(scope, it=None)
        scope = _step(name, scope, part)
    return scope


def _step(name: str, scope: ExpressionScope, part: str) -> ExpressionScope:
    if scope.it is None:
        raise ODataMismatch(part, f"{shown(name)} is not a property")
    if "." in name:
        return _cast(name, scope, part)
    return replace(scope, it=member_of(scope.it.item, name, scope.metadata, part))


def _cast(name: str, scope: ExpressionScope, part: str) -> ExpressionScope:
    """The scope behind a type; a function or action of the type can be selected too."""
    metadata, here = scope.metadata, scope.it
    qualified = metadata.qualified(name)
    if here is not None and qualified in metadata.types and metadata.casts(here.name, qualified):
        return replace(scope, it=replace(here, name=qualified))
    if here is not None and part.endswith("$select") and metadata.bound(name, here.item):
        return replace(scope, it=None)
    raise ODataMismatch(part, f"{shown(name)} is neither a type nor a function or action of this")


def _check_format(value: str, place: OptionsPlace) -> None:
    if not re.fullmatch(r"[\w.+-]+(?:/[\w.+-]+)?(?:;[\w.+=-]+)*", value):
        raise ODataMismatch(place.part("$format"), "a media type, or a short name such as json, is expected")


def _check_text(value: str, place: OptionsPlace) -> None:
    if not value:
        raise ODataMismatch(place.path or "query", "an option without a value")


_CHECKS: Mapping[str, Function[[str, OptionsPlace], None]] = {
    "$filter": _check_filter,
    "$orderby": _check_order,
    "$top": _check_number("$top"),
    "$skip": _check_number("$skip"),
    "$index": _check_index,
    "$count": _check_count_flag,
    "$levels": _check_levels,
    "$select": _check_select,
    "$expand": _check_expand,
    "$search": lambda value, _: check_search(value),
    "$format": _check_format,
    "$skiptoken": _check_text,
    "$deltatoken": _check_text,
    "$id": _check_text,
}
