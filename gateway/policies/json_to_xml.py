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

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Element, Kind
from gateway.errors import ExpressionError
from gateway.expressions.json.reader import read_moment
from gateway.expressions.json.writer import moment_text
from gateway.pipeline.policy import PolicyType
from gateway.policies.parts.conversion import BodyConversion, conditions

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value

MAX_DEPTH = 64

_BAD_START = re.compile(r"[^A-Za-z_\u00c0-\ud7ff]")
_BAD_IN_NAME = re.compile(r"[^\w.\-\u00b7]")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Style:
    """How namespaces and attributes are written in JSON names, and whether dates are read."""

    separator: str
    prefix: str
    attributes: str
    parses_dates: bool = False

    def text(self, value: Any) -> str:
        """A scalar as XML has it."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        if not isinstance(value, str):
            return json.dumps(value)
        moment = read_moment(value) if self.parses_dates else None
        return _NOT_XML.sub("\ufffd", value) if moment is None else moment_text(moment)


@dataclass(frozen=True, slots=True)
class JsonToXml(PolicyType):
    """One compiled json-to-xml."""

    shape: ClassVar[Element] = Element(
        "json-to-xml",
        "Turns a JSON body into XML.",
        attributes=(
            ID,
            *conditions("json", "xml"),
            Attribute(
                "parse-date",
                "Whether dates with a time are read and written as XML has them; else they are copied.",
                Kind.BOOLEAN,
                default="true",
                expression=False,
            ),
            Attribute("namespace-separator", "Stands between prefix and name.", default="_"),
            Attribute("namespace-prefix", "Begins a namespace declaration.", default="xmlns"),
            Attribute("attribute-block-name", "Name of the object that holds attributes."),
        ),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND, Section.OUTBOUND, Section.ON_ERROR})

    separator: Value[str]
    prefix: Value[str]
    attributes: Value[str] | None
    parses_dates: bool
    conversion: BodyConversion

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<json-to-xml>``."""
        return cls(
            separator=settings.text("namespace-separator"),
            prefix=settings.text("namespace-prefix"),
            attributes=settings.maybe(settings.text, "attribute-block-name"),
            parses_dates=settings.constant_bool("parse-date"),
            conversion=BodyConversion.compile(settings, "json", "xml"),
        )

    def apply(self, context: Context) -> None:
        """Replaces the body. Raises ExpressionError: it is not JSON, or too deep."""
        self.conversion.apply(context, lambda content: self._converted(content, context))

    def _converted(self, content: bytes, context: Context) -> str:
        block = self.attributes(context) if self.attributes else ""
        style = Style(self.separator(context), self.prefix(context), block, self.parses_dates)
        try:
            value = json.loads(content)
        except (ValueError, RecursionError):
            raise ExpressionError("JsonReaderException", "the body is not JSON") from None
        return to_xml(value, style)


def to_xml(value: Any, style: Style) -> str:
    """The document for a JSON value. Raises ExpressionError: too deep."""
    if isinstance(value, dict) and len(value) == 1:
        name, inner = next(iter(value.items()))
        if not isinstance(inner, list):
            return "".join(_element(name, inner, style, frozenset(), 0))
    root = value if isinstance(value, dict) else {"item": value}
    return "".join(_element("Document", root, style, frozenset(), 0))


def _element(name: str, value: Any, style: Style, known: frozenset[str], depth: int) -> Iterator[str]:
    if depth > MAX_DEPTH:
        raise ExpressionError("InvalidOperationException", f"the body is nested deeper than {MAX_DEPTH}")
    attributes, children = _split(value, style) if isinstance(value, dict) else ({}, {})
    known |= {attribute.partition(":")[2] for attribute in attributes if attribute.startswith("xmlns:")}
    tag = _tag(name, style, known)
    written = "".join(f" {attribute}={quoteattr(style.text(text))}" for attribute, text in attributes.items())
    inner = list(_children(children, style, known, depth)) if isinstance(value, dict) else [escape(style.text(value))]
    yield f"<{tag}{written}>" if any(inner) else f"<{tag}{written} />"
    if any(inner):
        yield from inner
        yield f"</{tag}>"


def _children(children: dict[str, Any], style: Style, known: frozenset[str], depth: int) -> Iterator[str]:
    for name, value in children.items():
        if name == "#text":
            yield escape(style.text(value))
            continue
        for item in value if isinstance(value, list) else [value]:
            yield from _element(name, {"item": item} if isinstance(item, list) else item, style, known, depth + 1)


def _split(value: dict[str, Any], style: Style) -> tuple[dict[str, Any], dict[str, Any]]:
    """Attributes and namespace declarations, and the rest."""
    attributes: dict[str, Any] = {}
    children: dict[str, Any] = {}
    for name, inner in value.items():
        scalar = not isinstance(inner, dict | list)
        if name == style.attributes and isinstance(inner, dict):
            attributes |= {_local(key): text for key, text in inner.items()}
        elif name.startswith("@") and scalar:
            attributes[":".join(map(_local, name[1:].split(":", 1)))] = inner
        elif scalar and name == style.prefix:
            attributes["xmlns"] = inner
        elif scalar and name.startswith(style.prefix + style.separator):
            attributes["xmlns:" + _local(name[len(style.prefix + style.separator) :])] = inner
        else:
            children[name] = inner
    return attributes, children


def _tag(name: str, style: Style, known: frozenset[str]) -> str:
    prefix, found, local = name.partition(style.separator) if style.separator else (name, "", "")
    return f"{prefix}:{_local(local)}" if found and local and prefix in known else _local(name)


def _local(name: str) -> str:
    """*name* as XML allows it; other characters as ``_xHHHH_``, as .NET's XmlConvert writes them."""

    def encoded(found: re.Match[str]) -> str:
        return f"_x{ord(found[0]):04X}_"

    head, tail = name[:1], name[1:]
    return (_BAD_START.sub(encoded, head) or "_") + _BAD_IN_NAME.sub(encoded, tail)
