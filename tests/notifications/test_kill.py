"""
kill -9 at random moments: every callback at least once, no batch job started twice, no job lost.

``GATEWAY_KILL_JOBS`` and ``GATEWAY_KILLS`` make the runs longer (1000 and 50: about five minutes each).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.notifications.conftest import run
from tests.notifications.killing import Plan
from tests.notifications.killing import run as run_plan

JOBS = int(os.environ.get("GATEWAY_KILL_JOBS", "60"))
KILLS = int(os.environ.get("GATEWAY_KILLS", "4"))

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_embedded(tmp_path: Path) -> None:
    """The embedded store survives the death of its only process at any moment."""
    plan = Plan(f"sqlite:///{tmp_path}/notifications.db", JOBS, KILLS)
    result = run(run_plan(plan, tmp_path))
    assert result.flawless, result
    assert (result.accepted, result.kills) == (JOBS, KILLS)


@pytest.mark.needs("postgresql")
def test_replicas(postgres: str, tmp_path: Path) -> None:
    """Two replicas on PostgreSQL take over each other's work, whichever of them dies."""
    result = run(run_plan(Plan(postgres, JOBS, KILLS, replicas=2), tmp_path))
    assert result.flawless, result
    assert result.taken_over > 0
