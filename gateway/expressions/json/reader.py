"""
JSON text → tokens, as forgiving as Newtonsoft: single quotes, bare names, comments, trailing commas; ISO dates
become dates.

A small text of strict JSON goes through orjson, and each object of it becomes tokens when somebody looks into it. A
larger one goes through Python's own reader, and only what both refuse is read by the slow one below. They differ in
nothing that a tree shows: numbers that orjson cannot keep exactly are left to the others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from json.scanner import py_make_scanner  # type: ignore[attr-defined]
from typing import Any, TypeAlias

import orjson

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
    FLOAT,
    STRING,
    TYPE_NAMES,
    JArray,
    JObject,
    JProperty,
    JToken,
    JValue,
    adopt,
    scalar,
    token_of,
)
from gateway.expressions.json.tree import UNDEFINED as UNDEFINED_TYPE
from gateway.expressions.limits import read_tree
from gateway.expressions.thrown import Thrown, argument_null

LARGE = 1024 * 1024  # characters; the C loop of Python's reader is still quick up to here
_QUICK = 1_000  # nodes; a larger tree is read as a whole, off the event loop if that takes long
_MANY_DIGITS = b"0" * 19  # orjson reads whole numbers that are longer as floats
_ONE_DIGIT = bytes(0x30 if 0x30 <= octet <= 0x39 else octet for octet in range(256))

_HALF = re.compile(r"\\u[dD][89a-fA-F]")  # or of a whole pair
_HALF_CHARACTERS = 6
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|u[dD][89a-fA-F][\da-fA-F]{2}|.)", re.ASCII | re.DOTALL
)

MakeToken: TypeAlias = Callable[[object], JToken]
MakeObject: TypeAlias = Callable[[list[tuple[str, object]]], JObject]


def parse(text: str | None, wanted: str = "JToken") -> JToken:
    """``JToken.Parse``, or ``Parse`` of *wanted*: JObject, JArray."""
    if text is None:
        raise argument_null("s")
    nodes = _nodes(text)
    return read_tree(nodes, _read, text, nodes, wanted)


def _nodes(text: str) -> int:
    """The greatest number of nodes that the tree of *text* can have."""
    return text.count(",") + text.count(":") + text.count("[") + text.count("{")


def _unread(text: str, wanted: str) -> JToken | None:
    """The token of a small text, read no further than anybody looks; None: orjson would not read it as Newtonsoft."""
    try:
        data = text.encode()
        if data.count(b"{") + data.count(b"[") > MAX_DEPTH or _MANY_DIGITS in data.translate(_ONE_DIGIT):
            return None
        token = token_of(orjson.loads(data))
    except ValueError:
        return None
    return token if wanted in ("JToken", token.__class__.__name__) else None


def whole_characters(text: str) -> str:
    """*text* with an escape that is half a surrogate pair replaced by that of U+FFFD, as Newtonsoft reads it."""
    return _ESCAPE.sub(_whole, text) if _HALF.search(text) else text


def _whole(match: re.Match[str]) -> str:
    return "\\ufffd" if len(match[0]) == _HALF_CHARACTERS else match[0]


def _read(text: str, nodes: int, wanted: str) -> JToken:
    text = whole_characters(text)
    token = _unread(text, wanted) if nodes <= _QUICK else None
    if token is not None:
        return token
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
    text = whole_characters(text)
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
