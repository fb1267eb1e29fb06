"""
rewrite-uri: another path and query for the request to the backend.

Source: APIM policy reference, "rewrite-uri"; docs/reference/apim.md; RFC 3986 §2.1 and §3.3.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self
from urllib.parse import quote, unquote

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Element, Kind
from gateway.errors import ExpressionError, PolicyError
from gateway.pipeline.changes import URL, Change
from gateway.pipeline.policy import PolicyType
from gateway.policies.parts import query
from gateway.policies.parts.elements import URL_TEXT

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value

_PLACEHOLDER = re.compile(r"\{(\*|\*?[^{}*]+)\}")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")

_LITERAL = "%/:@!$&'()*+,;=-._~?"


@dataclass(frozen=True, slots=True)
class RewriteUri(PolicyType):
    """One compiled rewrite-uri."""

    shape: ClassVar[Element] = Element(
        "rewrite-uri",
        "Replaces path and query of the request to the backend, below the backend's own base path.",
        attributes=(
            ID,
            Attribute(
                "template",
                "The new path and query; `{name}` is replaced by a matched parameter.",
                required=True,
                format=URL_TEXT,
            ),
            Attribute(
                "copy-unmatched-params",
                "Whether query parameters that the operation's template did not match are kept.",
                Kind.BOOLEAN,
                default="true",
            ),
        ),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND})
    changes: ClassVar[Change] = URL

    template: Value[str]
    copies_unmatched: Value[bool]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<rewrite-uri>``."""
        return cls(settings.text("template"), settings.boolean("copy-unmatched-params"))

    def apply(self, context: Context) -> None:
        """Changes ``context.Request.Url``. Raises ExpressionError: a parameter that the operation does not have."""
        path, _, own = self.template(context).partition("?")
        request = context.request
        written = [_filled(pair, context, _in_query) for pair in query.pairs(own)]
        taken = {*request.matched_query, *map(query.name_of, written)}
        kept = query.without(request.query, taken) if self.copies_unmatched(context) else ""
        request.path = _safe_path("/" + _filled(path, context, _in_path).lstrip("/"))
        request.query = query.join([*written, *query.pairs(kept)])


def placeholders(template: str) -> list[str]:
    """The names of the parameters that a literal template is filled with; ``*`` for the wildcard without a name."""
    return [name.lstrip("*") or "*" for name in _PLACEHOLDER.findall(template)]


def _filled(text: str, context: Context, encode: Callable[[str, bool], str]) -> str:
    """*text* with its placeholders replaced by *encode*-d values; the rest escaped where a URL needs it."""
    parts = _PLACEHOLDER.split(text)
    literals = [quote(_BAD_ESCAPE.sub("%25", part), safe=_LITERAL) for part in parts[::2]]
    values = [_value(name, context, encode) for name in parts[1::2]]
    return "".join(part for pair in zip(literals, [*values, ""], strict=True) for part in pair)


def _value(placeholder: str, context: Context, encode: Callable[[str, bool], str]) -> str:
    name = placeholder.lstrip("*") or "*"
    value = context.request.matched_parameters.get(name)
    if value is None:
        message = f"the operation has no parameter {name!r} for the template of rewrite-uri"
        raise ExpressionError("ArgumentException", message)
    is_rest = name == "*" or f"{{*{name}}}" in context.operation.url_template
    return encode(value, is_rest)


def _in_path(value: str, is_rest: bool) -> str:
    """A wildcard's value keeps its slashes, any other is one segment."""
    return quote(value, safe="/!$&'()*,:@" if is_rest else "!$&'()*,:@")


def _in_query(value: str, is_rest: bool) -> str:
    return quote(value, safe="/!$'()*,:@")


def _safe_path(path: str) -> str:
    """
    *path*, unless a parameter made it climb: the backend would resolve ``..`` after every check was done.

    Raises:
        PolicyError: 400.
    """
    if any(unquote(segment) in (".", "..") for segment in path.split("/")):
        message = "The rewritten path holds a dot segment."
        raise PolicyError(400, "InvalidPath", message, "Bad request", expected="no segment . or ..")
    return path
