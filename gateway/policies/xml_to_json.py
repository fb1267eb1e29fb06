"""
xml-to-json: an XML body becomes JSON.

``direct`` keeps XML's structure: ``@name`` for attributes, ``#text`` for text, ``$comment`` for comments, a dollar sign
for the colon of a prefix, and the declaration's ``version`` and ``encoding`` beside the root. ``javascript-friendly``
leaves the marks out, so that every name can be written after a dot; what APIM does there is not documented.

Source: APIM policy reference, "xml-to-json"; as observed in APIM,
http://dev.fyicenter.com/1000733_xml-to-json_Policy_Statement.html.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Element, Kind
from gateway.errors import ExpressionError
from gateway.pipeline.policy import PolicyType
from gateway.policies.parts.conversion import BodyConversion, conditions
from gateway.policies.parts.safe_xml import XmlError
from gateway.policies.parts.xml_tree import XmlComment, XmlElement, read_document

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value

Json: TypeAlias = "str | None | list[Json] | dict[str, Json]"


@dataclass(frozen=True, slots=True)
class JsonStyle:
    """How names are written; without *comment* there are none."""

    attribute: str
    text: str
    comment: str = ""
    always_array: bool = False


_DIRECT = JsonStyle("@", "#text", "$comment")
_FRIENDLY = JsonStyle("", "text")


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
    style = _DIRECT if direct else _FRIENDLY
    try:
        document = read_document(content)
    except XmlError as error:
        raise ExpressionError("XmlException", str(error)) from None
    members = _Members(replace(style, always_array=always_array))
    members.values.update(document.declaration if direct else {})
    members.add_all([*document.before, document.root, *document.behind], whole=True)
    return json.dumps(members.values, ensure_ascii=False, separators=(",", ":")).encode()


class _Members:
    """The members of one JSON object: those of one name are an array, in the place of the first."""

    def __init__(self, style: JsonStyle) -> None:
        self.values: dict[str, Json] = {}
        self._style = style
        self._several: set[str] = set()

    def add_all(self, content: Iterable[XmlElement | XmlComment | str], whole: bool = False) -> None:
        """Elements, comments and texts in their order; *whole*: the root is never an array."""
        for is_text, group in groupby(content, lambda item: isinstance(item, str)):
            if is_text:
                self._add_text("".join(map(str, group)))
            else:
                self._add_nodes(group, whole)

    def _add_text(self, text: str) -> None:
        if text.strip():
            self._add(self._style.text, text)

    def _add_nodes(self, nodes: Iterable[Any], whole: bool) -> None:
        for node in nodes:
            if isinstance(node, XmlElement):
                always = self._style.always_array and not whole
                self._add(_named(node.name.written), _value(node, self._style), always)
            elif self._style.comment:
                self._add(self._style.comment, node.text)

    def _add(self, name: str, value: Json, always_array: bool = False) -> None:
        if name not in self.values:
            self.values[name] = [value] if always_array else value
            self._several.update((name,) if always_array else ())
            return
        if name not in self._several:
            self.values[name] = [self.values[name]]
            self._several.add(name)
        self.values[name].append(value)  # type: ignore[union-attr]


def _named(name: str) -> str:
    """A name without its colon, which JavaScript's names cannot hold."""
    return name.replace(":", "$")


def _value(element: XmlElement, style: JsonStyle) -> Json:
    """An element: text, null, or an object."""
    members = _Members(style)
    for prefix, uri in element.namespaces.items():
        members.values[f"{style.attribute}xmlns{'$' + prefix if prefix else ''}"] = uri
    members.values.update((style.attribute + _named(name.written), value) for name, value in element.attributes)
    plain = all(isinstance(item, str) for item in element.content)
    if plain and not members.values:
        return element.text or None
    members.add_all(element.content)
    return members.values
