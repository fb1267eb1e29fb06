"""
Server-sent events, cut out of a stream while it passes.

An event's data is read as JSON when its last byte has come. Data that is too long for that is scanned for usage while
it comes, so what is held has a bound.

Source: WHATWG HTML, "Server-sent events" (https://html.spec.whatwg.org/multipage/server-sent-events.html).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from gateway.policies.parts.usage_scanner import UsageScanner

LONGEST_EVENT = 64 * 1024

_DATA = b"data:"


class EventStream:
    """Reads events in pieces; *tell* gets each that is a JSON object, of a long one nothing but its usage."""

    __slots__ = ("_after_return", "_data", "_line", "_scanner", "_skips", "_tell")

    def __init__(self, tell: Callable[[dict[str, Any]], None]) -> None:
        self._tell = tell
        self._line = bytearray()
        self._data: list[bytes] = []
        self._scanner: UsageScanner | None = None
        self._skips = False  # what is left of a long line that is no data
        self._after_return = False

    def feed(self, data: bytes) -> None:
        """The next piece."""
        if self._after_return and data[:1] == b"\n":
            data = data[1:]
        self._after_return = data[-1:] == b"\r"
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *ended, rest = data.split(b"\n")
        for line in ended:
            self._add(line)
            self._end_line()
        self._add(rest)

    def finish(self) -> None:
        """The stream is over; some end without the empty line behind the last event."""
        self._end_line()
        self._dispatch()

    def _add(self, piece: bytes) -> None:
        """More of a line."""
        if self._skips:
            return
        line = self._line
        line += piece
        if self._scanner is None and len(line) <= LONGEST_EVENT:
            return
        if line.startswith(_DATA):
            self._scan(bytes(line[len(_DATA) :]))
            self._line = bytearray(_DATA)
        elif len(line) > LONGEST_EVENT:
            self._skips = True

    def _end_line(self) -> None:
        line, self._line = self._line, bytearray()
        if self._skips:
            self._skips = False
        elif not line:
            self._dispatch()
        elif line.startswith(_DATA) and self._scanner is None:
            self._data.append(bytes(line[len(_DATA) :]))
            if sum(map(len, self._data)) > LONGEST_EVENT:
                self._scan(b"")

    def _scan(self, data: bytes) -> None:
        if self._scanner is None:
            self._scanner = UsageScanner()
            self._scanner.feed(b"\n".join(self._data))
            self._data.clear()
        self._scanner.feed(data)

    def _dispatch(self) -> None:
        scanner, self._scanner = self._scanner, None
        if scanner is not None:
            if scanner.members is not None:
                self._tell({"usage": scanner.members})
            return
        data, self._data = self._data, []
        event = _object(b"\n".join(data)) if data else None
        if event is not None:
            self._tell(event)


def _object(data: bytes) -> dict[str, Any] | None:
    if b"{" not in data[:8]:
        return None
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None
