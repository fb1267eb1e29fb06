"""
json-to-xml: a JSON body becomes XML.

An object with a single property gives the root element of that name; everything else is put into ``<Document>``.

Source: APIM policy reference, "json-to-xml"; Newtonsoft.Json, "Converting between JSON and XML".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self
from xml.sax.saxutils import escape, quoteattr

from gateway.errors import ExpressionError
from gateway.pipeline.document import Section
from gateway.pipeline.shape import ID, Attribute, Element, Kind
from gateway.policies.body_text import decoded, is_json, media_type, message
from gateway.policies.conversion import accepts

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.policy import Value
    from gateway.pipeline.settings import Settings

MAX_DEPTH = 64

_BAD_START = re.compile(r"[^A-Za-z_\u00c0-\ud7ff]")
_BAD_IN_NAME = re.compile(r"[^\w.\-\u00b7]")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Names:
    """How namespaces and attributes are written in JSON names."""

    separator: str
    prefix: str
    attributes: str


@dataclass(frozen=True, slots=True)
class JsonToXml:
    """One compiled json-to-xml."""

    shape: ClassVar[Element] = Element(
        "json-to-xml",
        "Turns a JSON body into XML.",
        attributes=(
            ID,
            Attribute("apply", "When.", required=True, choices=("always", "content-type-json")),
            Attribute("consider-accept-header", "Only for callers that accept XML.", Kind.BOOLEAN, default="true"),
            Attribute(
                "parse-date",
                "APIM: dates are parsed; here they stay as they are written.",
                Kind.BOOLEAN,
                default="true",
            ),
            Attribute("namespace-separator", "Stands between prefix and name.", default="_"),
            Attribute("namespace-prefix", "Begins a namespace declaration.", default="xmlns"),
            Attribute("attribute-block-name", "Name of the object that holds attributes."),
        ),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND, Section.OUTBOUND, Section.ON_ERROR})

    condition: Value[str]
    considers_accept: Value[bool]
    separator: Value[str]
    prefix: Value[str]
    attributes: Value[str] | None
    on_request: bool
    max_bytes: int

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<json-to-xml>``."""
        settings.reads_body()
        return cls(
            condition=settings.text("apply"),
            considers_accept=settings.boolean("consider-accept-header"),
            separator=settings.text("namespace-separator"),
            prefix=settings.text("namespace-prefix"),
            attributes=settings.maybe(settings.text, "attribute-block-name"),
            on_request=settings.on_request,
            max_bytes=settings.services.max_body_bytes,
        )

    def apply(self, context: Context) -> None:
        """Replaces the body. Raises ExpressionError: it is not JSON, or too deep."""
        headers, body = message(context, self.on_request)
        if body is None or (self.condition(context) != "always" and not is_json(media_type(headers))):
            return
        if self.considers_accept(context) and not accepts(context.request, "xml"):
            return
        block = self.attributes(context) if self.attributes else ""
        names = Names(self.separator(context), self.prefix(context), block)
        try:
            value = json.loads(decoded(body, headers, self.max_bytes))
        except (ValueError, RecursionError):
            raise ExpressionError("JsonReaderException", "the body is not JSON") from None
        body.replace(to_xml(value, names).encode())
        headers.remove("Content-Encoding")
        headers.replace("Content-Type", "application/xml; charset=utf-8")


def to_xml(value: Any, names: Names) -> str:
    """The document for a JSON value. Raises ExpressionError: too deep."""
    if isinstance(value, dict) and len(value) == 1:
        name, inner = next(iter(value.items()))
        if not isinstance(inner, list):
            return "".join(_element(name, inner, names, frozenset(), 0))
    root = value if isinstance(value, dict) else {"item": value}
    return "".join(_element("Document", root, names, frozenset(), 0))


def _element(name: str, value: Any, names: Names, known: frozenset[str], depth: int) -> Iterator[str]:
    if depth > MAX_DEPTH:
        raise ExpressionError("InvalidOperationException", f"the body is nested deeper than {MAX_DEPTH}")
    attributes, children = _split(value, names) if isinstance(value, dict) else ({}, {})
    known |= {attribute.partition(":")[2] for attribute in attributes if attribute.startswith("xmlns:")}
    tag = _tag(name, names, known)
    written = "".join(f" {attribute}={quoteattr(_text(text))}" for attribute, text in attributes.items())
    inner = list(_children(children, names, known, depth)) if isinstance(value, dict) else [escape(_text(value))]
    yield f"<{tag}{written}>" if any(inner) else f"<{tag}{written} />"
    if any(inner):
        yield from inner
        yield f"</{tag}>"


def _children(children: dict[str, Any], names: Names, known: frozenset[str], depth: int) -> Iterator[str]:
    for name, value in children.items():
        if name == "#text":
            yield escape(_text(value))
            continue
        for item in value if isinstance(value, list) else [value]:
            yield from _element(name, {"item": item} if isinstance(item, list) else item, names, known, depth + 1)


def _split(value: dict[str, Any], names: Names) -> tuple[dict[str, Any], dict[str, Any]]:
    """Attributes and namespace declarations, and the rest."""
    attributes: dict[str, Any] = {}
    children: dict[str, Any] = {}
    for name, inner in value.items():
        scalar = not isinstance(inner, dict | list)
        if name == names.attributes and isinstance(inner, dict):
            attributes |= {_local(key): text for key, text in inner.items()}
        elif name.startswith("@") and scalar:
            attributes[":".join(map(_local, name[1:].split(":", 1)))] = inner
        elif scalar and name == names.prefix:
            attributes["xmlns"] = inner
        elif scalar and name.startswith(names.prefix + names.separator):
            attributes["xmlns:" + _local(name[len(names.prefix + names.separator) :])] = inner
        else:
            children[name] = inner
    return attributes, children


def _tag(name: str, names: Names, known: frozenset[str]) -> str:
    prefix, found, local = name.partition(names.separator) if names.separator else (name, "", "")
    return f"{prefix}:{_local(local)}" if found and local and prefix in known else _local(name)


def _local(name: str) -> str:
    """*name* as XML allows it; other characters as ``_xHHHH_``, as .NET's XmlConvert writes them."""

    def encoded(found: re.Match[str]) -> str:
        return f"_x{ord(found[0]):04X}_"

    head, tail = name[:1], name[1:]
    return (_BAD_START.sub(encoded, head) or "_") + _BAD_IN_NAME.sub(encoded, tail)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _NOT_XML.sub("\ufffd", value if isinstance(value, str) else json.dumps(value))
