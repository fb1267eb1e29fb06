"""
Frames of HTTP/2, byte by byte, so that a test can send what no library would.

Source: RFC 9113 §4.1 and §6; field blocks: RFC 7541 §5 and §6.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY_FLAG = 0x1, 0x1, 0x4, 0x8, 0x20
RESERVED_BIT = 0x8000_0000
LARGEST_WINDOW = 2**31 - 1
LARGEST_STREAM = 2**31 - 1
FRAME_BYTES = 16_384  # what every endpoint accepts


class Kind(IntEnum):
    """Types of frames."""

    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9
    UNKNOWN = 0x16


class Code(IntEnum):
    """Error codes. Source: RFC 9113 §7."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    FLOW_CONTROL_ERROR = 3
    SETTINGS_TIMEOUT = 4
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    CONNECT_ERROR = 10
    ENHANCE_YOUR_CALM = 11
    INADEQUATE_SECURITY = 12
    HTTP_1_1_REQUIRED = 13


class Setting(IntEnum):
    """Settings of RFC 9113 §6.5.2 and RFC 8441 §3."""

    HEADER_TABLE_SIZE = 1
    ENABLE_PUSH = 2
    MAX_CONCURRENT_STREAMS = 3
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5
    MAX_HEADER_LIST_SIZE = 6
    ENABLE_CONNECT_PROTOCOL = 8


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it was read."""

    kind: int
    flags: int
    stream: int
    payload: bytes


def frame(kind: int, stream: int, payload: bytes = b"", flags: int = 0) -> bytes:
    """Any frame; the stream may have the reserved bit."""
    return struct.pack("!IBBI", len(payload), kind, flags, stream)[1:] + payload


def headers(stream: int, block: bytes, flags: int = END_HEADERS | END_STREAM) -> bytes:
    """HEADERS, which by default is a whole request without content."""
    return frame(Kind.HEADERS, stream, block, flags)


def opening(stream: int, block: bytes) -> bytes:
    """HEADERS of a request whose content follows."""
    return headers(stream, block, END_HEADERS)


def continuation(stream: int, block: bytes, flags: int = END_HEADERS) -> bytes:
    """CONTINUATION, which by default is the last one."""
    return frame(Kind.CONTINUATION, stream, block, flags)


def head(stream: int, block: bytes, flags: int = END_STREAM) -> bytes:
    """A field block of any length: HEADERS, and CONTINUATION for the rest."""
    pieces = [block[start : start + FRAME_BYTES] for start in range(0, len(block), FRAME_BYTES)] or [b""]
    kinds = [Kind.HEADERS] + [Kind.CONTINUATION] * (len(pieces) - 1)
    marks = [0] * (len(pieces) - 1) + [END_HEADERS]
    marks[0] |= flags
    return b"".join(frame(kind, stream, piece, mark) for kind, piece, mark in zip(kinds, pieces, marks, strict=True))


def data(stream: int, content: bytes = b"", flags: int = END_STREAM) -> bytes:
    """DATA, which by default is the last one."""
    return frame(Kind.DATA, stream, content, flags)


def padded(content: bytes, padding: int) -> bytes:
    """The payload of a frame with PADDED."""
    return bytes([padding]) + content + bytes(padding)


def priority(stream: int, depends_on: int = 0, weight: int = 15) -> bytes:
    """PRIORITY."""
    return frame(Kind.PRIORITY, stream, struct.pack("!IB", depends_on, weight))


def reset(stream: int, code: int = Code.CANCEL) -> bytes:
    """RST_STREAM."""
    return frame(Kind.RST_STREAM, stream, struct.pack("!I", code))


def settings(*pairs: tuple[int, int], flags: int = 0) -> bytes:
    """SETTINGS."""
    return frame(Kind.SETTINGS, 0, b"".join(struct.pack("!HI", *pair) for pair in pairs), flags)


def ping(payload: bytes = b"12345678", flags: int = 0) -> bytes:
    """PING."""
    return frame(Kind.PING, 0, payload, flags)


def goaway(last: int = 0, code: int = 0, debug: bytes = b"") -> bytes:
    """GOAWAY."""
    return frame(Kind.GOAWAY, 0, struct.pack("!II", last, code) + debug)


def window(stream: int, increment: int) -> bytes:
    """WINDOW_UPDATE."""
    return frame(Kind.WINDOW_UPDATE, stream, struct.pack("!I", increment))


def integer(value: int, prefix: int, first: int = 0) -> bytes:
    """An integer with a prefix of *prefix* bits. Source: RFC 7541 §5.1."""
    most = (1 << prefix) - 1
    if value < most:
        return bytes([first | value])
    octets, rest = [first | most], value - most
    while rest >= 0x80:
        octets.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*octets, rest])


def text(value: bytes) -> bytes:
    """A string without Huffman coding. Source: RFC 7541 §5.2."""
    return integer(len(value), 7) + value


def literal(name: bytes, value: bytes, first: int = 0x00) -> bytes:
    """A literal with a new name: 0x00 not indexed, 0x10 never indexed, 0x40 added to the table."""
    return bytes([first]) + text(name) + text(value)


def block(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A field block that leaves the decoder's table as it is."""
    return b"".join(literal(name, value) for name, value in fields)


def request(
    *fields: tuple[bytes, bytes], method: bytes = b"GET", path: bytes = b"/row", authority: bytes = b"api.example"
) -> bytes:
    """The field block of an ordinary request with *fields* behind."""
    pseudo = [(b":method", method), (b":scheme", b"http"), (b":authority", authority), (b":path", path)]
    return block([*pseudo, *fields])


def post(*fields: tuple[bytes, bytes]) -> bytes:
    """The field block of a POST."""
    return request(*fields, method=b"POST")
