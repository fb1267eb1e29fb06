"""
WebSocket frames of a client, put together to messages; and frames to write.

Source: RFC 6455 §5.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from gateway.wire.slices import rest

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
_CONTINUED, _BINARY = 0, 2
_LONGEST_CONTROL = 125

PROTOCOL_ERROR, NOT_TEXT, TOO_BIG = 1002, 1003, 1009


class BadFrame(Exception):
    """The client does not speak WebSocket, or not as GraphQL's protocols do; *code* closes the connection."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class WholeMessage(NamedTuple):
    """One message, or a control frame: TEXT, CLOSE, PING or PONG."""

    opcode: int
    content: bytes


class _Head(NamedTuple):
    opcode: int
    is_last: bool
    start: int
    length: int


class MessageReader:
    """Gives the messages in the bytes of a client; *most* bytes each."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._data = bytearray()
        self._parts = bytearray()
        self._is_open = False  # a message whose last frame is still to come

    def feed(self, data: bytes) -> None:
        """The next bytes."""
        self._data += data

    def messages(self) -> Iterator[WholeMessage]:
        """The messages that are complete, as long as there are any. Raises BadFrame."""
        while (head := self._head()) is not None and len(self._data) >= head.start + head.length:
            mask = self._data[head.start - 4 : head.start]
            content = _masked(self._data[head.start : head.start + head.length], bytes(mask))
            del self._data[: head.start + head.length]
            rest()  # a client can send a hundred thousand frames of one message at once
            if head.opcode >= CLOSE:
                yield WholeMessage(head.opcode, content)
            else:
                yield from self._text(head, content)

    def _text(self, head: _Head, content: bytes) -> Iterator[WholeMessage]:
        if (head.opcode == _CONTINUED) != self._is_open:
            raise BadFrame(PROTOCOL_ERROR, "frames of two messages are mixed")
        self._parts += content
        self._is_open = not head.is_last
        if head.is_last:
            whole, self._parts = bytes(self._parts), bytearray()
            yield WholeMessage(TEXT, whole)

    def _head(self) -> _Head | None:
        """The head of the next frame; None: it has not come yet. Raises BadFrame."""
        data = self._data
        if len(data) < 2:
            return None
        opcode, length, start = data[0] & 0x0F, data[1] & 0x7F, 6
        self._check(data[0], data[1], opcode)
        if length > 125:
            extra = 2 if length == 126 else 8
            start += extra
            if len(data) < 2 + extra:
                return None
            length = int.from_bytes(data[2 : 2 + extra], "big")
        if opcode < CLOSE and length + len(self._parts) > self._most:
            raise BadFrame(TOO_BIG, "the message is too long")
        return _Head(opcode, bool(data[0] & 0x80), start, length)

    def _check(self, first: int, second: int, opcode: int) -> None:
        if first & 0x70 or not second & 0x80:
            raise BadFrame(PROTOCOL_ERROR, "extensions and frames without a mask are not accepted")
        if opcode == _BINARY:
            raise BadFrame(NOT_TEXT, "messages are text")
        if opcode not in (_CONTINUED, TEXT, CLOSE, PING, PONG):
            raise BadFrame(PROTOCOL_ERROR, "unknown opcode")
        if opcode >= CLOSE and (not first & 0x80 or second & 0x7F > _LONGEST_CONTROL):
            raise BadFrame(PROTOCOL_ERROR, "a control frame is too long, or in parts")


def _masked(content: bytes | bytearray, mask: bytes) -> bytes:
    size = len(content)
    whole = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(content, "big") ^ int.from_bytes(whole, "big")).to_bytes(size, "big")


def frame(opcode: int, content: bytes, *, masked: bool) -> bytes:
    """One frame; *masked* as clients have to send it."""
    size, bit = len(content), 0x80 if masked else 0
    if size <= _LONGEST_CONTROL:
        head = bytes([0x80 | opcode, bit | size])
    elif size < 1 << 16:
        head = bytes([0x80 | opcode, bit | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([0x80 | opcode, bit | 127]) + size.to_bytes(8, "big")
    if not masked:
        return head + content
    mask = os.urandom(4)
    return head + mask + _masked(content, mask)
