"""
xsl-transform: an XML body goes through a stylesheet.

Source: APIM policy reference, "xsl-transform"; W3C XSLT 1.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Self

from lxml import etree

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Child, Content, Element
from gateway.errors import ExpressionError
from gateway.pipeline.policy import PolicyType
from gateway.policies.parts.body_text import decoded, message
from gateway.policies.parts.safe_xml import XmlError, parse_xml

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from gateway.pipeline.beside import Beside
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.wire.body import Body
    from gateway.wire.headers import Headers

# A stylesheet is the author's, its input is not: neither may read files, write them or reach the network.
_access: Any = etree.XSLTAccessControl
_NOTHING_ELSE = _access(read_file=False, write_file=False, create_dir=False, read_network=False, write_network=False)

_XSL = "http://www.w3.org/1999/XSL/Transform"

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
        "Transforms an XML body with an XSLT stylesheet.",
        attributes=(ID,),
        children=(
            Child(_PARAMETER, maximum=None),
            Child(
                Element("xsl:stylesheet", "The stylesheet, XSLT 1.0.", content=Content.VERBATIM, expression=False), 1
            ),
        ),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND, Section.OUTBOUND})

    stylesheet: bytes
    parameters: tuple[tuple[str, Value[str]], ...]
    on_request: bool
    max_bytes: int
    beside: Beside

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<xsl-transform>``. Raises LoadError: it is not a stylesheet, or refers to others."""
        settings.reads_body()
        sheet = settings.child("xsl:stylesheet")
        text = (sheet.constant_content() if sheet else "").encode()
        try:
            _compiled(text)
        except (XmlError, etree.XSLTParseError) as error:
            raise settings.error("bad-stylesheet", f"the stylesheet cannot be used: {error}") from None
        return cls(
            stylesheet=text,
            parameters=tuple((_name(parameter), parameter.content()) for parameter in settings.all("parameter")),
            on_request=settings.on_request,
            max_bytes=settings.services.max_body_bytes,
            beside=settings.services.beside,
        )

    def apply(self, context: Context) -> Awaitable[None] | None:
        """Replaces the body, beside the loop. Raises ExpressionError: not XML, or a failed stylesheet; WorkExceeded."""
        headers, body = message(context, self.on_request)
        return None if body is None else self._replace(body, headers, context)

    async def _replace(self, body: Body, headers: Headers, context: Context) -> None:
        values = {name: value(context) for name, value in self.parameters}
        content = decoded(body, headers, self.max_bytes)
        body.replace(await self.beside.run(context.work, transformed, self.stylesheet, content, values))
        headers.remove("Content-Encoding")


@lru_cache(16)
def _compiled(text: bytes) -> etree.XSLT:
    """Raises XmlError, XSLTParseError: it is not a stylesheet, or refers to others."""
    root = parse_xml(text)
    if root.xpath("//xsl:import | //xsl:include", namespaces={"xsl": _XSL}):
        raise XmlError("it refers to other stylesheets, which are never read")
    return etree.XSLT(root, access_control=_NOTHING_ELSE)


def transformed(stylesheet: bytes, content: bytes, parameters: dict[str, str]) -> bytes:
    """A job: what the stylesheet makes of an XML text. Raises ExpressionError: not XML, or the stylesheet failed."""
    values: dict[str, Any] = {name: etree.XSLT.strparam(value) for name, value in parameters.items()}
    try:
        return bytes(_compiled(stylesheet)(parse_xml(content), **values))
    except (XmlError, etree.XSLTApplyError) as error:
        raise ExpressionError("XsltException", str(error)[:200]) from None


def _name(settings: Settings) -> str:
    for name in ("parameter-name", "name"):
        if settings.has(name):
            return settings.constant(name)
    raise settings.error("missing-attribute", "parameter needs a name", "add parameter-name")
