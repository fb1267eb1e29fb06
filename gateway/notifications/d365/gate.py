"""Admission to one environment: few calls at the same time, and none while a 429 pauses it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from gateway.notifications.workflow.clock import Clock

log = structlog.get_logger("gateway.notifications")

# How long Microsoft's own sample waits after a 429 without Retry-After.
_UNSTATED_S = 30.0
_SHORTEST_S = 1.0


class Gate:
    """
    Concurrency limit and shared pause for all calls to an environment.

    A pause is never shorter than a second, and twice as long for each one that follows without a success in between (up
    to 30 s): continuing to call during it lengthens the throttling. It is never longer than *longest_pause_s*, whatever
    the environment asks for: one answer must not stop everything for a day.

    Source: Microsoft Learn, Finance & Operations "Service protection API limits".
    """

    def __init__(self, concurrency: int, clock: Clock, longest_pause_s: float = 600.0, name: str = "d365") -> None:
        self._slots = asyncio.Semaphore(concurrency)
        self._clock = clock
        self._longest_pause_s = longest_pause_s
        self._name = name
        self._in_a_row = 0
        self.closed_until = 0.0

    @property
    def remaining_s(self) -> float:
        """Seconds until calls are let through again; 0 while they are."""
        return max(0.0, self.closed_until - self._clock.now())

    @asynccontextmanager
    async def passing(self) -> AsyncIterator[None]:
        """Wait for a free slot and for the end of any pause."""
        async with self._slots:
            while self._clock.now() < self.closed_until:
                await self._clock.sleep_until(self.closed_until)
            yield

    def pause(self, asked_s: float | None) -> float:
        """Let nothing through for the time asked, within bounds; a longer pause stays. Returns the time in seconds."""
        if self.remaining_s == 0.0:  # answers to calls that were under way together count as one
            self._in_a_row += 1
        shortest_s = min(_SHORTEST_S * float(2 ** (self._in_a_row - 1)), _UNSTATED_S)
        seconds = min(max(_UNSTATED_S if asked_s is None else asked_s, shortest_s), self._longest_pause_s)
        self.closed_until = max(self.closed_until, self._clock.now() + seconds)
        log.warning("d365_paused", environment=self._name, seconds=round(self.remaining_s, 1), asked_s=asked_s)
        return seconds

    def succeed(self) -> None:
        """A call was let in: the next pause is a first one again."""
        self._in_a_row = 0
