"""Pauses have a floor that grows and a cap; whatever an environment asks for, it is neither hammered nor shut out."""

from __future__ import annotations

import pytest

from gateway.notifications.d365.gate import Gate
from gateway.notifications.workflow.clock import Clock


class Still(Clock):
    """A clock that moves when told."""

    moment = 1000.0

    def now(self) -> float:
        """The moment."""
        return self.moment


def _pauses(gate: Gate, clock: Still, asked_s: float | None, count: int) -> list[float]:
    """A 429 each time a pause is over."""
    seconds = []
    for _ in range(count):
        seconds.append(gate.pause(asked_s))
        clock.moment = gate.closed_until
    return seconds


def test_floor() -> None:
    """``Retry-After: 0`` pauses for a second, then longer and longer, up to the wait in Microsoft's sample."""
    clock = Still()
    assert _pauses(Gate(4, clock), clock, 0.0, 7) == [1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize(("asked_s", "seconds"), [(86_400.0, 600.0), (None, 30.0), (45.0, 45.0)])
def test_cap(asked_s: float | None, seconds: float) -> None:
    """A day becomes ten minutes, an answer without a time half a minute, and reasonable times are honoured."""
    gate = Gate(4, Still())
    assert (gate.pause(asked_s), gate.remaining_s) == (seconds, seconds)


def test_together() -> None:
    """Answers to calls that were under way together count once; a success makes the next pause a first one."""
    clock = Still()
    gate = Gate(4, clock)
    for _ in range(4):
        gate.pause(0.0)
    assert gate.remaining_s == 1.0
    clock.moment += 1.0
    gate.succeed()
    assert gate.pause(0.0) == 1.0
