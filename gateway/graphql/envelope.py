"""
A GraphQL request as HTTP carries it: query, operationName, variables, extensions.

What two parsers could read differently is refused: members that come twice, broken Unicode, parameters in both places.

Source: "GraphQL over HTTP" §5.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from gateway.graphql.refusals import BAD_REQUEST, GraphQLRefusal, refusal
from gateway.reading.json_text import finite, unambiguous

_MEMBERS = ("query", "operationName", "variables", "extensions")
_MOST_PARAMETERS = 100
_DEEPEST = 64  # levels of variables and extensions
_MOST_VALUES = 5_000  # in them: each is looked at when the query is run
# As lenient frameworks read names: in any case, blanks before them, an index behind.
_PARAMETER = re.compile(
    r"\s*(?:query|operationname|variables|extensions)(?:\W.*)?", re.ASCII | re.IGNORECASE | re.DOTALL
)
_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,254}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Envelope:
    """One request; *variables* and *extensions* are JSON objects."""

    query: str
    operation_name: str | None = None
    variables: Mapping[str, Any] | None = None
    extensions: Mapping[str, Any] | None = None

    def written(self, query: str, operation_name: str | None) -> bytes:
        """The request for a backend, with *query* instead of its own. Raises GraphQLRefusal: broken Unicode."""
        members: dict[str, Any] = {"query": query}
        if operation_name is not None:
            members["operationName"] = operation_name
        if self.variables is not None:
            members["variables"] = self.variables
        if self.extensions:
            members["extensions"] = self.extensions
        return _utf8(json.dumps(members, ensure_ascii=False, separators=(",", ":")))


def read_post(media_type: str, content: bytes, url_query: str) -> Envelope:
    """The request in the body of a POST; *media_type* without parameters, lower case. Raises GraphQLRefusal."""
    refuse_parameters(url_query, "A POST has its GraphQL parameters in the body, not in the URL.")
    text = _text(content)
    if media_type == "application/graphql":
        return envelope_of({"query": text})
    if media_type not in ("application/json", "application/graphql+json"):
        message = "The request must be application/json, or application/graphql."
        raise refusal(BAD_REQUEST, message, 415)
    members = read_json(text, "The body")
    if isinstance(members, list):
        raise refusal(BAD_REQUEST, "Batches of GraphQL requests are not run.")
    if not isinstance(members, dict):
        raise refusal(BAD_REQUEST, "The body must be a JSON object.")
    return envelope_of(members)


def refuse_parameters(url_query: str, message: str) -> None:
    """Raises GraphQLRefusal with *message*: a server could read a GraphQL request in the URL's query."""
    _parameters(url_query)
    names = (unquote_plus(parameter.partition("=")[0]) for parameter in url_query.replace(";", "&").split("&"))
    if any(map(_PARAMETER.fullmatch, names)):
        raise refusal(BAD_REQUEST, message)


def read_get(url_query: str) -> Envelope:
    """The request in the parameters of a GET; it goes on as a POST. Raises GraphQLRefusal."""
    members: dict[str, Any] = {}
    for name, value in _parameters(url_query):
        if name not in _MEMBERS:
            continue
        if name in members:
            raise refusal(BAD_REQUEST, f"The parameter {name} is given twice.")
        members[name] = value if name in ("query", "operationName") else read_json(value, f"The parameter {name}")
    return envelope_of(members)


def read_json(text: str, what: str) -> Any:
    """The JSON value in *text*; *what* names it. Raises GraphQLRefusal: malformed, doubled members, too deep."""
    try:
        value = json.loads(
            text, object_pairs_hook=unambiguous, parse_float=finite, parse_int=_integer, parse_constant=_constant
        )
    except (ValueError, RecursionError):
        raise refusal(BAD_REQUEST, f"{what} is not JSON that has one meaning.") from None
    _bound(value, what)
    return value


def _parameters(url_query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            url_query, keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS, encoding="utf-8"
        )
    except ValueError:
        raise refusal(BAD_REQUEST, "The URL's parameters cannot be read.") from None


def envelope_of(members: dict[str, Any]) -> Envelope:
    """The request with these members. Raises GraphQLRefusal."""
    variables, extensions = _object(members, "variables"), _object(members, "extensions") or {}
    if "query" not in members and "persistedQuery" in extensions:
        raise refusal(BAD_REQUEST, "PersistedQueryNotSupported")  # the message that Apollo's clients look for
    if unknown := members.keys() - set(_MEMBERS):
        raise refusal(BAD_REQUEST, f"The request has {len(unknown)} members besides {', '.join(_MEMBERS)}.")
    kept = {key: value for key, value in extensions.items() if key != "persistedQuery"}
    return Envelope(_query(members.get("query")), _name(members.get("operationName")), variables, kept or None)


def _query(query: object) -> str:
    if not isinstance(query, str) or not query.strip():
        raise refusal(BAD_REQUEST, "The request has no query.")
    _utf8(query)
    return query


def _name(name: object) -> str | None:
    if name and not (isinstance(name, str) and _NAME.fullmatch(name)):
        raise refusal(BAD_REQUEST, "operationName is not the name of an operation.")
    return str(name) if name else None


def _object(members: dict[str, Any], name: str) -> dict[str, Any] | None:
    value = members.get(name)
    if value is not None and not isinstance(value, dict):
        raise refusal(BAD_REQUEST, f"{name} must be a JSON object.")
    return value


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise refusal(BAD_REQUEST, "The body is not UTF-8.") from None


def _utf8(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise refusal(BAD_REQUEST, "The request has half of a surrogate pair.") from None


def _integer(text: str) -> int:
    if len(text) > 300:
        raise ValueError("too many digits")
    return int(text)


def _constant(text: str) -> float:
    raise ValueError(text)


def _bound(value: Any, what: str) -> None:
    """Refuse more levels or values than a request may have; without recursion."""
    depth, count, level = 0, 0, [value]
    while level := [inner for outer in level for inner in _inside(outer)]:
        depth, count = depth + 1, count + len(level)
        if depth > _DEEPEST:
            raise refusal(BAD_REQUEST, f"{what} has more than {_DEEPEST} levels.")
        if count > _MOST_VALUES:
            raise refusal(BAD_REQUEST, f"{what} has more than {_MOST_VALUES} values.")


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value.values()]
    return value if isinstance(value, list) else []


__all__ = ["Envelope", "GraphQLRefusal", "envelope_of", "read_get", "read_json", "read_post", "refuse_parameters"]
