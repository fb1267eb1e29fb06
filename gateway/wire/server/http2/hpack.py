"""
Reads the field blocks of one connection: HPACK's decoder.

A block whose fields are too large is read to its end all the same, without keeping them, because the blocks after it
depend on what it adds to the table.

Source: RFC 7541.
"""

from __future__ import annotations

from collections.abc import Sequence

from hpack.table import HeaderTable

from gateway.wire.server.http2.frames import ConnectionFault, ErrorCode
from gateway.wire.server.http2.huffman import decoded

Field = tuple[bytes, bytes]

MAX_TABLE_BYTES = 4096
"""SETTINGS_HEADER_TABLE_SIZE, which we leave as it is. RFC 9113 §6.5.2."""
ENTRY_BYTES = 32
"""That a field counts for beside its name and value. RFC 7541 §4.1."""
_STATIC: tuple[Field, ...] = ((b"", b""), *((bytes(name), bytes(value)) for name, value in HeaderTable.STATIC_TABLE))
_FIRST_DYNAMIC = len(_STATIC)
_MAX_RESIZES = 2  # RFC 7541 §4.2
_MAX_SHIFT = 21  # of an integer's octets; larger ones than 2**28 nothing needs
_INDEXED, _ADDED, _RESIZE = 0x80, 0x40, 0x20
_MAX_NAMES = 1024
_MAX_NAME = 64

_names: dict[bytes, bytes] = {}  # names that came in Huffman code


class FieldsTooLarge(Exception):
    """The fields of a block are larger than they may be; the decoder is as it should be. *size*: bytes of them."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


class HpackDecoder:
    """
    The decoder of one connection.

    Attributes:
        changes: While this stays the same, the same block means the same fields.
    """

    __slots__ = ("_entries", "_limit", "_max_list_bytes", "_size", "changes")

    def __init__(self, max_list_bytes: int) -> None:
        """*max_list_bytes* of a block's fields, each with ``ENTRY_BYTES``."""
        self._max_list_bytes = max_list_bytes
        self._entries: list[Field] = []  # the newest one first
        self._size = 0
        self._limit = MAX_TABLE_BYTES
        self.changes = 0

    def decode(self, block: bytes) -> Sequence[Field]:
        """
        The fields, in order.

        Raises:
            FieldsTooLarge: There is too much of them.
            ConnectionFault: The state of the compression is lost.
        """
        try:
            return self._decode(block, self._resize(block))
        except (IndexError, ValueError) as error:
            raise ConnectionFault(ErrorCode.COMPRESSION_ERROR, str(error)) from None

    def _decode(self, block: bytes, at: int) -> Sequence[Field]:
        fields: list[Field] = []
        entries, end, size = self._entries, len(block), 0
        while at < end:
            octet = block[at]
            if octet > _INDEXED:
                index, at = (octet & 0x7F, at + 1) if octet != 0xFF else _integer(block, at, 0x7F)
                field = _STATIC[index] if index < _FIRST_DYNAMIC else entries[index - _FIRST_DYNAMIC]
            else:
                field, at = self._literal(block, at, octet)
            size += len(field[0]) + len(field[1]) + ENTRY_BYTES
            if size <= self._max_list_bytes:
                fields.append(field)
        if size > self._max_list_bytes:
            raise FieldsTooLarge(size)
        return fields

    def _literal(self, block: bytes, at: int, octet: int) -> tuple[Field, int]:
        """The literal field at *at*, and what comes behind it. RFC 7541 §6.2. Raises IndexError, ValueError."""
        if octet == _INDEXED:
            raise ValueError("an index of 0")
        if octet >= _ADDED:
            mask = 0x3F
        elif octet >= _RESIZE:
            raise ValueError("a change of the table's size behind a field")
        else:
            mask = 0x0F
        index = octet & mask
        if index == mask:
            index, at = _integer(block, at, mask)
        else:
            at += 1
        if index:
            name = self._name(index)
        else:
            name, at = _string(block, at, is_name=True)
        value, at = _string(block, at)
        field = (name, value)
        if octet >= _ADDED:
            self._add(field)
        return field, at

    def _name(self, index: int) -> bytes:
        if index < _FIRST_DYNAMIC:
            return _STATIC[index][0]
        return self._entries[index - _FIRST_DYNAMIC][0]

    def _add(self, field: Field) -> None:
        """RFC 7541 §4.4: a field larger than the table empties it."""
        self.changes += 1
        size = len(field[0]) + len(field[1]) + ENTRY_BYTES
        self._evict(self._limit - size)
        if size <= self._limit:
            self._entries.insert(0, field)
            self._size += size

    def _evict(self, limit: int) -> None:
        entries = self._entries
        while entries and self._size > limit:
            name, value = entries.pop()
            self._size -= len(name) + len(value) + ENTRY_BYTES

    def _resize(self, block: bytes) -> int:
        """Follow the changes of the table's size at the beginning; where they end. RFC 7541 §6.3. Raises ValueError."""
        at = count = 0
        while at < len(block) and block[at] & 0xE0 == _RESIZE:
            count += 1
            limit, at = _integer(block, at, 0x1F)
            if count > _MAX_RESIZES or limit > MAX_TABLE_BYTES:
                raise ValueError("too many changes of the table's size, or too large ones")
            self.changes += 1
            self._limit = limit
            self._evict(limit)
        return at


def _integer(block: bytes, at: int, mask: int) -> tuple[int, int]:
    """The integer at *at*, and what comes behind it. RFC 7541 §5.1. Raises IndexError, ValueError."""
    number = block[at] & mask
    at += 1
    if number < mask:
        return number, at
    for shift in range(0, _MAX_SHIFT + 1, 7):
        octet = block[at]
        at += 1
        number += (octet & 0x7F) << shift
        if octet < 0x80:
            return number, at
    raise ValueError("a number is too long")


def _string(block: bytes, at: int, is_name: bool = False) -> tuple[bytes, int]:
    """The string at *at*, and what comes behind it. RFC 7541 §5.2. Raises IndexError, ValueError."""
    octet = block[at]
    size, start = (octet & 0x7F, at + 1) if octet & 0x7F != 0x7F else _integer(block, at, 0x7F)
    end = start + size
    data = block[start:end]
    if len(data) < size:
        raise IndexError("a string is longer than its block")
    if octet < 0x80:
        return data, end
    if is_name:
        return _names.get(data) or _learn(data), end
    return decoded(data), end


def _learn(data: bytes) -> bytes:
    """The name that *data* stands for, which is remembered if it is short: clients repeat few of them."""
    name = decoded(data)
    if len(data) <= _MAX_NAME:
        if len(_names) >= _MAX_NAMES:
            _names.clear()
        _names[data] = name
    return name
