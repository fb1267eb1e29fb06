"""Tree → XML text, as .NET's XmlWriter writes it: two spaces, ``<a />`` for an element without content."""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.expressions.formatting.text import NEW_LINE
from gateway.expressions.limits import SMALL, charged, tick, worked
from gateway.expressions.prices import SLOW_S
from gateway.expressions.thrown import thrown
from gateway.expressions.xml.scopes import Scopes
from gateway.expressions.xml.tree import (
    XML,
    XMLNS,
    XAttribute,
    XCData,
    XComment,
    XContainer,
    XDocType,
    XDocument,
    XElement,
    XInstruction,
    XName,
    XNode,
    XText,
    declared_prefix,
)

_TEXT = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_ATTRIBUTE = {**_TEXT, '"': "&quot;", "\n": "&#xA;", "\r": "&#xD;", "\t": "&#x9;"}
_TEXT_MARKS = re.compile("[&<>]|\r\n?|\n")
_ATTRIBUTE_MARKS = re.compile('[&<>"\n\r\t]')
_INVALID = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def write(node: XNode, indented: bool = True) -> str:
    """``node.ToString()``; a document's declaration is left out, as .NET does."""
    writer = _NodeWriter(indented)
    if isinstance(node, XElement):
        writer.push_ancestors(node)
    for child in node.nodes if isinstance(node, XDocument) else [node]:
        writer.node(child)
    return charged("".join(writer.parts))


class _NodeWriter:
    """
    Writes nodes one after the other.

    Attributes:
        declared: Prefixes that the enclosing elements declare themselves, the nearest last.
        mixed: Whether the open element already has text: then added white space would be content.
    """

    def __init__(self, indented: bool) -> None:
        self.parts: list[str] = []
        self.indented = indented
        self.scopes = Scopes()
        self.declared: list[tuple[str, str]] = []
        self.mixed = False
        self.depth = 0

    def push_ancestors(self, node: XElement) -> None:
        """Declarations of the elements above determine prefixes, but are not written here."""
        above = node.parent
        while isinstance(above, XElement):
            self.declared[:0] = _declarations(above)
            above = above.parent

    def node(self, node: XNode) -> None:
        """Any node."""
        tick()
        if isinstance(node, XElement):
            self.element(node)
        elif type(node) in (XText, XCData):
            self._text(node)  # type: ignore[arg-type]
        else:
            self._indent()
            self.parts.append(_other(node))

    def _text(self, node: XText) -> None:
        self.mixed = True
        if isinstance(node, XCData):
            self.parts.append(f"<![CDATA[{valid(node.value).replace(']]>', ']]]]><![CDATA[>')}]]>")
        else:
            self.parts.append(_escaped(_TEXT_MARKS, _in_text, valid(node.value)))

    def _indent(self) -> None:
        if self.indented and not self.mixed and self.parts:
            self.parts.append(NEW_LINE + "  " * self.depth)

    def element(self, node: XElement) -> None:
        """An element with its content."""
        self._indent()
        before, count = self.mixed, len(self.declared)
        self.scopes.enter()
        name = self._start(node)
        if not node.nodes:
            self.parts.append(f"></{name}>" if node.open else " />")
        else:
            self._content(node, name)
        self.scopes.leave()
        del self.declared[count:]
        self.mixed = before

    def _content(self, node: XElement, name: str) -> None:
        self.parts.append(">")
        self.depth += 1
        for child in node.nodes:
            self.node(child)
        self.depth -= 1
        self._indent()
        self.parts.append(f"</{name}>")

    def _start(self, node: XElement) -> str:
        self.declared += _declarations(node)
        prefix = self._prefix(node.name.uri, may_be_default=True)
        if prefix is None:
            prefix = self.scopes.prefix_of(node.name.uri) or ""
        self.scopes.use(prefix, node.name.uri)
        name = f"{prefix}:{node.name.local}" if prefix else node.name.local
        self.parts.append(f"<{name}")
        for attribute in node.attributes.values():
            self.parts.append(self._attribute(attribute))
        for declared, uri in self.scopes.needed():
            self.parts.append(f' xmlns{f":{declared}" if declared else ""}="{escape_attribute(uri)}"')
        return name

    def _attribute(self, attribute: XAttribute) -> str:
        name, value = attribute.name, escape_attribute(attribute.value)
        if attribute.declares:
            prefix = name.local if name.uri else ""
            self.scopes.declare(prefix, attribute.value)
            return f' xmlns{f":{prefix}" if prefix else ""}="{value}"'
        if not name.uri:
            return f' {name.local}="{value}"'
        bound_prefix = self._prefix(name.uri, may_be_default=False) or self.scopes.prefix_of(name.uri)
        prefix = bound_prefix or self.scopes.new_prefix()
        self.scopes.use(prefix, name.uri)
        return f' {prefix}:{name.local}="{value}"'

    def _prefix(self, uri: str, may_be_default: bool) -> str | None:
        """The prefix that an enclosing element has declared for *uri*; empty for the default namespace."""
        if not uri:
            return ""
        seen: set[str] = set()
        for prefix, declared in reversed(self.declared):
            if declared == uri and prefix not in seen and (prefix or may_be_default):
                return prefix
            seen.add(prefix)
        return "xml" if uri == XML else None


def _declarations(node: XElement) -> list[tuple[str, str]]:
    return [
        (attribute.name.local if attribute.name.uri else "", attribute.value)
        for attribute in node.attributes.values()
        if attribute.declares
    ]


def _other(node: XNode) -> str:
    if isinstance(node, XComment):
        shown = re.sub("-(?=-)", "- ", valid(node.value))
        return f"<!--{shown}{' ' if shown.endswith('-') else ''}-->"
    if isinstance(node, XInstruction):
        data = valid(node.data).replace("?>", "? >")
        return f"<?{node.target}{f' {data}' if data else ''}?>"
    return doctype_text(node) if isinstance(node, XDocType) else ""


def doctype_text(node: XDocType) -> str:
    """``<!DOCTYPE …>``."""
    public = f' PUBLIC "{node.public}" "{node.system or ""}"' if node.public else ""
    system = f' SYSTEM "{node.system}"' if node.system and not node.public else ""
    subset = f"[{node.subset}]" if node.subset is not None else ""
    return f"<!DOCTYPE {node.name}{public or system or ' '}{subset}>"


def valid(value: str) -> str:
    """*value*, after checking that XML allows all of its characters."""
    invalid = _INVALID.search(value)
    if invalid is not None:
        message = f"'{invalid[0]}', hexadecimal value 0x{ord(invalid[0]):02X}, is an invalid character."
        raise thrown("ArgumentException", message)
    return value


def escape_attribute(value: str) -> str:
    """Attribute text."""
    return _escaped(_ATTRIBUTE_MARKS, _in_attribute, valid(value))


def _escaped(marks: re.Pattern[str], escape: Callable[[re.Match[str]], str], value: str) -> str:
    if len(value) <= SMALL:
        return marks.sub(escape, value)
    return worked(len(value) * SLOW_S, marks.sub, escape, value)


def _in_attribute(mark: re.Match[str]) -> str:
    return _ATTRIBUTE[mark[0]]


def _in_text(mark: re.Match[str]) -> str:
    return _TEXT.get(mark[0], NEW_LINE)


def attribute_text(attribute: XAttribute) -> str:
    """``attribute.ToString()``."""
    name, value = attribute.name, escape_attribute(attribute.value)
    if attribute.declares:
        return f'xmlns:{name.local}="{value}"' if name.uri == XMLNS else f'xmlns="{value}"'
    if not name.uri:
        return f'{name.local}="{value}"'
    prefix = "xml" if name.uri == XML else _attribute_prefix(attribute.parent, name)
    return f'{prefix or "p0"}:{name.local}="{value}"'


def _attribute_prefix(parent: XContainer | None, name: XName) -> str | None:
    return declared_prefix(parent, name.uri, may_be_default=False)
