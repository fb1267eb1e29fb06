"""
One request against a service's metadata: versions, path and query.

Source: OData Protocol 4.01 §8.1.5, §8.2.7 and §11.2; OData URL Conventions 4.01 §2 (percent-decoding after splitting).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from gateway.odata.expressions import ExpressionScope, ODataExpression
from gateway.odata.failures import ODataMismatch, shown
from gateway.odata.kinds import STRUCTURE, kind_of
from gateway.odata.metadata import ServiceModel
from gateway.odata.options import SYSTEM, OptionsPlace, check_count, check_options, check_typeless
from gateway.odata.paths import AddressedResource, decoded, resource_at
from gateway.odata.tokens import WordStream

MOST_QUERY_CHARACTERS = 16_384
MOST_OPTIONS = 100

FIRST, LAST = (4, 0), (4, 99)  # versions of OData 4

_VERSION = re.compile(r"[0-9]{1,2}\.(?:0|[0-9]{2})")
_ALIAS = re.compile(r"@[^\W\d]\w{0,127}")


def version_of(text: str, part: str) -> tuple[int, int]:
    """``4.01`` → (4, 1). Raises ODataMismatch: it is not a version."""
    text = text if "," in text else text.partition(";")[0].strip()  # a comma: the field came twice
    if not _VERSION.fullmatch(text):
        raise ODataMismatch(part, f"{shown(text)} is not a version")
    major, _, minor = text.partition(".")
    return int(major), int(minor)


def _written(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]:02d}" if version[1] else f"{version[0]}.0"


@dataclass(frozen=True, slots=True)
class VersionRange:
    """The versions that are accepted, and the one that is assumed where a request names none."""

    assumed: tuple[int, int] = (4, 0)
    lowest: tuple[int, int] | None = None
    highest: tuple[int, int] | None = None

    def version(self, header: Callable[[str], str | None]) -> tuple[int, int]:
        """The version of a request by its headers ``OData-Version`` and ``OData-MaxVersion``. Raises ODataMismatch."""
        written, most = header("OData-Version"), header("OData-MaxVersion")
        version = self.assumed if written is None else version_of(written, "OData-Version")
        if not max(FIRST, self.lowest or FIRST) <= version <= min(LAST, self.highest or LAST):
            raise ODataMismatch("OData-Version", f"{_written(version)} is not accepted")
        if most is not None and version_of(most, "OData-MaxVersion") < (self.lowest or FIRST):
            raise ODataMismatch("OData-MaxVersion", f"{shown(most)} is lower than every version that is accepted")
        return version


def check_url(path: str, query: str, metadata: ServiceModel, version: tuple[int, int]) -> None:
    """
    Judge a request's URL.

    Args:
        path: Below the service's root, percent-encoded.
        query: Without ``?``, percent-encoded.

    Raises:
        ODataMismatch: It is not OData, or does not fit *metadata*.
    """
    options, aliases = _parsed(query, version)
    resource = resource_at(path, metadata, aliases)
    it = resource.type
    scope = ExpressionScope(metadata, None if it is None else it.item, aliases=aliases)
    for name, value in aliases.items():
        _check_alias(name, value, scope)
    many = it is not None and it.many
    place = OptionsPlace(scope, many)
    if resource.form == "count":
        check_count(options, place)
    elif it is None:
        check_typeless(options, OptionsPlace(scope, resource.form == "action"))
    else:
        _check_form(options, resource, place)
        check_options(options, place)


def _check_form(options: dict[str, str], resource: AddressedResource, place: OptionsPlace) -> None:
    """Raises ODataMismatch: values and primitive properties have nothing to select or expand."""
    is_structure = kind_of(place.scope.it, place.scope.metadata) == STRUCTURE
    for name in ("$select", "$expand"):
        if name in options and (not is_structure or resource.form != "resource"):
            raise ODataMismatch(name, "it is for entities and complex values")
    if "$id" in options and resource.form != "reference":
        raise ODataMismatch("$id", "it is for references")
    if "$levels" in options:
        raise ODataMismatch("$levels", "it is for expansions")


def _parsed(query: str, version: tuple[int, int]) -> tuple[dict[str, str], dict[str, str]]:
    """System query options by their usual names, and parameter aliases. Raises ODataMismatch."""
    if len(query) > MOST_QUERY_CHARACTERS or query.count("&") >= MOST_OPTIONS:
        raise ODataMismatch("query", "it is too long")
    options: dict[str, str] = {}
    aliases: dict[str, str] = {}
    for pair in filter(None, query.split("&")):
        written, _, value = pair.replace("+", " ").partition("=")
        name = decoded(written, "query")
        place = aliases if name.startswith("@") else options
        known = _usual(name, version)
        if known is None:
            _check_custom(pair)
            continue
        if known in place:
            raise ODataMismatch(known, "it is given twice")
        place[known] = decoded(value, known)
    return options, aliases


def _usual(name: str, version: tuple[int, int]) -> str | None:
    """*name* as this module knows it; None: a custom option, which means nothing to OData. Raises ODataMismatch."""
    if _ALIAS.fullmatch(name):
        return name
    plain = f"${name.removeprefix('$').strip().lower()}"
    if plain in SYSTEM and (name in SYSTEM or version >= (4, 1)):
        return plain
    if plain in SYSTEM or name.strip().startswith(("$", "@")):
        why = "OData 4.0 writes it with $ and in lower case" if plain in SYSTEM else "there is no such option"
        raise ODataMismatch("query", f"{shown(name)}: {why}")
    return None


def _check_custom(pair: str) -> None:
    """Raises ODataMismatch: some servers see the beginning of another option in *pair*, which is not judged then."""
    if ";" in pair:
        raise ODataMismatch("query", f"{shown(pair)}: write ; as %3B, because it separates options for some servers")


def _check_alias(name: str, value: str, scope: ExpressionScope) -> None:
    """The value of an alias: an expression without aliases, which could name each other in circles, and not JSON."""
    tokens = WordStream(value.strip(" \t"), name)
    ODataExpression(tokens, replace(scope, aliases=())).value()
    tokens.end()
