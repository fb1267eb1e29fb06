"""
Counters behind rate limits, quotas and concurrency limits: one seam, in memory or shared through Redis.

Memory answers at once; Redis answers with an awaitable. A policy returns whichever it got to the run loop.

Source: reference 6.1 "rate-limit", 6.2 "quota"; docs/adr/0043.
"""

from __future__ import annotations

from gateway.counters.concurrency import ConcurrencySlots
from gateway.counters.memory import MemoryCounters
from gateway.counters.windows import Admission, Counters, Demand, FixedWindow, SlidingWindow, Usage

__all__ = [
    "Admission",
    "ConcurrencySlots",
    "Counters",
    "Demand",
    "FixedWindow",
    "MemoryCounters",
    "SlidingWindow",
    "Usage",
]
