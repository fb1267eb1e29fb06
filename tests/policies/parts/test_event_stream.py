"""Events: cut out of a stream in whatever pieces it comes, with a bound."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.policies.parts.event_stream import LONGEST_EVENT, EventStream


def events(text: bytes, size: int = 10**9) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    stream = EventStream(told.append)
    for start in range(0, len(text), size):
        stream.feed(text[start : start + size])
    stream.finish()
    return told


A, B = {"a": 1}, {"b": 2}

STREAMS: list[tuple[str, bytes, list[dict[str, Any]]]] = [
    ("newlines", b'data: {"a":1}\n\ndata: {"b":2}\n\ndata: [DONE]\n\n', [A, B]),
    ("returns", b'data: {"a":1}\r\rdata: {"b":2}\r\r', [A, B]),
    ("both", b'data: {"a":1}\r\n\r\ndata:{"b":2}\r\n\r\n', [A, B]),
    ("other fields", b': hello\nevent: x\nid: 5\ndata: {"a":1}\nretry: 9\n\n', [A]),
    ("several lines", b'data: {\ndata: "a":\ndata: 1}\n\n', [A]),
    ("no end", b'data: {"a":1}\n\ndata: {"b":2}', [A, B]),
    ("cut", b'data: {"a":1}\n\ndata: {"b":', [A]),
    ("no objects", b'data: 5\n\ndata: [1]\n\ndata: "{}"\n\ndata: nonsense\n\n\n\n\ndata\n\n', []),
    ("a field that begins alike", b'database: {"a":1}\n\n', []),
    ("a line end in a text", b'data: {"a":"x\\n\\ndata: {\\"usage\\":1}"}\n\n', [{"a": 'x\n\ndata: {"usage":1}'}]),
]


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize(("text", "told"), [row[1:] for row in STREAMS], ids=[row[0] for row in STREAMS])
def test_events(text: bytes, told: list[dict[str, Any]], size: int) -> None:
    """Each object is told once, with every line end and in every cut."""
    assert events(text, size) == told


@pytest.mark.parametrize("size", [1000, 65_536, 10**9])
@pytest.mark.parametrize("lines", [1, 40])
def test_a_long_event_is_scanned(size: int, lines: int) -> None:
    """An event that is too long to be read still reports its usage, and the next event is read again."""
    value = {"type": "response.completed", "response": {"output": ["x" * 9000] * 20, "usage": A}}
    text = json.dumps(value, indent=1 if lines > 1 else None)
    data = "".join(f"data: {line}\n" for line in text.split("\n")).encode()
    assert len(data) > LONGEST_EVENT
    assert events(data + b'\ndata: {"b":2}\n\n', size) == [{"usage": A}, B]


def test_a_long_line_that_is_no_data() -> None:
    """It is passed over, and nothing of it is kept."""
    stream = EventStream(lambda event: None)
    for _ in range(100):
        stream.feed(b"x" * 10_000)
    assert len(stream._line) <= LONGEST_EVENT + 10_000
    assert events(b": " + b"x" * 200_000 + b'\ndata: {"a":1}\n\n', 10_000) == [A]
