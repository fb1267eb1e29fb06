"""Work that no request waits for: one-way requests, log lines to a remote sink."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import structlog

from gateway.errors import GatewayError

log = structlog.get_logger("gateway.background")

MAX_TASKS = 1_000


class Background:
    """
    Starts work and keeps it alive.

    Beyond *max_tasks* at once, new work is dropped and logged: a sink that hangs must not fill the memory.
    """

    def __init__(self, max_tasks: int = MAX_TASKS) -> None:
        self._max_tasks = max_tasks
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[object, object, object], what: str) -> None:
        """Run *work*; *what* names it in the log when it fails."""
        if len(self._tasks) >= self._max_tasks:
            work.close()
            log.warning("background_dropped", what=what, running=len(self._tasks))
            return
        task = asyncio.get_running_loop().create_task(_run(work, what))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def ended(self, timeout_s: float) -> None:
        """Wait for what runs now, not for what is started meanwhile; at most *timeout_s* seconds."""
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=timeout_s)

    async def drain(self, timeout_s: float) -> None:
        """Wait for what runs, at most *timeout_s* seconds, then cancel the rest."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=timeout_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


async def _run(work: Coroutine[object, object, object], what: str) -> None:
    try:
        await work
    except GatewayError as error:
        log.warning("background_failed", what=what, error=type(error).__name__, detail=str(error))
    except Exception as error:
        log.error("internal_error", what=what, error=type(error).__name__, exc_info=error)
