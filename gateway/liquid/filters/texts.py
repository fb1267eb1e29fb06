"""
Filters of text.

Source: DotLiquid, "StandardFilters", at the level of syntax 2.0, where Replace takes .NET regular expressions.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_plus

from gateway.expressions.casing import lower, upper
from gateway.expressions.limits import charge, spend
from gateway.expressions.prices import SLOW_S
from gateway.expressions.thrown import argument_null, thrown
from gateway.expressions.types.convert import from_base64
from gateway.expressions.types.escaping import html_encode, url_encode
from gateway.expressions.types.regexes import RegexValue, replace_matches
from gateway.liquid.filters.signatures import anything, string, table, whole
from gateway.liquid.values import held, part

_HTML_BLOCKS = {
    "<script": re.compile("</script>", re.IGNORECASE),
    "<!--": re.compile("-->"),
    "<style": re.compile("</style>", re.IGNORECASE),
}
_HTML_TAGS = {"<": re.compile(">")}
_WORD_START = re.compile(r"\b\w")
_NEW_LINE = re.compile(r"\r?\n")


def _unless_none(run: Callable[..., Any]) -> Callable[..., Any]:
    """*run*, but null for null."""
    return lambda value, *more: None if value is None else run(value, *more)


def _unless_blank(run: Callable[..., Any]) -> Callable[..., Any]:
    """*run*, but null and white space are returned unchanged."""

    def call(value: str | None, *more: Any) -> Any:
        if not value or value.isspace():
            return value
        spend(len(value), SLOW_S)
        return run(value, *more)

    return call


def _slice(value: Any, offset: int | None, length: int | None) -> Any:
    offset, length = offset or 0, length or 0
    if isinstance(value, str):
        return _substring(value, offset, length)
    if not isinstance(value, list | tuple | range | dict):
        return value
    size = len(value)
    if offset < 0 and -offset >= size:
        return tuple(held(part(value, 0, max(size + offset + length, 0))))
    start = size + offset if offset < 0 else offset
    return tuple(held(part(value, start, start + max(length, 0))))


def _substring(value: str, start: int, length: int) -> str | None:
    if start > len(value):
        return None
    if start < 0:
        start += len(value)
        if start < 0:
            start, length = 0, max(0, length + start)
    length = min(length, len(value) - start)
    if length < 0:
        detail = f"length ('{length}') must be a non-negative value. (Parameter 'length')\nActual value was {length}."
        raise thrown("ArgumentOutOfRangeException", detail)
    return value[start : start + length]


def _truncate(value: str | None, length: int | None, mark: str | None) -> str | None:
    if not value:
        return value
    length = length or 0
    if length < 0:
        return mark
    if mark is None:
        raise thrown("NullReferenceException", "Object reference not set to an instance of an object.")
    return value[: max(length - len(mark), 0)] + mark if len(value) > length else value


def _truncate_words(value: str | None, words: int | None, mark: str | None) -> str | None:
    if not value:
        return value
    if not words or words <= 0:
        return mark
    parts = value.split(" ", words)
    return " ".join(parts[:words]) + (mark or "") if len(parts) > words else value


def _capitalize(value: str) -> str:
    """The first letter of each word."""
    return _WORD_START.sub(lambda letter: upper(letter[0]), value)


def _strip_html(value: str) -> str:
    return _without(_HTML_TAGS, _without(_HTML_BLOCKS, value))


def _without(ends: Mapping[str, re.Pattern[str]], value: str) -> str:
    """
    *value* without the parts that begin with a key of *ends* and stop with its end.

    A single regular expression would search the whole rest again for every beginning without an end.
    """
    beginning = re.compile("|".join(ends), re.IGNORECASE)
    kept, at, endless = [], 0, set[str]()
    while len(endless) < len(ends) and (opening := beginning.search(value, at)):
        kind = opening[0].lower()
        end = None if kind in endless else ends[kind].search(value, opening.end())
        if end is None:
            endless.add(kind)
        kept.append(value[at : opening.start() if end else opening.end()])
        at = end.end() if end else opening.end()
    return "".join(kept) + value[at:]


def _replace(value: str | None, pattern: str | None, replacement: str | None) -> str | None:
    if not value or not pattern:
        return value
    if replacement is None:
        raise argument_null("replacement")
    return replace_matches(RegexValue(pattern), value, replacement)


def _replace_first(value: str | None, pattern: str | None, replacement: str | None) -> str | None:
    """The replacement is taken as it is, without groups."""
    if not value or not pattern:
        return value
    return replace_matches(RegexValue(pattern), value, lambda _match: replacement or "", 1)


def _remove(value: str, part: str | None) -> str:
    if part is None:
        raise argument_null("oldValue")
    if not part:
        raise thrown("ArgumentException", "The value cannot be an empty string. (Parameter 'oldValue')")
    return value.replace(part, "")


def _append(value: str | None, more: str | None) -> str:
    charge(len(value or "") + len(more or ""))
    return f"{value or ''}{more or ''}"


def _default(value: str | None, default: str | None) -> str | None:
    return value if value and not value.isspace() else default


def _decoded(name: str) -> Callable[[str | None], str]:
    def decode(value: str | None) -> str:
        try:
            return bytes(from_base64(value or "")).decode("utf-8", "replace")
        except Exception as error:
            raise thrown("ArgumentException", f"Invalid base64 provided to {name}") from error

    return decode


def _encode(value: str | None) -> str:
    return base64.b64encode((value or "").encode()).decode()


def _url_safe(value: str | None) -> str:
    return base64.urlsafe_b64encode((value or "").encode()).decode()


_decode = _decoded("Base64Decode")
_decode_padded = _decoded("Base64UrlSafeDecode")


def _decode_url_safe(value: str | None) -> str:
    if not value:
        return ""
    missing = {2: "==", 3: "="}.get(len(value) % 4, "") if not value.endswith("=") else ""
    return _decode_padded(value.replace("_", "/").replace("-", "+") + missing)


_INPUT = (string("input"),)
_TWO = (string("input"), string("string"))
TEXTS = table(
    ("Slice", _slice, (anything("input"), whole("offset"), whole("length", 1))),
    ("Downcase", _unless_none(lower), _INPUT),
    ("Upcase", _unless_none(upper), _INPUT),
    ("UrlEncode", url_encode, _INPUT),
    ("UrlDecode", _unless_none(unquote_plus), _INPUT),
    ("Capitalize", _unless_blank(_capitalize), _INPUT),
    ("Escape", html_encode, _INPUT),
    ("H", html_encode, _INPUT),
    ("EscapeOnce", _unless_none(lambda value: html_encode(html.unescape(value))), _INPUT),
    ("Truncate", _truncate, (string("input"), whole("length", 50), string("truncateString", "..."))),
    ("TruncateWords", _truncate_words, (string("input"), whole("words", 15), string("truncateString", "..."))),
    ("StripHtml", _unless_blank(_strip_html), _INPUT),
    ("Strip", _unless_none(str.strip), _INPUT),
    ("Lstrip", _unless_none(str.lstrip), _INPUT),
    ("Rstrip", _unless_none(str.rstrip), _INPUT),
    ("StripNewlines", _unless_blank(lambda value: _NEW_LINE.sub("", value)), _INPUT),
    ("NewlineToBr", _unless_blank(lambda value: _NEW_LINE.sub(lambda match: f"<br />{match[0]}", value)), _INPUT),
    ("Replace", _replace, (string("input"), string("string"), string("replacement", ""))),
    ("ReplaceFirst", _replace_first, (string("input"), string("string"), string("replacement", ""))),
    ("Remove", _unless_blank(_remove), _TWO),
    ("RemoveFirst", _unless_blank(lambda value, part: _replace_first(value, part, "")), _TWO),
    ("Append", _append, _TWO),
    ("Prepend", lambda value, more: _append(more, value), _TWO),
    ("Default", _default, (string("input"), string("defaultValue"))),
    ("Base64Encode", _encode, _INPUT),
    ("Base64Decode", _decode, _INPUT),
    ("Base64UrlSafeEncode", _url_safe, _INPUT),
    ("Base64UrlSafeDecode", _decode_url_safe, _INPUT),
)
