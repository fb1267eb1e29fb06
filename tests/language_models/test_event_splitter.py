"""event_splitter.py: events as they came, in time that grows with the stream alone."""

from __future__ import annotations

import time

import pytest

from gateway.language_models.event_splitter import EventSplitter, event_data

STREAM = b"data: a\n\ndata: b\r\n\r\ndata: c\n\r\nid: 1\ndata: d\n\ndata: rest"
EVENTS = [b"data: a\n\n", b"data: b\r\n\r\n", b"data: c\n\r\n", b"id: 1\ndata: d\n\n"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_pieces_change_nothing(size: int) -> None:
    """Wherever the stream is divided, even within an event's end."""
    splitter = EventSplitter()
    pieces = [STREAM[start : start + size] for start in range(0, len(STREAM), size)]
    events = [event for piece in pieces for event in splitter.feed(piece)]
    assert (events, splitter.finish()) == (EVENTS, b"data: rest")
    assert [event_data(event) for event in events] == [b"a", b"b", b"c", b"d"]


def test_a_long_event_is_searched_once() -> None:
    """An event of two megabytes in two thousand pieces costs little more than its bytes."""
    splitter, began_s = EventSplitter(), time.process_time()
    for _ in range(2_000):
        splitter.feed(b"x" * 1_000)
    assert time.process_time() - began_s < 1, "searching from its beginning each time takes ten seconds"
