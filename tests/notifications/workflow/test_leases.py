"""The ends of a lease: its holder's and the others'."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from gateway.notifications.workflow.leases import has_ended, own_end, recorded_end


@pytest.mark.parametrize("lease_s", [0.5, 15.0, 600.0])
def test_own_end_comes_first(lease_s: float) -> None:
    """The holder stops a tenth of the lease before the others may take over, if not earlier."""
    own = own_end(100.0, lease_s)
    assert own == pytest.approx(100.0 + 0.9 * lease_s)
    assert not has_ended(recorded_end(100.0, lease_s), own)


def test_last_moment() -> None:
    """A lease holds in its last moment, in numbers as in a statement."""
    assert [has_ended(10.0, now) for now in (9.9, 10.0, 10.1)] == [False, False, True]
    assert str(has_ended(sa.column("until"), sa.column("now"))) == "until < now"
