"""
Content codings undone: gzip, deflate and Brotli, in pieces and up to a limit, so that no bomb goes off.

Source: RFC 9110 §8.4.1; RFC 1950, 1951, 1952, 7932.
"""

from __future__ import annotations

import zlib

from gateway.wire.body import BodyTooLarge
from gateway.wire.slices import rest

_GZIP, _ZLIB, _RAW = 31, 15, -15
MOST_CODINGS = 3
MOST_MEMBERS = 1_024  # bgzip, which writes the most, begins one for every 64 KiB
KNOWN = frozenset({"gzip", "x-gzip", "deflate", "br"})
_PIECE = 256 * 1024


class CodingError(ValueError):
    """The content is not what its coding announces, or its coding is not known here."""


def codings(field: str | None) -> list[str]:
    """The codings of a ``Content-Encoding`` field, in the order in which they were applied; without ``identity``."""
    names = [name.strip().lower() for name in (field or "").split(",")]
    return [name for name in names if name and name != "identity"]


def decode(content: bytes, applied: list[str], max_bytes: int) -> bytes:
    """
    *content* without the codings *applied*.

    Raises:
        CodingError: An unknown or a broken coding, or too many of them.
        BodyTooLarge: A result of more than *max_bytes*.
    """
    if len(applied) > MOST_CODINGS:
        raise CodingError(f"more than {MOST_CODINGS} content codings")
    for coding in reversed(applied):
        content = _undone(content, coding, max_bytes)
    return content


def _undone(content: bytes, coding: str, max_bytes: int) -> bytes:
    if coding in ("gzip", "x-gzip"):
        return _gzip_members(content, max_bytes)
    if coding == "br":
        return _unpacked_brotli(content, max_bytes)
    if coding != "deflate":
        raise CodingError(f"the content coding {coding[:20]} is not known")
    # What is called deflate is zlib's format, but some senders leave its head out.
    zlib_head = len(content) > 1 and content[0] & 0x0F == 8 and int.from_bytes(content[:2], "big") % 31 == 0
    plain, end = _inflated(content, 0, _ZLIB if zlib_head else _RAW, max_bytes)
    if end < len(content):
        raise CodingError("bytes follow the end of the compressed content")
    return plain


def _gzip_members(content: bytes, max_bytes: int) -> bytes:
    """All members of a gzip file, one after another. Each costs something however empty it is, so there is a limit."""
    parts: list[bytes] = []
    end, left = 0, max_bytes
    while end < len(content):
        if len(parts) == MOST_MEMBERS:
            raise CodingError(f"more than {MOST_MEMBERS} members in a gzip file")
        rest()
        plain, end = _inflated(content, end, _GZIP, left)
        parts.append(plain)
        left -= len(plain)
    return b"".join(parts)


def _unpacked_brotli(content: bytes, max_bytes: int) -> bytes:
    import brotli  # type: ignore[import-untyped]

    decoder, pieces, size, read = brotli.Decompressor(), [], 0, 0
    while not decoder.is_finished():
        given = content[read : read + _PIECE] if decoder.can_accept_more_data() else b""
        read += len(given)
        rest()
        try:
            piece = decoder.process(given, output_buffer_limit=_PIECE)
        except brotli.error:
            raise CodingError("the content is not what its Content-Encoding announces") from None
        # All may have been read while much is still to come out: only nothing in and nothing out is the end.
        if not (given or piece or decoder.is_finished()):
            raise CodingError("the compressed content ends too early")
        pieces.append(piece)
        size += len(piece)
        _check_size(size, max_bytes)
    if read < len(content):
        raise CodingError("bytes follow the end of the compressed content")
    return b"".join(pieces)


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise BodyTooLarge(f"decoded body larger than {max_bytes} bytes cannot be held in memory")


def _inflated(content: bytes, start: int, window: int, max_bytes: int) -> tuple[bytes, int]:
    """The plain bytes of the compressed stream at *start*, and where it ends."""
    inflater = zlib.decompressobj(window)
    try:
        plain, end = _pieces(inflater, memoryview(content)[start:], max_bytes)
    except zlib.error:
        raise CodingError("the content is not what its Content-Encoding announces") from None
    if not inflater.eof:
        raise CodingError("the compressed content ends too early")
    return plain, start + end


def _pieces(inflater: zlib._Decompress, content: memoryview, max_bytes: int) -> tuple[bytes, int]:
    """
    Everything that *inflater* makes of *content*, and how much of it was read. Raises zlib.error, BodyTooLarge.

    It is fed in pieces too, because it copies what it has not read.
    """
    pieces: list[bytes] = []
    size = read = 0
    is_full = True  # a full piece may leave more inside the inflater, even where everything has been read
    while (read < len(content) or is_full) and not inflater.eof:
        given = content[read : read + _PIECE]
        rest()
        plain = inflater.decompress(given, _PIECE)
        read += len(given) - len(inflater.unused_data if inflater.eof else inflater.unconsumed_tail)
        is_full = len(plain) == _PIECE
        pieces.append(plain)
        size += len(plain)
        _check_size(size, max_bytes)
    return b"".join(pieces), read
