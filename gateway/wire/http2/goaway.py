"""
The frames of one connection, one after the other, and the GOAWAY frames among them read here.

The h2 library is given one frame at a time: so what it knows of a stream never runs ahead of what has been done about
it, and a turn of the event loop can end between two frames.

A backend that sends GOAWAY still answers the streams that it accepted: nginx does so after every thousandth request.
The library treats the frame as the end of the connection and refuses what follows, so it never sees one.

Source: RFC 9113 §4.1 and §6.8.
"""

from __future__ import annotations

from dataclasses import dataclass

_HEADER_BYTES = 9
_TYPE = 0x07
_MAX_BYTES = 16 * 1024  # RFC 9113 §4.2: the limit while we announce no other


@dataclass(frozen=True, slots=True)
class Goaway:
    """
    The backend takes no new streams.

    Attributes:
        last_stream: The highest stream that it may have acted on.
    """

    last_stream: int


class FrameCutter:
    """Cuts what a backend sends at the ends of frames, however it arrives."""

    __slots__ = ("_at", "_data", "_left")

    def __init__(self) -> None:
        self._data = b""
        self._at = 0  # what comes before has been taken
        self._left = 0  # bytes to come of a frame that has begun

    def feed(self, data: bytes) -> None:
        """More bytes have come."""
        self._data = self._data[self._at :] + data
        self._at = 0

    def take(self) -> bytes | Goaway | None:
        """A frame, or what there is of a long one; None: more has to come. Raises ValueError: a malformed frame."""
        if self._left:
            return self._piece(self._left)
        data, at = self._data, self._at
        if len(data) - at < _HEADER_BYTES:
            return None
        size = _HEADER_BYTES + _length(data[at : at + 3])
        if data[at + 3] != _TYPE:
            return self._piece(size)
        if len(data) - at < size:
            return None
        self._at = at + size
        return _parse(data[at + _HEADER_BYTES : at + size])

    def _piece(self, size: int) -> bytes | None:
        """What there is of the next *size* bytes."""
        piece = self._data[self._at : self._at + size]
        self._at += len(piece)
        self._left = size - len(piece)
        return piece or None


def _length(data: bytes) -> int:
    """Refused at once: h2 would wait for the whole frame, and HTTP/1.1 looks like one of five megabytes."""
    length = int.from_bytes(data)
    if length > _MAX_BYTES:
        raise ValueError("a frame is too long")
    return length


def _parse(payload: bytes) -> Goaway:
    if len(payload) < 8:
        raise ValueError("a GOAWAY frame is too short")
    return Goaway(int.from_bytes(payload[:4]) & 0x7FFF_FFFF)
