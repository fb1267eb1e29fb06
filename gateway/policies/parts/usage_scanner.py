"""
The usage in a JSON text of any length, found while the text passes: what a scanner remembers does not grow with it.

It follows the structure, so the text of a completion, which is inside a string, is never taken for usage. Usage is a
member of the outermost object, or of an object in the outermost array (Gemini's stream without ``alt=sse``), or of its
``response`` or ``message`` (events that are too long to be read at once).
"""

from __future__ import annotations

import re
from typing import Any

import orjson

LONGEST_USAGE = 4_096
_LONGEST_NAME = 32

_NAMES = frozenset({b"usage", b"usageMetadata"})
_COMPLETIONS = frozenset({b"choices", b"candidates", b"output", b"content", b"completion", b"generation"})
_AROUND = frozenset({b"response", b"message"})
_STRUCTURE = re.compile(rb'[{}\[\]":]')
_REST_OF_STRING = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
_QUOTE, _COLON, _OPENING, _OBJECT, _BACKSLASH = b'"'[0], b":"[0], b"{[", b"{"[0], b"\\"[0]


class UsageScanner:
    """
    Reads a text in pieces.

    Attributes:
        members: The last usage, as it was written; None: there was none yet.
        has_completion: Whether there is a member that has what a model has said.
    """

    __slots__ = (
        "_captured",
        "_captured_depth",
        "_depth",
        "_escaped",
        "_in_string",
        "_name",
        "_outer_name",
        "_start",
        "_string",
        "_tops",
        "has_completion",
        "members",
    )

    def __init__(self) -> None:
        self.members: dict[str, Any] | None = None
        self.has_completion = False
        self._depth = 0
        self._tops = bytearray(2)  # the brackets of the two outermost levels
        self._in_string = self._escaped = False
        self._string = self._name = self._outer_name = b""
        self._captured: bytearray | None = None
        self._captured_depth = 0
        self._start = 0

    def feed(self, data: bytes) -> None:
        """The next piece."""
        position, self._start = 0, 0
        while position < len(data):
            position = self._go_through_string(data, position) if self._in_string else self._step(data, position)
        if self._captured is not None:
            self._capture(data[self._start :])

    def _step(self, data: bytes, position: int) -> int:
        """Go to the next sign of the structure; where that is none, to the end."""
        sign = _STRUCTURE.search(data, position)
        if sign is None:
            return len(data)
        at, code = sign.start(), data[sign.start()]
        if code == _QUOTE:
            self._in_string, self._string = True, b""
        elif code == _COLON:
            self._name = self._string
            self.has_completion |= self._name in _COMPLETIONS and self._is_outermost()
        elif code in _OPENING:
            self._open(code, at)
        else:
            self._close(data, at)
        return at + 1

    def _go_through_string(self, data: bytes, position: int) -> int:
        """Go behind the string's end, or to the end of *data*."""
        begin = position
        if self._escaped:
            self._escaped = False
            position += 1
        rest = _REST_OF_STRING.match(data, position)
        end = len(data) if rest is None else rest.end()
        if self._depth <= len(self._tops) and len(self._string) < _LONGEST_NAME:
            self._string += data[begin : min(end, begin + _LONGEST_NAME)]
        if end == len(data):
            return end
        if data[end] == _BACKSLASH:  # the last byte: the next piece begins with what it escapes
            self._escaped = True
        else:
            self._in_string = False
        return end + 1

    def _open(self, code: int, at: int) -> None:
        if self._captured is None and code == _OBJECT and self._is_usage_next():
            self._captured, self._captured_depth, self._start = bytearray(), self._depth, at
        if self._depth < len(self._tops):
            self._tops[self._depth] = code
            self._outer_name = self._name
        self._depth += 1
        self._name = self._string = b""

    def _is_outermost(self) -> bool:
        """Whether a member here is one of the outermost object, or of one in the outermost array."""
        return self._depth == 1 or (self._depth == len(self._tops) and self._tops[0] != _OBJECT)

    def _is_usage_next(self) -> bool:
        """Whether the object that begins now is usage."""
        depth, tops = self._depth, self._tops
        if self._name not in _NAMES or not 1 <= depth <= len(tops) or tops[depth - 1] != _OBJECT:
            return False
        return depth == 1 or tops[0] != _OBJECT or self._outer_name in _AROUND

    def _close(self, data: bytes, at: int) -> None:
        self._depth = max(0, self._depth - 1)
        self._name = self._string = b""
        if self._captured is not None and self._depth <= self._captured_depth:
            self._capture(data[self._start : at + 1])
            self._read()

    def _capture(self, data: bytes) -> None:
        if self._captured is not None and len(self._captured) <= LONGEST_USAGE:
            self._captured += data

    def _read(self) -> None:
        captured, self._captured = self._captured, None
        if captured is None or len(captured) > LONGEST_USAGE:
            return
        try:
            self.members = orjson.loads(bytes(captured))
        except orjson.JSONDecodeError:
            return
