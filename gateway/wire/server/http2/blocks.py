"""The heads of one connection: from a field block to what HTTP/1.1's reading makes of the same request."""

from __future__ import annotations

from contextlib import suppress

from gateway.wire.server.http2.fields import MalformedFields, head_text, trailer_lines
from gateway.wire.server.http2.hpack import FieldsTooLarge, HpackDecoder
from gateway.wire.server.listener import Caller
from gateway.wire.server.request_head import RequestHead, head_too_large
from gateway.wire.settings import ClientLimits

_FIELD_BYTES = 64  # of each field, for what HPACK counts besides its text, and so that a head too large is answered


class BlockReader:
    """
    Reads the field blocks of one connection.

    A block that equals the last one, while HPACK's table is as it was, means the same and is not decoded again.
    """

    __slots__ = ("_caller", "_decoder", "_last")

    def __init__(self, caller: Caller, limits: ClientLimits) -> None:
        self._caller = caller
        self._decoder = HpackDecoder(limits.head_bytes + _FIELD_BYTES * limits.header_count)
        self._last: tuple[bytes, int, bool] | None = None  # the block, and with what it means the same

    def read(self, block: bytes, ended: bool, limits: ClientLimits) -> RequestHead:
        """
        The head that *block* means; *ended*: and the request ends with it.

        Raises:
            MalformedFields: It is none of HTTP/2.
            HeadError: It is refused as over HTTP/1.1.
            ConnectionFault: The state of the compression is lost.
        """
        decoder = self._decoder
        before = decoder.changes
        known, head = (block, before, ended), self._caller.head
        if known == self._last and head is not None:
            return head
        self._last = None
        try:
            fields = decoder.decode(block)
        except FieldsTooLarge as error:
            raise head_too_large(error.size, limits.head_bytes) from None
        text = head_text(fields, ended)
        if len(text) > limits.head_bytes:
            raise head_too_large(len(text), limits.head_bytes)
        head = self._caller.read(text)
        if ended and head.length:
            raise MalformedFields("the body is shorter than announced")
        if decoder.changes == before:
            self._last = known
        return head

    def skip(self, block: bytes) -> None:
        """Follow the compression, and no more. Raises ConnectionFault."""
        with suppress(FieldsTooLarge):
            self._decoder.decode(block)

    def trailers(self, block: bytes) -> dict[str, str]:
        """The trailers that *block* means, by folded name. Raises MalformedFields, ConnectionFault."""
        try:
            return trailer_lines(self._decoder.decode(block))
        except FieldsTooLarge:
            raise MalformedFields("the trailers are too large") from None
