"""System.Xml.Linq."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from gateway.expressions import primitives as p
from gateway.expressions.clr import NULLABLE, Type, certain, nullable, underlying
from gateway.expressions.collections import LazySequence
from gateway.expressions.conversions import declare_explicit, declare_implicit
from gateway.expressions.formatting.text import TEXT
from gateway.expressions.limits import tick
from gateway.expressions.messages import READERS, decode
from gateway.expressions.operators import declare_comparison, declare_operator
from gateway.expressions.runtime import iterate, represent
from gateway.expressions.signatures import define
from gateway.expressions.thrown import argument_null, thrown
from gateway.expressions.types.dates import DATETIME, DATETIME_OFFSET, GUID, TIMESPAN
from gateway.expressions.types.objects import enumeration
from gateway.expressions.values import EnumValue
from gateway.expressions.xml.reader import parse_document, parse_element
from gateway.expressions.xml.tree import (
    XML,
    XMLNS,
    XAttribute,
    XCData,
    XComment,
    XContainer,
    XDeclaration,
    XDocument,
    XElement,
    XInstruction,
    XName,
    XNamespace,
    XNode,
    XObject,
    XText,
    add,
    content_text,
    declared_prefix,
    is_name,
    remove,
    to_name,
)
from gateway.expressions.xml.values import read_value
from gateway.expressions.xml.writer import attribute_text, write

_L = "System.Xml.Linq"
SAVE = enumeration(f"{_L}.SaveOptions", DisableFormatting=1, OmitDuplicateNamespaces=2)
SAVE.definition.values["None"] = 0
SAVE.definition.table["const SaveOptions None"] = EnumValue(SAVE, 0)
LOAD = enumeration(f"{_L}.LoadOptions", PreserveWhitespace=1, SetBaseUri=2, SetLineInfo=4)
LOAD.definition.values["None"] = 0
LOAD.definition.table["const LoadOptions None"] = EnumValue(LOAD, 0)
NODE_TYPE = enumeration(
    "System.Xml.XmlNodeType", Element=1, Attribute=2, Text=3, CDATA=4, ProcessingInstruction=7, Comment=8, Document=9
)
_NODE_TYPES: dict[type, int] = {
    XElement: 1, XAttribute: 2, XText: 3, XCData: 4, XInstruction: 7, XComment: 8, XDocument: 9
}  # fmt: skip


def _named(items: Iterable[XObject], name: XName | None, kind: type = XElement) -> Iterator[XObject]:
    return (item for item in items if isinstance(item, kind) and name in (None, item.name))  # type: ignore[attr-defined]


def _first(items: Iterable[XObject], name: XName) -> XObject | None:
    return next(_named(items, name, XObject), None)


def _sequence(build: Callable[..., Iterable[XObject]], element: str) -> Callable[..., LazySequence]:
    def make(*arguments: object) -> LazySequence:
        from gateway.expressions.clr import definition_of
        from gateway.expressions.clr import make as make_type

        definition = definition_of(f"{_L}.{element}")
        return LazySequence(lambda: iter(build(*arguments)), make_type(definition))

    return make


_elements = _sequence(lambda node, name=None: list(_named(node.nodes, name)), "XElement")
_descendants = _sequence(lambda node, name=None: _named(node.descendants(), name), "XElement")
self_and = _sequence(lambda node, name=None: _named([node, *node.descendants()], name), "XElement")
_attributes = _sequence(lambda node, name=None: list(_named(node.attributes.values(), name, XAttribute)), "XAttribute")
_nodes = _sequence(lambda node: list(node.nodes), "XNode")
_descendant_nodes = _sequence(lambda node: node.descendants(), "XNode")


def _up(node: XObject) -> Iterator[XObject]:
    current = node.parent
    while isinstance(current, XElement):
        tick()
        yield current
        current = current.parent


ancestors = _sequence(lambda node, name=None: _named(_up(node), name), "XElement")


def _siblings(step: int, name: XName | None = None) -> Callable[..., Iterator[XNode]]:
    def walk(node: XNode, wanted: XName | None = name) -> Iterator[XNode]:
        around = node.parent.nodes if node.parent is not None else [node]
        position = next(index for index, sibling in enumerate(around) if sibling is node)
        siblings = around[position + 1 :] if step > 0 else around[:position]
        return (sibling for sibling in siblings if isinstance(sibling, XElement) and wanted in (None, sibling.name))

    return walk


def _beside(step: int) -> Callable[[XNode], XNode | None]:
    def find(node: XNode) -> XNode | None:
        around = node.parent.nodes if node.parent is not None else [node]
        position = next(index for index, sibling in enumerate(around) if sibling is node) + step
        return around[position] if 0 <= position < len(around) else None

    return find


def _add_beside(offset: int) -> Callable[[XNode, object], None]:
    def insert(node: XNode, content: object) -> None:
        parent = node.parent
        if parent is None:
            raise thrown("InvalidOperationException", "The parent is missing.")
        position = next(index for index, sibling in enumerate(parent.nodes) if sibling is node) + offset
        _insert(parent, content, position)

    return insert


def _replace(node: XNode, content: object) -> None:
    _add_beside(0)(node, content)
    remove(node)


def _document(node: XObject) -> XDocument | None:
    current: XObject | None = node
    while current is not None and not isinstance(current, XDocument):
        current = current.parent
    return current


def _parent(node: XObject) -> XElement | None:
    return node.parent if isinstance(node.parent, XElement) else None


def _text(node: XNode, options: EnumValue | None = None) -> str:
    return write(node, indented=options is None or not options.value & 1)


def _set_element(node: XElement, name: XName, value: object) -> None:
    child = _first(node.nodes and node.elements(), name)
    if value is None:
        if child is not None:
            remove(child)
    elif isinstance(child, XElement):
        child.set_value(content_text(value))
    else:
        node.append(XElement(name, [content_text(value)]))


def _clear(node: XContainer) -> None:
    for child in node.nodes:
        child.parent = None
    node.nodes = []


def _contents(contents: object) -> list[object]:
    """A params array; null is empty."""
    return [] if contents is None else list(iterate(contents))


def _add_all(node: XContainer, contents: object) -> None:
    for content in _contents(contents):
        add(node, content)


def _add_first(node: XContainer, content: object) -> None:
    """Add *content* before the existing nodes, in its own order."""
    _insert(node, content, 0)


def _insert(node: XContainer, content: object, position: int) -> None:
    behind = node.nodes[position:]
    node.nodes = node.nodes[:position]
    add(node, content)
    node.nodes += behind


def _replace_nodes(node: XContainer, contents: object) -> None:
    items = _contents(contents)
    _clear(node)
    for content in items:
        add(node, content)


def _new_document(contents: Iterable[object]) -> XDocument:
    return XDocument(_contents(contents))


def _declared_document(declaration: XDeclaration | None, contents: Iterable[object]) -> XDocument:
    document = _new_document(contents)
    document.declaration = declaration
    return document


def keeps(options: EnumValue | None) -> bool:
    return options is not None and options.value & 1 == 1


def declaration_text(value: XDeclaration) -> str:
    """``<?xml …?>``."""
    encoding = "" if value.encoding is None else f' encoding="{value.encoding}"'
    standalone = "" if value.standalone is None else f' standalone="{value.standalone}"'
    version = "" if value.version is None else f' version="{value.version}"'
    return f"<?xml{version}{encoding}{standalone}?>"


def name_text(value: XName) -> str:
    """``{uri}local``."""
    return f"{{{value.uri}}}{value.local}" if value.uri else value.local


def _needed(value: str | None, name: str) -> str:
    if value is None:
        raise argument_null(name)
    return value


NAMESPACE = define(f"{_L}.XNamespace", {
    "static XNamespace Get(string namespaceName)": lambda name: XNamespace(_needed(name, "namespaceName")),
    "static XNamespace None": lambda: XNamespace(""),
    "static XNamespace Xml": lambda: XNamespace(XML),
    "static XNamespace Xmlns": lambda: XNamespace(XMLNS),
    "string NamespaceName": lambda value: value.uri,
    "XName GetName(string localName)": lambda value, local: XName(_needed(local, "localName"), value.uri),
    "string ToString()": lambda value: value.uri,
}, price="own")  # fmt: skip
NAME = define(f"{_L}.XName", {
    "static XName Get(string expandedName)": to_name,
    "static XName Get(string localName, string namespaceName)":
        lambda local, space: XName(_needed(local, "localName"), _needed(space, "namespaceName")),
    "string LocalName": lambda value: value.local,
    "string NamespaceName": lambda value: value.uri,
    "XNamespace Namespace": lambda value: XNamespace(value.uri),
    "string ToString()": name_text,
}, price="own")  # fmt: skip
declare_implicit(p.STRING, NAME, to_name)  # type: ignore[arg-type]
declare_implicit(p.STRING, NAMESPACE, lambda value: None if value is None else XNamespace(value))  # type: ignore[arg-type]
declare_operator("+", NAMESPACE, p.STRING, NAME, lambda left, right: XName(right, left.uri))
declare_comparison(NAME, ordered=False)
declare_comparison(NAMESPACE, ordered=False)
define(f"{_L}.XObject", {
    "XElement Parent": _parent,
    "XDocument Document": _document,
    "XmlNodeType NodeType": lambda node: EnumValue(NODE_TYPE, _NODE_TYPES[type(node)]),
}, price="own")  # fmt: skip


def _given(value: object) -> object:
    if value is None:
        raise argument_null("value")
    return value


def _new_attribute(name: XName | None, value: object) -> XAttribute:
    for argument, given in (("name", name), ("value", value)):
        if given is None:
            raise argument_null(argument)
    return XAttribute(certain(name), content_text(value))


ATTRIBUTE = define(f"{_L}.XAttribute", {
    "new(XName name, object value)": _new_attribute,
    "XName Name": lambda node: node.name,
    "string Value": (lambda node: node.value, lambda node, value: setattr(node, "value", value)),
    "bool IsNamespaceDeclaration": lambda node: node.name.uri == XMLNS or node.name == XName("xmlns"),
    "void Remove()": remove,
    "void SetValue(object value)": lambda node, value: setattr(node, "value", content_text(_given(value))),
    "string ToString()": attribute_text,
}, parents=("XObject",), price="own")  # fmt: skip
NODE = define(f"{_L}.XNode", {
    "XNode NextNode": _beside(1),
    "XNode PreviousNode": _beside(-1),
    "void Remove()": remove,
    "void ReplaceWith(object content)": _replace,
    "void AddAfterSelf(object content)": _add_beside(1),
    "void AddBeforeSelf(object content)": _add_beside(0),
    "void ReplaceWith(params object[] content)": _replace,
    "void AddAfterSelf(params object[] content)": _add_beside(1),
    "void AddBeforeSelf(params object[] content)": _add_beside(0),
    "IEnumerable<XElement> Ancestors()": ancestors,
    "IEnumerable<XElement> Ancestors(XName name)": ancestors,
    "IEnumerable<XElement> ElementsAfterSelf()": _sequence(_siblings(1), "XElement"),
    "IEnumerable<XElement> ElementsAfterSelf(XName name)": _sequence(_siblings(1), "XElement"),
    "IEnumerable<XElement> ElementsBeforeSelf()": _sequence(_siblings(-1), "XElement"),
    "static bool DeepEquals(XNode n1, XNode n2)": lambda left, right: (left is right) or (
        left is not None and right is not None and write(left, False) == write(right, False)
    ),
    "string ToString()": _text,
    "string ToString(SaveOptions options)": _text,
}, parents=("XObject",), price="own")  # fmt: skip
CONTAINER = define(f"{_L}.XContainer", {
    "XElement Element(XName name)": lambda node, name: _first(node.elements(), name),
    "IEnumerable<XElement> Elements()": _elements,
    "IEnumerable<XElement> Elements(XName name)": _elements,
    "IEnumerable<XElement> Descendants()": _descendants,
    "IEnumerable<XElement> Descendants(XName name)": _descendants,
    "IEnumerable<XNode> Nodes()": _nodes,
    "IEnumerable<XNode> DescendantNodes()": _descendant_nodes,
    "XNode FirstNode": lambda node: node.nodes[0] if node.nodes else None,
    "XNode LastNode": lambda node: node.nodes[-1] if node.nodes else None,
    "void Add(object content)": add,
    "void Add(params object[] content)": _add_all,
    "void AddFirst(object content)": _add_first,
    "void AddFirst(params object[] content)": _add_first,
    "void ReplaceNodes(object content)": lambda node, content: _replace_nodes(node, [content]),
    "void RemoveNodes()": _clear,
    "void ReplaceNodes(params object[] content)": _replace_nodes,
}, parents=("XNode",), price="own")  # fmt: skip


def _remove_all(node: XElement) -> None:
    _clear(node)
    node.attributes = {}


def _replace_all(node: XElement, contents: object) -> None:
    items = _contents(contents)
    _remove_all(node)
    for content in items:
        add(node, content)


def _remove_each(source: object) -> None:
    for item in list(iterate(source)):
        if isinstance(item, XObject):
            remove(item)


def _default_namespace(node: XElement) -> XNamespace:
    declaration = next((element.attributes[XName("xmlns")] for element in [node, *_up(node)]  # type: ignore[attr-defined]
                  if XName("xmlns") in element.attributes), None)  # type: ignore[attr-defined]  # fmt: skip
    return XNamespace(declaration.value if declaration is not None else "")


def _prefix_namespace(node: XElement, prefix: str) -> XNamespace | None:
    if not is_name(prefix):
        return None
    name = XName(prefix, XMLNS)
    if prefix in ("xml", "xmlns"):
        return XNamespace(XML if prefix == "xml" else XMLNS)
    declaration = next((element.attributes[name] for element in [node, *_up(node)] if name in element.attributes), None)  # type: ignore[attr-defined]
    return XNamespace(declaration.value) if declaration is not None else None


ELEMENT = define(f"{_L}.XElement", {
    "new(XName name)": XElement,
    "new(XName name, object content)": lambda name, content: XElement(name, [content]),
    "new(XName name, params object[] content)": lambda name, contents: XElement(name, _contents(contents)),
    "new(XElement other)": lambda other: other.clone(),
    "static XElement Parse(string text)": parse_element,
    "static XElement Parse(string text, LoadOptions options)": lambda text, how: parse_element(text, keeps(how)),
    "XName Name": (lambda node: node.name, lambda node, name: setattr(node, "name", name)),
    "string Value": (lambda node: node.value, XElement.set_value),
    "bool IsEmpty": lambda node: not node.nodes and not node.open,
    "bool HasElements": lambda node: bool(node.elements()),
    "bool HasAttributes": lambda node: bool(node.attributes),
    "XAttribute FirstAttribute": lambda node: next(iter(node.attributes.values()), None),
    "XAttribute LastAttribute": lambda node: next(reversed(node.attributes.values()), None),
    "XAttribute Attribute(XName name)": lambda node, name: node.attributes.get(name),
    "IEnumerable<XAttribute> Attributes()": _attributes,
    "IEnumerable<XAttribute> Attributes(XName name)": _attributes,
    "IEnumerable<XElement> DescendantsAndSelf()": self_and,
    "IEnumerable<XElement> DescendantsAndSelf(XName name)": self_and,
    "void SetAttributeValue(XName name, object value)": XElement.set_attribute,
    "void SetElementValue(XName name, object value)": _set_element,
    "void SetValue(object value)": lambda node, value: node.set_value(content_text(_given(value))),
    "void RemoveAll()": _remove_all,
    "void RemoveAttributes()": lambda node: node.attributes.clear(),
    "void ReplaceAll(params object[] content)": _replace_all,
    "XNamespace GetDefaultNamespace()": _default_namespace,
    "XNamespace GetNamespaceOfPrefix(string prefix)": _prefix_namespace,
    "string GetPrefixOfNamespace(XNamespace ns)": lambda node, ns: declared_prefix(node, ns.uri) or None,
}, parents=("XContainer",), price="own")  # fmt: skip
DOCUMENT = define(f"{_L}.XDocument", {
    "new()": XDocument,
    "new(params object[] content)": _new_document,
    "new(XDeclaration declaration, params object[] content)": _declared_document,
    "new(XDocument other)": lambda other: other.clone(),
    "static XDocument Parse(string text)": parse_document,
    "static XDocument Parse(string text, LoadOptions options)": lambda text, how: parse_document(text, keeps(how)),
    "XElement Root": lambda node: node.root,
    "XDeclaration Declaration":
        (lambda node: node.declaration, lambda node, value: setattr(node, "declaration", value)),
}, parents=("XContainer",), price="own")  # fmt: skip
_value = (lambda node: node.value, lambda node, value: setattr(node, "value", value))
TEXT_NODE = define(
    f"{_L}.XText",
    {"new(string value)": lambda value: XText(str(_given(value))), "string Value": _value},
    parents=("XNode",),
)
CDATA = define(f"{_L}.XCData", {"new(string value)": lambda value: XCData(str(_given(value)))}, parents=("XText",))
COMMENT = define(
    f"{_L}.XComment",
    {"new(string value)": lambda value: XComment(str(_given(value))), "string Value": _value},
    parents=("XNode",),
)
INSTRUCTION = define(f"{_L}.XProcessingInstruction", {
    "new(string target, string data)": XInstruction,
    "string Target": lambda node: node.target,
    "string Data": lambda node: node.data,
}, parents=("XNode",), price="own")  # fmt: skip
DECLARATION = define(f"{_L}.XDeclaration", {
    "new(string version, string encoding, string standalone)": XDeclaration,
    "string Version": lambda value: value.version,
    "string Encoding": lambda value: value.encoding,
    "string Standalone": lambda value: value.standalone,
    "string ToString()": declaration_text,
}, price="own")  # fmt: skip


def many(build: Callable[..., Iterable[object]], element: str) -> Callable[..., LazySequence]:
    """A member of one node as an extension of many."""

    def walk(source: object, *name: XName) -> Iterator[Any]:
        if source is None:
            raise argument_null("source")
        for item in iterate(source):
            yield from iterate(build(item, *name))

    return _sequence(walk, element)


define(f"{_L}.Extensions", {
    **{f"ext IEnumerable<XElement> {name}(IEnumerable<XContainer> source{rest})": many(run, "XElement")
       for name, run in (("Elements", _elements), ("Descendants", _descendants))
       for rest in ("", ", XName name")},
    "ext IEnumerable<XElement> DescendantsAndSelf(IEnumerable<XElement> source)": many(self_and, "XElement"),
    "ext IEnumerable<XAttribute> Attributes(IEnumerable<XElement> source)": many(_attributes, "XAttribute"),
    "ext IEnumerable<XAttribute> Attributes(IEnumerable<XElement> source, XName name)":
        many(_attributes, "XAttribute"),
    "ext IEnumerable<XElement> Ancestors(IEnumerable<XNode> source)": many(ancestors, "XElement"),
    "ext IEnumerable<XNode> Nodes(IEnumerable<XContainer> source)": many(_nodes, "XNode"),
    "ext void Remove(IEnumerable<XNode> source)": _remove_each,
    "ext void Remove(IEnumerable<XAttribute> source)": _remove_each,
}, kind="static", price="own")  # fmt: skip


def _caster(target: Type) -> Callable[[object], object]:
    inner = underlying(target)
    optional = target.definition is NULLABLE or not target.is_value

    def cast(node: object) -> object:
        if node is None:
            if optional:
                return None
            raise argument_null("element")
        return read_value(node.value, inner)  # type: ignore[attr-defined]

    return cast


for _target in (p.STRING, p.BOOL, p.INT, p.UINT, p.LONG, p.ULONG, p.FLOAT, p.DOUBLE, p.DECIMAL, DATETIME,
                DATETIME_OFFSET, TIMESPAN, GUID):  # fmt: skip
    for _made in (_target, nullable(_target)):
        declare_explicit(ELEMENT, _made, _caster(_made))
        declare_explicit(ATTRIBUTE, _made, _caster(_made))
for _class, _type in (
    (XElement, ELEMENT), (XDocument, DOCUMENT), (XText, TEXT_NODE), (XCData, CDATA), (XComment, COMMENT),
    (XInstruction, INSTRUCTION),
):  # fmt: skip
    represent(_class, _type)
    TEXT[_class] = write
represent(XAttribute, ATTRIBUTE)
represent(XName, NAME)
represent(XNamespace, NAMESPACE)
represent(XDeclaration, DECLARATION)
TEXT[XAttribute] = attribute_text
TEXT[XName] = name_text
TEXT[XNamespace] = lambda value: value.uri
TEXT[XDeclaration] = declaration_text
READERS.update({
    f"{_L}.XElement": lambda data: parse_element(decode(data)),
    f"{_L}.XNode": lambda data: parse_element(decode(data)),
    f"{_L}.XDocument": lambda data: parse_document(decode(data)),
})  # fmt: skip
