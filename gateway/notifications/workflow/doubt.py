"""
The clock of a start call: until when it may be sent, and until when it may still take effect. Pure.

F&O has no idempotency key, so after a call whose effect is unknown only time and readings decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gateway.notifications.d365.batch_status import Row
from gateway.notifications.workflow.judgement import was_started


@dataclass(frozen=True, slots=True)
class StartRules:
    """
    How long a start call may stay open, in seconds, and who may share a run.

    Attributes:
        valid_s: From the mark to the sending of the call; after that the mark has to be renewed.
        call_s: From sending to giving up on the answer.
        settle_s: From the end of a call without an answer to the moment at which its effect would have shown.
        join: Whether a job may share the run that another job has started.
    """

    call_s: float
    settle_s: float
    valid_s: float = 5.0
    join: bool = True

    def doubt_until(self, marked_at: float) -> float:
        """
        When the effect of a call that was marked at this moment has shown at the latest.

        A process may be frozen between its last check and the sending, for up to ``settle_s``; the call is then given
        up when the process continues, or when its time is up.
        """
        return marked_at + self.valid_s + max(self.call_s, self.settle_s) + self.settle_s

    def valid_until(self, doubt_until: float) -> float:
        """Until when the call may be sent whose mark has this end of doubt."""
        return doubt_until - self.doubt_until(0.0) + self.valid_s

    def settled_at(self, ended_at: float) -> float:
        """When the effect of a call that ended at this moment without an answer has shown at the latest."""
        return ended_at + self.settle_s


class Sight(Enum):
    """What a reading after a doubtful call shows."""

    EFFECT = "it took effect"
    NONE = "it did not and will not take effect"
    OPEN = "not to be seen yet"


def may_send(now: float, valid_until: float, holds_lease: bool) -> bool:
    """Whether a start call may be sent in this moment: lease and mark hold."""
    return holds_lease and now < valid_until


def doubt_after_restart(doubt_until: float, beat: float, error_s: float, settled_at: float) -> float:
    """
    ``doubt_until`` after the end of the process that made the call.

    A call whose effect could still show at the process's last heartbeat is over now, and counts from now on: between
    that heartbeat and the end the clock may have been set unnoticed.

    Args:
        beat: The last heartbeat, by the clock of that process.
        error_s: By how much that clock was ahead of the wall clock.
        settled_at: When the effect of a call that ended now has shown.
    """
    return settled_at if doubt_until > beat else doubt_until - error_s


def sight(before: Row | None, row: Row | None, asked_at: float, until: float) -> Sight:
    """
    What *row* shows of a call in doubt.

    Args:
        before: The row before the call.
        row: The row that was asked for at *asked_at*; None when F&O showed none.
        until: When the call's effect has shown at the latest, epoch seconds.
    """
    if row is not None and before is not None and was_started(before, row):
        return Sight.EFFECT
    return Sight.NONE if asked_at >= until else Sight.OPEN
