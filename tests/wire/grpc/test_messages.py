"""Messages that pass are measured, however they are cut, and no more is done to them."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import PolicyError
from gateway.wire.body import BodyStream
from gateway.wire.grpc.messages import MessageMeter, MessageStream


def framed(*sizes: int) -> bytes:
    """Messages of *sizes*."""
    return b"".join(b"\0" + size.to_bytes(4) + b"x" * size for size in sizes)


@given(st.lists(st.integers(0, 40), max_size=12), st.lists(st.integers(1, 30), min_size=1))
def test_lengths_are_found_wherever_the_bytes_are_cut(sizes: list[int], cuts: list[int]) -> None:
    """The first message beyond the limit is reported with its length; below it nothing is."""
    meter, data, at, reported = MessageMeter(30), framed(*sizes), 0, 0
    for number in range(len(data) + 1):
        piece = data[at : at + cuts[number % len(cuts)]]
        at += len(piece)
        reported = meter.excess(piece)
        if reported or not piece:
            break
    assert reported == next((size for size in sizes if size > 30), 0)


def test_a_length_is_refused_before_its_message_has_come() -> None:
    """Five bytes that announce four gigabytes are enough."""
    assert MessageMeter(100).excess(b"\0\xff\xff\xff\xff") == 0xFFFFFFFF


@pytest.mark.parametrize("size", [0, 1])
def test_a_read_full_of_tiny_messages_takes_no_turn(size: int) -> None:
    """256 KiB of the smallest messages cost less than the 20 ms that a turn may take."""
    data = framed(*[size] * (256 * 1024 // (5 + size)))
    took = []
    for _ in range(3):
        before = time.process_time()
        assert MessageMeter(100).excess(data) == 0
        took.append(time.process_time() - before)
    assert min(took) < 0.02


def test_a_policy_cannot_read_it() -> None:
    """Bringing the stream into memory is refused with a reason, and nothing of it has been read."""
    wanted: list[str] = []
    source = BodyStream(None, resume=lambda: wanted.append("resumed"))
    with pytest.raises(PolicyError) as refused:
        asyncio.run(MessageStream(source, None).read(100))
    assert refused.value.reason == "GrpcBodyNotReadable"
    assert wanted == []
