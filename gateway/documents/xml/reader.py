"""
XML as APIM reads it → a tree of nodes: well-formed XML, except that it contains expressions as raw C#.

The text is decoded, with line ends in one form, and each offset leads back to line and column. One pass with a stack
of open elements follows, so that depth costs nothing; the first mistake ends it, as in any XML parser. An expression is
C#, not XML: it is found by its own brackets, and quotes, ``<`` and ``&&`` inside it mean nothing here.

Source: XML 1.0 §2 to §4 and appendix F; APIM "Set or edit policies", formats ``xml`` and ``rawxml``.
"""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from itertools import takewhile

from gateway.documents import remarks
from gateway.documents.balance import unbalanced
from gateway.documents.model import Node, Text
from gateway.documents.xml import mistakes
from gateway.errors import LoadError, Location
from gateway.expressions.scan import Unbalanced, is_expression, scan_expression, unescape_expression

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
# A closing quote, by what comes behind it: the end of the tag, or another attribute.
_VALUE_ENDS = {quote: re.compile(rf"{quote}(?=\s*/?>|\s+{_NAME}\s*=\s*[\"'])") for quote in "\"'"}

MAX_CHARACTERS = 1 << 20  # APIM takes 512 KB

_BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# A declared utf-16 is not believed: .NET writes it into files that it then saves as UTF-8.
_DECLARED = re.compile(rb"""^<\?xml[^>]*encoding=["'](iso-8859-1|windows-1252)["']""", re.IGNORECASE)
_FORBIDDEN = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_REFERENCE = re.compile(r"&(?:#(\d{1,7});|#x([0-9a-fA-F]{1,6});|([A-Za-z][\w.-]*);)?")


def read(text: str | bytes, file: str) -> Node:
    """
    The root element of *text*; *file* names it in errors.

    Raises:
        LoadError: The text is too large, not text, or not well-formed; one problem.
    """
    return _XmlReader(_source(text, file)).root()


# -- the text and its places
class _Source:
    """One document's text and name; offsets into ``text`` become locations."""

    __slots__ = ("_lines", "file", "text")

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self._lines: list[int] | None = None

    def location(self, offset: int) -> Location:
        """Line and column of *offset*."""
        if self._lines is None:
            self._lines = [0, *(line_break.end() for line_break in re.finditer("\n", self.text))]
        line = bisect_right(self._lines, offset)
        return Location(self.file, line, offset - self._lines[line - 1] + 1)

    def error(self, offset: int, code: str, message: str, remedy: str = "") -> LoadError:
        """A LoadError at *offset*, to be raised."""
        return LoadError.at(self.location(offset), code, message, remedy)


def _source(text: str | bytes, file: str) -> _Source:
    """
    The source of *text*.

    Raises:
        LoadError: too-large, bad-encoding or forbidden-character.
    """
    decoded = _decode(text, file) if isinstance(text, bytes) else text
    if len(decoded) > MAX_CHARACTERS:
        message = f"the document is longer than {MAX_CHARACTERS} characters"
        raise LoadError.at(Location(file), "too-large", message, "split it into fragments")
    source = _Source(decoded.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"), file)
    if forbidden := _FORBIDDEN.search(source.text):
        message = f"the character U+{ord(forbidden[0]):04X} is not allowed in XML"
        raise source.error(forbidden.start(), "forbidden-character", message, "remove it")
    return source


def _decode(data: bytes, file: str) -> str:
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if data.startswith(mark)), "utf-8")
    if declared := _DECLARED.match(data):
        encoding = declared[1].decode("ascii")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        lines = data[: error.start].split(b"\n")
        location = Location(file, len(lines), len(lines[-1]) + 1)
        raise LoadError.at(location, "bad-encoding", f"these bytes are not {encoding}", "save it as UTF-8") from None


# -- values: literal text, expressions and CDATA put together into what the author meant
@dataclass(frozen=True, slots=True)
class _Piece:
    """
    A part of a value, and where it begins.

    Attributes:
        fixed: CDATA and expressions: white space at their ends belongs to them.
    """

    offset: int
    value: str
    fixed: bool = False


def _literal(source: _Source, start: int, end: int) -> _Piece:
    """Literal text with its character references resolved."""

    def character(reference: re.Match[str]) -> str:
        value = _resolve(reference)
        if value is None:
            message, remedy = mistakes.reference(reference[0])
            raise source.error(start + reference.start(), "unknown-entity", message, remedy)
        return value

    raw = source.text[start:end]
    return _Piece(start, _REFERENCE.sub(character, raw) if "&" in raw else raw)


def _resolve(reference: re.Match[str]) -> str | None:
    decimal, hexadecimal, name = reference.groups()
    if name:
        return _NAMED.get(name)
    number = int(decimal) if decimal else int(hexadecimal or "0", 16)
    allowed = number in (9, 10, 13) or 0x20 <= number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF
    return chr(number) if allowed else None


def _expression(source: _Source, start: int, ends: re.Pattern[str]) -> tuple[_Piece, int]:
    """
    The expression at *start*, and the offset after it; *ends* is what closes its value.

    Raises:
        LoadError: unbalanced-expression.
    """
    try:
        end = scan_expression(source.text, start)
    except Unbalanced as error:
        raise LoadError([unbalanced(source.text, start, error, source.location, ends)]) from None
    return _Piece(start, unescape_expression(source.text[start:end]), fixed=True), end


def _attribute_value(source: _Source, pieces: list[_Piece], start: int) -> Text:
    """An attribute's value; line breaks stay, because comments in an expression end there."""
    value = "".join(piece.value for piece in pieces)
    if is_expression(value):
        return Text(value.strip(), source.location(_first(pieces)))
    return Text(value, source.location(start))


def _content(source: _Source, pieces: list[_Piece], verbatim: bool) -> Text | None:
    """
    An element's content, or None when it is nothing but white space.

    White space at the ends is layout and dropped, unless it is in CDATA or the element is *verbatim*.
    """
    if not any(piece.fixed or piece.value.strip() for piece in pieces):
        return None
    value = "".join(piece.value for piece in pieces)
    if is_expression(value):
        return Text(value.strip(), source.location(_first(pieces)))
    if verbatim:
        return Text(value, source.location(pieces[0].offset))
    head, tail = _layout(pieces)
    return Text(value[head : len(value) - tail], source.location(_first(pieces)))


def _first(pieces: list[_Piece]) -> int:
    """Offset of the first character that is not layout."""
    piece = next(piece for piece in pieces if piece.fixed or piece.value.strip())
    return piece.offset + len(piece.value) - len(piece.value.lstrip())


def _layout(pieces: list[_Piece]) -> tuple[int, int]:
    """How many characters of layout are before and after what is visible or fixed."""
    head = "".join(piece.value for piece in takewhile(_is_loose, pieces))
    tail = "".join(piece.value[::-1] for piece in takewhile(_is_loose, reversed(pieces)))
    return len(head) - len(head.lstrip()), len(tail) - len(tail.lstrip())


def _is_loose(piece: _Piece) -> bool:
    return not piece.fixed


# -- elements
@dataclass(slots=True)
class _OpenElement:
    """An element whose end has not been reached; *inner* is where its content begins."""

    name: str
    start: int
    attributes: dict[str, Text]
    inner: int = 0
    children: list[Node] = field(default_factory=list)
    pieces: list[_Piece] = field(default_factory=list)
    before: tuple[str, ...] = ()
    last: tuple[str, int] = ("", 0)  # the attribute that was read last, and where its value begins


class _XmlReader:
    """Reads one source; use it once."""

    def __init__(self, source: _Source) -> None:
        self._source = source
        self._text = source.text
        self._stack: list[_OpenElement] = []
        self._root: Node | None = None
        self._remarks: list[str] = []
        self._closed = -1  # where the element before this place ended
        self._nested = -1  # where a comment begins inside another one

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
            raise self._error(
                unclosed.start, "unclosed-element", f"<{unclosed.name}> is never closed", f"write </{unclosed.name}>"
            )
        if self._root is None:
            message = "the document has no root element"
            raise self._error(0, "no-root", message, "write <policies> or <fragment>")
        return replace(self._root, inside=(*self._root.inside, *remarks.without_blanks(self._remarks)))

    # -- text between tags
    def _characters(self, position: int) -> int:
        """Offset of the next ``<``, or the end of the text."""
        while self._stack and (stop := _TEXT_STOP.search(self._text, position)):
            self._literal(position, stop.start())
            if stop[0] == "<":
                return stop.start()
            closing = re.compile(rf"</{re.escape(self._stack[-1].name)}\s*>")
            piece, position = _expression(self._source, stop.start(), closing)
            self._stack[-1].pieces.append(piece)
        end = self._text.find("<", position)
        end = len(self._text) if end < 0 else end
        self._literal(position, end)
        return end

    def _literal(self, start: int, end: int) -> None:
        if start == end:
            return
        self._remarks += [""] * (self._text.count("\n", start, end) - 1 if self._text[start:end].isspace() else 0)
        if self._stack:
            self._stack[-1].pieces.append(_literal(self._source, start, end))
        elif junk := self._text[start:end].strip():
            at = self._text.index(junk, start)
            message, remedy = mistakes.outside_root(junk, before=self._root is None)
            raise self._outside(at, "text-outside-root", message, remedy)

    # -- one piece of mark-up
    def _markup(self, start: int) -> int:
        """Take what begins with ``<`` at *start*; returns the offset after it."""
        if start == len(self._text):
            return start
        markup = _MARKUP.match(self._text, start)
        if markup is None:
            raise self._error(*mistakes.in_text(self._text, start))
        match markup.lastgroup:
            case "open":
                return self._open(markup)
            case "close":
                return self._close(markup)
            case "comment":
                return self._comment(start)
            case "cdata":
                return self._cdata(start)
            case "instruction":
                return self._find("?>", start, "instruction")
        remedy = "remove it; policies use neither DOCTYPE nor entities"
        raise self._error(start, "doctype-refused", "a DOCTYPE or entity declaration", remedy)

    def _comment(self, start: int) -> int:
        """A comment belongs to the element behind it; on the line on which an element ends, to that one."""
        end = self._find("-->", start, "comment", len("<!--"))
        raw = self._text[start + 4 : end - 3]
        remark = remarks.of_xml(raw)
        if "<!--" in raw:
            self._nested = start + 4 + raw.index("<!--")
        siblings = self._stack[-1].children if self._stack else []
        if siblings and self._closed >= 0 and "\n" not in self._text[self._closed : start]:
            siblings[-1] = replace(siblings[-1], before=(*siblings[-1].before, remark))
        else:
            self._remarks.append(remark)
        return end

    def _find(self, end: str, start: int, kind: str, skipped: int = 0) -> int:
        at = self._text.find(end, start + skipped)
        if at < 0:
            raise self._error(start, f"unclosed-{kind}", f"the {kind} is never closed", f"end it with {end}")
        return at + len(end)

    def _cdata(self, start: int) -> int:
        end = self._find("]]>", start, "CDATA section")
        if not self._stack:
            raise self._error(start, "text-outside-root", "CDATA outside the root element", "remove it")
        self._stack[-1].pieces.append(_Piece(start + 9, self._text[start + 9 : end - 3], fixed=True))
        return end

    # -- tags
    def _open(self, tag: re.Match[str]) -> int:
        start = tag.start()
        if self._root is not None:
            message = f"<{tag['open']}> begins after the end of the document"
            raise self._outside(start, "second-root", message, "keep one root element")
        if len(self._stack) == MAX_DEPTH:
            raise self._error(start, "too-deep", f"elements are nested more than {MAX_DEPTH} deep", "nest fewer")
        element = _OpenElement(tag["open"], start, {}, before=tuple(self._remarks))
        self._remarks, self._closed = [], -1
        position = self._attributes(element, tag.end())
        end = _TAG_END.match(self._text, position)
        if end is None:
            raise self._bad_tag(position, element)
        self._stack.append(element)
        element.inner = end.end()
        if end[1]:
            self._finish(end.end(), end.end())
        return end.end()

    def _bad_tag(self, position: int, element: _OpenElement) -> LoadError:
        last, opened = element.last
        return self._error(*mistakes.in_tag(self._text, position, element.name, last, opened))

    def _attributes(self, element: _OpenElement, position: int) -> int:
        while attribute := _ATTRIBUTE.match(self._text, position):
            at = attribute.start("name")
            if not attribute["gap"]:
                message = f"white space is missing before the attribute {attribute['name']}"
                raise self._error(at, "malformed-tag", message, "write a space here")
            if attribute["name"] in element.attributes:
                message = f"<{element.name}> has {attribute['name']} twice"
                raise self._error(at, "duplicate-attribute", message, "keep one of the two")
            element.last = attribute["name"], attribute.end()
            element.attributes[attribute["name"]], position = self._value(attribute.end(), attribute["quote"])
        return position

    def _value(self, start: int, quote: str) -> tuple[Text, int]:
        """The value that begins at *start*, and the offset after its closing *quote*."""
        pieces: list[_Piece] = []
        position, expression_end = start, 0
        while stop := _VALUE_STOPS[quote].search(self._text, position):
            pieces.append(_literal(self._source, position, stop.start()))
            if stop[0] == quote:
                return _attribute_value(self._source, pieces, start), stop.end()
            if stop[0] == "<":
                raise self._error(*mistakes.in_value(self._text, stop.start(), expression_end))
            piece, position = _expression(self._source, stop.start(), _VALUE_ENDS[quote])
            pieces.append(piece)
            expression_end = position
        message = "the attribute's value is never closed"
        raise self._error(start - 1, "unclosed-value", message, f"close it with {quote}")

    def _close(self, tag: re.Match[str]) -> int:
        start = tag.start()
        if not self._stack:
            raise self._outside(start, "mismatched-tag", f"</{tag['close']}> closes nothing", "remove it")
        element = self._stack[-1]
        if element.name != tag["close"]:
            line = self._source.location(element.start).line
            closed = [child.name for child in element.children]
            raise self._error(*mistakes.mismatched(tag["close"], start, self._stack, closed, line))
        self._finish(start, tag.end())
        return tag.end()

    def _finish(self, inner_end: int, end: int) -> None:
        """The innermost element ends: its content at *inner_end*, its tag at *end*."""
        element = self._stack.pop()
        node = self._remarked(self._node(element, inner_end), element)
        self._closed = end
        parent = self._stack[-1] if self._stack else None
        if parent is None:
            self._root = node
        elif parent.name == TRANSFORM and ":" in element.name:
            outer = Text(self._text[element.start : end], node.location)
            parent.children.append(Node(STYLESHEET, node.location, text=outer))
        else:
            parent.children.append(node)

    def _remarked(self, node: Node, element: _OpenElement) -> Node:
        """*node* with the remarks before it and inside it; those inside of text come before it."""
        inside, self._remarks = remarks.without_blanks(self._remarks), []
        if not element.children and node.text is not None:
            return replace(node, before=(*element.before, *inside))
        return replace(node, before=element.before, inside=() if node.text is not None else inside)

    def _node(self, element: _OpenElement, inner_end: int) -> Node:
        location = self._source.location(element.start)
        verbatim = element.name == SET_BODY
        text = _content(self._source, element.pieces, verbatim)
        node = Node(element.name, location, element.attributes, tuple(element.children), text)
        if not (verbatim and element.children):
            return node
        mark_up = self._text[element.inner : inner_end]
        return replace(node, children=(), text=Text(mark_up, self._source.location(element.inner)))

    def _outside(self, offset: int, code: str, message: str, remedy: str) -> LoadError:
        """A mistake where no element is open: what a comment inside a comment has let out, or the mistake itself."""
        if self._nested < 0:
            return self._error(offset, code, message, remedy)
        message = "a comment inside a comment: the first --> ends both"
        return self._error(self._nested, "nested-comment", message, "remove the inner <!-- and -->")

    def _error(self, offset: int, code: str, message: str, remedy: str = "") -> LoadError:
        return self._source.error(offset, code, message, remedy)
