"""
json-to-xml: a JSON body becomes XML.

An object with a single property becomes the root element of that name; anything else is put into ``<Document>``.

Source: APIM policy reference, "json-to-xml"; Newtonsoft.Json, "Converting between JSON and XML".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self
from xml.sax.saxutils import escape, quoteattr

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Element, Kind
from gateway.errors import ExpressionError
from gateway.expressions.formatting.text import double_text
from gateway.expressions.json.dates import read_moment
from gateway.expressions.json.writer import moment_text
from gateway.pipeline.policy import PolicyType
from gateway.policies.parts.conversion import BodyConversion, conditions

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value

MAX_DEPTH = 64

_BAD_START = re.compile(r"[^A-Za-z_\u00c0-\ud7ff]")
_BAD_IN_NAME = re.compile(r"[^\w.\-\u00b7]")
# A boolean as .NET writes it.
_WORDS = {None: "", True: "True", False: "False"}
_NIL = ' xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class XmlStyle:
    """How namespaces and attributes are written in JSON names, and whether dates are read."""

    separator: str
    prefix: str
    attributes: str
    parses_dates: bool = False

    def text(self, value: Any) -> str:
        """A scalar as XML has it."""
        if isinstance(value, str):
            moment = read_moment(value) if self.parses_dates else None
            return _NOT_XML.sub("\ufffd", value) if moment is None else moment_text(moment)
        if isinstance(value, float):
            return double_text(value)
        return _WORDS[value] if value is None or value is True or value is False else json.dumps(value)


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
                "Whether dates with a time are read and written in XML's form; otherwise they are copied.",
                Kind.BOOLEAN,
                default="true",
                expression=False,
            ),
            Attribute("namespace-separator", "Separates prefix and name.", default="_"),
            Attribute("namespace-prefix", "Prefix of a namespace declaration.", default="xmlns"),
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

    def apply(self, context: Context) -> Awaitable[None] | None:
        """Replaces the body, beside the loop where it is large. Raises ExpressionError: not JSON, or too deep."""
        block = self.attributes(context) if self.attributes else ""
        style = XmlStyle(self.separator(context), self.prefix(context), block, self.parses_dates)
        return self.conversion.apply(context, to_xml, style)


def to_xml(content: bytes, style: XmlStyle) -> bytes:
    """The XML document for a JSON text. Raises ExpressionError: it is not JSON, or too deep."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise ExpressionError("JsonReaderException", "the body is not JSON") from None
    name, root = _root(value)
    writer = _XmlWriter(style)
    writer.element(name, root, frozenset(), 0)
    return "".join(writer.pieces).encode()


def _root(value: Any) -> tuple[str, Any]:
    """The name and the content of the root element."""
    if not isinstance(value, dict):
        return "Document", {"item": value}
    name, inner = next(iter(value.items())) if len(value) == 1 else ("", [])
    return ("Document", value) if isinstance(inner, list) else (name, inner)


class _XmlWriter:
    """Writes elements one after another into *pieces*."""

    def __init__(self, style: XmlStyle) -> None:
        self.pieces: list[str] = []
        self._style = style
        self._tags: dict[tuple[str, frozenset[str]], str] = {}

    def element(self, name: str, value: Any, prefixes: frozenset[str], depth: int) -> None:
        """An element; *prefixes* are those that are declared around it. Raises ExpressionError: too deep."""
        if depth > MAX_DEPTH:
            raise ExpressionError("InvalidOperationException", f"the body is nested deeper than {MAX_DEPTH}")
        if isinstance(value, dict):
            self._object(name, value, prefixes, depth)
        else:
            self._leaf(self._tag(name, prefixes), value)

    def _leaf(self, tag: str, value: Any) -> None:
        if value is None:
            self.pieces.append(f"<{tag}{_NIL} />")
            return
        text = escape(self._style.text(value))
        self.pieces.append(f"<{tag}>{text}</{tag}>" if text else f"<{tag} />")

    def _object(self, name: str, value: dict[str, Any], prefixes: frozenset[str], depth: int) -> None:
        attributes, children = _split(value, self._style)
        declared = {key.partition(":")[2] for key in attributes if key.startswith("xmlns:")}
        inner = prefixes | declared if declared else prefixes
        tag, pieces = self._tag(name, inner), self.pieces
        pieces.append(f"<{tag}")
        pieces += (f" {key}={quoteattr(self._style.text(text))}" for key, text in attributes.items())
        pieces.append(">")
        start = len(pieces)
        self._children(children, inner, depth)
        if any(pieces[index] for index in range(start, len(pieces))):
            pieces.append(f"</{tag}>")
        else:
            pieces[start - 1] = " />"

    def _children(self, children: dict[str, Any], prefixes: frozenset[str], depth: int) -> None:
        for name, value in children.items():
            if name == "#text":
                self.pieces.append(escape(self._style.text(value)))
                continue
            # No item is an empty element.
            for item in (value or ("",)) if isinstance(value, list) else (value,):
                self.element(name, {"item": item} if isinstance(item, list) else item, prefixes, depth + 1)

    def _tag(self, name: str, prefixes: frozenset[str]) -> str:
        tag = self._tags.get((name, prefixes))
        if tag is None:
            tag = self._tags[name, prefixes] = _tag(name, self._style, prefixes)
        return tag


def _split(value: dict[str, Any], style: XmlStyle) -> tuple[dict[str, Any], dict[str, Any]]:
    """Attributes and namespace declarations, and the rest."""
    attributes: dict[str, Any] = {}
    children: dict[str, Any] = {}
    for name, inner in value.items():
        if name == style.attributes and isinstance(inner, dict):
            attributes |= {_local(key): text for key, text in inner.items()}
        elif (attribute := _attribute(name, inner, style)) is not None:
            attributes[attribute] = inner
        else:
            children[name] = inner
    return attributes, children


def _attribute(name: str, value: Any, style: XmlStyle) -> str | None:
    """The attribute that the member *name* is; None for a child element."""
    if isinstance(value, dict | list):
        return None
    if name.startswith("@"):
        return ":".join(map(_local, name[1:].split(":", 1)))
    if name == style.prefix:
        return "xmlns"
    declaration = style.prefix + style.separator
    return "xmlns:" + _local(name[len(declaration) :]) if name.startswith(declaration) else None


def _tag(name: str, style: XmlStyle, known: frozenset[str]) -> str:
    prefix, separator, local = name.partition(style.separator) if style.separator else (name, "", "")
    return f"{prefix}:{_local(local)}" if separator and local and prefix in known else _local(name)


def _local(name: str) -> str:
    """*name* as XML allows it; other characters as ``_xHHHH_``, as .NET's XmlConvert writes them."""

    def encoded(character: re.Match[str]) -> str:
        return f"_x{ord(character[0]):04X}_"

    head, tail = name[:1], name[1:]
    return (_BAD_START.sub(encoded, head) or "_") + _BAD_IN_NAME.sub(encoded, tail)
