"""
Bodies as text, for the policies that rewrite them: decoded for the change, and sent on without a content coding.

Source: RFC 9110 §8.4.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.errors import ExpressionError
from gateway.wire.body import Body

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.wire.headers import Headers

# Window bits of zlib for each coding that is undone here.
_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


def message(context: Context, on_request: bool) -> tuple[Headers, Body | None]:
    """Headers and body of the message that policies of a section change."""
    changed = context.request if on_request else context.answer
    return changed.headers, changed.body


def decoded(body: Body, headers: Headers, max_bytes: int) -> bytes:
    """The buffered body without its content coding. Raises ExpressionError: unknown coding, or too long."""
    coding = (headers.joined("Content-Encoding") or "identity").strip().lower()
    content = body.read(preserve=True)
    if coding == "identity" or not content:
        return content
    if coding not in _WINDOWS:
        raise ExpressionError("NotSupportedException", f"a body with Content-Encoding {coding[:20]} cannot be read")
    inflater = zlib.decompressobj(_WINDOWS[coding])
    try:
        plain = inflater.decompress(content, max_bytes)
    except zlib.error:
        raise ExpressionError("InvalidDataException", "the body is not what its Content-Encoding says") from None
    if inflater.unconsumed_tail:
        raise ExpressionError("InvalidDataException", f"the body is longer than {max_bytes} bytes")
    return plain


def rewrite(headers: Headers, body: Body | None, max_bytes: int, change: Callable[[str], str]) -> None:
    """Change the text of *body* in place; what does not decode as UTF-8 passes through unharmed."""
    if body is None:
        return
    plain = decoded(body, headers, max_bytes)
    text = plain.decode("utf-8", "surrogateescape")
    changed = change(text)
    if changed != text:
        body.replace(changed.encode("utf-8", "surrogateescape"))
        headers.remove("Content-Encoding")


def media_type(headers: Headers) -> str:
    """``Content-Type`` without its parameters, lower case."""
    return (headers.first("Content-Type") or "").partition(";")[0].strip().lower()


def is_json(kind: str) -> bool:
    """Source: RFC 8259 and RFC 6839 §3.1."""
    return kind in ("application/json", "text/json") or kind.endswith("+json")


def is_xml(kind: str) -> bool:
    """Source: RFC 7303 §4."""
    return kind in ("application/xml", "text/xml") or kind.endswith("+xml")
