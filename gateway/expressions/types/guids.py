"""Guid."""

from __future__ import annotations

import re
import uuid

from gateway.expressions.change_type import CHANGERS
from gateway.expressions.formatting.composite import FORMATTERS
from gateway.expressions.formatting.text import TEXT, text
from gateway.expressions.operators import declare_comparison
from gateway.expressions.runtime import represent
from gateway.expressions.signatures import define
from gateway.expressions.thrown import Thrown, argument_null, thrown
from gateway.expressions.types.cultures import formatted
from gateway.expressions.types.dates import GUID
from gateway.expressions.types.numbers import try_parse

GUID_DIGITS, GUID_BYTES, REST_BYTES = 32, 16, 8


_DASHES = "Guid should contain 32 digits with 4 dashes (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx)."
_ONLY_HEX = "Guid string should only contain hexadecimal characters."
_PATTERNS = 'Format string can be only "D", "d", "N", "n", "P", "p", "B", "b", "X" or "x".'
_BYTE = r",0x([0-9a-f]{1,2})"
_IN_BRACES = re.compile(
    rf"\{{0x([0-9a-f]{{1,8}}),0x([0-9a-f]{{1,4}}),0x([0-9a-f]{{1,4}}),\{{{_BYTE[1:]}{_BYTE * 7}\}}\}}", re.IGNORECASE
)


def _format_error(message: str) -> Thrown:
    return thrown("FormatException", message)


def parse_guid(value: str | None) -> uuid.UUID:
    """``Guid.Parse``: the formats N, D, B, P and X, told by what the text begins with and whether it has dashes."""
    if value is None:
        raise argument_null("input")
    shown = value.strip()
    if len(shown) < GUID_DIGITS:
        raise _format_error("Unrecognized Guid format.")
    if shown[0] == "{":
        return _parse_as(shown, "b" if "-" in shown else "x")
    return _parse_as(shown, "p" if shown[0] == "(" else "d" if "-" in shown else "n")


def _parse_as(shown: str, form: str) -> uuid.UUID:
    if form == "x":
        return _parse_braces(shown)
    start, end = {"b": ("{", "}"), "p": ("(", ")")}.get(form, ("", ""))
    plain = shown[len(start) : len(shown) - len(end)] if shown.startswith(start) and shown.endswith(end) else ""
    lengths = [GUID_DIGITS] if form == "n" else [8, 4, 4, 4, 12]
    if [len(digits) for digits in plain.split("-")] != lengths:
        raise _format_error(_DASHES)
    if not _HEX.fullmatch(plain.replace("-", "")):
        raise _format_error(_ONLY_HEX)
    return uuid.UUID(plain.replace("-", ""))


_HEX = re.compile(r"[0-9a-fA-F]+")


def _parse_braces(shown: str) -> uuid.UUID:
    compact = "".join(shown.split())
    if not compact.startswith("{"):
        raise _format_error("Expected {0xdddddddd, etc}.")
    match = _IN_BRACES.fullmatch(compact)
    if match is None:
        raise _format_error("Expected 0x prefix.")
    widths = (8, 4, 4, *[2] * 8)
    return uuid.UUID("".join(digits.zfill(width) for digits, width in zip(match.groups(), widths, strict=True)))


def _parse_exact(value: str | None, form: str | None) -> uuid.UUID:
    if value is None or form is None:
        raise argument_null("input" if value is None else "format")
    if form.lower() not in (*"ndbpx",):
        raise _format_error(_PATTERNS)
    return _parse_as(value.strip(), form.lower())


def format_guid(value: uuid.UUID, pattern: str) -> str:
    """The formats N, D, B, P and X."""
    form = pattern.lower()
    if form == "x":
        digits = value.hex
        rest = ",".join(f"0x{digits[place : place + 2]}" for place in range(16, 32, 2))
        return f"{{0x{digits[:8]},0x{digits[8:12]},0x{digits[12:16]},{{{rest}}}}}"
    shapes = {"n": "{0.hex}", "d": "{0}", "b": "{{{0}}}", "p": "({0})"}
    shape = shapes.get(form)
    if shape is None:
        raise _format_error(_PATTERNS)
    return shape.format(value)


_NOT_OF_GUID = ("string ToString(IFormatProvider provider)", "static int Compare(Guid t1, Guid t2)",
                "static bool Equals(Guid t1, Guid t2)")  # fmt: skip


def _from_bytes(data: bytes | None) -> uuid.UUID:
    if data is None:
        raise argument_null("b")
    if len(data) != GUID_BYTES:
        raise thrown("ArgumentException", "Byte array for Guid must be exactly 16 bytes long. (Parameter 'b')", "b")
    return uuid.UUID(bytes_le=bytes(data))


def _from_parts(first: int, second: int, third: int, rest: bytes | None) -> uuid.UUID:
    if rest is None:
        raise argument_null("d")
    if len(rest) != REST_BYTES:
        raise thrown("ArgumentException", "Byte array for Guid must be exactly 8 bytes long. (Parameter 'd')", "d")
    start = (first & 0xFFFFFFFF).to_bytes(4, "big")
    start += (second & 0xFFFF).to_bytes(2, "big") + (third & 0xFFFF).to_bytes(2, "big")
    return uuid.UUID(bytes=start + bytes(rest))


define("System.Guid", {
    **{row: call for row, call in formatted("Guid").items() if row not in _NOT_OF_GUID},
    "new(string g)": parse_guid,
    "new(byte[] b)": _from_bytes,
    "new()": lambda: uuid.UUID(int=0),
    "new(int a, short b, short c, byte[] d)": _from_parts,
    "new(int a, short b, short c, byte d, byte e, byte f, byte g, byte h, byte i, byte j, byte k)":
        lambda first, second, third, *rest: _from_parts(first, second, third, bytes(rest)),
    "new(uint a, ushort b, ushort c, byte d, byte e, byte f, byte g, byte h, byte i, byte j, byte k)":
        lambda first, second, third, *rest: _from_parts(first, second, third, bytes(rest)),
    "const Guid Empty": uuid.UUID(int=0),
    "static Guid NewGuid()": uuid.uuid4,
    "static Guid Parse(string input)": parse_guid,
    "static Guid ParseExact(string input, string format)": _parse_exact,
    "static bool TryParse(string input, out Guid result)": try_parse(parse_guid, uuid.UUID(int=0)),
    "static bool TryParseExact(string input, string format, out Guid result)":
        try_parse(_parse_exact, uuid.UUID(int=0)),
    "byte[] ToByteArray()": lambda value: bytearray(value.bytes_le),
})  # fmt: skip
declare_comparison(GUID)
represent(uuid.UUID, GUID)
TEXT[uuid.UUID] = str
FORMATTERS[uuid.UUID] = format_guid
CHANGERS[GUID] = lambda value: parse_guid(text(value))
