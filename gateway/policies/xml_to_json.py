"""
xml-to-json: an XML body becomes JSON.

``direct`` keeps XML's structure as Newtonsoft's converter writes it: ``@name`` for attributes, ``#text`` for text.
``javascript-friendly`` leaves the marks out, so that every name can be written after a dot.

Source: APIM policy reference, "xml-to-json"; Newtonsoft.Json, "Converting between JSON and XML".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self, TypeAlias

from lxml import etree

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Element, Kind
from gateway.errors import ExpressionError
from gateway.pipeline.policy import PolicyType
from gateway.policies.parts.conversion import BodyConversion, conditions
from gateway.policies.parts.safe_xml import XmlError, parse_xml

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value

Json: TypeAlias = "str | None | list[Json] | dict[str, Json]"


@dataclass(frozen=True, slots=True)
class Style:
    """How names are written."""

    attribute: str
    text: str
    always_array: bool


@dataclass(frozen=True, slots=True)
class XmlToJson(PolicyType):
    """One compiled xml-to-json."""

    shape: ClassVar[Element] = Element(
        "xml-to-json",
        "Turns an XML body into JSON.",
        attributes=(
            ID,
            Attribute("kind", "How JSON is written.", required=True, choices=("javascript-friendly", "direct")),
            *conditions("xml", "json"),
            Attribute(
                "always-array-child-elements", "Whether a single child is an array too.", Kind.BOOLEAN, default="false"
            ),
        ),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND, Section.OUTBOUND, Section.ON_ERROR})

    kind: Value[str]
    always_array: Value[bool]
    conversion: BodyConversion

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<xml-to-json>``."""
        return cls(
            kind=settings.text("kind"),
            always_array=settings.boolean("always-array-child-elements"),
            conversion=BodyConversion.compile(settings, "xml", "json"),
        )

    def apply(self, context: Context) -> None:
        """Replaces the body. Raises ExpressionError: it is not XML."""
        self.conversion.apply(context, lambda content: self._converted(content, context))

    def _converted(self, content: bytes, context: Context) -> str:
        try:
            root = parse_xml(content)
        except XmlError as error:
            raise ExpressionError("XmlException", str(error)) from None
        direct = self.kind(context) == "direct"
        style = Style("@" if direct else "", "#text" if direct else "text", self.always_array(context))
        return json.dumps({_name(root): _value(root, style)}, ensure_ascii=False, separators=(",", ":"))


def _value(element: etree._Element, style: Style) -> Json:
    """An element as Newtonsoft writes it: text, null, or an object."""
    members: dict[str, Json] = {}
    for prefix, uri in _declared(element).items():
        members[f"{style.attribute}xmlns{':' + prefix if prefix else ''}"] = uri
    for name, text in element.attrib.items():
        members[style.attribute + _qualified(str(name), element)] = str(text)
    children: dict[str, list[Json]] = {}
    for child in element.iterchildren("*"):
        children.setdefault(_name(child), []).append(_value(child, style))
    for name, values in children.items():
        members[name] = values if len(values) > 1 or style.always_array else values[0]
    text = "".join([element.text or "", *(child.tail or "" for child in element)])
    if not members:
        return text or None
    if text.strip():
        members[style.text] = text
    return members


def _declared(element: etree._Element) -> dict[str, str]:
    """Namespaces that *element* itself declares."""
    parent = element.getparent()
    known = dict(parent.nsmap) if parent is not None else {}
    return {prefix or "": uri for prefix, uri in element.nsmap.items() if known.get(prefix) != uri}


def _name(element: etree._Element) -> str:
    local = etree.QName(element).localname
    return f"{element.prefix}:{local}" if element.prefix else local


def _qualified(name: str, element: etree._Element) -> str:
    """An attribute's name with its prefix."""
    qualified = etree.QName(name)
    if qualified.namespace is None:
        return qualified.localname
    if qualified.namespace == "http://www.w3.org/XML/1998/namespace":
        return f"xml:{qualified.localname}"
    prefix = next(prefix for prefix, uri in element.nsmap.items() if uri == qualified.namespace and prefix)
    return f"{prefix}:{qualified.localname}"
