"""
Content codings undone: gzip and deflate, in pieces and up to a limit, so that no bomb goes off.

Source: RFC 9110 §8.4.1; RFC 1950, 1951, 1952.
"""

from __future__ import annotations

import zlib

from gateway.wire.body import BodyTooLarge

_GZIP, _ZLIB, _RAW = 31, 15, -15
MOST_CODINGS = 3
KNOWN = frozenset({"gzip", "x-gzip", "deflate"})
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
    if coding != "deflate":
        raise CodingError(f"the content coding {coding[:20]} is not known")
    # What is called deflate is zlib's format, but some senders leave its head out.
    zlib_head = len(content) > 1 and content[0] & 0x0F == 8 and int.from_bytes(content[:2], "big") % 31 == 0
    plain, rest = _inflated(content, _ZLIB if zlib_head else _RAW, max_bytes)
    if rest:
        raise CodingError("bytes follow the end of the compressed content")
    return plain


def _gzip_members(content: bytes, max_bytes: int) -> bytes:
    """All members of a gzip file, one after another."""
    parts: list[bytes] = []
    left = max_bytes
    while content:
        plain, content = _inflated(content, _GZIP, left)
        parts.append(plain)
        left -= len(plain)
    return b"".join(parts)


def _inflated(content: bytes, window: int, max_bytes: int) -> tuple[bytes, bytes]:
    """The plain bytes of one compressed stream, and what follows it."""
    inflater = zlib.decompressobj(window)
    try:
        plain = _pieces(inflater, content, max_bytes)
    except zlib.error:
        raise CodingError("the content is not what its Content-Encoding announces") from None
    if not inflater.eof:
        raise CodingError("the compressed content ends too early")
    return plain, inflater.unused_data


def _pieces(inflater: zlib._Decompress, waiting: bytes, max_bytes: int) -> bytes:
    """Everything that *inflater* makes of *waiting*. Raises zlib.error, BodyTooLarge."""
    pieces: list[bytes] = []
    size = 0
    while waiting and not inflater.eof:
        pieces.append(inflater.decompress(waiting, _PIECE))
        waiting = inflater.unconsumed_tail
        size += len(pieces[-1])
        if size > max_bytes:
            raise BodyTooLarge(f"decoded body larger than {max_bytes} bytes cannot be held in memory")
    return b"".join(pieces)
