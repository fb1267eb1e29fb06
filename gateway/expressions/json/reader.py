"""
JSON text → tokens, as forgiving as Newtonsoft: single quotes, bare names, comments, trailing commas; ISO dates
become dates.

Strict JSON goes through Python's own reader; only what that refuses is read by the slow one below.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from json.scanner import py_make_scanner  # type: ignore[attr-defined]
from typing import Any, TypeAlias

from gateway.expressions.formatting.dateparse import iso_date
from gateway.expressions.json.text_reader import (
    COMMENT,
    END,
    END_ARRAY,
    END_OBJECT,
    MAX_DEPTH,
    START_ARRAY,
    START_OBJECT,
    UNDEFINED,
    RawFloat,
    TextReader,
)
from gateway.expressions.json.tree import (
    DATE,
    FLOAT,
    INTEGER,
    STRING,
    TYPE_NAMES,
    JArray,
    JObject,
    JProperty,
    JToken,
    JValue,
    adopt,
)
from gateway.expressions.json.tree import UNDEFINED as UNDEFINED_TYPE
from gateway.expressions.limits import read_tree
from gateway.expressions.moments import DateTime
from gateway.expressions.thrown import Thrown, argument_null
from gateway.expressions.values import BigInteger, Int64

LARGE = 1024 * 1024  # characters; the C loop of Python's reader is still quick up to here
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,7})?(?:Z|[+-]\d\d:?\d\d)?", re.ASCII)
_LONG = 1 << 63

MakeToken: TypeAlias = Callable[[object], JToken]
MakeObject: TypeAlias = Callable[[list[tuple[str, object]]], JObject]


def parse(text: str | None, wanted: str = "JToken") -> JToken:
    """``JToken.Parse``, or ``Parse`` of *wanted*: JObject, JArray."""
    if text is None:
        raise argument_null("s")
    return read_tree(_nodes(text), _read, text, wanted)


def _nodes(text: str) -> int:
    """The greatest number of nodes that the tree of *text* can have."""
    return sum(map(text.count, ",:[{"))


def _read(text: str, wanted: str) -> JToken:
    reader = _PIECEWISE if len(text) > LARGE else _FAST
    try:
        token = _token(reader.decode(text))
    except (ValueError, RecursionError):
        return _TokenBuilder(text).document(wanted)
    if _is_too_deep(token) or wanted not in ("JToken", token.__class__.__name__):
        return _TokenBuilder(text).document(wanted)
    return token


def parse_raw(text: str) -> JToken:
    """
    *text* for a deserializer: strings stay strings, numbers keep their spelling; truncated text ends where it ends.

    Source: Newtonsoft.Json, JsonSerializerInternalReader, which does not notice where an object ends.
    """
    return read_tree(_nodes(text), _read_raw, text)


def _read_raw(text: str) -> JToken:
    reader = _RAW_PIECEWISE if len(text) > LARGE else _RAW
    try:
        read = reader.decode(text)
    except (ValueError, RecursionError):
        return _TokenBuilder(text, raw=True).document("JToken")
    token = _raw_token(read)
    return _TokenBuilder(text, raw=True).document("JToken") if _is_too_deep(token) else token


def raw_leaf(value: object) -> JValue:
    """A leaf that keeps its spelling."""
    if isinstance(value, str | RawFloat):
        return JValue(value, STRING if isinstance(value, str) else FLOAT)
    return scalar(value)


class PiecewiseDecoder(json.JSONDecoder):
    """Python's reader without its C loop, which blocks the event loop until the whole text is read."""

    def __init__(self, **hooks: Any) -> None:
        super().__init__(**hooks)
        self.scan_once = py_make_scanner(self)


def _constant(name: str) -> object:
    return {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}[name]


def _makers(leaf: MakeToken) -> tuple[MakeObject, MakeToken]:
    """The functions that make an object from its pairs, and a token from a value; *leaf* makes the others."""

    def make_object(pairs: list[tuple[str, object]]) -> JObject:
        """Called for each object, inner ones first; a repeated name has its last value."""
        parent = JObject()
        for name, value in pairs:
            parent.properties[name] = JProperty.fresh(parent, name, make_token(value))
        return parent

    def make_token(raw: object) -> JToken:
        if raw.__class__ is JObject:
            return raw
        return JArray.fresh(list(map(make_token, raw))) if isinstance(raw, list) else leaf(raw)

    return make_object, make_token


def _is_too_deep(root: JToken) -> bool:
    level = [root]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in parent.values() if not isinstance(child, JValue)]
        if not level:
            return False
    return True


def read_moment(raw: str) -> DateTime | None:
    """The date and time in *raw*, or None."""
    return iso_date(raw) if len(raw) > 18 and raw[4:5] == "-" and _DATE.fullmatch(raw) else None


def scalar(raw: object) -> JValue:
    """A leaf: integers are Int64 if they fit, text that is an ISO date and time is a date."""
    if raw.__class__ is str:
        date = read_moment(raw)
        return JValue(raw, STRING) if date is None else JValue(date, DATE)
    if isinstance(raw, int) and not isinstance(raw, bool):
        return JValue(Int64(raw) if -_LONG <= raw < _LONG else BigInteger(raw), INTEGER)
    return JValue(float(raw) if raw.__class__ is RawFloat else raw)


_object, _token = _makers(scalar)
_raw_object, _raw_token = _makers(raw_leaf)
_HOOKS: dict[str, Any] = {"object_pairs_hook": _object, "parse_constant": _constant}
_RAW_HOOKS: dict[str, Any] = {"object_pairs_hook": _raw_object, "parse_float": RawFloat, "parse_constant": _constant}
_FAST, _PIECEWISE = json.JSONDecoder(**_HOOKS), PiecewiseDecoder(**_HOOKS)
_RAW, _RAW_PIECEWISE = json.JSONDecoder(**_RAW_HOOKS), PiecewiseDecoder(**_RAW_HOOKS)


class _TokenBuilder:
    """Builds a tree from the tokens of a :class:`TextReader`."""

    def __init__(self, text: str, raw: bool = False) -> None:
        self.reader = TextReader(text)
        self.raw = raw

    def document(self, wanted: str) -> JToken:
        """The one token of the text, as ``Parse`` of *wanted* (JToken, JObject, JArray) reads it."""
        token = self._content()
        if token == END:
            raise self.reader.error(f"Error reading {wanted} from JsonReader.")
        if wanted != "JToken" and token != _STARTS[wanted]:
            raise self._not_wanted(wanted, token)
        root = self._root(token) if token in (START_OBJECT, START_ARRAY) else self._leaf(token)
        while self.reader.read() != END:
            pass
        return root

    def _not_wanted(self, wanted: str, token: int) -> Thrown:
        shown = _TOKEN_NAMES.get(token) or TYPE_NAMES[self._leaf(token).kind]
        article = "an object" if wanted == "JObject" else "an array"
        return self.reader.error(
            f"Error reading {wanted} from JsonReader. Current JsonReader item is not {article}: {shown}."
        )

    def _content(self) -> int:
        """The next token that is not a comment."""
        token = self.reader.read()
        while token == COMMENT:
            token = self.reader.read()
        return token

    def _leaf(self, token: int) -> JValue:
        value = self.reader.value
        if token == UNDEFINED:
            return JValue(None, UNDEFINED_TYPE)
        return raw_leaf(value) if self.raw else scalar(value)

    def _root(self, token: int) -> JToken:
        container: JToken = JObject() if token == START_OBJECT else JArray()
        name = "JObject" if token == START_OBJECT else "JArray"
        token = self._content()
        if token == END:
            raise self.reader.error(f"Error reading {name} from JsonReader.")
        if not self._fill(container, token) and not self.raw:
            raise self.reader.error(f"Unexpected end of content while loading {name}.")
        return container

    def _fill(self, container: JToken, token: int) -> bool:
        """Read the content of a container, beginning with *token*; returns whether its end was found."""
        while token not in (END, END_OBJECT, END_ARRAY):
            name = str(self.reader.value)
            if isinstance(container, JObject):
                token = self._content()
            if token == END or not self._add(container, name, token):
                return False
            token = self._content()
        return token != END

    def _add(self, container: JToken, name: str, token: int) -> bool:
        child, whole = self._child(token)
        if isinstance(container, JObject):
            container.put(name, child)
        elif isinstance(container, JArray):
            container.items.append(adopt(container, child))
        return whole

    def _child(self, token: int) -> tuple[JToken, bool]:
        if token not in (START_OBJECT, START_ARRAY):
            return self._leaf(token), True
        child: JToken = JObject() if token == START_OBJECT else JArray()
        return child, self._fill(child, self._content())


_STARTS = {"JObject": START_OBJECT, "JArray": START_ARRAY}
_TOKEN_NAMES = {START_OBJECT: "StartObject", START_ARRAY: "StartArray"}
