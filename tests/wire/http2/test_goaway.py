"""Frames come one by one however the bytes are cut; GOAWAY frames are read, and all others pass unchanged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.http2.goaway import FrameCutter, Goaway


def frame(kind: int, payload: bytes, stream: int = 1) -> bytes:
    """A frame as it is on the wire."""
    return len(payload).to_bytes(3, "big") + bytes([kind, 0]) + stream.to_bytes(4, "big") + payload


def goaway(last: int, more: bytes = b"") -> bytes:
    """A GOAWAY frame; *more* is its debug data."""
    return frame(7, last.to_bytes(4, "big") + bytes(4) + more, 0)


FRAMES = st.one_of(
    st.tuples(st.just(0), st.binary(max_size=40).map(lambda payload: frame(0, payload))),
    st.tuples(st.just(7), st.integers(0, 2**31 - 1).map(goaway)),
)


@given(st.lists(FRAMES, max_size=8), st.lists(st.integers(0, 200), max_size=12))
def test_frames_are_told_apart(frames: list[tuple[int, bytes]], cuts: list[int]) -> None:
    """Cut anywhere, h2 gets every other frame whole and in order, and each GOAWAY is taken out at its place."""
    data = b"".join(content for _, content in frames)
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    cutter, passed = FrameCutter(), bytearray()
    seen: list[int] = []
    for begin, end in zip(places, places[1:], strict=False):
        cutter.feed(data[begin:end])
        while (piece := cutter.take()) is not None:
            if isinstance(piece, Goaway):
                seen.append(piece.last_stream)
            else:
                passed += piece
    assert bytes(passed) == b"".join(content for kind, content in frames if kind == 0)
    assert seen == [int.from_bytes(content[9:13], "big") for kind, content in frames if kind == 7]


MALFORMED = [frame(7, b"short"), frame(0, bytes(20_000)), frame(7, bytes(20_000))[:9], b"HTTP/1.1 "]


@pytest.mark.parametrize("data", MALFORMED, ids="short long announced HTTP/1.1".split())
def test_malformed_frames(data: bytes) -> None:
    """A frame that is too short or too long, or none at all, breaks the protocol and is not waited for."""
    cutter = FrameCutter()
    cutter.feed(data)
    with pytest.raises(ValueError, match="frame is too"):
        cutter.take()


def test_one_frame_at_a_time() -> None:
    """What comes in one piece is taken frame by frame; of a long frame each piece is taken as it comes."""
    first, second = frame(0, b"one"), frame(0, bytes(100))
    cutter = FrameCutter()
    cutter.feed(first + second[:50])
    assert [cutter.take(), cutter.take(), cutter.take()] == [first, second[:50], None]
    cutter.feed(second[50:] + goaway(3))
    assert [cutter.take(), cutter.take(), cutter.take()] == [second[50:], Goaway(3), None]
