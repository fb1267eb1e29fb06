"""
Bodies as text, for the policies that rewrite them: decoded for the change, and sent on without a content coding.

Source: RFC 9110 §8.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.errors import ExpressionError
from gateway.wire.body import Body, BodyTooLarge, DecodedBody
from gateway.wire.content_coding import CodingError, codings, decode
from gateway.wire.pieces import replace_in_pieces
from gateway.wire.slices import rest

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.wire.headers import Headers
    from gateway.wire.work import Work

# Processor time of a search for each byte, and of each replacement.
REPLACE_BYTE_S = 2e-9
REPLACE_S = 2e-8


@dataclass(frozen=True, slots=True)
class ChangeLimits:
    """What a change may take. *max_bytes*: longest body, before and after."""

    max_bytes: int
    work: Work


def message(context: Context, on_request: bool) -> tuple[Headers, Body | None]:
    """Headers and body of the message that policies of a section change."""
    changed = context.request if on_request else context.answer
    return changed.headers, changed.body


def decoded(body: Body, headers: Headers, max_bytes: int) -> bytes:
    """The buffered body without its content codings. Raises ExpressionError: an unknown or broken one, or too long."""
    content = body.read(preserve=True)
    applied = codings(headers.joined("Content-Encoding"))
    if not applied or not content or isinstance(body, DecodedBody):
        return content
    try:
        return decode(content, applied, max_bytes)
    except CodingError as error:
        raise ExpressionError("NotSupportedException", f"the body cannot be read: {error}") from None


def replace_all(body: Body | None, headers: Headers, old: bytes, new: bytes, limits: ChangeLimits) -> None:
    """
    Put *new* in place of each *old* in the body.

    Raises:
        BodyTooLarge: The result would be longer than bodies may be.
        WorkExceeded: The request has used up its budget.
    """
    if body is None or not old:
        return
    content = decoded(body, headers, limits.max_bytes)
    limits.work.draw(len(content) * REPLACE_BYTE_S)
    count = content.count(old)
    size = len(content) + count * (len(new) - len(old))
    if size > limits.max_bytes:
        raise BodyTooLarge(f"the body would be {size} bytes long, at most {limits.max_bytes} can be held in memory")
    if count:
        limits.work.draw(count * REPLACE_S, size)
        body.replace(replace_in_pieces(content, old, new, rest))
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
