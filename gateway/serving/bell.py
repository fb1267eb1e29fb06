"""
A bell between processes: one rings, the event loop of another wakes and looks for what has changed.

It is made before the fork, so that nothing has to find it. A ring carries nothing, and several may be heard as one.

Source: pipe(7).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Bell:
    """A pipe of which only the arrival of bytes counts."""

    def __init__(self) -> None:
        self._reading_end, self._writing_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._rung: asyncio.Event | None = None

    def ring(self) -> None:
        """Wake whoever listens; a pipe that is full has rung already."""
        with suppress(BlockingIOError):
            os.write(self._writing_end, b"\0")

    def close(self) -> None:
        """In this process."""
        os.close(self._reading_end)
        os.close(self._writing_end)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """While the context lasts the running loop hears it; of all processes only one may listen."""
        loop, self._rung = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._reading_end, self._heard)
        try:
            yield
        finally:
            loop.remove_reader(self._reading_end)
            self._rung = None

    async def heard(self, seconds: float) -> None:
        """Return at the next ring, or after *seconds*; nothing rings for those who do not listen."""
        if self._rung is None:
            await asyncio.sleep(seconds)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._rung.wait(), seconds)

    def _heard(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._reading_end, 4_096)
        if self._rung is not None:
            self._rung.set()
            self._rung = asyncio.Event()
