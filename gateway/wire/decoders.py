"""
Where a message body ends: by its length, by its chunks, or with the connection.

Each decoder turns the bytes of a connection into the bytes of a body. ``decode`` returns what of the body is in *data*;
once ``done``, ``rest`` holds the bytes behind the end.

Source: RFC 9112 §6 and §7.1.
"""

from __future__ import annotations

import re
from typing import Protocol

from gateway.errors import GatewayError
from gateway.wire.fields import FieldError, check_octets, parse_fields

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t -~\x80-\xff]*)?")
_MAX_SIZE_LINE = 1024
_MAX_EXTENSIONS = 16 * 1024
_MAX_TRAILERS = 16 * 1024


class FramingError(GatewayError):
    """Bytes that cannot be a body in the announced framing."""


class Decoder(Protocol):
    """Finds the end of one body."""

    done: bool
    rest: bytes

    def decode(self, data: bytes) -> bytes:
        """The bytes of the body in *data*. Raises FramingError."""


class LengthDecoder:
    """A body of a known number of bytes, at least one; *missing* of them have not come yet."""

    __slots__ = ("done", "missing", "rest")

    def __init__(self, length: int) -> None:
        self.missing = length
        self.done = False
        self.rest = b""

    def decode(self, data: bytes) -> bytes:
        self.missing -= len(data)
        if self.missing > 0:
            return data
        self.done = True
        if self.missing == 0:
            return data
        self.rest = data[self.missing :]
        return data[: self.missing]


class CloseDecoder:
    """A body that ends with the connection: answers only."""

    __slots__ = ("done", "rest")

    def __init__(self) -> None:
        self.done = False
        self.rest = b""

    def decode(self, data: bytes) -> bytes:
        return data


class ChunkedDecoder:
    """A chunked body. Extensions are dropped, trailers are checked and dropped: they never join the header fields."""

    __slots__ = ("_extensions", "_held", "_missing", "_trailers", "done", "missing", "rest")

    def __init__(self) -> None:
        self.done = False
        self.rest = b""
        self.missing = -1  # unknown
        self._held = b""  # an incomplete line
        self._missing = 0  # bytes of the current chunk with its CRLF; 0 where a size line is due
        self._extensions = 0
        self._trailers = False

    def decode(self, data: bytes) -> bytes:
        if self._held:
            data, self._held = self._held + data, b""
        pieces: list[bytes] = []
        at = 0
        while at < len(data) and not self.done:
            if self._trailers:
                at = self._end(data, at)
            elif self._missing:
                at = self._content(data, at, pieces)
            else:
                at = self._size(data, at)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _size(self, data: bytes, at: int) -> int:
        """Read one size line; where the next part begins."""
        end = data.find(b"\r\n", at, at + _MAX_SIZE_LINE)
        if end < 0:
            return self._hold(data, at, _MAX_SIZE_LINE)
        line = _SIZE.fullmatch(data, at, end)
        if line is None:
            raise FramingError("Malformed chunk size")
        self._extensions += end - line.end(1)
        if self._extensions > _MAX_EXTENSIONS:
            raise FramingError("Too many chunk extensions")
        size = int(line[1], 16)
        self._missing = size + 2
        if size == 0:
            self._trailers = True
            return end  # the CRLF of this line belongs to the search for the empty line
        return end + 2

    def _content(self, data: bytes, at: int, pieces: list[bytes]) -> int:
        """Take what there is of the current chunk, its CRLF included."""
        available = len(data) - at
        size = self._missing - 2
        if size > 0:
            taken = min(size, available)
            pieces.append(data[at : at + taken])
            self._missing -= taken
            return at + taken
        if data[at] != b"\n\r"[self._missing - 1]:
            raise FramingError("Chunk without CRLF at its end")
        self._missing -= 1
        return at + 1

    def _end(self, data: bytes, at: int) -> int:
        """Read the trailer section, which the CRLF of the last size line and an empty line enclose."""
        end = data.find(b"\r\n\r\n", at, at + _MAX_TRAILERS)
        if end < 0:
            return self._hold(data, at, _MAX_TRAILERS)
        if end > at:
            self._check_trailers(data[at + 2 : end])
        self.done = True
        self.rest = data[end + 4 :]
        return len(data)

    def _check_trailers(self, block: bytes) -> None:
        lines = block.decode("latin-1").split("\r\n")
        try:
            check_octets(block, len(lines))
            parse_fields(lines)
        except FieldError as error:
            raise FramingError(str(error)) from None

    def _hold(self, data: bytes, at: int, limit: int) -> int:
        """Keep an incomplete line for the next read."""
        if len(data) - at >= limit:
            raise FramingError("Chunk size line or trailers too long")
        self._held = data[at:]
        if b"\n" in self._held.replace(b"\r\n", b""):
            raise FramingError("Bare line end in chunked framing")
        return len(data)
