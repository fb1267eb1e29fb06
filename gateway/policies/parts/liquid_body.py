"""
What a Liquid template sees as ``body``: the parsed message.

Source: APIM policy reference, "set-body", "Using Liquid templates"; Newtonsoft.Json, "DateParseHandling".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.expressions.json.dates import read_moment
from gateway.expressions.json.reader import LARGE, PiecewiseDecoder
from gateway.expressions.values import BigInteger, Int64
from gateway.liquid.values import AnyCase, Described
from gateway.policies.parts.body_text import decoded, is_json, is_xml, media_type
from gateway.policies.parts.xml_tree import XmlElement, read_tree
from gateway.wire.slices import elsewhere

if TYPE_CHECKING:
    from gateway.wire.body import Body
    from gateway.wire.headers import Headers
    from gateway.wire.work import Work

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_LONG = 2**63

# What reading a body costs for each byte: processor time, and memory of the values.
BYTE_S = 1e-6
BYTE_MEMORY = 25


@dataclass(frozen=True, slots=True)
class BodyReader:
    """
    Reads bodies for one template.

    Attributes:
        nil_is_null: ``xsi-nil="null"``: elements with ``xsi:nil="true"`` are null, not blank.
        parse_dates: ``parse-date``: text that is an ISO date and time is a date.
    """

    nil_is_null: bool
    parse_dates: bool
    max_bytes: int

    def read(self, headers: Headers, body: Body | None, work: Work) -> Any:
        """
        The body as data; text where its type says neither JSON nor XML, None where there is none.

        Raises:
            XmlError, ValueError, RecursionError: It is not what its type says.
            ExpressionError: It cannot be decoded.
            WorkExceeded: The request has used up its budget.
        """
        content = decoded(body, headers, self.max_bytes) if body else b""
        kind = media_type(headers)
        if not content:
            return None
        price_s = len(content) * BYTE_S
        work.draw(price_s, len(content) * BYTE_MEMORY)
        return elsewhere(lambda: self._data(content, kind), price_s)

    def _data(self, content: bytes, kind: str) -> Any:
        if is_json(kind):
            return read_json(content, self.parse_dates)
        if is_xml(kind):
            root = read_tree(content)
            return AnyCase({root.name.local: self._element(root)})
        return content.decode("utf-8", "replace")

    def _element(self, element: XmlElement) -> Any:
        if _is_nil(element):
            return None if self.nil_is_null else ""
        members = {f"@{name.local}": self._scalar(value) for name, value in element.attributes}
        members |= self._children(element)
        text = element.first_text
        if not members:
            return self._scalar(text)
        return _with_text(members, text) if text.strip() else AnyCase(members)

    def _scalar(self, text: str) -> Any:
        return _dated(text) if self.parse_dates else text

    def _children(self, element: XmlElement) -> dict[str, Any]:
        """The child elements by name; several of one name are a list."""
        children: dict[str, list[Any]] = {}
        for child in element.children:
            children.setdefault(child.name.local, []).append(self._element(child))
        return {name: values if len(values) > 1 else values[0] for name, values in children.items()}


def _with_text(members: dict[str, Any], text: str) -> Described:
    """Beside members the text is one of them, and what the element writes."""
    described = Described(members | {"#text": text})
    described.text = text
    return described


def _is_nil(element: XmlElement) -> bool:
    values = {value for name, value in element.attributes if (name.uri, name.local) == (_XSI, "nil")}
    return not values.isdisjoint(("true", "1"))


def _dated(text: str) -> Any:
    return read_moment(text) or text


def _integer(digits: str) -> int:
    number = int(digits)
    return Int64(number) if -_LONG <= number < _LONG else BigInteger(number)


_FAST, _PIECEWISE = json.JSONDecoder(parse_int=_integer), PiecewiseDecoder(parse_int=_integer)


def read_json(content: bytes | str, parse_dates: bool) -> Any:
    """JSON with the numbers of .NET. Raises ValueError: it is not JSON; RecursionError: it is nested too deeply."""
    text = content if isinstance(content, str) else content.decode(json.detect_encoding(content), "surrogatepass")
    value = (_PIECEWISE if len(text) > LARGE else _FAST).decode(text)
    return _with_dates(value) if parse_dates else value


def _with_dates(value: Any) -> Any:
    """*value* itself, with dates for the texts that are dates."""
    if isinstance(value, dict):
        for name, member in value.items():
            value[name] = _with_dates(member)
    elif isinstance(value, list):
        value[:] = map(_with_dates, value)
    return _dated(value) if isinstance(value, str) else value
