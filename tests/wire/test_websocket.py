"""As much of WebSocket as a tunnel knows: the ends of frames, however they are cut, and close frames."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.websocket import FrameTracker, close_frame


def frame(payload: bytes, masked: bool) -> bytes:
    """A binary frame with the shortest form of its length. Source: RFC 6455 §5.2."""
    bit, size = (0x80 if masked else 0), len(payload)
    if size < 126:
        head = bytes([0x82, bit | size])
    elif size < 65_536:
        head = bytes([0x82, bit | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([0x82, bit | 127]) + size.to_bytes(8, "big")
    return head + (b"mask" if masked else b"") + payload


SIZES = [0, 1, 4, 5, 125, 126, 65_535, 65_536]


@pytest.mark.parametrize("masked", [False, True], ids=["server", "client"])
@pytest.mark.parametrize("size", SIZES)
def test_the_end_of_a_frame(size: int, masked: bool) -> None:
    """Between frames only where one is complete: not one byte before, nor one after."""
    data = frame(b"x" * size, masked)
    tracker = FrameTracker()
    assert tracker.between
    tracker.feed(data[:-1])
    assert not tracker.between
    tracker.feed(data[-1:])
    assert tracker.between
    tracker.feed(data[:1])
    assert not tracker.between


@given(
    sizes=st.lists(st.sampled_from([0, 1, 3, 4, 5, 6, 125, 126, 127, 300]), max_size=12),
    masked=st.booleans(),
    data=st.data(),
)
def test_cut_anywhere(sizes: list[int], masked: bool, data: st.DataObject) -> None:
    """However the bytes are cut, the tracker is between frames exactly at their ends."""
    frames = [frame(b"\x00" * size, masked) for size in sizes]
    stream, ends = b"".join(frames), {0}
    for each in frames:
        ends.add(max(ends) + len(each))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=8)) | {len(stream)})
    tracker, at = FrameTracker(), 0
    for cut in cuts:
        tracker.feed(stream[at:cut])
        at = cut
        assert tracker.between is (at in ends)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("reason", ["", "token expired", "x" * 200], ids=["none", "short", "too long"])
def test_a_close_frame(reason: str, masked: bool) -> None:
    """Code and reason in one control frame, masked as clients send it. Source: RFC 6455 §5.5, §5.5.1."""
    data = close_frame(1008, reason, masked=masked)
    assert data[0] == 0x88
    assert bool(data[1] & 0x80) is masked
    assert data[1] & 0x7F == len(data) - (6 if masked else 2) <= 125
    payload = data[6:] if masked else data[2:]
    if masked:
        payload = bytes(octet ^ data[2 + index % 4] for index, octet in enumerate(payload))
    assert payload == (1008).to_bytes(2, "big") + reason.encode()[:123]
