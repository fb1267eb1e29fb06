"""The clock of a start call, in numbers."""

from __future__ import annotations

import pytest

from gateway.notifications.d365.batch_status import Row
from gateway.notifications.workflow.doubt import Sight, StartRules, doubt_after_restart, may_send, sight

IDLE = Row(1, "Finished", 100.0, 200.0)
QUEUED = Row(1, "Waiting", 100.0, 200.0)


@pytest.mark.parametrize(("call_s", "settle_s", "until"), [(130.0, 60.0, 195.0), (10.0, 60.0, 125.0)])
def test_latest_end(call_s: float, settle_s: float, until: float) -> None:
    """
    Doubt counts from the latest end of a call: after the mark's validity the longest call, or a pause before it.

    The mark's own validity can be read back from it.
    """
    rules = StartRules(call_s=call_s, settle_s=settle_s)
    assert rules.doubt_until(0.0) == until
    assert rules.valid_until(rules.doubt_until(7.0)) == 12.0
    assert rules.settled_at(7.0) == 7.0 + settle_s


@pytest.mark.parametrize(
    ("now", "holds_lease", "allowed"), [(9.9, True, True), (10.0, True, False), (9.9, False, False)]
)
def test_may_send(now: float, holds_lease: bool, allowed: bool) -> None:
    """A call is sent only while the lease holds and the mark is valid; its last moment is too late."""
    assert may_send(now, 10.0, holds_lease) is allowed


@pytest.mark.parametrize(
    ("before", "row", "asked_at", "seen"),
    [
        (IDLE, QUEUED, 5.0, Sight.EFFECT),
        (IDLE, QUEUED, 15.0, Sight.EFFECT),
        (IDLE, IDLE, 9.9, Sight.OPEN),
        (IDLE, IDLE, 10.0, Sight.NONE),
        (IDLE, None, 10.0, Sight.NONE),
        (None, QUEUED, 5.0, Sight.OPEN),
    ],
)
def test_sight(before: Row | None, row: Row | None, asked_at: float, seen: Sight) -> None:
    """An effect shows in a reading at any time; that there is none shows only in one asked for when doubt is over."""
    assert sight(before, row, asked_at, 10.0) is seen


@pytest.mark.parametrize(("doubt_until", "expected"), [(100.5, 77.0), (100.0, 90.0), (40.0, 30.0)])
def test_after_restart(doubt_until: float, expected: float) -> None:
    """Doubt that was open at the last heartbeat counts from now on; doubt that was over is shifted with the clock."""
    assert doubt_after_restart(doubt_until, beat=100.0, error_s=10.0, settled_at=77.0) == expected
