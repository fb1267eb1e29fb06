"""
Where in an XML document the cursor is, while the document need not be well-formed.

Only what is before the cursor is read. Expressions are passed over by their own brackets, as the reader of documents
does; one that is never closed ends where its value does, so that a mistake in one does not hide the rest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from gateway.expressions.scan import Unbalanced, scan_expression

_NAME = r"[^\W\d][\w.:-]*"
_IN_CONTENT = re.compile(
    rf"(?P<comment><!--)|(?P<cdata><!\[CDATA\[)|(?P<skipped><[!?])|</(?P<close>{_NAME})?|<(?P<open>{_NAME})?|(?P<code>@[({{])"
)
_IN_TAG = re.compile(rf"\s*(?:(?P<end>/?>)|(?P<name>{_NAME})\s*=\s*(?P<quote>[\"'])|(?P<bare>{_NAME})|(?P<other>\S))")
_ENDS = {"comment": "-->", "cdata": "]]>", "skipped": ">"}
_VALUE_ENDS = {quote: re.compile(rf"{quote}(?=\s*/?>|\s+{_NAME}\s*=\s*[\"'])") for quote in "\"'"}
_ATTRIBUTES_BEHIND = re.compile(rf"[^<>]*?({_NAME})\s*=")
MAX_DEPTH = 1_000


@dataclass(slots=True)
class XmlPlace:
    """
    What the cursor is in.

    Attributes:
        kind: element (its name), close (the name in a closing tag), attribute (its name), value, text, nothing.
        parents: Names of the open elements, the outermost first; without the one whose tag the cursor is in.
        element: The element whose tag the cursor is in.
        attribute: The attribute whose value it is in.
        written: What the tag has before the cursor: attribute → value.
        start: Where the name, value or text begins that the cursor is in.
        code: Where the expression begins that the cursor is in; None outside of expressions.
    """

    kind: str = "text"
    parents: list[str] = field(default_factory=list)
    element: str = ""
    attribute: str = ""
    written: dict[str, str] = field(default_factory=dict)
    start: int = 0
    code: int | None = None


def place_in(text: str, offset: int) -> XmlPlace:
    """The place of the cursor at *offset*."""
    return _Walk(text[:offset]).place()


def attributes_behind(text: str, offset: int) -> list[str]:
    """Names of the attributes that the tag has behind the cursor at *offset*."""
    end = min((match for match in (text.find(">", offset), text.find("<", offset)) if match >= 0), default=len(text))
    return re.findall(rf"({_NAME})\s*=", text[offset:end])


class _Walk:
    """Reads a text up to its end, which is where the cursor is."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._parents: list[str] = []
        self._since = 0  # where the text begins that the cursor may be in

    def place(self) -> XmlPlace:
        position: int | XmlPlace = 0
        while isinstance(position, int):
            position = self._content(position)
        return position

    def _content(self, position: int) -> int | XmlPlace:
        """Offset behind the next piece of mark-up, or the place where the text ends."""
        match = _IN_CONTENT.search(self._text, position)
        if match is None:
            return self._at("text", self._since)
        kind = match.lastgroup or ""
        if kind in _ENDS:
            return self._skipped(match, _ENDS[kind])
        if kind == "code":
            end = self._code_end(
                match.start(), re.compile(rf"</{re.escape(self._parents[-1])}\s*>" if self._parents else r"(?!)")
            )
            return XmlPlace("text", self._parents, start=self._since, code=match.start()) if end is None else end
        if self._text.startswith("</", match.start()):
            return self._closing(match)
        return self._opening(match)

    def _at(self, kind: str, start: int) -> XmlPlace:
        return XmlPlace(kind, self._parents, start=start)

    def _skipped(self, match: re.Match[str], closer: str) -> int | XmlPlace:
        end = self._text.find(closer, match.end())
        return self._at("nothing", match.end()) if end < 0 else end + len(closer)

    def _closing(self, match: re.Match[str]) -> int | XmlPlace:
        end = self._text.find(">", match.end())
        if end < 0 and match.end() == len(self._text):
            return self._at("close", match.start() + 2)
        name = match["close"]
        if name in self._parents:
            del self._parents[len(self._parents) - 1 - self._parents[::-1].index(name) :]
        self._since = match.end() if end < 0 else end + 1
        return self._since

    def _opening(self, match: re.Match[str]) -> int | XmlPlace:
        if match.end() == len(self._text):
            return self._at("element", match.start() + 1)
        if match["open"] is None or len(self._parents) >= MAX_DEPTH:
            return match.end()
        tag = XmlPlace("attribute", self._parents, match["open"])
        end = self._tag(tag, match.end())
        if isinstance(end, XmlPlace):
            return end
        if not self._text.startswith("/>", end - 2):
            self._parents.append(match["open"])
        self._since = end
        return end

    def _tag(self, tag: XmlPlace, position: int) -> int | XmlPlace:
        """Offset behind the tag, or the place in it where the text ends."""
        while piece := _IN_TAG.match(self._text, position):
            if piece["end"] or piece["other"] == "<":
                return piece.end() if piece["end"] else piece.start("other")
            following = self._value(tag, piece) if piece["name"] else self._bare(tag, piece)
            if isinstance(following, XmlPlace):
                return following
            position = following
        tag.start = len(self._text)
        return tag

    def _bare(self, tag: XmlPlace, piece: re.Match[str]) -> int | XmlPlace:
        """What is not an attribute: the name of one that is still being written, or a mistake to be passed over."""
        if not piece["bare"] or piece.end() < len(self._text):
            return piece.end()
        tag.start = piece.start("bare")
        return tag

    def _value(self, tag: XmlPlace, opened: re.Match[str]) -> int | XmlPlace:
        start, quote, position = opened.end(), opened["quote"], opened.end()
        inside = XmlPlace("value", self._parents, tag.element, opened["name"], tag.written, start)
        stop = re.compile(rf"{quote}|@[({{]|<(?=/?{_NAME}[\s>/])")
        while match := stop.search(self._text, position):
            if match[0] == quote:
                tag.written[opened["name"]] = self._text[start : match.start()]
                return match.end()
            if match[0] == "<":
                return match.start()
            end = self._code_end(match.start(), _VALUE_ENDS[quote])
            if end is None:
                inside.code = match.start()
                return inside
            position = end
        return inside

    def _code_end(self, start: int, closing: re.Pattern[str]) -> int | None:
        """Offset behind the expression at *start*; None if the cursor is in it."""
        try:
            return scan_expression(self._text, start)
        except Unbalanced:
            closed = closing.search(self._text, start)
            return None if closed is None else closed.start()
