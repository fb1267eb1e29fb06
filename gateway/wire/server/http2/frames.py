"""
The frames of HTTP/2 as bytes: what a client sends is cut here, and what it gets is put together.

Source: RFC 9113 §4, §6 and §7.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADER_BYTES = 9
MAX_FRAME = 16 * 1024
"""Bytes of one frame's payload, in both directions. RFC 9113 §4.2: the default, which nobody has to announce."""
MAX_WINDOW = 2**31 - 1
FIRST_WINDOW = 65_535  # RFC 9113 §6.9.2

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)

END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
PRIORITIZED = 0x20

_HEAD = Struct(">HBBBL")  # length in two parts, type, flags, stream
_WORD = Struct(">L")
_SETTING = Struct(">HL")


class ErrorCode(IntEnum):
    """Why a stream or a connection ends. Source: RFC 9113 §7."""

    NO_ERROR = 0x0
    PROTOCOL_ERROR = 0x1
    INTERNAL_ERROR = 0x2
    FLOW_CONTROL_ERROR = 0x3
    SETTINGS_TIMEOUT = 0x4
    STREAM_CLOSED = 0x5
    FRAME_SIZE_ERROR = 0x6
    REFUSED_STREAM = 0x7
    CANCEL = 0x8
    COMPRESSION_ERROR = 0x9
    CONNECT_ERROR = 0xA
    ENHANCE_YOUR_CALM = 0xB


class Setting(IntEnum):
    """Source: RFC 9113 §6.5.2; RFC 8441 §3."""

    HEADER_TABLE_SIZE = 0x1
    ENABLE_PUSH = 0x2
    MAX_CONCURRENT_STREAMS = 0x3
    INITIAL_WINDOW_SIZE = 0x4
    MAX_FRAME_SIZE = 0x5
    MAX_HEADER_LIST_SIZE = 0x6
    ENABLE_CONNECT_PROTOCOL = 0x8


class ConnectionFault(Exception):
    """What the client has sent ends the connection. Source: RFC 9113 §5.4.1."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class StreamFault(Exception):
    """What the client has sent ends one stream. Source: RFC 9113 §5.4.2."""

    def __init__(self, stream_id: int, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.stream_id = stream_id
        self.code = code
        self.message = message


def head_of(data: bytes, at: int) -> tuple[int, int, int, int]:
    """Length, type, flags and stream of the frame whose nine bytes begin at *at*."""
    high, low, kind, flags, stream_id = _HEAD.unpack_from(data, at)
    return high << 8 | low, kind, flags, stream_id & MAX_WINDOW


def frame(kind: int, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    """One frame."""
    return _HEAD.pack(len(payload) >> 8, len(payload) & 0xFF, kind, flags, stream_id) + payload


def data_head(size: int, flags: int, stream_id: int) -> bytes:
    """The nine bytes before *size* bytes of a body."""
    return _HEAD.pack(size >> 8, size & 0xFF, DATA, flags, stream_id)


def field_block(block: bytes, flags: int, stream_id: int) -> bytes:
    """HEADERS with *block*, and CONTINUATION where it is too long for one frame; *flags*: END_STREAM or none."""
    if len(block) <= MAX_FRAME:
        return frame(HEADERS, flags | END_HEADERS, stream_id, block)
    pieces = [block[at : at + MAX_FRAME] for at in range(0, len(block), MAX_FRAME)]
    frames = [frame(HEADERS, flags, stream_id, pieces[0])]
    frames += [frame(CONTINUATION, 0, stream_id, piece) for piece in pieces[1:-1]]
    return b"".join([*frames, frame(CONTINUATION, END_HEADERS, stream_id, pieces[-1])])


def reset(stream_id: int, code: ErrorCode) -> bytes:
    """RST_STREAM."""
    return frame(RST_STREAM, 0, stream_id, _WORD.pack(code))


def window_update(stream_id: int, size: int) -> bytes:
    """WINDOW_UPDATE; stream 0 is the connection."""
    return frame(WINDOW_UPDATE, 0, stream_id, _WORD.pack(size))


def goaway(last_stream: int, code: ErrorCode, reason: str = "") -> bytes:
    """GOAWAY, with a *reason* for whoever debugs the client."""
    return frame(GOAWAY, 0, 0, _WORD.pack(last_stream) + _WORD.pack(code) + reason.encode("ascii", "replace"))


def settings(values: dict[Setting, int]) -> bytes:
    """SETTINGS."""
    return frame(SETTINGS, 0, 0, b"".join([_SETTING.pack(name, value) for name, value in values.items()]))


def check_form(kind: int, stream_id: int, length: int) -> None:
    """
    Check stream and length of a frame that is neither DATA nor HEADERS; unknown ones have any.

    Raises:
        ConnectionFault, StreamFault: It is malformed.
    """
    if kind in _NOT_FROM_CLIENTS:
        raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "PUSH_PROMISE of a client, or CONTINUATION of no head")
    if kind in (_OF_CONNECTIONS if stream_id else _OF_STREAMS):
        raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "a frame of a stream that must have none, or of none")
    least, most = _LENGTHS.get(kind, _ANY)
    if least <= length <= most:
        return
    if kind == PRIORITY:
        raise StreamFault(stream_id, ErrorCode.FRAME_SIZE_ERROR, "PRIORITY of the wrong length")
    raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "a frame of the wrong length")


PRIORITY_BYTES = 5
_ANY = (0, MAX_FRAME)
_LENGTHS = {PRIORITY: (5, 5), RST_STREAM: (4, 4), PING: (8, 8), GOAWAY: (8, MAX_FRAME), WINDOW_UPDATE: (4, 4)}
_NOT_FROM_CLIENTS = frozenset([PUSH_PROMISE, CONTINUATION])
_OF_STREAMS = frozenset([PRIORITY, RST_STREAM])
_OF_CONNECTIONS = frozenset([SETTINGS, PING, GOAWAY])


def read_settings(flags: int, payload: bytes) -> list[tuple[int, int]]:
    """The pairs in a SETTINGS frame, in order. Raises ConnectionFault. Source: RFC 9113 §6.5."""
    if len(payload) % _SETTING.size or (flags & ACK and payload):
        raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "SETTINGS with half a setting, or acknowledged with some")
    pairs = list(_SETTING.iter_unpack(payload))
    for name, value in pairs:
        _check_setting(name, value)
    return pairs


def _check_setting(name: int, value: int) -> None:
    """Source: RFC 9113 §6.5.2. Raises ConnectionFault."""
    if name == Setting.INITIAL_WINDOW_SIZE and value > MAX_WINDOW:
        raise ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE is too large")
    if name in (Setting.ENABLE_PUSH, Setting.ENABLE_CONNECT_PROTOCOL) and value > 1:
        raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "a switch is neither 0 nor 1")
    if name == Setting.MAX_FRAME_SIZE and not MAX_FRAME <= value < 2**24:
        raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "MAX_FRAME_SIZE is out of bounds")


def read_word(payload: bytes) -> int:
    """The 31 bits in a frame of four bytes."""
    return int(_WORD.unpack(payload)[0]) & MAX_WINDOW


def unpadded(payload: bytes) -> bytes:
    """What the padding leaves of a padded frame. Raises ConnectionFault. Source: RFC 9113 §6.1."""
    if not payload:
        raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "a padded frame without the length of its padding")
    size = payload[0]
    if size >= len(payload):
        raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "more padding than frame")
    return payload[1 : len(payload) - size]
