"""Guid."""

from __future__ import annotations

import uuid

from gateway.expressions.change_type import CHANGERS
from gateway.expressions.formatting.composite import FORMATTERS
from gateway.expressions.formatting.digits import bad_format
from gateway.expressions.formatting.text import TEXT, text
from gateway.expressions.operators import declare_comparison
from gateway.expressions.runtime import represent
from gateway.expressions.signatures import define
from gateway.expressions.thrown import argument_null, thrown
from gateway.expressions.types.cultures import formatted
from gateway.expressions.types.dates import GUID
from gateway.expressions.types.numbers import try_parse

GUID_DIGITS, GUID_BYTES = 32, 16


def parse_guid(value: str | None) -> uuid.UUID:
    """``Guid.Parse``: the formats N, D, B and P."""
    if value is None:
        raise argument_null("input")
    shown = value.strip()
    plain = shown[1:-1] if shown[:1] + shown[-1:] in ("{}", "()") else shown
    compact = plain.replace("-", "")
    if len(compact) != GUID_DIGITS:
        raise thrown("FormatException", "Unrecognized Guid format.")
    if len(plain) != GUID_DIGITS and [len(part) for part in plain.split("-")] != [8, 4, 4, 4, 12]:
        message = "Guid should contain 32 digits with 4 dashes (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx)."
        raise thrown("FormatException", message)
    try:
        return uuid.UUID(compact)
    except ValueError:
        raise thrown("FormatException", "Guid string should only contain hexadecimal characters.") from None


def format_guid(value: uuid.UUID, pattern: str) -> str:
    """The formats N, D, B and P."""
    shapes = {"n": "{0.hex}", "d": "{0}", "b": "{{{0}}}", "p": "({0})"}
    shape = shapes.get(pattern.lower())
    if shape is None:
        raise bad_format()
    return shape.format(value)


_NOT_OF_GUID = ("string ToString(IFormatProvider provider)", "static int Compare(Guid t1, Guid t2)",
                "static bool Equals(Guid t1, Guid t2)")  # fmt: skip


def _from_bytes(data: bytes | None) -> uuid.UUID:
    if data is None:
        raise argument_null("b")
    if len(data) != GUID_BYTES:
        raise thrown("ArgumentException", "Byte array for Guid must be exactly 16 bytes long. (Parameter 'b')", "b")
    return uuid.UUID(bytes_le=bytes(data))


define("System.Guid", {
    **{row: call for row, call in formatted("Guid").items() if row not in _NOT_OF_GUID},
    "new(string g)": parse_guid,
    "new(byte[] b)": _from_bytes,
    "new()": lambda: uuid.UUID(int=0),
    "const Guid Empty": uuid.UUID(int=0),
    "static Guid NewGuid()": uuid.uuid4,
    "static Guid Parse(string input)": parse_guid,
    "static Guid ParseExact(string input, string format)": lambda value, _format: parse_guid(value),
    "static bool TryParse(string input, out Guid result)": try_parse(parse_guid, uuid.UUID(int=0)),
    "byte[] ToByteArray()": lambda value: bytearray(value.bytes_le),
})  # fmt: skip
declare_comparison(GUID)
represent(uuid.UUID, GUID)
TEXT[uuid.UUID] = str
FORMATTERS[uuid.UUID] = format_guid
CHANGERS[GUID] = lambda value: parse_guid(text(value))
