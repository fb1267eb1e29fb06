"""
Turns for callbacks: fair between callers, between hosts, and between the callers of one host.

Many callers share one host (every Logic App of a region has the same), and the URLs of one of them may hang while those
of the others do not. So at each host, too, a caller leaves a quarter of what the others have not taken.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from gateway.notifications.callbacks.circuits import CallbackLine, Circuits
from gateway.notifications.fairness import FairTurns, Parties, Party


class CallbackTurns:
    """At most *limit* callbacks at the same time; one at a time of what has an open circuit."""

    def __init__(self, limit: int, circuits: Circuits) -> None:
        self._turns = _Nested(limit, lambda party: isinstance(party, tuple) and circuits.is_open(*party))

    def turn(self, line: CallbackLine) -> AbstractAsyncContextManager[None]:
        """Wait for a turn, hold it, and return it."""
        return self._turns.turn(f"caller {line.caller}", line.host, (line.caller, line.host), line)


class _Nested(FairTurns):
    """The parties are a caller, a host, the caller at that host, and a group of its URLs there."""

    def _has_room(self, parties: Parties) -> bool:
        _, host, both, _ = parties
        left = self._share_of(host) - self._held[host]
        return super()._has_room(parties) and self._held[both] < 3 * left

    def _share_of(self, party: Party) -> int:
        share = super()._share_of(party)
        is_host = isinstance(party, str) and not party.startswith("caller ")
        return max(share, self.limit - max(1, self.limit // 8)) if is_host else share
