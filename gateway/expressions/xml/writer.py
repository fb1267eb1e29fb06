"""Tree → XML text, as .NET's XmlWriter writes it: two spaces, ``<a />`` for an element without content."""

from __future__ import annotations

import re

from gateway.expressions.formatting.text import NEW_LINE
from gateway.expressions.limits import charged, tick
from gateway.expressions.xml.tree import (
    XML,
    XMLNS,
    XAttribute,
    XCData,
    XComment,
    XContainer,
    XDocument,
    XElement,
    XInstruction,
    XName,
    XNode,
    XText,
    lookup_prefix,
)

_TEXT = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_ATTRIBUTE = {**_TEXT, '"': "&quot;", "\n": "&#xA;", "\r": "&#xD;", "\t": "&#x9;"}


def write(node: XNode, indented: bool = True) -> str:
    """``node.ToString()``; a document's declaration is left out, as .NET does."""
    parts: list[str] = []
    depth = 0 if indented else None
    top = [child for child in node.nodes if type(child) is not XText] if isinstance(node, XDocument) else [node]
    for index, child in enumerate(top):
        parts.append(NEW_LINE if index and indented else "")
        _write(child, parts, depth)
    return charged("".join(parts))


def _write(node: XNode, parts: list[str], depth: int | None) -> None:
    tick()
    if isinstance(node, XElement):
        _element(node, parts, depth)
    elif isinstance(node, XCData):
        parts.append(f"<![CDATA[{node.value}]]>")
    elif isinstance(node, XComment):
        parts.append(f"<!--{node.value}-->")
    elif isinstance(node, XText):
        parts.append(re.sub("[&<>]", lambda match: _TEXT[match[0]], node.value))
    elif isinstance(node, XInstruction):
        parts.append(f"<?{node.target}{f' {node.data}' if node.data else ''}?>")


def _element(node: XElement, parts: list[str], depth: int | None) -> None:
    name, declares = _qualified(node)
    attributes = "".join(attribute_text(attribute) for attribute in node.attributes.values())
    parts.append(f"<{name}{declares}{attributes}")
    if not node.nodes:
        parts.append(" />")
        return
    parts.append(">")
    mixed = any(type(child) in (XText, XCData) for child in node.nodes)
    inner = None if depth is None or mixed else depth + 1
    for child in node.nodes:
        parts.append(_indent(inner))
        _write(child, parts, inner)
    parts.append("" if inner is None else _indent(depth))
    parts.append(f"</{name}>")


def _indent(depth: int | None) -> str:
    """A new line; nothing where there is text between the elements, for which white space would be content."""
    return "" if depth is None else NEW_LINE + "  " * depth


def _qualified(node: XElement) -> tuple[str, str]:
    """The element's name as written, and the declaration that it needs."""
    uri = node.name.uri
    if uri == _default(node):
        return node.name.local, ""
    if uri == XML:
        return f"xml:{node.name.local}", ""
    prefix = lookup_prefix(node, uri) if uri else None
    if prefix:
        return f"{prefix}:{node.name.local}", ""
    return node.name.local, f' xmlns="{escape_attribute(uri)}"'


def _default(node: XContainer | None) -> str:
    """The default namespace in scope; an element without prefix declares its own."""
    current = node
    while isinstance(current, XElement):
        found = current.attributes.get(XName("xmlns"))
        if found is not None:
            return found.value
        if current is not node and current.name.uri and not lookup_prefix(current, current.name.uri):
            return current.name.uri
        current = current.parent
    return ""


def escape_attribute(value: str) -> str:
    """Attribute text."""
    return re.sub('[&<>"\n\r\t]', lambda match: _ATTRIBUTE[match[0]], value)


def attribute_text(each: XAttribute) -> str:
    """One attribute with the space in front of it."""
    name = each.name
    if name.uri == XMLNS:
        shown = f"xmlns:{name.local}"
    elif name.uri == XML:
        shown = f"xml:{name.local}"
    elif name.uri:
        prefix = lookup_prefix(each.parent, name.uri)
        declares = "" if prefix else f' xmlns:p1="{escape_attribute(name.uri)}"'
        return f'{declares} {prefix or "p1"}:{name.local}="{escape_attribute(each.value)}"'
    else:
        shown = name.local
    return f' {shown}="{escape_attribute(each.value)}"'
