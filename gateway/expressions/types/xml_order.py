"""System.Xml.Linq: neighbours, the order of a document, comparers, document types; reading and writing whole texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cmp_to_key

from gateway.expressions.clr import definition_of, make
from gateway.expressions.collections import ArrayValue, LazySequence
from gateway.expressions.equality import hash_code
from gateway.expressions.formatting.text import NEW_LINE, TEXT
from gateway.expressions.runtime import iterate, represent
from gateway.expressions.signatures import define
from gateway.expressions.thrown import thrown
from gateway.expressions.types.texts import Reader, Writer
from gateway.expressions.types.xml import ATTRIBUTE, ELEMENT, ancestors, declaration_text, keeps, many, self_and
from gateway.expressions.values import EnumValue
from gateway.expressions.xml.reader import parse_element
from gateway.expressions.xml.tree import (
    XAttribute,
    XDeclaration,
    XDocType,
    XDocument,
    XElement,
    XName,
    XNode,
    XObject,
    add,
)
from gateway.expressions.xml.writer import doctype_text, write

_L = "System.Xml.Linq"
NODE = define(f"{_L}.XNode")


def _sequence(build: Callable[..., Iterable[XObject]], element: str) -> Callable[..., LazySequence]:
    def run(*arguments: object) -> LazySequence:
        return LazySequence(lambda: iter(build(*arguments)), make(definition_of(f"{_L}.{element}")))

    return run


def _around(node: XNode) -> list[XNode]:
    return node.parent.nodes if node.parent is not None else [node]


def _place(node: XNode) -> int:
    return next(index for index, sibling in enumerate(_around(node)) if sibling is node)


def _path(node: XNode) -> list[int]:
    """The positions that lead from the root to *node*."""
    places: list[int] = []
    while node.parent is not None:
        places.append(_place(node))
        node = node.parent
    return places[::-1]


def _root(node: XNode) -> XNode:
    while node.parent is not None:
        node = node.parent
    return node


def _compare(left: XNode | None, right: XNode | None) -> int:
    """``CompareDocumentOrder``."""
    if left is None or right is None or left is right:
        return (left is not None) - (right is not None)
    if _root(left) is not _root(right):
        raise thrown("InvalidOperationException", "A common ancestor is missing.")
    first, second = _path(left), _path(right)
    return (first > second) - (first < second)


def _same(left: XNode | None, right: XNode | None) -> bool:
    if left is None or right is None:
        return left is right
    return write(left, False) == write(right, False)


def _ancestors_and_self(node: XElement, name: XName | None = None) -> Iterator[XElement]:
    current: XObject | None = node
    while isinstance(current, XElement):
        if name in (None, current.name):
            yield current
        current = current.parent


def _beside(step: int) -> Callable[[XAttribute], XAttribute | None]:
    def find(attribute: XAttribute) -> XAttribute | None:
        around = list(attribute.parent.attributes.values()) if isinstance(attribute.parent, XElement) else [attribute]
        place = next(index for index, sibling in enumerate(around) if sibling is attribute) + step
        return around[place] if 0 <= place < len(around) else None

    return find


define(f"{_L}.XNode", {
    "IEnumerable<XNode> NodesAfterSelf()": _sequence(lambda node: _around(node)[_place(node) + 1 :], "XNode"),
    "IEnumerable<XNode> NodesBeforeSelf()": _sequence(lambda node: _around(node)[: _place(node)], "XNode"),
    "bool IsAfter(XNode node)": lambda node, other: _compare(node, other) > 0,
    "bool IsBefore(XNode node)": lambda node, other: _compare(node, other) < 0,
    "static int CompareDocumentOrder(XNode n1, XNode n2)": _compare,
    "static XNodeDocumentOrderComparer DocumentOrderComparer": lambda: OrderComparer(),
    "static XNodeEqualityComparer EqualityComparer": lambda: NodeComparer(),
})  # fmt: skip
define(f"{_L}.XElement", {
    "IEnumerable<XElement> AncestorsAndSelf()": _sequence(_ancestors_and_self, "XElement"),
    "IEnumerable<XElement> AncestorsAndSelf(XName name)": _sequence(_ancestors_and_self, "XElement"),
    "IEnumerable<XNode> DescendantNodesAndSelf()": _sequence(lambda node: [node, *node.descendants()], "XNode"),
})  # fmt: skip
define(f"{_L}.XAttribute", {
    "XAttribute NextAttribute": _beside(1),
    "XAttribute PreviousAttribute": _beside(-1),
    "static IEnumerable<XAttribute> EmptySequence": lambda: ArrayValue([], ATTRIBUTE),
    "new(XAttribute other)": lambda other: XAttribute(other.name, other.value),
})  # fmt: skip


class OrderComparer:
    """``XNodeDocumentOrderComparer``."""

    __slots__ = ()

    compare = staticmethod(_compare)


class NodeComparer:
    """``XNodeEqualityComparer``: equal if DeepEquals is true."""

    __slots__ = ()

    def norm(self, node: XNode | None) -> object:
        """The form in which nodes are compared."""
        return None if node is None else write(node, False)


ORDER = define(f"{_L}.XNodeDocumentOrderComparer", {
    "new()": OrderComparer,
    "int Compare(XNode x, XNode y)": lambda _comparer, left, right: _compare(left, right),
}, parents=("IComparer<XNode>",), price="own")  # fmt: skip
EQUALITY = define(f"{_L}.XNodeEqualityComparer", {
    "new()": NodeComparer,
    "bool Equals(XNode x, XNode y)": lambda _comparer, left, right: _same(left, right),
    "int GetHashCode(XNode obj)": lambda comparer, node: hash_code(comparer.norm(node)),
}, parents=("IEqualityComparer<XNode>",), price="own")  # fmt: skip
represent(OrderComparer, ORDER)
represent(NodeComparer, EQUALITY)
DOCTYPE = define(f"{_L}.XDocumentType", {
    "new(string name, string publicId, string systemId, string internalSubset)": XDocType,
    "string Name": lambda node: node.name,
    "string PublicId": lambda node: node.public,
    "string SystemId": lambda node: node.system,
    "string InternalSubset": lambda node: node.subset,
}, parents=("XNode",), price="own")  # fmt: skip
represent(XDocType, DOCTYPE)
TEXT[XDocType] = doctype_text


def _in_order(source: object) -> LazySequence:
    """``InDocumentOrder``."""
    rank = cmp_to_key(_compare)
    return LazySequence(lambda: iter(sorted(iterate(source), key=rank)), make(NODE.definition))  # type: ignore[arg-type]


define(f"{_L}.Extensions", {
    "ext IEnumerable<XNode> DescendantNodes(IEnumerable<XContainer> source)":
        many(lambda node: node.descendants(), "XNode"),
    "ext IEnumerable<XNode> DescendantNodesAndSelf(IEnumerable<XElement> source)":
        many(lambda node: [node, *node.descendants()], "XNode"),
    "ext IEnumerable<XElement> InDocumentOrder(IEnumerable<XElement> source)": _in_order,
    "ext IEnumerable<XNode> InDocumentOrder(IEnumerable<XNode> source)": _in_order,
    "ext IEnumerable<XElement> Ancestors(IEnumerable<XNode> source, XName name)": many(ancestors, "XElement"),
    "ext IEnumerable<XElement> AncestorsAndSelf(IEnumerable<XElement> source)": many(_ancestors_and_self, "XElement"),
    "ext IEnumerable<XElement> AncestorsAndSelf(IEnumerable<XElement> source, XName name)":
        many(_ancestors_and_self, "XElement"),
    "ext IEnumerable<XElement> DescendantsAndSelf(IEnumerable<XElement> source, XName name)":
        many(self_and, "XElement"),
}, kind="static", price="own")  # fmt: skip


def _loaded(reader: Reader, options: EnumValue | None = None) -> XElement:
    return parse_element(reader.rest(), keeps(options))


def _save(node: XDocument | XElement, writer: Writer, options: EnumValue | None = None) -> None:
    """A declaration is written even if the document has none; a StringWriter's encoding is UTF-16."""
    indented = not keeps(options)
    declared = node.declaration if isinstance(node, XDocument) else None
    standalone = declared.standalone if declared is not None else None
    head = declaration_text(XDeclaration("1.0", "utf-16", standalone))
    writer.append(head + (NEW_LINE if indented else "") + write(node, indented))


def _replace_attributes(element: XElement, content: object) -> None:
    element.attributes.clear()
    add(element, content)


define(f"{_L}.XDocument", {
    "XDocumentType DocumentType":
        lambda node: next((child for child in node.nodes if isinstance(child, XDocType)), None),
    "void Save(StringWriter textWriter)": _save,
    "void Save(StringWriter textWriter, SaveOptions options)": _save,
})  # fmt: skip
define(f"{_L}.XElement", {
    "void Save(StringWriter textWriter)": _save,
    "void Save(StringWriter textWriter, SaveOptions options)": _save,
    "void ReplaceAttributes(object content)": _replace_attributes,
    "void ReplaceAttributes(params object[] content)": _replace_attributes,
    "static IEnumerable<XElement> EmptySequence": lambda: ArrayValue([], ELEMENT),
    "static XElement Load(StringReader textReader)": _loaded,
    "static XElement Load(StringReader textReader, LoadOptions options)": _loaded,
})  # fmt: skip
