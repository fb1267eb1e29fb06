"""
The frames that a client sends, one after the other, however the network cuts them.

A head comes in one piece, however many frames it took. A long DATA frame that comes slowly is given out in pieces: a
slow client must not seem to stand still.

Source: RFC 9113 §3.4, §4.1, §4.3 and §6.
"""

from __future__ import annotations

from gateway.wire.server.http2 import frames
from gateway.wire.server.http2.calm import MAX_CONTINUATIONS
from gateway.wire.server.http2.frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    HEADER_BYTES,
    HEADERS,
    MAX_FRAME,
    PADDED,
    PREFACE,
    PRIORITIZED,
    SETTINGS,
    ConnectionFault,
    ErrorCode,
)

Frame = tuple[int, int, int, bytes]
"""Type, flags, stream and payload: of DATA and HEADERS without padding and priority, see ``FrameReader.size``."""


class FrameReader:
    """
    Cuts one connection's bytes.

    Attributes:
        is_open: Whether preface and settings have come.
        size: What the last DATA frame takes of the windows, its padding included.
        count: Frames so far.
    """

    __slots__ = ("_at", "_block", "_blocks", "_data", "_head", "_max_block", "_rest", "count", "is_open", "size")

    def __init__(self, max_block: int) -> None:
        """*max_block*: bytes of a head, as it is sent."""
        self._max_block = max_block
        self._data = PREFACE[:0]
        self._at = -1  # what comes before has been taken; -1: not even the preface
        self._rest = (0, 0, 0)  # length, flags and stream of what is missing of a DATA frame
        self._head: tuple[int, int] | None = None  # flags and stream of one whose end has not come
        self._block = bytearray()  # of it
        self._blocks = 0
        self.is_open = False
        self.size = 0
        self.count = 0

    @property
    def is_partial(self) -> bool:
        """Whether the rest of something is due: of the preface, of a frame, of a head."""
        return not self.is_open or self._head is not None or self._at < len(self._data)

    def feed(self, data: bytes) -> None:
        """More bytes have come."""
        at = self._at
        if at < 0:
            self._data += data
        else:
            self._data = self._data[at:] + data if at < len(self._data) else data
            self._at = 0

    def take(self) -> Frame | None:
        """The next frame; None: more has to come. Raises ConnectionFault, StreamFault."""
        if self._at < 0 and not self._take_preface():
            return None
        while not self._rest[0]:
            data, at = self._data, self._at
            start = at + HEADER_BYTES
            if len(data) < start:
                return None
            length, kind, flags, stream_id = frames.head_of(data, at)
            if length > MAX_FRAME:
                raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "a frame is too long")
            end = start + length
            if len(data) < end:
                return self._take_first(start, length, kind, flags, stream_id)
            self._at = end
            self.count += 1
            frame = self._read(kind, flags, stream_id, data[start:end])
            if frame is not None:
                return frame
        return self._take_part(self._at, *self._rest)

    def _take_first(self, start: int, length: int, kind: int, flags: int, stream_id: int) -> Frame | None:
        """The first part of a DATA frame; None: another kind of frame, or a padded one, has to come completely."""
        if kind != DATA or flags & PADDED or not self.is_open or self._head is not None:
            return None
        return self._take_part(start, length, flags, stream_id)

    def _take_preface(self) -> bool:
        """Whether it has come. Raises ConnectionFault."""
        if self._data.startswith(PREFACE):
            self._at = len(PREFACE)
            return True
        if not PREFACE.startswith(self._data):
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "no preface of HTTP/2")
        return False

    def _take_part(self, start: int, length: int, flags: int, stream_id: int) -> Frame | None:
        """What there is of the *length* bytes of a DATA frame from *start* on."""
        piece = self._data[start : start + length]
        if not piece:
            return None
        missing = length - len(piece)
        self._rest = (missing, flags, stream_id)
        self._at = start + len(piece)
        self.count += 1
        self.size = len(piece)
        return DATA, 0 if missing else flags, stream_id, piece

    def _read(self, kind: int, flags: int, stream_id: int, payload: bytes) -> Frame | None:
        """The frame as it is given out; None: part of a head. Raises ConnectionFault, StreamFault."""
        if self._head is not None:
            return self._continue(kind, flags, stream_id, payload)
        if not self.is_open:
            self._open(kind, flags)
        if kind == DATA:
            self.size = len(payload)
            return kind, flags, stream_id, frames.unpadded(payload) if flags & PADDED else payload
        if kind == HEADERS:
            return self._begin(flags, stream_id, payload)
        frames.check_form(kind, stream_id, len(payload))
        return kind, flags, stream_id, payload

    def _open(self, kind: int, flags: int) -> None:
        """The first frame. Raises ConnectionFault."""
        if kind != SETTINGS or flags & ACK:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "the first frame is not SETTINGS")
        self.is_open = True

    def _begin(self, flags: int, stream_id: int, payload: bytes) -> Frame | None:
        """A head, or its first part. Raises ConnectionFault."""
        if flags & PADDED:
            payload = frames.unpadded(payload)
        if flags & PRIORITIZED:
            if len(payload) < frames.PRIORITY_BYTES:
                raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "HEADERS without all of their priority")
            payload = payload[frames.PRIORITY_BYTES :]
        if flags & END_HEADERS:
            return HEADERS, flags, stream_id, payload
        if stream_id % 2 == 0:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "a stream with an even number")
        self._head, self._blocks = (flags, stream_id), 1
        self._block += payload
        return None

    def _continue(self, kind: int, flags: int, stream_id: int, payload: bytes) -> Frame | None:
        """The next part of a head. Raises ConnectionFault."""
        first_flags, first_stream = self._head or (0, 0)
        if kind != CONTINUATION or stream_id != first_stream:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "another frame within a head")
        self._blocks += 1
        self._block += payload
        if self._blocks > MAX_CONTINUATIONS or len(self._block) > self._max_block:
            raise ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, "a head has too many frames or bytes")
        if not flags & END_HEADERS:
            return None
        block = bytes(self._block)
        self._block.clear()
        self._head = None
        return HEADERS, first_flags | END_HEADERS, first_stream, block
