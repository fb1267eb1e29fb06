"""
xsl-transform: an XML body goes through a stylesheet.

Source: APIM policy reference, "xsl-transform"; W3C XSLT 1.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from lxml import etree

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Child, Content, Element
from gateway.errors import ExpressionError
from gateway.pipeline.policy import PolicyType
from gateway.policies.parts.body_text import decoded, message
from gateway.policies.parts.safe_xml import XmlError, parse_xml

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value

# A stylesheet is the author's, its input is not: neither may read files, write them or reach the network.
_access: Any = etree.XSLTAccessControl
_NOTHING_ELSE = _access(read_file=False, write_file=False, create_dir=False, read_network=False, write_network=False)

_PARAMETER = Element(
    "parameter",
    "A parameter of the stylesheet.",
    attributes=(
        Attribute("parameter-name", "Its name.", expression=False),
        Attribute("name", "The same.", expression=False),
    ),
    content=Content.TEXT,
)


@dataclass(frozen=True, slots=True)
class XslTransform(PolicyType):
    """One compiled xsl-transform."""

    shape: ClassVar[Element] = Element(
        "xsl-transform",
        "Puts an XML body through a stylesheet.",
        attributes=(ID,),
        children=(
            Child(_PARAMETER, maximum=None),
            Child(
                Element("xsl:stylesheet", "The stylesheet, XSLT 1.0.", content=Content.VERBATIM, expression=False), 1
            ),
        ),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND, Section.OUTBOUND})

    stylesheet: etree.XSLT
    parameters: tuple[tuple[str, Value[str]], ...]
    on_request: bool
    max_bytes: int

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<xsl-transform>``. Raises LoadError: the stylesheet is none."""
        settings.reads_body()
        sheet = settings.child("xsl:stylesheet")
        text = sheet.constant_content() if sheet else ""
        try:
            stylesheet = etree.XSLT(parse_xml(text.encode()), access_control=_NOTHING_ELSE)
        except (XmlError, etree.XSLTParseError) as error:
            raise settings.error("bad-stylesheet", f"the stylesheet cannot be used: {error}") from None
        return cls(
            stylesheet=stylesheet,
            parameters=tuple((_name(each), each.content()) for each in settings.all("parameter")),
            on_request=settings.on_request,
            max_bytes=settings.services.max_body_bytes,
        )

    def apply(self, context: Context) -> None:
        """Replaces the body. Raises ExpressionError: it is not XML, or the stylesheet failed."""
        headers, body = message(context, self.on_request)
        if body is None:
            return
        values: dict[str, Any] = {name: etree.XSLT.strparam(value(context)) for name, value in self.parameters}
        try:
            result = self.stylesheet(parse_xml(decoded(body, headers, self.max_bytes)), **values)
        except (XmlError, etree.XSLTApplyError) as error:
            raise ExpressionError("XsltException", str(error)[:200]) from None
        body.replace(bytes(result))
        headers.remove("Content-Encoding")


def _name(settings: Settings) -> str:
    for name in ("parameter-name", "name"):
        if settings.has(name):
            return settings.constant(name)
    raise settings.error("missing-attribute", "parameter needs a name", "add parameter-name")
