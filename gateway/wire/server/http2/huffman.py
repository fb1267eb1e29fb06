"""
The Huffman code of HPACK, read four bits at a time.

A row stands for the bits of a code that have come so far; each of its 16 entries has the octets that four more bits
complete, and the row that follows. All rows together have 4,096 entries, and take the time of one request to make.

Source: RFC 7541 §5.2 and appendix B.
"""

from __future__ import annotations

from typing import Any

from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH

_EOS = 256
_MAX_PADDING = 7  # bits
Row = list[Any]  # 16 pairs of octets and the next Row, and whether a string may end here


def _tree() -> list[Any]:
    """The code as nested pairs, with symbols for leaves."""
    root: list[Any] = [None, None]
    for symbol, (code, length) in enumerate(zip(REQUEST_CODES, REQUEST_CODES_LENGTH, strict=True)):
        node = root
        for shift in range(length - 1, 0, -1):
            bit = code >> shift & 1
            node[bit] = node[bit] or [None, None]
            node = node[bit]
        node[code & 1] = symbol
    return root


def _rows(root: list[Any]) -> Row:
    """The row at which every string begins."""
    dead: Row = []
    dead += [(b"", dead)] * 16 + [False]
    rows: dict[int, Row] = {}
    waiting = [(root, True, 0)]  # node, whether its bits are all ones, how many they are
    nodes = []
    while waiting:
        node, are_ones, depth = waiting.pop()
        rows[id(node)] = []
        nodes.append((node, are_ones and depth <= _MAX_PADDING))
        waiting += [
            (child, are_ones and bit == 1, depth + 1) for bit, child in enumerate(node) if isinstance(child, list)
        ]
    for node, is_end in nodes:
        rows[id(node)] += [_step(root, node, bits, rows, dead) for bits in range(16)] + [is_end]
    return rows[id(root)]


def _step(root: list[Any], node: list[Any], bits: int, rows: dict[int, Row], dead: Row) -> tuple[bytes, Row]:
    """What four *bits* lead to from *node*; the end-of-string symbol, which must not be there, to *dead*."""
    octets = b""
    for shift in (3, 2, 1, 0):
        child = node[bits >> shift & 1]
        if child == _EOS:
            return b"", dead
        if isinstance(child, int):
            octets += bytes([child])
            child = root
        node = child
    return octets, rows[id(node)]


_FIRST = _rows(_tree())


def decoded(data: bytes) -> bytes:
    """The octets that *data* stands for. Raises ValueError: they are none, or the padding is wrong."""
    row, pieces = _FIRST, []
    for octet in data:
        piece, row = row[octet >> 4]
        if piece:
            pieces.append(piece)
        piece, row = row[octet & 15]
        if piece:
            pieces.append(piece)
    if not row[16]:
        raise ValueError("malformed Huffman code")
    return b"".join(pieces)
