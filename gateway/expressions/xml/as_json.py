"""
XML ↔ JSON as ``JsonConvert.SerializeXNode`` and ``DeserializeXNode`` have it: attributes are ``@name``, text is
``#text``, elements of one name are an array.

Source: Newtonsoft.Json documentation, "Converting between JSON and XML"; XmlNodeConverter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from gateway.expressions.json.reader import parse
from gateway.expressions.json.tree import JArray, JObject, JToken, JValue
from gateway.expressions.limits import noted, tick
from gateway.expressions.thrown import Thrown, argument_null, thrown
from gateway.expressions.xml.tree import (
    XMLNS,
    XAttribute,
    XCData,
    XComment,
    XDeclaration,
    XDocument,
    XElement,
    XInstruction,
    XName,
    XNode,
    XObject,
    XText,
    add,
    content_text,
    declared_prefix,
)

_JSON = "http://james.newtonking.com/projects/json"
NODE_CHARACTERS = 8  # characters of JSON text per typical node, to tell large trees from small ones
_UNFIT = re.compile(r"[^\w.\-\u00b7]")


def to_json(node: XObject, omit_root: bool = False) -> JToken:
    """``SerializeXNode``."""
    if isinstance(node, XDocument):
        document = JObject()
        if node.declaration is not None:
            document.put("?xml", _declaration(node.declaration))
        _put_nodes(document, node.nodes)
        root = node.root
        return _element(root) if omit_root and root is not None else document
    if omit_root and isinstance(node, XElement):
        return _element(node)
    document = JObject()
    _put_nodes(document, [node])  # type: ignore[list-item]
    return document


def _declaration(declaration: XDeclaration) -> JObject:
    parts = {
        "@version": declaration.version,
        "@encoding": declaration.encoding,
        "@standalone": declaration.standalone,
    }
    properties = JObject()
    for name, value in parts.items():
        if value:
            properties.put(name, JValue(value))
    return properties


def _element(node: XElement) -> JToken:
    tick()
    if not node.attributes and not node.nodes:
        return JValue("" if node.open else None)
    if not node.attributes and len(node.nodes) == 1 and type(node.nodes[0]) is XText:
        return JValue(node.nodes[0].value)
    properties = JObject()
    for attribute in node.attributes.values():
        properties.put(_attribute_name(attribute), JValue(attribute.value))
    _put_nodes(properties, node.nodes)
    return properties


def _put_nodes(target: JObject, nodes: list[XNode]) -> None:
    """Write the nodes by name, in the order in which each name first occurs."""
    groups: dict[str, list[XNode]] = {}
    for node in nodes:
        if not isinstance(node, XComment):
            groups.setdefault(_node_name(node), []).append(node)
    for name, group in groups.items():
        values = [_value(node) for node in group]
        array = len(values) > 1 or (isinstance(group[0], XElement) and _is_array(group[0]))
        target.put(name, JArray(values) if array else values[0])


def _is_array(node: XElement) -> bool:
    """Whether ``json:Array='true'`` asks for an array of one."""
    marker = node.attributes.get(XName("Array", _JSON))
    return marker is not None and marker.value.lower() == "true"


def _value(node: XNode) -> JToken:
    if isinstance(node, XElement):
        return _element(node)
    return JValue(node.data if isinstance(node, XInstruction) else node.value)  # type: ignore[attr-defined]


def _node_name(node: XNode) -> str:
    if isinstance(node, XElement):
        prefix = declared_prefix(node, node.name.uri) if node.name.uri else ""
        return f"{prefix}:{node.name.local}" if prefix else node.name.local
    if isinstance(node, XCData):
        return "#cdata-section"
    return f"?{node.target}" if isinstance(node, XInstruction) else "#text"


def _attribute_name(attribute: XAttribute) -> str:
    name = attribute.name
    if name.uri == XMLNS:
        return f"@xmlns:{name.local}"
    if not name.uri:
        return f"@{name.local}"
    prefix = declared_prefix(attribute.parent, name.uri, may_be_default=False)
    return f"@{prefix}:{name.local}" if prefix else f"@{name.local}"


# -- JSON → XML


def from_json(
    text: str | None, root_name: str | None = None, arrays: bool = False, encode: bool = False
) -> XDocument | None:
    """``DeserializeXNode``; *encode*: special names are escaped instead of having a meaning."""
    if text is None:
        raise argument_null("value")
    if not text.strip():
        return None
    token = parse(text)
    if not isinstance(token, JObject):
        raise _failed("XmlNodeConverter can only convert JSON that begins with an object.")
    document = XDocument()
    builder = _ElementBuilder(arrays, encode)
    if root_name:
        builder.element(document, root_name, token)
    else:
        _document(document, builder, token)
    return noted(document, len(text) // NODE_CHARACTERS)


def _document(document: XDocument, builder: _ElementBuilder, token: JObject) -> None:
    for name, child in token.properties.items():
        if name == "?xml" and isinstance(child.value, JObject):
            document.declaration = _read_declaration(child.value)
            continue
        if document.root is not None or isinstance(child.value, JArray):
            raise _failed(_MANY)
        builder.element(document, name, child.value)


def _read_declaration(token: JObject) -> XDeclaration:
    values = {name: content_text(child.value.value) for name, child in token.properties.items()}  # type: ignore[attr-defined]
    return XDeclaration(values.get("@version"), values.get("@encoding"), values.get("@standalone"))


_MANY = (
    "JSON root object has multiple properties. The root object must have a single property in order to create a valid "
    "XML document. Consider specifying a DeserializeRootElementName."
)


def _failed(message: str) -> Thrown:
    return thrown("JsonSerializationException", f"{message} Path ''.")


class _ElementBuilder:
    """Turns properties into elements."""

    def __init__(self, arrays: bool, encode: bool) -> None:
        self.arrays = arrays
        self.encode = encode

    def element(self, parent: XElement | XDocument, name: str, token: JToken) -> None:
        """One property: an element, or one for each item of an array."""
        tick()
        if isinstance(token, JArray):
            for item in token.items:
                self.element(parent, name, item)
            return
        element = XElement(_name(parent, name, self._declared(token)))
        if isinstance(token, JObject):
            self._fill(element, token)
        elif token.value is not None:  # type: ignore[attr-defined]
            add(element, content_text(token.value))  # type: ignore[attr-defined]
        add(parent, element)

    def _declared(self, token: JToken) -> dict[str, str]:
        """The namespaces that an object declares: prefix → URI."""
        if self.encode or not isinstance(token, JObject):
            return {}
        return {
            name[7:]: str(child.value.value)  # type: ignore[attr-defined]
            for name, child in token.properties.items()
            if name == "@xmlns" or name.startswith("@xmlns:")
        }

    def _fill(self, element: XElement, token: JObject) -> None:
        for name, child in token.properties.items():
            if self.encode or not _fill_special(element, name, child.value):
                self._child(element, name, child.value)

    def _child(self, element: XElement, name: str, token: JToken) -> None:
        before = len(element.nodes)
        self.element(element, name, token)
        if self.arrays and isinstance(token, JArray) and len(element.nodes) == before + 1:
            element.nodes[-1].set_attribute(XName("Array", _JSON), True)  # type: ignore[attr-defined]


def _fill_special(element: XElement, name: str, token: JToken) -> bool:
    """Fill in an attribute, text or instruction; returns False if *name* is an element's."""
    if name.startswith("@") and isinstance(token, JValue):
        _set_attribute(element, name[1:], token)
    elif name in _SPECIAL:
        _add_special(element, name, token)
    elif name.startswith("?"):
        add(element, XInstruction(name[1:], str(token.value)))  # type: ignore[attr-defined]
    else:
        return False
    return True


_SPECIAL: dict[str, Callable[[str], XNode]] = {"#text": XText, "#cdata-section": XCData, "#comment": XComment}


def _add_special(element: XElement, name: str, token: JToken) -> None:
    for item in _items(token):
        if name == "#text":
            add(element, content_text(item))
        else:
            add(element, _SPECIAL[name](content_text(item)))


def _items(token: JToken) -> Iterator[object]:
    for item in token.items if isinstance(token, JArray) else [token]:
        yield item.value if isinstance(item, JValue) else None


def _set_attribute(element: XElement, name: str, value: JValue) -> None:
    shown = "" if value.value is None else content_text(value.value)
    prefix, _, local = name.rpartition(":")
    if prefix == "xmlns":
        element.attributes[XName(local, XMLNS)] = _attribute(element, XName(local, XMLNS), shown)
    else:
        uri = _uri(element, prefix) if prefix else ""
        attribute_name = XName(encoded(local), uri)
        element.attributes[attribute_name] = _attribute(element, attribute_name, shown)


def _attribute(parent: XElement, name: XName, value: str) -> XAttribute:
    attribute = XAttribute(name, value)
    attribute.parent = parent
    return attribute


def _name(parent: XElement | XDocument, name: str, declared: dict[str, str]) -> XName:
    prefix, _, local = name.rpartition(":")
    uri = declared.get(prefix)
    if uri is None:
        uri = _uri(parent, prefix)
    if prefix and not uri:
        return XName(encoded(name))
    return XName(encoded(local), uri)


def _uri(element: XObject | None, prefix: str) -> str:
    """The namespace of *prefix* at *element*; empty if nothing declares it."""
    wanted = XName(prefix, XMLNS) if prefix else XName("xmlns")
    while isinstance(element, XElement):
        if wanted in element.attributes:
            return element.attributes[wanted].value
        element = element.parent
    return ""


def encoded(name: str) -> str:
    """``XmlConvert.EncodeLocalName``: characters that a name may not have become ``_x0020_``."""
    shown = _UNFIT.sub(lambda match: f"_x{ord(match[0]):04X}_", name)
    if shown and (shown[0].isdigit() or shown[0] in ".-"):
        return f"_x{ord(shown[0]):04X}_{shown[1:]}"
    return shown
