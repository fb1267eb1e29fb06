"""How long the event loop is held, and clients that send from a thread of their own."""

from __future__ import annotations

import asyncio
import gc
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from gateway.wire.memory import THRESHOLDS


@dataclass
class Turns:
    """
    What the loop did while it was watched.

    Attributes:
        count: Turns so far.
        longest_s: Processor time of the loop's thread in the longest turn, without the collector's.
    """

    count: int = 0
    longest_s: float = 0.0
    _stopped: bool = False
    _last_s: float = 0.0
    _collector_began_s: float = 0.0

    def collector(self, phase: str, _info: dict[str, int]) -> None:
        """
        Leave a collection out: one of ``gc.callbacks``.

        What is collected here are the clients of the tests, whose streams refer to themselves: 50,000 such objects take
        as long as the whole limit of a turn.
        """
        if phase == "start":
            self._collector_began_s = time.thread_time()
        else:
            self._last_s += time.thread_time() - self._collector_began_s

    def begin(self) -> None:
        """Watch from now on."""
        self._last_s = time.thread_time()
        asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        if not self._stopped:
            self._look()
            asyncio.get_running_loop().call_soon(self._turn)

    def _look(self) -> None:
        now_s = time.thread_time()
        self.longest_s = max(self.longest_s, now_s - self._last_s)
        self._last_s = now_s
        self.count += 1

    def stop(self) -> None:
        """Watch no more: what the rest of this turn does is the test's own."""
        self._look()
        self._stopped = True


@asynccontextmanager
async def watched_turns() -> AsyncIterator[Turns]:
    """
    The turns of the running loop while the context lasts.

    What the tests themselves have loaded is out of the collector's sight meanwhile, as the product's objects are once
    it serves (``gateway.wire.memory.settle``), and it collects as often; the time of collecting is left out.
    """
    turns, thresholds = Turns(), gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    gc.callbacks.append(turns.collector)
    turns.begin()
    try:
        yield turns
    finally:
        turns.stop()
        gc.callbacks.remove(turns.collector)
        gc.set_threshold(*thresholds)


async def flood(port: int, data: bytes, until: Callable[[], bool], reads: bool = True) -> None:
    """Send *data* on one connection from another thread, and read what comes, until *until* says so."""

    def send() -> None:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.settimeout(0.05)
            view = memoryview(data)
            while view and not until():
                with suppress(TimeoutError):
                    view = view[connection.send(view[: 1 << 18]) :]
                with suppress(TimeoutError):
                    while reads and len(connection.recv(1 << 20)) == 1 << 20:
                        pass
            while not until():
                with suppress(TimeoutError):
                    if reads and not connection.recv(1 << 20):
                        return

    with suppress(ConnectionError):
        await asyncio.to_thread(send)
