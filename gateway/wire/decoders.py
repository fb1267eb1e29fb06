"""
Where a message body ends: by its length, by its chunks, or with the connection.

Each decoder turns the bytes of a connection into the bytes of a body. ``decode`` returns what of the body is in *data*;
once ``done``, ``rest`` holds the bytes behind the end. A call that stops early, so that other connections get their
turn, leaves what it has not read in ``backlog``: call again, with more data or none.

Source: RFC 9112 §6 and §7.1.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from gateway.errors import GatewayError
from gateway.wire.fields import FieldError, check_octets, parse_fields

MAX_CHUNKS = 512
"""Chunks that are read from one connection before others get their turn."""

# A group that may repeat is not possessive here: before 3.11.5 Python, which is what Debian 12 has, keeps what a failed
# repetition had read (https://github.com/python/cpython/issues/106052). These groups can be read in one way only.
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_QUOTED = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
_EXTENSION = rb"[ \t]*+;[ \t]*+" + _TOKEN + rb"(?:[ \t]*+=[ \t]*+(?:" + _TOKEN + rb"|" + _QUOTED + rb"))?"
_SIZE = re.compile(rb"(0*+[0-9A-Fa-f]{0,15})(?:" + _EXTENSION + rb")*")  # RFC 9112 §7.1.1
_MAX_SIZE_LINE = 1024
_MAX_EXTENSIONS = 16 * 1024
_MAX_TRAILERS = 16 * 1024
MAX_TRAILER_FIELDS = 64
NO_TRAILERS: Mapping[str, str] = MappingProxyType({})


class FramingError(GatewayError):
    """Bytes that cannot be a body in the announced framing."""


class Decoder(Protocol):
    """Finds the end of one body."""

    done: bool
    rest: bytes
    backlog: bytes

    @property
    def trailers(self) -> Mapping[str, str]:
        """Folded name -> field lines behind the body, once ``done``."""

    def decode(self, data: bytes) -> bytes:
        """The bytes of the body in *data*. Raises FramingError."""


class LengthDecoder:
    """A body of a known number of bytes, at least one; *missing* of them have not come yet."""

    __slots__ = ("done", "missing", "rest")
    backlog = b""
    trailers = NO_TRAILERS

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
    backlog = b""
    trailers = NO_TRAILERS

    def __init__(self) -> None:
        self.done = False
        self.rest = b""

    def decode(self, data: bytes) -> bytes:
        return data


class ChunkedDecoder:
    """
    A chunked body. Extensions are dropped; trailers are checked and kept apart, they never join the header fields.

    Attributes:
        missing: Always -1: unknown.
        trailers: Folded name -> field lines, once ``done``.
    """

    __slots__ = ("_extensions", "_held", "_in_trailers", "_left", "_max_chunks", "backlog", "done", "rest", "trailers")
    missing = -1

    def __init__(self, max_chunks: int = sys.maxsize) -> None:
        """*max_chunks*: how many one call reads."""
        self.done = False
        self.rest = self.backlog = b""
        self.trailers = NO_TRAILERS
        self._max_chunks = max_chunks
        self._held = b""  # an incomplete line
        self._left = 0  # bytes of the current chunk with its CRLF; 0 where a size line is due
        self._extensions = 0
        self._in_trailers = False

    def decode(self, data: bytes) -> bytes:
        before = self.backlog or self._held
        if before:
            data, self.backlog, self._held = before + data, b"", b""
        pieces: list[bytes] = []
        at, chunks = 0, 0
        while at < len(data) and not self.done:
            if chunks >= self._max_chunks:
                self.backlog = data[at:]
                break
            chunks += 1
            at = self._step(data, at, pieces)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _step(self, data: bytes, at: int, pieces: list[bytes]) -> int:
        """Read what is due at *at*; where the next part begins."""
        if self._in_trailers:
            return self._end(data, at)
        if self._left:
            return self._content(data, at, pieces)
        return self._size(data, at, pieces)

    def _size(self, data: bytes, at: int, pieces: list[bytes]) -> int:
        """Read one size line, and its chunk where all of it is here; where the next part begins."""
        end = data.find(b"\r\n", at, at + _MAX_SIZE_LINE)
        if end < 0:
            return self._hold(data, at, _MAX_SIZE_LINE)
        line = _SIZE.fullmatch(data, at, end)
        if line is None or not line[1]:
            raise FramingError("Malformed chunk size")
        self._extensions += end - line.end(1)
        if self._extensions > _MAX_EXTENSIONS:
            raise FramingError("Too many chunk extensions")
        size = int(line[1], 16)
        if size == 0:
            self._in_trailers = True
            return end  # the CRLF of this line belongs to the search for the empty line
        after = end + 2 + size
        if data.startswith(b"\r\n", after):
            pieces.append(data[end + 2 : after])
            return after + 2
        self._left = size + 2
        return end + 2

    def _content(self, data: bytes, at: int, pieces: list[bytes]) -> int:
        """Take what there is of the current chunk, its CRLF included."""
        available = len(data) - at
        size = self._left - 2
        if size > 0:
            taken = min(size, available)
            pieces.append(data[at : at + taken])
            self._left -= taken
            return at + taken
        if data[at] != b"\n\r"[self._left - 1]:
            raise FramingError("Chunk without CRLF at its end")
        self._left -= 1
        return at + 1

    def _end(self, data: bytes, at: int) -> int:
        """Read the trailer section, which the CRLF of the last size line and an empty line enclose."""
        end = data.find(b"\r\n\r\n", at, at + _MAX_TRAILERS)
        if end < 0:
            return self._hold(data, at, _MAX_TRAILERS)
        if end > at:
            self.trailers = _trailers(data[at + 2 : end])
        self.done = True
        self.rest = data[end + 4 :]
        return len(data)

    def _hold(self, data: bytes, at: int, limit: int) -> int:
        """Keep an incomplete line for the next read."""
        if len(data) - at >= limit:
            raise FramingError("Chunk size line or trailers too long")
        self._held = data[at:]
        if b"\n" in self._held.replace(b"\r\n", b""):
            raise FramingError("Bare line end in chunked framing")
        return len(data)


def _trailers(block: bytes) -> dict[str, str]:
    """The trailer fields of one body, by folded name. Raises FramingError."""
    lines = block.decode("latin-1").split("\r\n")
    if len(lines) > MAX_TRAILER_FIELDS:
        raise FramingError("Too many trailers")
    try:
        check_octets(block, len(lines))
        return parse_fields(lines)
    except FieldError as error:
        raise FramingError(str(error)) from None
