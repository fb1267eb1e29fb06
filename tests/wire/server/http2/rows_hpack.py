"""Rows of RFC 7541: what a decoder must refuse, and what it must not."""

from __future__ import annotations

from tests.wire.server.http2.frames import Setting, headers, integer, literal, request, text
from tests.wire.server.http2.row import ACCEPTED, COMPRESSION, Row, Settings

ADDED = literal(b"x-kept", b"1", 0x40)
FIRST_ADDED, SECOND_ADDED = b"\xbe", b"\xbf"  # the first dynamic entries: 62 and 63
# "a" in Huffman's code is 00011 (RFC 7541, appendix B): one octet with three bits of padding, which are ones.
HUFFMAN_A = b"\x81\x1f"


def indexed(number: int) -> bytes:
    """A whole field of the tables."""
    return integer(number, 7, 0x80)


def resized(size: int) -> bytes:
    """A dynamic table size update."""
    return integer(size, 5, 0x20)


def _with(behind: bytes) -> list[bytes]:
    return [headers(1, request() + behind)]


def _before(ahead: bytes, behind: bytes = b"") -> list[bytes]:
    return [headers(1, ahead + request() + behind)]


def _beyond_table(server: Settings) -> bytes:
    return headers(1, resized(server.get(Setting.HEADER_TABLE_SIZE, 4096) + 1) + request())


def _whole_table(server: Settings) -> bytes:
    return headers(1, resized(server.get(Setting.HEADER_TABLE_SIZE, 4096)) + request())


def _refused(section: str, what: str, behind: bytes) -> Row:
    return Row(f"RFC 7541 {section}", what, _with(behind), COMPRESSION)


ROWS = [
    Row("RFC 7541 §2.3.2", "the same field added twice", _with(ADDED + ADDED + FIRST_ADDED + SECOND_ADDED), ACCEPTED),
    _refused("§2.3.3", "an index beyond the tables", indexed(62)),
    _refused("§2.3.3", "an index far beyond the tables", indexed(100_000)),
    Row(
        "RFC 7541 §2.3.3",
        "an index of what was just added",
        _with(ADDED + FIRST_ADDED),
        ACCEPTED,
        check=lambda _, received: (
            received.lower().count(b"x-kept: 1") == 2
            or received.lower().count(b"x-kept: 1, 1") == 1
            or b"x-kept" not in received
        ),
    ),
    Row(
        "RFC 7541 §2.3.3",
        "an index of what an earlier request has added",
        [headers(1, request() + ADDED), 1, headers(3, request() + FIRST_ADDED)],
        ACCEPTED,
        stream=3,
    ),
    _refused("§2.3.3", "a name by an index beyond the tables", b"\x0f\xff\x7f" + text(b"a")),
    Row("RFC 7541 §4.2", "an update to the largest table", [_whole_table], ACCEPTED),
    Row("RFC 7541 §4.2", "an update to a table of 0", _before(resized(0)), ACCEPTED),
    Row("RFC 7541 §4.2", "two updates", _before(resized(0) + resized(100)), ACCEPTED),
    _refused("§4.2", "an update behind a field", resized(0)),
    Row(
        "RFC 7541 §4.3",
        "what an update has evicted is gone",
        [headers(1, request() + ADDED), 1, headers(3, resized(0) + request() + FIRST_ADDED)],
        COMPRESSION,
        stream=3,
    ),
    Row(
        "RFC 7541 §4.4",
        "a field larger than the table empties it",
        [
            headers(1, request() + ADDED),
            1,
            headers(3, request() + literal(b"x-large", b"a" * 5000, 0x40)),
            3,
            headers(5, request() + FIRST_ADDED),
        ],
        COMPRESSION,
        stream=5,
    ),
    Row(
        "RFC 7541 §4.4",
        "a field larger than the table is no error",
        _with(literal(b"x-large", b"a" * 5000, 0x40)),
        ACCEPTED,
    ),
    _refused("§5.1", "an integer that never ends", b"\xff" + b"\x80" * 50),
    _refused("§5.1", "an integer of 80 bits", b"\xff" + b"\xff" * 11 + b"\x01"),
    _refused("§5.1", "an integer cut off", b"\xff"),
    Row(
        "RFC 7541 §5.1",
        "an integer with leading zeros",
        _with(b"\x00" + b"\x7f\x80\x00" + b"x" * 127 + text(b"a")),
        ACCEPTED,
    ),
    _refused("§5.2", "a string longer than its block", b"\x00\x05ab"),
    _refused("§5.2", "Huffman padding of 8 bits", b"\x00" + text(b"x") + b"\x82\x1f\xff"),
    _refused("§5.2", "Huffman padding of zeros", b"\x00" + text(b"x") + b"\x81\x18"),
    _refused("§5.2", "Huffman's end of string inside a string", b"\x00" + text(b"x") + b"\x84\xff\xff\xff\xff"),
    Row(
        "RFC 7541 §5.2",
        "a Huffman string",
        _with(b"\x00" + text(b"x-h") + HUFFMAN_A),
        ACCEPTED,
        check=lambda _, received: b"x-h: a" in received.lower() or b"x-h" not in received,
    ),
    Row("RFC 7541 §5.2", "an empty Huffman string", _with(b"\x00" + text(b"x-h") + b"\x80"), ACCEPTED),
    _refused("§6.1", "an index of 0", b"\x80"),
    _refused("§6.1", "an index of 0 with a name and a value behind it", b"\x80" + text(b"x-h") + text(b"a")),
    Row(
        "RFC 7541 §6.2",
        "all three kinds of literals",
        _with(ADDED + literal(b"x-b", b"1", 0x10) + literal(b"x-c", b"1")),
        ACCEPTED,
    ),
    Row("RFC 7541 §6.2.2", "what is not to be indexed is not", _with(literal(b"x-c", b"1") + FIRST_ADDED), COMPRESSION),
    Row(
        "RFC 7541 §6.2.3",
        "what is never to be indexed is not",
        _with(literal(b"x-c", b"1", 0x10) + FIRST_ADDED),
        COMPRESSION,
    ),
    Row("RFC 7541 §6.3", "an update beyond the server's limit", [_beyond_table], COMPRESSION),
    _refused("§6.3", "an update cut off", b"\x3f"),
]
