"""What several policies share: child elements, and the headers that no copy of a request takes along."""

from __future__ import annotations

from gateway.pipeline.shape import Content, Element

VALUE = Element("value", "One value; an expression or a literal.", content=Content.TEXT)

# They belong to one connection, or are written anew. Source: RFC 9110 §7.6.1.
NOT_COPIED = (
    "host connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer"
    " transfer-encoding upgrade content-length expect"
).split()
