"""clock.py: time passes when nobody has work."""

from __future__ import annotations

import asyncio
import time

import pytest

from gateway.commands.policy_tests.clock import JumpingLoop, TestClock, run


def test_waits_take_no_time() -> None:
    """An hour passes instantly, in order, and the clock shows it."""

    async def scenario(clock: TestClock) -> list[float]:
        seen = []

        async def note(delay_s: float) -> None:
            await asyncio.sleep(delay_s)
            seen.append(clock() - 1000)

        await asyncio.gather(note(3600), note(1), note(60))
        return seen

    began, loop = time.monotonic(), JumpingLoop()
    seen = run(scenario(TestClock(1000, loop)), loop)
    assert seen == pytest.approx([1, 60, 3600], abs=0.01)
    assert time.monotonic() - began < 2


def test_timeouts_fire() -> None:
    """A time-out is reached without waiting for it."""

    async def scenario() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.Event().wait()

    run(scenario(), JumpingLoop())


def test_threads_are_waited_for() -> None:
    """Work in a thread has its own time, which the loop waits for."""

    def work() -> int:
        time.sleep(0.05)
        return 5

    async def scenario() -> int:
        return await asyncio.to_thread(work)

    assert run(scenario(), JumpingLoop()) == 5
