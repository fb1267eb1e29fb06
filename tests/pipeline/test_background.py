"""Work that nobody waits for: started, bounded, and ended."""

from __future__ import annotations

import asyncio

from structlog.testing import capture_logs

from gateway.errors import UpstreamError
from gateway.pipeline.background import Background


async def _note(done: list[str], name: str, wait_s: float = 0.0) -> None:
    await asyncio.sleep(wait_s)
    done.append(name)


def test_it_is_finished_before_the_end() -> None:
    """drain waits for what runs, and cancels what takes too long."""

    async def scenario() -> list[str]:
        background, done = Background(), list[str]()
        await background.drain(1)
        background.start(_note(done, "quick", 0.01), "a")
        background.start(_note(done, "slow", 60), "b")
        await background.drain(0.1)
        await background.drain(1)
        return done

    assert asyncio.run(scenario()) == ["quick"]


def test_it_is_bounded() -> None:
    """Beyond the limit new work is dropped and said so."""

    async def scenario() -> list[str]:
        background, done = Background(max_tasks=1), list[str]()
        background.start(_note(done, "first"), "a")
        background.start(_note(done, "second"), "b")
        await background.drain(1)
        return done

    with capture_logs() as lines:
        assert asyncio.run(scenario()) == ["first"]
    assert [line["event"] for line in lines] == ["background_dropped"]


def test_failures_are_lines_in_the_log() -> None:
    """A known failure is a warning, a bug of ours an error; neither ends anything else."""

    async def fail(error: Exception) -> None:
        raise error

    async def scenario() -> None:
        background = Background()
        background.start(fail(UpstreamError("Timeout", "slow")), "a")
        background.start(fail(ZeroDivisionError()), "b")
        await background.drain(1)

    with capture_logs() as lines:
        asyncio.run(scenario())
    assert sorted(line["log_level"] for line in lines) == ["error", "warning"]
