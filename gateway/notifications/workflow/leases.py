"""
How long a lease lasts, for its holder and for the others. Pure: the store and the clocks are the callers' business.

The holder counts its own end from before it asked for the renewal, by a clock that cannot be set, and gives up a tenth;
the others see the end that the store recorded, by the store's clock. So the holder's end comes first.
"""

from __future__ import annotations

from typing import Any

# Of the lease, how much its holder does not use: clocks of two machines do not run at exactly the same speed.
_UNUSED = 0.1


def own_end(asked_at: float, lease_s: float) -> float:
    """When the holder stops acting, by the clock of *asked_at*: the moment before it asked for the renewal."""
    return asked_at + lease_s * (1 - _UNUSED)


def recorded_end(now: float, lease_s: float) -> float:
    """When the others may take over, by the store's clock."""
    return now + lease_s


def has_ended(recorded: Any, now: Any) -> Any:
    """Whether the others may take over. Of numbers a bool, of columns the condition of a statement."""
    return recorded < now
