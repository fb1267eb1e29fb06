"""Admission to one environment: few calls at the same time, and none while a 429 pauses it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.notifications.workflow.clock import Clock


class Gate:
    """Concurrency limit and shared pause for all calls to an environment."""

    def __init__(self, concurrency: int, clock: Clock) -> None:
        self._slots = asyncio.Semaphore(concurrency)
        self._clock = clock
        self.closed_until = 0.0

    @asynccontextmanager
    async def passing(self) -> AsyncIterator[None]:
        """Wait for a free place and for the end of any pause."""
        async with self._slots:
            while self._clock.now() < self.closed_until:
                await self._clock.sleep_until(self.closed_until)
            yield

    def pause(self, seconds: float) -> None:
        """Pause all calls for *seconds* from now; a longer pause that is already running stays."""
        self.closed_until = max(self.closed_until, self._clock.now() + seconds)
