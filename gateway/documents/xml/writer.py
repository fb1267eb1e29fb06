"""
Nodes → XML that every XML parser accepts: expressions are written in the escaped form.

Each text is read back before it is used: of several ways to write it, the plainest that yields the same text is taken.

Source: XML 1.0 §2.4, §3.3.3; APIM "Set or edit policies", format ``xml``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from xml.parsers import expat

from gateway.documents import remarks
from gateway.documents.layout import indented
from gateway.documents.model import Node, PolicyDocument, Text
from gateway.documents.xml.reader import SET_BODY, STYLESHEET, TRANSFORM, read
from gateway.errors import LoadError
from gateway.expressions.scan import is_expression

_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_QUOTED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"})
_ONE_LINE = _QUOTED | str.maketrans({"\n": "&#10;", "\t": "&#9;"})
_INDENT = "    "
_LINE_LENGTH = 120


def dump(document: PolicyDocument) -> str:
    """
    *document* as XML; parsing the result gives the same document again, but for its locations.

    Raises:
        LoadError: A text that XML cannot hold.
    """
    head = "".join(_remarks(document.before, "")).lstrip("\n")  # blank lines before everything part nothing
    if document.fragment is not None:
        return "".join([head, *_element(document.fragment, 0), *_remarks(document.inside, "")])
    inner = (line for node in document.sections.values() for line in _element(node, 1))
    return "".join([head, "<policies>\n", *inner, *_remarks(document.inside, _INDENT), "</policies>\n"])


def _remarks(kept: Iterable[str], indent: str) -> Iterator[str]:
    return (line for remark in kept for line in remarks.to_xml(remark, indent))


def _element(node: Node, depth: int) -> Iterator[str]:
    indent = _INDENT * depth
    yield from _remarks(node.before, indent)
    if node.name == STYLESHEET and node.text:
        yield f"{indent}{_stylesheet(node.text)}\n"
        return
    opening = f"{indent}<{node.name}" + "".join(_attributes(node, indent))
    inner = [*(line for child in node.children for line in _element(child, depth + 1))]
    inner += _remarks(node.inside, indent + _INDENT)
    if not inner and node.text is None:
        yield f"{opening} />\n"
        return
    yield f"{opening}>{_content(node, indent)}"
    yield from ("\n", *inner, indent) if inner else ()
    yield f"</{node.name}>\n"


def _attributes(node: Node, indent: str) -> Iterator[str]:
    written = [f'{name}="{_value(_laid_out(text, indent))}"' for name, text in node.attributes.items()]
    fits = len(indent) + len(node.name) + sum(len(item) + 1 for item in written) + 4 <= _LINE_LENGTH
    gap = " " if fits or len(written) == 1 else f"\n{indent}{_INDENT}"
    return (gap + item for item in written)


def _value(text: Text) -> str:
    tables = (_QUOTED, _ONE_LINE) if _breaks_freely(text.value) else (_ONE_LINE, _QUOTED)
    ways = [*(text.value.translate(table) for table in tables), _marked(text.value, _ONE_LINE)]
    return _first_faithful(ways, text, lambda written: read(f'<a b="{written}"/>', "").attributes["b"].value)


def _laid_out(text: Text, indent: str) -> Text:
    """An expression of several lines, indented as the element is."""
    return Text(indented(text.value, indent), text.location) if is_expression(text.value) else text


def _breaks_freely(value: str) -> bool:
    """Whether line breaks may become spaces, as XML parsers make them: no comment ends there, no string spans them."""
    return is_expression(value) and not any(mark in value for mark in ("//", '@"', '@$"'))


def _content(node: Node, indent: str) -> str:
    if node.text is None:
        return ""
    text = _laid_out(node.text, indent)
    value = text.value
    ways = [value.translate(_MARKUP), _cdata(value), value.translate(_QUOTED), _marked(value, _QUOTED)]
    if is_expression(value):
        ways = [ways[0], *ways[2:], ways[1]]
    elif node.name == SET_BODY and _is_standard(value):
        ways = [value, *ways]
    name = SET_BODY if node.name == SET_BODY else "a"
    return _first_faithful(ways, text, lambda written: _content_of(read(f"<{name}>{written}</{name}>", "")))


def _stylesheet(text: Text) -> str:
    """The stylesheet is mark-up already; what is none, or more than one element, is refused."""

    def reread(written: str) -> str | None:
        children = read(f"<{TRANSFORM}>{written}</{TRANSFORM}>", "").children
        return _content_of(children[0]) if len(children) == 1 else None

    return _first_faithful([text.value.strip()], Text(text.value.strip(), text.location), reread)


def _cdata(value: str) -> str:
    """CDATA that may hold its own end."""
    return f"<![CDATA[{value.replace(']]>', ']]]]><![CDATA[>')}]]>"


def _marked(value: str, table: Mapping[int, str]) -> str:
    """
    The escaped form of an expression whose quotes are all in comments.

    Nothing in it shows that it is escaped, so its first character, a letter or a space, does.
    """
    first = value[2:3]
    mark = f"&#{ord(first)};" if first.isalnum() or first.isspace() else ""
    return value[:2] + mark + value[2 + bool(mark) :].translate(table)


def _is_standard(body: str) -> bool:
    """Whether any XML parser takes *body* as content; raw expressions and inner declarations are for APIM only."""
    parser = expat.ParserCreate()
    try:
        parser.Parse(f"<a>{body}</a>", True)
    except expat.ExpatError:
        return False
    return True


def _content_of(node: Node) -> str | None:
    return node.text.value if node.text and not node.children else None


def _first_faithful(ways: Iterable[str], text: Text, reread: Callable[[str], str | None]) -> str:
    faithful = (written for written in ways if _reads_as(written, text.value, reread))
    if (first := next(faithful, None)) is not None:
        return first
    raise LoadError.at(text.location, "not-writable", "this text cannot be written in XML", "rewrite it")


def _reads_as(written: str, value: str, reread: Callable[[str], str | None]) -> bool:
    try:
        return reread(written) == value
    except LoadError:
        return False
