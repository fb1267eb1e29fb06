"""Lines are written from a thread: a pipe that is not read stops nothing, and what it costs is counted."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from typing import TextIO

import pytest

from gateway.telemetry.line_writer import MAX_WAITING_CHARACTERS, LineWriter
from tests.speed import on_this_machine


@pytest.fixture
def pipe() -> Iterator[tuple[int, TextIO]]:
    """A pipe: where it is read, and the stream that writes to it."""
    reading_end, writing_end = os.pipe()
    with os.fdopen(writing_end, "w", encoding="utf-8") as stream:
        yield reading_end, stream
    os.close(reading_end)


def test_lines_arrive_in_order(pipe: tuple[int, TextIO]) -> None:
    """Everything is written, in order, in the stream's encoding."""
    writer = LineWriter()
    writer.write(pipe[1], ["ä", "b"])
    writer.write(pipe[1], ["c\ud800"])
    writer.wait(10)
    assert os.read(pipe[0], 100) == "ä\nb\nc\\ud800\n".encode()


def test_a_stream_in_memory(pipe: tuple[int, TextIO]) -> None:
    """A stream without a descriptor is written as well: tests and notebooks have such."""
    stream, writer = io.StringIO(), LineWriter()
    writer.write(stream, ["a"])
    writer.wait(10)
    assert stream.getvalue() == "a\n"


def test_a_pipe_that_is_not_read(pipe: tuple[int, TextIO]) -> None:
    """Writing never waits, the queue is bounded, what finds it full is counted, and waiting has an end."""
    writer, line = LineWriter(), "x" * 1023
    began = time.thread_time()
    for _ in range(3 * MAX_WAITING_CHARACTERS // 1024):
        writer.write(pipe[1], [line])
    assert time.thread_time() - began < on_this_machine(1)
    assert writer.dropped >= MAX_WAITING_CHARACTERS // 1024
    writer.wait(0.1)
    os.set_blocking(pipe[0], True)
    left = 3 * MAX_WAITING_CHARACTERS // 1024 - writer.dropped
    while left:  # once somebody reads, all that was kept arrives whole
        left -= os.read(pipe[0], 65_536).count(b"\n")
    writer.wait(10)
    writer.write(pipe[1], ["later"])
    writer.wait(10)
    assert os.read(pipe[0], 100) == b"later\n"


def test_a_reader_that_left(pipe: tuple[int, TextIO]) -> None:
    """A closed pipe loses the lines and nothing else."""
    writer = LineWriter()
    other_reading, other_writing = os.pipe()
    os.close(other_reading)
    with os.fdopen(other_writing, "w") as broken:
        writer.write(broken, ["a"])
        writer.wait(10)
    writer.write(pipe[1], ["b"])
    writer.wait(10)
    assert os.read(pipe[0], 100) == b"b\n"
