"""
JSON text → tokens, as forgiving as Newtonsoft: single quotes, bare names, comments, trailing commas; ISO dates
become dates.

Strict JSON goes through Python's own reader; only what that refuses is read by the slow one below.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal

from gateway.expressions.formatting.dateparse import iso_date
from gateway.expressions.json.tree import (
    DATE,
    INTEGER,
    STRING,
    UNDEFINED,
    JArray,
    JObject,
    JProperty,
    JToken,
    JValue,
)
from gateway.expressions.limits import reading, tick
from gateway.expressions.moments import DateTime
from gateway.expressions.thrown import Thrown, argument_null, thrown
from gateway.expressions.values import BigInteger, Int64

MAX_DEPTH = 64
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,7})?(?:Z|[+-]\d\d:?\d\d)?", re.ASCII)
_LONG = 1 << 63


def reader_error(message: str, text: str = "", position: int = 0) -> Thrown:
    """A JsonReaderException with a place."""
    line = text.count("\n", 0, position) + 1 if text else 0
    column = position - text.rfind("\n", 0, position) if text else 0
    return thrown("JsonReaderException", f"{message} Path '', line {line}, position {column}.")


def parse(text: str | None) -> JToken:
    """``JToken.Parse``."""
    if text is None:
        raise argument_null("s")
    reading(len(text), sum(map(text.count, ",:[{")))
    if not text.strip():
        raise reader_error("Error reading JToken from JsonReader.")
    try:
        made = _token(json.loads(text, object_pairs_hook=_object, parse_constant=_constant))
    except (ValueError, RecursionError):
        return _Lenient(text).document()
    _check_depth(made)
    return made


def _constant(name: str) -> object:
    return {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}[name]


def _too_deep() -> Thrown:
    return reader_error(f"The reader's MaxDepth of {MAX_DEPTH} has been exceeded.")


def _object(pairs: list[tuple[str, object]]) -> JObject:
    """What the fast reader calls for each object, inner ones first; a name that comes twice has its last value."""
    made = JObject()
    for name, value in pairs:
        made.properties[name] = JProperty.fresh(made, name, _token(value))
    return made


def _token(raw: object) -> JToken:
    if raw.__class__ is JObject:
        return raw
    return JArray.fresh(list(map(_token, raw))) if isinstance(raw, list) else scalar(raw)


def _check_depth(made: JToken) -> None:
    level = [made]
    for _ in range(MAX_DEPTH + 1):
        level = [child for each in level for child in each.values() if not isinstance(child, JValue)]
        if not level:
            return
    raise _too_deep()


def read_moment(raw: str) -> DateTime | None:
    """The date and time that *raw* is, or None."""
    return iso_date(raw) if len(raw) > 18 and raw[4:5] == "-" and _DATE.fullmatch(raw) else None


def scalar(raw: object) -> JValue:
    """A leaf: integers are Int64 where they fit, text that is an ISO date and time is a date."""
    if raw.__class__ is str:
        date = read_moment(raw)
        return JValue(raw, STRING) if date is None else JValue(date, DATE)
    if raw.__class__ is int:
        return JValue(Int64(raw) if -_LONG <= raw < _LONG else BigInteger(raw), INTEGER)
    return JValue(raw)


_TOKEN = re.compile(
    r"""\s*(?:(//[^\r\n]*|/\*.*?\*/)|([{}\[\]:,])|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|([^\s{}\[\]:,"'/]+))""",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_SHORT = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_WORDS: dict[str, object] = {
    "true": True, "false": False, "null": None, "NaN": float("nan"), "Infinity": float("inf"),
    "-Infinity": float("-inf"),
}  # fmt: skip


class _Lenient:
    """A recursive reader of Newtonsoft's dialect."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.current = ""
        self.advance()

    def advance(self) -> None:
        """Go to the next token; comments and white space are skipped."""
        tick()
        while match := _TOKEN.match(self.text, self.position):
            self.position = match.end()
            if match[1] is None:
                self.current = match[0].strip()
                return
        rest = self.text[self.position :].strip()
        if rest:
            raise self.unexpected(rest[0])
        self.current = ""

    def unexpected(self, found: str) -> Thrown:
        if not found:
            return reader_error("Unexpected end of content while loading JSON.", self.text, self.position)
        message = f"Unexpected character encountered while parsing value: {found[0]}."
        return reader_error(message, self.text, self.position)

    def document(self) -> JToken:
        made = self.value(0)
        if self.current:
            message = f"Additional text encountered after finished reading JSON content: {self.current[0]}."
            raise reader_error(message, self.text, self.position)
        return made

    def value(self, depth: int) -> JToken:
        if depth > MAX_DEPTH:
            raise _too_deep()
        word = self.current
        if word == "{":
            return self.object(depth)
        if word == "[":
            return self.array(depth)
        if word[:1] in ("", "}", "]", ":", ","):
            raise self.unexpected(word)
        self.advance()
        return scalar(unquote(word)) if word[0] in "\"'" else self.bare(word)

    def bare(self, word: str) -> JToken:
        if word in _WORDS:
            return JValue(_WORDS[word])
        if word == "undefined":
            return JValue(None, UNDEFINED)
        try:
            return scalar(int(word, 0) if "x" in word.lower() else int(word))
        except ValueError:
            try:
                return scalar(float(Decimal(word)))
            except ArithmeticError:
                raise self.unexpected(word) from None

    def object(self, depth: int) -> JToken:
        made = JObject()
        self.advance()
        while self.current != "}":
            name = self.current
            if name[:1] in ("", "{", "[", "]", ":", ","):
                message = f"Invalid property identifier character: {name[:1]}."
                raise reader_error(message, self.text, self.position) if name else self.unexpected(name)
            self.advance()
            if self.current != ":":
                message = f"Invalid character after parsing property name. Expected ':' but got: {self.current[:1]}."
                raise reader_error(message, self.text, self.position)
            self.advance()
            made.put(unquote(name), self.value(depth + 1))
            self.separator("}")
        self.advance()
        return made

    def array(self, depth: int) -> JToken:
        items = []
        self.advance()
        while self.current != "]":
            items.append(self.value(depth + 1))
            self.separator("]")
        self.advance()
        return JArray(items)

    def separator(self, closing: str) -> None:
        if self.current == ",":
            self.advance()
        elif self.current != closing:
            if not self.current:
                raise self.unexpected("")
            message = f"After parsing a value an unexpected character was encountered: {self.current[0]}."
            raise reader_error(message, self.text, self.position)


def unquote(token: str) -> str:
    """A quoted string's text; a bare name is its own."""
    if token[0] not in "\"'":
        return token
    return _ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else _SHORT.get(m[2], m[2]), token[1:-1])
