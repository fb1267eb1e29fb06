"""What several policies share: child elements, kinds of attributes, and the headers that no copy of a request takes."""

from __future__ import annotations

from gateway.documents.shape import Attribute, Content, Element, Format, Kind

# Source: RFC 9110 §5.1; §5.5 without obs-text, which receivers read in different encodings.
FIELD_NAME = Format(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", "a header name has letters, digits and -")
FIELD_VALUE = Format(r"[\t\x20-\x7e]*", "printable ASCII on one line; encode anything else")
# What becomes part of a URL: escaped where that is needed, but a line end or another control is a slip.
URL_TEXT = Format(r"[^\x00-\x1f\x7f]*", "one line without control characters; write %0A for a line end")

VALUE = Element("value", "One value; an expression or a literal.", content=Content.TEXT)

_LONGEST_S = 2.0**31 - 1  # what timers and caches take


def seconds(
    name: str, doc: str, default: str | None = None, *, minimum: float = 0, required: bool = False
) -> Attribute:
    """A number of seconds."""
    return Attribute(name, doc, Kind.NUMBER, required, default=default, minimum=minimum, maximum=_LONGEST_S)


def timeout(name: str, doc: str, default: str | None = None) -> Attribute:
    """Seconds to wait for something; none at all would only ever fail."""
    return seconds(name, doc, default, minimum=0.001)


# They belong to one connection, or are written again. Source: RFC 9110 §7.6.1.
NOT_COPIED = (
    "host connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer"
    " transfer-encoding upgrade content-length expect"
).split()
