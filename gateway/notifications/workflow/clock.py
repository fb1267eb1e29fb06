"""Time as a part that can be replaced: every deadline is a recorded moment, never a count of seconds in memory."""

from __future__ import annotations

import asyncio
import time


class Clock:
    """The real clock, in seconds since the epoch (UTC)."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    async def sleep_until(self, moment: float) -> None:
        """Return at *moment*, epoch seconds; immediately if it has passed."""
        await asyncio.sleep(max(0.0, moment - self.now()))
