"""
Counters behind rate limits, quotas and concurrency limits: one interface, in memory or shared through Redis.

Memory answers immediately; Redis answers with an awaitable. A policy returns whichever it got to the run loop.

Source: Microsoft, "rate-limit-by-key" and "quota-by-key"
(https://learn.microsoft.com/azure/api-management/rate-limit-by-key-policy,
https://learn.microsoft.com/azure/api-management/quota-by-key-policy); docs/adr/0043.
"""

from __future__ import annotations

from gateway.counters.concurrency import ConcurrencySlots
from gateway.counters.memory import MemoryCounters
from gateway.counters.windows import Admission, CalendarWindow, Counters, Demand, FixedWindow, SlidingWindow, Usage

__all__ = [
    "Admission",
    "CalendarWindow",
    "ConcurrencySlots",
    "Counters",
    "Demand",
    "FixedWindow",
    "MemoryCounters",
    "SlidingWindow",
    "Usage",
]
