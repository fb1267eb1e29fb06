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

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Element, Kind
from gateway.errors import ExpressionError
from gateway.pipeline.policy import PolicyType
from gateway.policies.parts.conversion import BodyConversion, conditions
from gateway.policies.parts.safe_xml import XmlError
from gateway.policies.parts.xml_tree import XmlElement, read_tree

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value

Json: TypeAlias = "str | None | list[Json] | dict[str, Json]"


@dataclass(frozen=True, slots=True)
class JsonStyle:
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

    def apply(self, context: Context) -> Awaitable[None] | None:
        """Replaces the body, beside the loop where it is large. Raises ExpressionError: it is not XML; WorkExceeded."""
        return self.conversion.apply(context, to_json, self.kind(context) == "direct", self.always_array(context))


def to_json(content: bytes, direct: bool, always_array: bool) -> bytes:
    """The JSON text for an XML document. Raises ExpressionError: it is not XML."""
    style = JsonStyle("@" if direct else "", "#text" if direct else "text", always_array)
    try:
        root = read_tree(content)
    except XmlError as error:
        raise ExpressionError("XmlException", str(error)) from None
    document = {root.name.written: _value(root, style)}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _value(element: XmlElement, style: JsonStyle) -> Json:
    """An element as Newtonsoft writes it: text, null, or an object."""
    members: dict[str, Json] = {
        f"{style.attribute}xmlns{':' + prefix if prefix else ''}": uri for prefix, uri in element.namespaces.items()
    }
    members.update((style.attribute + name.written, value) for name, value in element.attributes)
    members.update(_children(element, style))
    text = element.text
    if not members:
        return text or None
    if text.strip():
        members[style.text] = text
    return members


def _children(element: XmlElement, style: JsonStyle) -> dict[str, Json]:
    """The child elements by name; several of one name are an array."""
    children: dict[str, list[Json]] = {}
    for child in element.children:
        children.setdefault(child.name.written, []).append(_value(child, style))
    return {name: values if len(values) > 1 or style.always_array else values[0] for name, values in children.items()}
