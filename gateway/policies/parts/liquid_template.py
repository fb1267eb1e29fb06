"""
Liquid templates of set-body and the Dapr policies, as DotLiquid runs them in APIM: PascalCase filters, .NET formats,
names in any case.

Source: APIM policy reference, "set-body", "Using Liquid templates"; DotLiquid, StandardFilters.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import regex
from liquid import Environment, Undefined
from liquid.exceptions import LiquidError

from gateway.documents.model import Text
from gateway.errors import ExpressionError, LoadError
from gateway.expressions import to_text
from gateway.expressions.formatting.composite import format_value
from gateway.expressions.formatting.dateparse import iso_date, parse_date
from gateway.expressions.json.tree import JToken
from gateway.expressions.thrown import Thrown
from gateway.policies.parts.body_text import decoded, is_json, is_xml, media_type
from gateway.policies.parts.safe_xml import XmlError
from gateway.policies.parts.xml_tree import XmlElement, read_tree
from gateway.wire.headers import Headers
from gateway.wire.messages import Response

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.wire.body import Body
    from gateway.wire.messages import Url
    from gateway.wire.work import Work

REGEX_TIMEOUT_S = 0.25
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_GROUP = regex.compile(r"\$(\d{1,2}|\{\w+\}|\$)")


# What reading a body costs for each byte: processor time, and memory of the values.
BYTE_S = 1e-6
BYTE_MEMORY = 25


class Named(dict[str, Any]):
    """A mapping whose names are found in any case, the exact one first; text stands for an element with attributes."""

    def __getitem__(self, name: str) -> Any:
        if dict.__contains__(self, name):
            return dict.__getitem__(self, name)
        folded = str(name).casefold()
        for known in self:
            if known.casefold() == folded:
                return dict.__getitem__(self, known)
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return any(known.casefold() == str(name).casefold() for known in self)

    def __str__(self) -> str:
        return str(self.get("#text", ""))


@dataclass(frozen=True, slots=True)
class LiquidTemplate:
    """
    One compiled template.

    Attributes:
        nil_is_null: ``xsi-nil="null"``: elements with ``xsi:nil="true"`` are null, not blank.
    """

    render: Callable[..., str]
    nil_is_null: bool
    max_bytes: int

    def __call__(self, headers: Headers, body: Body | None, context: Context) -> str:
        """The text. Raises ExpressionError: the body is not what its type says, or the template failed."""
        try:
            parsed = self._parsed(headers, body, context.work)
            return self.render(body=parsed, context=_context(context))
        except (LiquidError, XmlError, ValueError, RecursionError) as error:
            raise ExpressionError("LiquidException", f"the template failed: {str(error)[:200]}") from None

    def _parsed(self, headers: Headers, body: Body | None, work: Work) -> Any:
        """The body as data; text where its type says neither JSON nor XML."""
        content = decoded(body, headers, self.max_bytes) if body else b""
        kind = media_type(headers)
        if not content:
            return None
        work.draw(len(content) * BYTE_S, len(content) * BYTE_MEMORY)
        if is_json(kind):
            return json.loads(content, object_pairs_hook=Named, parse_float=Decimal)
        if is_xml(kind):
            root = read_tree(content)
            return Named({root.name.local: self._element(root)})
        return content.decode("utf-8", "replace")

    def _element(self, element: XmlElement) -> Any:
        if _is_nil(element):
            return None if self.nil_is_null else ""
        members = Named({f"@{name.local}": value for name, value in element.attributes})
        members.update(self._children(element))
        return self._with_text(members, element.first_text)

    @staticmethod
    def _with_text(members: Named, text: str) -> Named | str:
        """Text alone is the element's value; beside members it is one of them, unless it is layout."""
        if not members:
            return text
        if text.strip():
            members["#text"] = text
        return members

    def _children(self, element: XmlElement) -> dict[str, Any]:
        """The child elements by name; several of one name are a list."""
        children: dict[str, list[Any]] = {}
        for child in element.children:
            children.setdefault(child.name.local, []).append(self._element(child))
        return {name: values if len(values) > 1 else values[0] for name, values in children.items()}


def _is_nil(element: XmlElement) -> bool:
    values = {value for name, value in element.attributes if (name.uri, name.local) == (_XSI, "nil")}
    return not values.isdisjoint(("true", "1"))


def template_of(settings: Settings, nil_is_null: bool = False) -> LiquidTemplate:
    """The template that the element's text is; the body that it reads will be in memory. Raises LoadError."""
    settings.reads_body()
    written = settings.node.text or Text("", settings.location)
    try:
        return compile_template(written.value, nil_is_null, settings.services.max_body_bytes)
    except ValueError as error:
        raise LoadError.at(written.location, "bad-template", f"the template is not Liquid: {error}") from None


def compile_template(text: str, nil_is_null: bool, max_bytes: int) -> LiquidTemplate:
    """The template in *text*. Raises ValueError with the reason."""
    try:
        return LiquidTemplate(_ENVIRONMENT.from_string(text).render, nil_is_null, max_bytes)
    except LiquidError as error:
        raise ValueError(str(error).splitlines()[0]) from None


# -- what a template sees of the context
class UrlText(dict[str, Any]):
    """A URL: its text, and its parts by name."""

    def __init__(self, url: Url) -> None:
        query = f"?{url.query}" if url.query else ""
        super().__init__(Host=url.host, Path=url.path, Port=url.port, Scheme=url.scheme, QueryString=query)
        self._text = str(url)

    def __str__(self) -> str:
        return self._text


def _context(context: Context) -> Named:
    request, response = context.request, context.response
    answer = Named(StatusCode=response.status_code, StatusReason=response.reason) if response else Named()
    if response:
        answer["Headers"] = _headers(response.headers)
    return Named(
        Request=Named(
            Url=UrlText(request.url),
            OriginalUrl=UrlText(request.original_url),
            Method=request.method,
            OriginalMethod=request.original_method,
            IpAddress=request.ip_address,
            MatchedParameters=Named(request.matched_parameters),
            HasBody=request.body is not None,
            Headers=_headers(request.headers),
        ),
        Response=answer,
        Variables=Named({name: _plain(value) for name, value in context.variables.items()}),
        Api=Named(Id=context.api.id, Name=context.api.name, Path=context.api.path),
        Operation=Named(Id=context.operation.id, Name=context.operation.name, Method=context.operation.method),
        RequestId=str(context.request_id),
    )


def _headers(headers: Headers) -> Named:
    return Named({name: headers.joined(name) for name in headers.names()})


def _plain(value: object) -> Any:
    """A variable as Liquid's own data."""
    if isinstance(value, JToken):
        return json.loads(to_text(value), object_pairs_hook=Named)
    if value is None or isinstance(value, str | bool | int | float | list | dict):
        return value
    return value.status_code if isinstance(value, Response) else to_text(value)


# -- filters whose meaning is DotLiquid's own
def _replace(count: int) -> Callable[[object, object, object], str]:
    def replace(text: object, pattern: object, replacement: object = "") -> str:
        """A .NET regular expression, as DotLiquid has it."""
        with_groups = _GROUP.sub(_group, to_text(replacement).replace("\\", "\\\\"))
        try:
            return str(regex.sub(to_text(pattern), with_groups, to_text(text), count=count, timeout=REGEX_TIMEOUT_S))
        except (regex.error, TimeoutError, IndexError) as error:
            raise ValueError(f"Replace: {error}") from None

    return replace


def _group(found: regex.Match[str]) -> str:
    name = found[1].strip("{}")
    return "$" if name == "$" else f"\\g<{name}>"


def _date(value: object, pattern: object = "") -> object:
    """A .NET date format; what is not a date stays as it is."""
    if value is None or isinstance(value, Undefined):
        return ""
    try:
        text = to_text(value)
        return format_value(iso_date(text) or parse_date(text), to_text(pattern) or "G")
    except Thrown:
        return value


def _currency(value: object, culture: object = None) -> str:
    """Two digits and thousands, with a dollar sign: the invariant culture's own sign is of no use to anybody."""
    return f"${Decimal(to_text(value) or '0'):,.2f}"


_OWN: Mapping[str, Callable[..., Any]] = {
    "Replace": _replace(0),
    "ReplaceFirst": _replace(1),
    "Date": _date,
    "Currency": _currency,
}

# DotLiquid's names that are not Liquid's own in another case.
_RENAMED = {"TruncateWords": "truncatewords", "H": "escape"}


def _environment() -> Environment:
    environment = _Limited()
    for name, filter_ in list(environment.filters.items()):
        environment.filters["".join(part.capitalize() for part in name.split("_"))] = filter_
    for name, original in _RENAMED.items():
        environment.filters[name] = environment.filters[original]
    environment.filters.update(_OWN)
    for tag in ("include", "render"):
        environment.tags.pop(tag, None)
    return environment


class _Limited(Environment):
    """A template is the author's, its data is not: loops and output are bounded."""

    context_depth_limit = 30
    loop_iteration_limit = 100_000
    output_stream_limit = 16 * 1024 * 1024


_ENVIRONMENT = _environment()
