"""
XML as APIM reads it → a tree of nodes: well-formed XML, but that expressions stand in it as raw C#.

One pass with a stack of open elements, so that depth costs nothing; the first mistake ends it, as in any XML parser.

Source: XML 1.0 §2 and §3; APIM "Set or edit policies", formats ``xml`` and ``rawxml``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from gateway.documents.model import Node, Text
from gateway.documents.xml import text as xml_text
from gateway.documents.xml.source import Source
from gateway.documents.xml.text import Piece
from gateway.errors import LoadError

MAX_DEPTH = 100  # elements inside elements

# Mark-up inside set-body is the body's own; so is a stylesheet, which alone has a prefix among policies.
SET_BODY = "set-body"
STYLESHEET = "xsl:stylesheet"
TRANSFORM = "xsl-transform"

_NAME = r"[^\W\d][\w.:-]*"
_MARKUP = re.compile(
    rf"<(?:(?P<comment>!--)|(?P<cdata>!\[CDATA\[)|(?P<declaration>!)|(?P<instruction>\?)"
    rf"|/(?P<close>{_NAME})\s*>|(?P<open>{_NAME}))"
)
_ATTRIBUTE = re.compile(rf"(?P<gap>\s*)(?P<name>{_NAME})\s*=\s*(?P<quote>[\"'])")
_TAG_END = re.compile(r"\s*(/?)>")
_TEXT_STOP = re.compile(r"<|@[({]")
_VALUE_STOPS = {'"': re.compile(r'["<]|@[({]'), "'": re.compile(r"['<]|@[({]")}


@dataclass(slots=True)
class _Open:
    """An element whose end has not been reached; *inner* is where its content begins."""

    name: str
    start: int
    attributes: dict[str, Text]
    inner: int = 0
    children: list[Node] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)


class Reader:
    """Reads one source; use it once."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._text = source.text
        self._stack: list[_Open] = []
        self._root: Node | None = None

    def root(self) -> Node:
        """
        The root element.

        Raises:
            LoadError: The document is not well-formed; one problem.
        """
        position = 0
        while position < len(self._text):
            position = self._markup(self._characters(position))
        if self._stack:
            unclosed = self._stack[-1]
            raise self._error(unclosed.start, "unclosed-element", f"<{unclosed.name}> is never closed")
        if self._root is None:
            message = "the document has no root element"
            raise self._error(0, "no-root", message, "write <policies> or <fragment>")
        return self._root

    # -- text between tags
    def _characters(self, position: int) -> int:
        """Offset of the next ``<``, or the end of the text."""
        while self._stack and (stop := _TEXT_STOP.search(self._text, position)):
            self._literal(position, stop.start())
            if stop[0] == "<":
                return stop.start()
            piece, position = xml_text.expression(self._source, stop.start())
            self._stack[-1].pieces.append(piece)
        end = self._text.find("<", position)
        end = len(self._text) if end < 0 else end
        self._literal(position, end)
        return end

    def _literal(self, start: int, end: int) -> None:
        if start == end:
            return
        if self._stack:
            self._stack[-1].pieces.append(xml_text.literal(self._source, start, end))
        elif junk := self._text[start:end].strip():
            at = self._text.index(junk, start)
            place = "after" if self._root else "before"
            remedy = "keep one <policies> or <fragment> element; fill in template directives before"
            raise self._error(at, "text-outside-root", f"text {place} the root element", remedy)

    # -- one piece of mark-up
    def _markup(self, start: int) -> int:
        """Take what begins with ``<`` at *start*; returns the offset after it."""
        if start == len(self._text):
            return start
        found = _MARKUP.match(self._text, start)
        if found is None:
            raise self._error(start, "stray-less-than", "'<' begins no tag here", "write &lt; or use CDATA")
        match found.lastgroup:
            case "open":
                return self._open(found)
            case "close":
                return self._close(found)
            case "comment":
                return self._find("-->", start, "comment", len("<!--"))
            case "cdata":
                return self._cdata(start)
            case "instruction":
                return self._find("?>", start, "instruction")
        remedy = "remove it; policies use neither DOCTYPE nor entities"
        raise self._error(start, "doctype-refused", "a DOCTYPE or entity declaration", remedy)

    def _find(self, end: str, start: int, kind: str, skipped: int = 0) -> int:
        at = self._text.find(end, start + skipped)
        if at < 0:
            raise self._error(start, f"unclosed-{kind}", f"the {kind} is never closed", f"end it with {end}")
        return at + len(end)

    def _cdata(self, start: int) -> int:
        end = self._find("]]>", start, "CDATA section")
        if not self._stack:
            raise self._error(start, "text-outside-root", "CDATA outside the root element")
        self._stack[-1].pieces.append(Piece(start + 9, self._text[start + 9 : end - 3], fixed=True))
        return end

    # -- tags
    def _open(self, found: re.Match[str]) -> int:
        start = found.start()
        if self._root is not None:
            raise self._error(start, "second-root", "another element after the root", "keep one root element")
        if len(self._stack) == MAX_DEPTH:
            raise self._error(start, "too-deep", f"elements are nested more than {MAX_DEPTH} deep")
        element = _Open(found["open"], start, {})
        position = self._attributes(element, found.end())
        end = _TAG_END.match(self._text, position)
        if end is None:
            raise self._bad_tag(position, element.name)
        self._stack.append(element)
        element.inner = end.end()
        if end[1]:
            self._finish(end.end(), end.end())
        return end.end()

    def _bad_tag(self, position: int, name: str) -> LoadError:
        at = position + len(self._text[position:]) - len(self._text[position:].lstrip())
        message = f"the tag <{name}> goes on with something that is no attribute"
        remedy = 'write name="value"; quotes inside a literal are &quot;; fill in template placeholders before'
        return self._error(min(at, max(0, len(self._text) - 1)), "malformed-tag", message, remedy)

    def _attributes(self, element: _Open, position: int) -> int:
        while found := _ATTRIBUTE.match(self._text, position):
            at = found.start("name")
            if not found["gap"]:
                raise self._error(at, "malformed-tag", "white space is missing before the attribute")
            if found["name"] in element.attributes:
                message = f"<{element.name}> has {found['name']} twice"
                raise self._error(at, "duplicate-attribute", message, "keep one of the two")
            element.attributes[found["name"]], position = self._value(found.end(), found["quote"])
        return position

    def _value(self, start: int, quote: str) -> tuple[Text, int]:
        """The value that begins at *start*, and the offset after its closing *quote*."""
        pieces: list[Piece] = []
        position = start
        while stop := _VALUE_STOPS[quote].search(self._text, position):
            pieces.append(xml_text.literal(self._source, position, stop.start()))
            if stop[0] == quote:
                return xml_text.attribute_value(self._source, pieces, start), stop.end()
            if stop[0] == "<":
                message = "'<' stands in an attribute's value"
                remedy = "write &lt;, or check that the value before it is closed"
                raise self._error(stop.start(), "stray-less-than", message, remedy)
            piece, position = xml_text.expression(self._source, stop.start())
            pieces.append(piece)
        message = "the attribute's value is never closed"
        raise self._error(start - 1, "unclosed-value", message, f"close it with {quote}")

    def _close(self, found: re.Match[str]) -> int:
        start = found.start()
        if not self._stack:
            raise self._error(start, "mismatched-tag", f"</{found['close']}> closes nothing")
        element = self._stack[-1]
        if element.name != found["close"]:
            opened = self._source.location(element.start)
            message = f"</{found['close']}> stands where <{element.name}> of line {opened.line} must be closed"
            raise self._error(start, "mismatched-tag", message)
        self._finish(start, found.end())
        return found.end()

    def _finish(self, inner_end: int, end: int) -> None:
        """The innermost element ends: its content at *inner_end*, its tag at *end*."""
        element = self._stack.pop()
        node = self._node(element, inner_end)
        parent = self._stack[-1] if self._stack else None
        if parent is None:
            self._root = node
        elif parent.name == TRANSFORM and ":" in element.name:
            outer = Text(self._text[element.start : end], node.location)
            parent.children.append(Node(STYLESHEET, node.location, text=outer))
        else:
            parent.children.append(node)

    def _node(self, element: _Open, inner_end: int) -> Node:
        location = self._source.location(element.start)
        verbatim = element.name == SET_BODY
        text = xml_text.content(self._source, element.pieces, verbatim)
        node = Node(element.name, location, element.attributes, tuple(element.children), text)
        if not (verbatim and element.children):
            return node
        mark_up = self._text[element.inner : inner_end]
        return replace(node, children=(), text=Text(mark_up, self._source.location(element.inner)))

    def _error(self, offset: int, code: str, message: str, remedy: str = "") -> LoadError:
        return self._source.error(offset, code, message, remedy)
