"""Frames of a WebSocket's client: messages in any number of parts, and everything else refused."""

from __future__ import annotations

import random

import pytest

from gateway.data_plane.graphql.frames import CLOSE, PING, TEXT, BadFrame, MessageReader, frame


def test_messages_in_pieces() -> None:
    """However the bytes arrive, the messages are the same; control frames may come between."""
    draw = random.Random(96)
    messages = [(TEXT, b"x" * size) for size in (0, 1, 125, 126, 65_535, 65_536, 70_000)] + [(PING, b"p"), (CLOSE, b"")]
    data = b"".join(frame(opcode, content, masked=True) for opcode, content in messages)
    reader, read = MessageReader(100_000), []
    while data:
        size = draw.choice([1, 2, 7, 1000, 50_000])
        reader.feed(data[:size])
        data = data[size:]
        read += [tuple(message) for message in reader.messages()]
    assert read == messages


def test_a_message_in_frames() -> None:
    """A message may come in several frames."""
    first = bytes([0x01]) + frame(TEXT, b"ab", masked=True)[1:]
    last = bytes([0x80]) + frame(TEXT, b"cd", masked=True)[1:]
    reader = MessageReader(100)
    reader.feed(first + frame(PING, b"", masked=True) + last)
    assert [tuple(message) for message in reader.messages()] == [(PING, b""), (TEXT, b"abcd")]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(TEXT, b"x", masked=False), 1002),
        (frame(2, b"x", masked=True), 1003),
        (frame(3, b"x", masked=True), 1002),
        (b"\xc1" + frame(TEXT, b"x", masked=True)[1:], 1002),
        (frame(PING, b"x" * 126, masked=True), 1002),
        (b"\x09" + frame(PING, b"x", masked=True)[1:], 1002),
        (frame(0, b"x", masked=True), 1002),
        ((b"\x01" + frame(TEXT, b"x", masked=True)[1:]) * 2, 1002),
        (frame(TEXT, b"x" * 1001, masked=True), 1009),
        (b"\x81\xff" + b"\xff" * 8, 1009),
        ((b"\x01" + frame(TEXT, b"x" * 600, masked=True)[1:]) + frame(0, b"x" * 600, masked=True), 1009),
    ],
    ids="mask binary opcode extension long-ping ping-in-parts lone-rest mixed long huge long-in-parts".split(),
)
def test_what_is_refused(data: bytes, code: int) -> None:
    """No mask, binary, unknown opcodes, extensions, wrong control frames, mixed messages, too many bytes."""
    reader = MessageReader(1000)
    reader.feed(data)
    with pytest.raises(BadFrame) as refused:
        list(reader.messages())
    assert refused.value.code == code
