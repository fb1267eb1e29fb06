"""
JSON text as Newtonsoft writes it.

Source: Newtonsoft.Json documentation, "Serialization guide", Formatting; line ends are those of the Windows hosts that
APIM's gateway runs on.
"""

from __future__ import annotations

import base64
import math
import re
import uuid
from collections.abc import Callable
from decimal import Decimal

import orjson

from gateway.expressions.formatting.dates import format_moment, span_text
from gateway.expressions.formatting.text import NEW_LINE, double_text, single_text, text
from gateway.expressions.json.dates import SHORTEST, read_moment
from gateway.expressions.json.tree import UNDEFINED, JArray, JObject, JProperty, JRaw, JToken, JValue
from gateway.expressions.limits import SMALL, charged, check_time, tick, worked
from gateway.expressions.moments import DateTime, DateTimeOffset, TimeSpan
from gateway.expressions.values import Char, EnumValue, Single

QUOTED_S = 5e-8  # for each character of a long string

MANY_BITS = 1024  # digits of a number that takes time to write
DIGITS_S = 2e-4

_SPECIAL = re.compile(r'["\\\x00-\x1f\x85\u2028\u2029]')
_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quote(value: str) -> str:
    """A JSON string."""
    if len(value) <= SMALL:
        return f'"{_SPECIAL.sub(_escape, value)}"'
    return f'"{worked(len(value) * QUOTED_S, _SPECIAL.sub, _escape, value)}"'


def _escape(match: re.Match[str]) -> str:
    return _SHORT.get(match[0]) or f"\\u{ord(match[0]):04x}"


def _with_point(shown: str) -> str:
    return shown if any(mark in shown for mark in ".EN") or "I" in shown else f"{shown}.0"


def _double(value: float) -> str:
    if not math.isfinite(value):
        return f'"{double_text(value)}"'
    return _with_point(double_text(value))


def moment_text(value: DateTime | DateTimeOffset) -> str:
    """ISO 8601 with as many fractional digits as needed."""
    return format_moment(value, "yyyy-MM-ddTHH:mm:ss.FFFFFFFK")


LEAVES: dict[type, Callable[..., str]] = {
    type(None): lambda _value: "null",
    bool: lambda value: "true" if value else "false",
    str: quote,
    Char: quote,
    float: _double,
    Single: lambda value: _with_point(single_text(value)) if math.isfinite(value) else _double(value),
    Decimal: lambda value: _with_point(text(value)),
    DateTime: lambda value: f'"{moment_text(value)}"',
    DateTimeOffset: lambda value: f'"{moment_text(value)}"',
    TimeSpan: lambda value: f'"{span_text(value)}"',
    uuid.UUID: lambda value: f'"{value}"',
    bytes: lambda value: f'"{base64.b64encode(value).decode()}"',
    bytearray: lambda value: f'"{base64.b64encode(value).decode()}"',
    EnumValue: lambda value: str(value.value),
}


def leaf(value: object) -> str:
    """A value that is not a container."""
    write = LEAVES.get(value.__class__)
    if write is not None:
        return write(value)
    if not isinstance(value, int):
        return quote(text(value))
    if value.bit_length() > MANY_BITS:
        check_time(DIGITS_S)
    return text(value)


def write(token: JToken, indented: bool) -> str:
    """*token* as JSON text."""
    parts: list[str] = []
    _write(token, parts, NEW_LINE if indented else None)
    return charged("".join(parts))


def _write(token: JToken, parts: list[str], line: str | None) -> None:
    tick()
    if token.__class__ is JValue:
        parts.append(_leaf_text(token))
    elif isinstance(token, JRaw):
        parts.append(text(token.value))
    elif isinstance(token, JProperty):
        parts.append(f"{quote(token.name)}:{' ' if line else ''}")
        _write(token.value, parts, line)
    elif isinstance(token, JObject | JArray):
        _write_container(token, parts, line)


def _leaf_text(token: JValue) -> str:
    return "undefined" if token.type == UNDEFINED else leaf(token.value)


def _write_container(token: JObject | JArray, parts: list[str], line: str | None) -> None:
    if token.unread is not None and is_simple(token.unread):
        parts.append(_simple(token.unread, line))
    elif isinstance(token, JObject):
        _container(token.children(), "{", "}", parts, line)
    else:
        _container(token.items, "[", "]", parts, line)


def _container(children: list[JToken], opening: str, closing: str, parts: list[str], line: str | None) -> None:
    inner = None if line is None else f"{line}  "
    before, between = opening + (inner or ""), "," + (inner or "")
    for child in children:
        parts.append(before)
        _write(child, parts, inner)
        before = between
    if not children:
        parts.append(opening)
    if children and line is not None:
        parts.append(line)
    parts.append(closing)


def is_simple(raw: object) -> bool:
    """Whether every JSON writer writes *raw*, as it was read, alike: no date, no fraction, no text that some escape."""
    if isinstance(raw, str):
        return raw.isascii() and (len(raw) < SHORTEST or read_moment(raw) is None)
    if isinstance(raw, dict):
        return all(map(str.isascii, raw)) and all(map(is_simple, raw.values()))
    return all(map(is_simple, raw)) if isinstance(raw, list) else not isinstance(raw, float)


def _simple(raw: object, line: str | None) -> str:
    """*raw* as JSON text; *line* begins each line of it that is not the first."""
    if line is None:
        return orjson.dumps(raw).decode()
    return orjson.dumps(raw, option=orjson.OPT_INDENT_2).decode().replace("\n", line)


def token_text(token: JToken) -> str:
    """``token.ToString()``: the plain value of a leaf, indented JSON of anything else."""
    if isinstance(token, JValue):
        return text(token.value)
    return write(token, indented=True)
