"""bell.py: another process's event loop wakes immediately."""

from __future__ import annotations

import asyncio
import os
import time

from gateway.serving.bell import Bell


def test_another_process_rings() -> None:
    """A ring of a forked process ends the wait at once, also one from before anything listened."""
    bell = Bell()
    child = os.fork()
    if child == 0:
        bell.ring()
        os._exit(0)
    os.waitpid(child, 0)

    async def scenario() -> float:
        began = time.monotonic()
        with bell.listening():
            await bell.heard(60)
        return time.monotonic() - began

    assert asyncio.run(scenario()) < 10
    bell.close()


def test_several_rings_are_one() -> None:
    """A bell that rings without end never blocks; all who wait hear it, and the next wait is for the next ring."""
    bell = Bell()
    for _ in range(100_000):  # more than a pipe holds
        bell.ring()

    async def scenario() -> tuple[float, float]:
        with bell.listening():
            began = time.monotonic()
            await asyncio.gather(bell.heard(60), bell.heard(60))
            first = time.monotonic() - began
            for _ in range(20):  # what was in the pipe
                await bell.heard(0.001)
            began = time.monotonic()
            await bell.heard(0.05)
            return first, time.monotonic() - began

    first, second = asyncio.run(scenario())
    assert first < 10
    assert second >= 0.04
    bell.close()


def test_silence_has_an_end() -> None:
    """Without a listener the wait is only for its time."""
    bell = Bell()
    asyncio.run(bell.heard(0.001))
    bell.close()
