"""
GOAWAY frames, filtered out of what a backend sends.

A backend that sends GOAWAY still answers the streams that it accepted: nginx does so after every thousandth request.
The h2 library treats the frame as the end of the connection and refuses what follows, so it never sees one.

Source: RFC 9113 §4.1 and §6.8.
"""

from __future__ import annotations

from collections.abc import Iterator
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


class GoawayFilter:
    """Follows the frames of one connection, however they are cut into pieces."""

    def __init__(self) -> None:
        self._held = b""  # a frame header, or a GOAWAY frame, that is not whole yet
        self._left = 0  # bytes to come of a frame that has begun

    def feed(self, data: bytes) -> Iterator[bytes | Goaway]:
        """What is for h2, and the GOAWAY frames in between, in order. Raises ValueError: a malformed frame."""
        data = self._held + data
        begin, position = 0, min(self._left, len(data))
        self._left -= position
        while len(data) - position >= _HEADER_BYTES:
            end = position + _HEADER_BYTES + _length(data[position : position + 3])
            is_goaway = data[position + 3] == _TYPE
            if is_goaway and end > len(data):
                break
            if is_goaway:
                yield data[begin:position]
                yield _parse(data[position + _HEADER_BYTES : end])
                begin = end
            self._left = max(0, end - len(data))
            position = min(end, len(data))
        self._held = data[position:]
        yield data[begin:position]


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
