"""
JSON objects as a token may hold them: exactly one reading, bounded work.

A text that its own value spells again, byte for byte, has only that reading: nothing in it was dropped or bent. Issuers
write such texts, so orjson reads and writes them, several times quicker than anything that looks at each member.

Every other text is read by the standard library, because it shows every member and so lets duplicates be refused. Its
leniency is taken away here: duplicate members, NaN and Infinity, numbers out of range, deep nesting, lone surrogates,
byte-order marks.

Source: RFC 7515 section 4 and RFC 7519 section 4 (duplicate names), RFC 8259, RFC 8725 section 2.7.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import cast

import orjson

from gateway.errors import TokenError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MAX_DEPTH = 32  # Entra's deepest claims (_claim_sources) nest three levels
MAX_INTEGER_DIGITS = 20  # 64 bits, signed or not; larger numbers have no meaning in a registered claim


def parse_object(raw: bytes, what: str) -> dict[str, object]:
    """
    The JSON object in *raw*. Raises TokenError ``JwtInvalid``, naming *what* (header, payload) and the fault.

    The size of *raw* is already limited by that of the whole token.
    """
    value = _canonical(raw)
    if value is None:
        try:
            value = _read(raw.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise TokenError("JwtInvalid", f"JWT is not well formed: {what} {_fault(error)}.") from None
    if not isinstance(value, dict):
        raise TokenError("JwtInvalid", f"JWT is not well formed: {what} is not a JSON object.")
    return cast("dict[str, object]", value)


def _canonical(raw: bytes) -> object:
    """The value of a text that orjson would write identically; None for any other, or if it may nest deeply."""
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH:  # fewer brackets cannot nest deeper
        return None
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return value if orjson.dumps(value) == raw else None


def _read(text: str) -> object:
    """The value of *text*. Raises ValueError, RecursionError."""
    value = _DECODER.decode(text)
    if text.count("{") + text.count("[") > MAX_DEPTH:
        _refuse_deep(value)
    if "\\u" in text:
        _refuse_lone_surrogates(value)
    return value


class _FaultError(ValueError):
    """What is wrong, in words that never quote the token."""


def _fault(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    return str(error) if isinstance(error, _FaultError) else "is not UTF-8 encoded JSON"


def _unique_members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _FaultError("has a duplicate member")
    return members


def _integer(text: str) -> int:
    if len(text) > MAX_INTEGER_DIGITS:
        raise _FaultError("holds a number out of range")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _FaultError("holds a number out of range")
    return value


def _constant(_name: str) -> object:
    raise _FaultError("holds NaN or Infinity")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique_members, parse_int=_integer, parse_float=_float, parse_constant=_constant
)


def _refuse_deep(value: object) -> None:
    # The parser itself stops at Python's recursion limit; this checks one level at a time, without recursion.
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in _children(parent) if isinstance(child, dict | list)]
        if not level:
            return
    raise _FaultError("is nested too deeply")


def _children(parent: object) -> Iterable[object]:
    return parent.values() if isinstance(parent, dict) else cast("list[object]", parent)


def _refuse_lone_surrogates(value: object) -> None:
    # An escaped half of a surrogate pair survives json, but cannot be written as UTF-8.
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise _FaultError("holds half of a surrogate pair") from None
