"""
Lines to standard output from a thread of their own.

A pipe that is not read blocks its writer. The event loop, signals and readiness must not wait for it, so the loop only
appends to a bounded queue; what no longer fits is dropped and counted.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from contextlib import suppress
from typing import Final, TextIO

MAX_WAITING_CHARACTERS: Final = 4 * 1024 * 1024
PATIENCE_S: Final = 1.0  # of a caller that wants its lines written, when the process ends or has no loop


class LineWriter:
    """
    A queue and the thread that empties it; the thread starts with the first lines.

    Attributes:
        dropped: Lines that found the queue full.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._changed = threading.Condition()
        self._waiting: deque[tuple[TextIO, str]] = deque()
        self._characters = 0  # in the queue and on their way
        self._thread: threading.Thread | None = None

    def write(self, stream: TextIO, lines: list[str]) -> None:
        """Hand *lines* over; never waits."""
        text = "\n".join([*lines, ""])
        with self._changed:
            if self._characters + len(text) > MAX_WAITING_CHARACTERS:
                self.dropped += len(lines)
                return
            self._characters += len(text)
            self._waiting.append((stream, text))
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log", daemon=True)
                self._thread.start()

    def wait(self, timeout_s: float = PATIENCE_S) -> None:
        """Return when everything is written, or after *timeout_s*."""
        with self._changed:
            self._changed.wait_for(lambda: not self._characters, timeout_s)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                stream, text = self._waiting.popleft()
            with suppress(OSError, ValueError):  # the reader has left, or the stream is closed
                _write(stream, text)
            with self._changed:
                self._characters -= len(text)
                self._changed.notify_all()


def _write(stream: TextIO, text: str) -> None:
    """
    Write around the stream's buffer, whose lock a blocked thread would keep from everybody else.

    Raises OSError, ValueError.
    """
    try:
        descriptor = stream.fileno()
    except OSError:  # a stream in memory
        stream.write(text)
        stream.flush()
        return
    data = text.encode(stream.encoding or "utf-8", "backslashreplace")
    while data:
        data = data[os.write(descriptor, data) :]
